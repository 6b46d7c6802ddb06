/* SPDX-License-Identifier: GPL-3.0-or-later */
/* audit: who changed what, the newest first; the SUPERADMIN's. */
import { useState } from 'preact/hooks';
import { useSettled } from '../lib/hooks.ts';
import { useList } from '../lib/list.ts';
import { useStatuses } from '../live/statuses.ts';
import { Listing, Search, StackTable } from '../manage/parts.tsx';
import { Empty, Nothing, ShortTime } from '../ui/basic.tsx';
import { type AuditEntry, auditList } from './calls.ts';
import { actionText, useWords } from './words.ts';

const SAYS_NOTHING = new Set(['updatedAt', 'createdAt', 'id']);

function shown(value: unknown, nothing: string): string {
	if (value === null || value === undefined || value === '') return nothing;
	return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The fields that are another now; of what was added or removed all of them. */
function changedFields({ before, after }: AuditEntry): string[] {
	const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
	return [...names].filter(
		(name) => !SAYS_NOTHING.has(name) && JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]),
	);
}

function Change({ entry }: { entry: AuditEntry }) {
	const w = useWords();
	const names = changedFields(entry);
	if (names.length === 0 && (entry.detail === null || entry.detail === undefined)) return <Nothing />;
	return (
		<details class="audit-change">
			<summary>{names.length > 0 ? names.slice(0, 4).join(', ') : w.auditDetails}</summary>
			<ul>
				{names.map((name) => (
					<li key={name}>
						<code>{name}</code>:{' '}
						{entry.before !== null && entry.after !== null && (
							<>
								<s>{shown(entry.before[name], w.nothing)}</s> →{' '}
							</>
						)}
						{shown((entry.after ?? entry.before)?.[name], w.nothing)}
					</li>
				))}
				{entry.detail !== null && entry.detail !== undefined && <li>{shown(entry.detail, w.nothing)}</li>}
			</ul>
		</details>
	);
}

function Row({ entry }: { entry: AuditEntry }) {
	const w = useWords();
	const { byId } = useStatuses();
	const named = entry.action === 'login' ? entry.actor : ((entry.after ?? entry.before)?.name ?? (entry.after ?? entry.before)?.username);
	const subject = byId.get(entry.subject ?? '')?.outlet.name ?? (typeof named === 'string' ? named : entry.subject);
	return (
		<tr data-testid="audit-row" data-action={entry.action}>
			<td data-label={w.auditAt}>
				<ShortTime time={entry.at} />
			</td>
			<td data-label={w.auditActor} class="cell-vars">
				<span>{entry.actor}</span>
				{entry.remote !== null && <span class="muted small">{w.auditFrom(entry.remote)}</span>}
			</td>
			<td data-label={w.auditAction} title={entry.action}>
				{actionText(entry.action, w)}
			</td>
			<td data-label={w.auditSubject} class="settings-text" title={entry.subject ?? undefined}>
				{subject ?? <Nothing />}
			</td>
			<td data-label={w.auditChange}>
				<Change entry={entry} />
			</td>
		</tr>
	);
}

export function Audit() {
	const w = useWords();
	const [text, setText] = useState('');
	const q = useSettled(text.trim(), 300);
	const list = useList(`audit ${q}`, (limit, cursor) => auditList(q, limit, cursor));
	return (
		<section aria-label={w.audit}>
			<p class="lead">{w.auditLead}</p>
			<div class="toolbar">
				<Search label={w.auditSearch} value={text} onValue={setText} testid="audit-search" />
			</div>
			<Listing list={list} empty={<Empty icon="search" title={q === '' ? w.auditEmpty : w.noMatch} />}>
				{(rows) => (
					<StackTable
						caption={w.audit}
						heads={[w.auditAt, w.auditActor, w.auditAction, w.auditSubject, w.auditChange]}
					>
						{rows.map((entry) => (
							<Row key={entry.id} entry={entry} />
						))}
					</StackTable>
				)}
			</Listing>
		</section>
	);
}
