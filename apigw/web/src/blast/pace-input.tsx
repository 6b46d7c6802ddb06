/* SPDX-License-Identifier: GPL-3.0-or-later */
import { formatNumber, useT } from '../i18n/index.ts';
import { toLocalField } from '../lib/time.ts';
import { Checkbox, TextField } from '../ui/field.tsx';
import { type BlastDraft, type DraftProblem, LIMITS } from './draft.ts';

interface PaceProps {
	draft: BlastDraft;
	onChange: (part: Partial<BlastDraft>) => void;
	problems: Set<DraftProblem>;
}

export function PaceInput({ draft, onChange, problems }: PaceProps) {
	const t = useT();
	const b = t.blast;
	const range = (field: keyof typeof LIMITS): string | null =>
		problems.has(field) ? b.numberRange('0', formatNumber(LIMITS[field])) : null;
	const advancedProblem = (['jitter', 'dailyCap', 'windowBoth', 'schedulePast'] as const).some((problem) =>
		problems.has(problem),
	);
	return (
		<fieldset class="fieldset">
			<legend>{b.pace}</legend>
			<TextField
				label={b.perMinute}
				hint={b.perMinuteHint}
				inputMode="numeric"
				class="input input-short"
				placeholder="20"
				value={draft.perMinute}
				onValue={(perMinute) => onChange({ perMinute })}
				error={range('perMinute')}
				data-testid="blast-per-minute"
			/>
			{draft.perMinute.trim() === '0' && (
				<p class="hint hint-warn" role="status">
					{b.unlimited}
				</p>
			)}
			<details class="advanced" open={advancedProblem} data-testid="blast-advanced">
				<summary>{b.advanced}</summary>
				<div class="advanced-grid">
					<TextField
						label={b.jitter}
						hint={b.jitterHint}
						inputMode="numeric"
						placeholder="50"
						value={draft.jitter}
						onValue={(jitter) => onChange({ jitter })}
						error={range('jitter')}
						data-testid="blast-jitter"
					/>
					<TextField
						label={b.dailyCap}
						hint={b.dailyCapHint}
						inputMode="numeric"
						placeholder="1000"
						value={draft.dailyCap}
						onValue={(dailyCap) => onChange({ dailyCap })}
						error={range('dailyCap')}
						data-testid="blast-daily-cap"
					/>
					<fieldset class="window">
						<legend>{b.window}</legend>
						<div class="window-times">
							<input
								class="input"
								type="time"
								aria-label={b.windowFrom}
								value={draft.windowFrom}
								onInput={(event) => onChange({ windowFrom: event.currentTarget.value })}
								data-testid="blast-window-from"
							/>
							<span aria-hidden="true">–</span>
							<input
								class="input"
								type="time"
								aria-label={b.windowUntil}
								value={draft.windowUntil}
								onInput={(event) => onChange({ windowUntil: event.currentTarget.value })}
								data-testid="blast-window-until"
							/>
						</div>
						<p class={problems.has('windowBoth') ? 'error' : 'hint'}>
							{problems.has('windowBoth') ? b.windowBoth : b.windowHint}
						</p>
					</fieldset>
					<TextField
						label={b.schedule}
						hint={b.scheduleHint}
						type="datetime-local"
						min={toLocalField(Date.now())}
						value={draft.scheduleAt}
						onValue={(scheduleAt) => onChange({ scheduleAt })}
						error={problems.has('schedulePast') ? b.schedulePast : null}
						data-testid="blast-schedule"
					/>
				</div>
				<Checkbox
					label={b.skipSame}
					checked={draft.skipSame}
					onChange={(skipSame) => onChange({ skipSame })}
					data-testid="blast-skip-same"
				/>
			</details>
		</fieldset>
	);
}
