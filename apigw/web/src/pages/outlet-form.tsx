/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outlet-form: a new outlet, or changes to one. */
import { useEffect, useState } from 'preact/hooks';
import { outletAdd, outletEdit, outletGet, outletStatus, type OutletFields } from '../api/calls.ts';
import type { OutletStatus, Pace } from '../api/types.ts';
import { LIMITS } from '../blast/draft.ts';
import { formatNumber, useT } from '../i18n/index.ts';
import { fieldText, problemText } from '../i18n/problem.ts';
import { normalisePhone } from '../lib/phone.ts';
import { applyStatus, refreshStatuses } from '../live/statuses.ts';
import { Button, Notice, Skeleton } from '../ui/basic.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Checkbox, TextField } from '../ui/field.tsx';
import { toast } from '../ui/toast.tsx';

interface Draft {
	name: string;
	number: string;
	isActive: boolean;
	autoReconnect: boolean;
	perMinute: string;
	/** The rest of the pace, which this form leaves as it is. */
	pace: Pace;
}

const NEW: Draft = { name: '', number: '', isActive: true, autoReconnect: true, perMinute: '', pace: {} };

function fieldsOf(draft: Draft, number: string): OutletFields {
	return {
		name: draft.name.trim(),
		whatsappNumber: number,
		isActive: draft.isActive,
		autoReconnect: draft.autoReconnect,
		pace: draft.perMinute.trim() === '' ? draft.pace : { ...draft.pace, perMinute: Number(draft.perMinute) },
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
			const { perMinute, ...pace } = found.pace ?? {};
			setDraft({
				name: found.name,
				number: found.whatsappNumber,
				isActive: found.isActive,
				autoReconnect: found.autoReconnect,
				perMinute: perMinute === undefined ? '' : String(perMinute),
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

export function OutletForm({ outlet, onClose }: { outlet: OutletStatus | null; onClose: () => void }) {
	const t = useT();
	const o = t.outlets;
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
		setBusy(true);
		try {
			await save(outlet, fieldsOf(draft, number));
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
					<Checkbox
						label={o.autoReconnect}
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
							{outlet === null ? o.add : t.app.save}
						</Button>
					</div>
				</form>
			)}
		</Dialog>
	);
}
