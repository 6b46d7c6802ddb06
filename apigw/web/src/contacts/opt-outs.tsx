/* SPDX-License-Identifier: GPL-3.0-or-later */
/* opt-outs: the numbers that no blast may reach. */
import { useState } from 'preact/hooks';
import { formatNumber, useT } from '../i18n/index.ts';
import { useSettled } from '../lib/hooks.ts';
import { useList } from '../lib/list.ts';
import { normalisePhone } from '../lib/phone.ts';
import { useStatuses } from '../live/statuses.ts';
import { FormDialog, Listing, Search, StackTable } from '../manage/parts.tsx';
import { Button, Empty, PhoneNumber, ShortTime } from '../ui/basic.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { Field, TextField } from '../ui/field.tsx';
import { toast } from '../ui/toast.tsx';
import { type OptOut, optOutAdd, optOutList, optOutRemove } from './calls.ts';
import { useWords } from './words.ts';

function lines(text: string): string[] {
	return text
		.split(/[\n,;]/)
		.map((line) => line.trim())
		.filter((line) => line !== '');
}

function AddForm({ onAdded, onClose }: { onAdded: () => void; onClose: () => void }) {
	const t = useT();
	const w = useWords();
	const [text, setText] = useState('');
	const [reason, setReason] = useState('');
	const bad = lines(text).filter((line) => normalisePhone(line) === null);
	const save = async (): Promise<boolean> => {
		if (lines(text).length === 0 || bad.length > 0) return false;
		const { added } = await optOutAdd(lines(text), reason.trim());
		toast(added === 0 ? w.optOutAlready : w.optOutAdded(formatNumber(added)));
		onAdded();
		return true;
	};
	return (
		<FormDialog title={w.optOutAdd} action={w.optOutAdd} onSave={save} onClose={onClose} testid="opt-out-form">
			{(_failure, tried) => (
				<>
					<Field
						label={w.optOutNumbers}
						hint={w.optOutNumbersHint}
						error={
							!tried
								? null
								: bad.length > 0
									? w.optOutBad(bad.slice(0, 5).join(', '))
									: text.trim() === ''
										? t.app.required
										: null
						}
					>
						{(ids) => (
							<textarea
								{...ids}
								class="input mono"
								rows={4}
								autofocus
								spellcheck={false}
								value={text}
								onInput={(event) => setText(event.currentTarget.value)}
								data-testid="opt-out-numbers"
							/>
						)}
					</Field>
					<TextField
						label={w.optOutReason}
						hint={w.optOutReasonHint}
						value={reason}
						onValue={setReason}
						maxLength={100}
						data-testid="opt-out-reason"
					/>
				</>
			)}
		</FormDialog>
	);
}

function Row({ optOut, onTake }: { optOut: OptOut; onTake: () => void }) {
	const w = useWords();
	const { byId } = useStatuses();
	const outlet = optOut.outletId === null ? w.anyOutlet : (byId.get(optOut.outletId)?.outlet.name ?? w.anyOutlet);
	return (
		<tr data-testid="opt-out-row" data-phone={optOut.phone}>
			<th scope="row" data-label={w.phone}>
				<PhoneNumber digits={optOut.phone} />
			</th>
			<td data-label={w.optOutReason}>{w.reason[optOut.reason] ?? optOut.reason}</td>
			<td data-label={w.said}>{outlet}</td>
			<td data-label={w.since}>
				<ShortTime time={optOut.createdAt} />
			</td>
			<td class="cell-action">
				<Button
					small
					onClick={onTake}
					aria-label={`${w.optOutTake} +${optOut.phone}`}
					data-testid="opt-out-take"
				>
					{w.optOutTake}
				</Button>
			</td>
		</tr>
	);
}

export function OptOuts() {
	const w = useWords();
	const [text, setText] = useState('');
	const [adding, setAdding] = useState(false);
	const [taking, setTaking] = useState<OptOut | null>(null);
	const typed = useSettled(text.trim(), 300);
	const q = normalisePhone(typed) ?? typed;
	const list = useList(`opt-outs ${q}`, (limit, cursor) => optOutList({ q, limit, cursor }));
	return (
		<section aria-label={w.optOuts}>
			<p class="lead">{w.optOutLead}</p>
			<div class="toolbar">
				<Search label={w.optOutSearch} value={text} onValue={setText} testid="opt-out-search" />
				<Button kind="primary" icon="plus" onClick={() => setAdding(true)} data-testid="opt-out-add">
					{w.optOutAdd}
				</Button>
			</div>
			<Listing
				list={list}
				empty={
					q === '' ? (
						<Empty icon="user" title={w.optOutEmpty} hint={w.optOutEmptyHint} />
					) : (
						<Empty icon="search" title={w.noMatch} />
					)
				}
			>
				{(rows) => (
					<StackTable
						caption={w.optOuts}
						heads={[w.phone, w.optOutReason, w.said, w.since, w.actions]}
					>
						{rows.map((row) => (
							<Row key={row.phone} optOut={row} onTake={() => setTaking(row)} />
						))}
					</StackTable>
				)}
			</Listing>
			{adding && (
				<AddForm
					onAdded={() => {
						setAdding(false);
						void list.again();
					}}
					onClose={() => setAdding(false)}
				/>
			)}
			{taking !== null && (
				<Confirm
					title={w.optOutTakeTitle(`+${taking.phone}`)}
					text={w.optOutTakeText}
					action={w.optOutTake}
					danger
					onConfirm={async () => {
						await optOutRemove(taking.phone);
						setTaking(null);
						toast(w.optOutTaken(`+${taking.phone}`));
						await list.again();
					}}
					onClose={() => setTaking(null)}
				/>
			)}
		</section>
	);
}
