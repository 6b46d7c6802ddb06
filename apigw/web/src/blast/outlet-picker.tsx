/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outlet-picker: from which outlets. Those that are not healthy are shown with their reasons and cannot be chosen. */
import type { OutletStatus } from '../api/types.ts';
import { formatNumber, type Messages, useT } from '../i18n/index.ts';
import { PhoneNumber, StatusBadge } from '../ui/basic.tsx';
import { reasonText } from '../ui/outlet-parts.tsx';

interface PickerProps {
	list: OutletStatus[];
	all: boolean;
	chosen: readonly string[];
	onAll: (all: boolean) => void;
	onChosen: (chosen: string[]) => void;
	error: string | null;
}

/** The badge says it already, unless the outlet is connected and yet cannot send. */
function whyNot(status: OutletStatus, t: Messages): string {
	if (status.liveStatus.status !== 'CONNECTED') return t.blast.cannotSend;
	return `${t.blast.cannotSend}: ${status.unhealthyReasons.map((reason) => reasonText(reason, t)).join(', ')}`;
}

function Choice({
	status,
	all,
	chosen,
	onToggle,
}: {
	status: OutletStatus;
	all: boolean;
	chosen: boolean;
	onToggle: () => void;
}) {
	const t = useT();
	return (
		<li>
			<label
				class={`pick${status.healthy ? '' : ' is-off'}`}
				data-testid="pick-outlet"
				data-outlet-id={status.outletId}
				data-healthy={status.healthy}
				title={status.unhealthyReasons.map((reason) => reasonText(reason, t)).join(', ')}
			>
				<input
					type="checkbox"
					checked={status.healthy && (all || chosen)}
					disabled={!status.healthy || all}
					onChange={onToggle}
					aria-label={status.outlet.name}
				/>
				<span class="pick-name">
					<strong>{status.outlet.name}</strong>
					<span class="muted small">
						{status.healthy ? <PhoneNumber digits={status.outlet.whatsappNumber} /> : whyNot(status, t)}
					</span>
				</span>
				<StatusBadge status={status.liveStatus.status} />
			</label>
		</li>
	);
}

export function OutletPicker({ list, all, chosen, onAll, onChosen, error }: PickerProps) {
	const t = useT();
	const healthy = list.filter((status) => status.healthy);
	const sorted = [...healthy, ...list.filter((status) => !status.healthy)];
	const toggle = (id: string): void =>
		onChosen(chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id]);

	return (
		<fieldset
			class={`fieldset${error ? ' has-error' : ''}`}
			aria-describedby={error ? 'pick-error' : undefined}
			data-testid="blast-outlets"
		>
			<legend>{t.blast.from}</legend>
			{list.length > 1 && (
				<label class={`pick pick-all${healthy.length === 0 ? ' is-off' : ''}`}>
					<input
						type="checkbox"
						checked={all && healthy.length > 0}
						disabled={healthy.length === 0}
						onChange={(event) => onAll(event.currentTarget.checked)}
						data-testid="blast-all-outlets"
					/>
					<span class="pick-name">
						<strong>{t.blast.allOutlets}</strong>
					</span>
					<span class="muted small">{t.blast.allHint(formatNumber(healthy.length))}</span>
				</label>
			)}
			<ul class="picks">
				{sorted.map((status) => (
					<Choice
						key={status.outletId}
						status={status}
						all={all}
						chosen={chosen.includes(status.outletId)}
						onToggle={() => toggle(status.outletId)}
					/>
				))}
			</ul>
			{list.length === 0 && <p class="hint">{t.blast.noOutlets}</p>}
			{error && (
				<p class="error" id="pick-error">
					{error}
				</p>
			)}
		</fieldset>
	);
}
