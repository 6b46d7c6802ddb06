/* SPDX-License-Identifier: GPL-3.0-or-later */
/* replies: what a blast's recipients answered, the newest first. */
import type { BlastReply } from '../api/types.ts';
import { useList } from '../lib/list.ts';
import { useStatuses } from '../live/statuses.ts';
import { Listing, StackTable } from '../manage/parts.tsx';
import { Nothing, PhoneNumber, ShortTime } from '../ui/basic.tsx';
import { useFollow } from './at-outlets.tsx';
import { blastReplies } from './calls.ts';
import { useWords } from './words.ts';

function receivedAt(reply: BlastReply): string | null {
	return Object.values(reply.times ?? {}).find((time) => time !== null) ?? null;
}

function Row({ reply }: { reply: BlastReply }) {
	const w = useWords();
	const { byId } = useStatuses();
	return (
		<tr data-testid="reply-row">
			<th scope="row" data-label={w.from}>
				{reply.peer === null ? <Nothing /> : <PhoneNumber digits={reply.peer} />}
			</th>
			<td data-label={w.said}>
				{reply.kind !== 'text' && <span class="tag">{w.kind[reply.kind] ?? w.otherKind}</span>}{' '}
				<span class="settings-text">{reply.text}</span>
			</td>
			<td data-label={w.outlet}>{byId.get(reply.outletId)?.outlet.name ?? <Nothing />}</td>
			<td data-label={w.at}>
				<ShortTime time={receivedAt(reply)} />
			</td>
		</tr>
	);
}

export function Replies({ id, count }: { id: string; count: number }) {
	const w = useWords();
	const list = useList(`replies to ${id}`, (limit, cursor) => blastReplies(id, limit, cursor));
	useFollow(list, String(count));
	return (
		<section class="at-outlets" aria-labelledby="replies-title" data-testid="blast-replies">
			<h2 id="replies-title">{w.replies}</h2>
			<p class="hint">{w.repliesLead}</p>
			<Listing list={list} empty={<Nothing />}>
				{(rows) => (
					<StackTable caption={w.replies} heads={[w.from, w.said, w.outlet, w.at]}>
						{rows.map((reply) => (
							<Row key={reply.id} reply={reply} />
						))}
					</StackTable>
				)}
			</Listing>
		</section>
	);
}
