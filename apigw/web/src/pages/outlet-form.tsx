/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outlet-form: a new outlet, or changes to one. */
import { useEffect, useState } from 'preact/hooks';
import { outletAdd, outletEdit, outletGet, outletStatus, type OutletFields } from '../api/calls.ts';
import type { OutletPace, OutletStatus, WarmUp } from '../api/types.ts';
import { LIMITS } from '../blast/draft.ts';
import { formatNumber, useT } from '../i18n/index.ts';
import { fieldText, problemText } from '../i18n/problem.ts';
import { normalisePhone } from '../lib/phone.ts';
import { applyStatus, refreshStatuses } from '../live/statuses.ts';
import { Button, Notice, Skeleton } from '../ui/basic.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Checkbox, TextField } from '../ui/field.tsx';
import { toast } from '../ui/toast.tsx';
import { useWords } from './outlet-words.ts';

const WARM_UP = { start: [1, 1_000_000], growth: [1.1, 10] } as const;
const DAYS_SHOWN = 6;

interface Draft {
	name: string;
	number: string;
	isActive: boolean;
	autoReconnect: boolean;
	perMinute: string;
	warmsUp: boolean;
	start: string;
	growth: string;
	/** Of an outlet that warms up: what it may send today; 0: no cap any more. */
	capToday: number | null;
	/** The rest of the pace, which this form leaves as it is. */
	pace: OutletPace;
}

const NEW: Draft = {
	name: '',
	number: '',
	isActive: true,
	autoReconnect: true,
	perMinute: '',
	warmsUp: false,
	start: '50',
	growth: '1.5',
	capToday: null,
	pace: {},
};

function within(value: number, [min, max]: readonly [number, number]): boolean {
	return value >= min && value <= max; // not a NaN
}

/** As people write it: with a comma, too. */
function growthOf(draft: Draft): number {
	return Number(draft.growth.trim().replace(',', '.') || Number.NaN);
}

function startOf(draft: Draft): number {
	return /^\d{1,7}$/.test(draft.start.trim()) ? Number(draft.start) : Number.NaN;
}

/** Null: none; undefined: what was typed is none. */
function warmUpOf(draft: Draft): WarmUp | null | undefined {
	if (!draft.warmsUp) return null;
	const warmUp = { start: startOf(draft), growth: growthOf(draft) };
	return within(warmUp.start, WARM_UP.start) && within(warmUp.growth, WARM_UP.growth) ? warmUp : undefined;
}

function daysOf({ start, growth }: WarmUp): string {
	return Array.from({ length: DAYS_SHOWN }, (_, day) => formatNumber(Math.floor(start * growth ** day))).join(', ');
}

function fieldsOf(draft: Draft, number: string, warmUp: WarmUp | null): OutletFields {
	return {
		name: draft.name.trim(),
		whatsappNumber: number,
		isActive: draft.isActive,
		autoReconnect: draft.autoReconnect,
		pace: {
			...draft.pace,
			...(draft.perMinute.trim() === '' ? {} : { perMinute: Number(draft.perMinute) }),
			...(warmUp === null ? {} : { warmUp }),
		},
	};
}

function isRate(text: string): boolean {
	return text.trim() === '' || (/^\d{1,5}$/.test(text.trim()) && Number(text) <= LIMITS.perMinute);
}

/** The draft of an outlet that exists; null until it is read. */
function useDraft(outlet: OutletStatus | null): [Draft | null, (part: Partial<Draft>) => void, unknown] {
	const [draft, setDraft] = useState<Draft | null>(outlet === null ? NEW : null);
	const [failure, setFailure] = useState<unknown>(null);

	useEffect(() => {
		if (outlet === null) return;
		outletGet(outlet.outletId).then(({ outlet: found }) => {
			const { perMinute, warmUp, ...pace } = found.pace ?? {};
			setDraft({
				name: found.name,
				number: found.whatsappNumber,
				isActive: found.isActive,
				autoReconnect: found.autoReconnect,
				perMinute: perMinute === undefined ? '' : String(perMinute),
				warmsUp: Boolean(warmUp),
				start: String(warmUp?.start ?? NEW.start),
				growth: String(warmUp?.growth ?? NEW.growth),
				capToday: (warmUp && found.dailyCapToday) ?? null,
				pace,
			});
		}, setFailure);
	}, []);
	return [draft, (part) => setDraft((old) => (old === null ? null : { ...old, ...part })), failure];
}

async function save(outlet: OutletStatus | null, fields: OutletFields): Promise<void> {
	const answer = outlet === null ? await outletAdd(fields) : await outletEdit(outlet.outletId, fields);
	const id = outlet?.outletId ?? answer?.outlet?.id;
	if (id) applyStatus((await outletStatus(id)).status);
	else await refreshStatuses();
}

function WarmUpFields({
	draft,
	change,
	failure,
}: {
	draft: Draft;
	change: (part: Partial<Draft>) => void;
	failure: unknown;
}) {
	const t = useT();
	const w = useWords();
	const warmUp = warmUpOf(draft);
	const range = ([min, max]: readonly [number, number]): string =>
		t.blast.numberRange(formatNumber(min), formatNumber(max));
	return (
		<>
			<Checkbox
				label={w.warmUp}
				hint={w.warmUpHint}
				checked={draft.warmsUp}
				onChange={(warmsUp) => change({ warmsUp })}
				data-testid="outlet-warm-up"
			/>
			{draft.warmsUp && (
				<div class="field-group">
					<div class="columns">
						<TextField
							label={w.warmUpStart}
							inputMode="numeric"
							value={draft.start}
							onValue={(start) => change({ start })}
							error={
								within(startOf(draft), WARM_UP.start)
									? fieldText(failure, 'pace.warmUp.start', t)
									: range(WARM_UP.start)
							}
							data-testid="outlet-warm-up-start"
						/>
						<TextField
							label={w.warmUpGrowth}
							hint={w.warmUpGrowthHint}
							inputMode="decimal"
							value={draft.growth}
							onValue={(growth) => change({ growth })}
							error={
								within(growthOf(draft), WARM_UP.growth)
									? fieldText(failure, 'pace.warmUp.growth', t)
									: range(WARM_UP.growth)
							}
							data-testid="outlet-warm-up-growth"
						/>
					</div>
					{warmUp && (
						<p class="hint" role="status">
							{w.warmUpDays(daysOf(warmUp))}
						</p>
					)}
					{draft.capToday !== null && (
						<p class="hint" data-testid="outlet-cap-today">
							{draft.capToday === 0 ? w.warmUpOver : w.warmUpToday(formatNumber(draft.capToday))}
						</p>
					)}
				</div>
			)}
		</>
	);
}

export function OutletForm({ outlet, onClose }: { outlet: OutletStatus | null; onClose: () => void }) {
	const t = useT();
	const o = useWords();
	const [draft, change, loadFailure] = useDraft(outlet);
	const [tried, setTried] = useState(false);
	const [busy, setBusy] = useState(false);
	const [failure, setFailure] = useState<unknown>(null);
	const number = draft === null ? null : normalisePhone(draft.number);
	const shownFailure = failure ?? loadFailure;

	const submit = async (event: Event): Promise<void> => {
		event.preventDefault();
		setTried(true);
		setFailure(null);
		if (draft === null || draft.name.trim() === '' || number === null || !isRate(draft.perMinute)) return;
		const warmUp = warmUpOf(draft);
		if (warmUp === undefined) return;
		setBusy(true);
		try {
			await save(outlet, fieldsOf(draft, number, warmUp));
			toast((outlet === null ? o.added : o.saved)(draft.name.trim()));
			onClose();
		} catch (error) {
			setFailure(error);
			setBusy(false);
		}
	};

	return (
		<Dialog title={outlet === null ? o.addTitle : o.editTitle} onClose={onClose} data-testid="outlet-form">
			{shownFailure !== null && (
				<Notice kind="bad" role="alert">
					{problemText(shownFailure, t)}
				</Notice>
			)}
			{draft === null ? (
				loadFailure === null && <Skeleton rows={4} />
			) : (
				<form onSubmit={(event) => void submit(event)} noValidate>
					<TextField
						label={o.name}
						hint={o.nameHint}
						value={draft.name}
						onValue={(name) => change({ name })}
						maxLength={80}
						autofocus
						error={tried && draft.name.trim() === '' ? t.app.required : fieldText(failure, 'name', t)}
						data-testid="outlet-name"
					/>
					<TextField
						label={o.number}
						hint={o.numberHint}
						type="tel"
						value={draft.number}
						onValue={(value) => change({ number: value })}
						error={
							tried && number === null
								? draft.number.trim() === ''
									? t.app.required
									: o.numberBad
								: fieldText(failure, 'whatsappNumber', t)
						}
						data-testid="outlet-number"
					/>
					<TextField
						label={o.perMinute}
						hint={o.perMinuteHint}
						inputMode="numeric"
						value={draft.perMinute}
						onValue={(perMinute) => change({ perMinute })}
						error={
							isRate(draft.perMinute) ? null : t.blast.numberRange('0', formatNumber(LIMITS.perMinute))
						}
						data-testid="outlet-per-minute"
					/>
					<WarmUpFields draft={draft} change={change} failure={failure} />
					<Checkbox
						label={t.outlets.autoReconnect}
						hint={o.autoHint}
						checked={draft.autoReconnect}
						onChange={(autoReconnect) => change({ autoReconnect })}
						data-testid="outlet-auto-reconnect"
					/>
					<Checkbox
						label={o.isActive}
						hint={o.isActiveHint}
						checked={draft.isActive}
						onChange={(isActive) => change({ isActive })}
						data-testid="outlet-active"
					/>
					<div class="dialog-actions">
						<Button onClick={onClose}>{t.app.cancel}</Button>
						<Button kind="primary" type="submit" busy={busy} data-testid="outlet-save">
							{outlet === null ? t.outlets.add : t.app.save}
						</Button>
					</div>
				</form>
			)}
		</Dialog>
	);
}
