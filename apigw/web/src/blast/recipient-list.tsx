/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recipient-list: what became of each recipient. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { blastRecipients } from '../api/calls.ts';
import { type BlastRecipient, RECIPIENT_STATUSES } from '../api/types.ts';
import { useT } from '../i18n/index.ts';
import { problemText, recipientReasonText } from '../i18n/problem.ts';
import { useMedia, useSettled } from '../lib/hooks.ts';
import { normalisePhone } from '../lib/phone.ts';
import { parseTime } from '../lib/time.ts';
import { addRefresher } from '../live/connection.ts';
import { useStatuses } from '../live/statuses.ts';
import { Button, Nothing, Notice, PhoneNumber, RelativeTime, Skeleton } from '../ui/basic.tsx';
import { Icon } from '../ui/icons.tsx';
import { RecipientBadge } from './parts.tsx';

const PAGE = 50;
const FOLLOW_MS = 2000;

interface Pages {
	rows: BlastRecipient[];
	cursor: string | null;
}

/** The latest of its times; what waits has none worth telling. */
function lastTime(recipient: BlastRecipient): string | null {
	if (recipient.status === 'QUEUED') return null;
	let last: string | null = null;
	for (const time of Object.values(recipient.times ?? {}))
		if (time !== null && (parseTime(time) ?? 0) > (parseTime(last) ?? 0)) last = time;
	return last;
}

/** Reads the first page again whenever `version` has moved, at most every two seconds, unless one has paged on. */
function useRecipients(id: string, status: string, q: string, version: string) {
	const [pages, setPages] = useState<Pages | null>(null);
	const [failure, setFailure] = useState<unknown>(null);
	const [loading, setLoading] = useState(false);
	const wanted = useRef('');
	const lastRead = useRef(0);
	const paged = pages !== null && pages.rows.length > PAGE;
	const key = `${status}\n${q}`;

	const read = async (cursor: string | null): Promise<void> => {
		wanted.current = key;
		lastRead.current = Date.now();
		try {
			const answer = await blastRecipients(id, { status, q, limit: PAGE, cursor });
			if (wanted.current !== key) return;
			setPages((old) => ({
				rows: cursor !== null && old ? [...old.rows, ...answer.recipients] : answer.recipients,
				cursor: answer.nextCursor ?? null,
			}));
			setFailure(null);
		} catch (error) {
			setFailure(error);
		}
	};
	const latest = useRef(read);
	latest.current = read;
	const pagedNow = useRef(paged);
	pagedNow.current = paged;

	useEffect(() => {
		setPages(null);
		return addRefresher(() => (pagedNow.current ? Promise.resolve() : latest.current(null)));
	}, [id, key]);
	useEffect(() => {
		if (pages === null || paged) return;
		const wait = Math.max(0, lastRead.current + FOLLOW_MS - Date.now());
		const timer = window.setTimeout(() => void latest.current(null), wait);
		return () => window.clearTimeout(timer);
	}, [version]);

	const more = async (): Promise<void> => {
		setLoading(true);
		await read(pages?.cursor ?? null);
		setLoading(false);
	};
	return { pages, failure, loading, more };
}

function Rows({ rows }: { rows: BlastRecipient[] }) {
	const t = useT();
	const p = t.progress;
	const { byId } = useStatuses();
	const narrow = useMedia('(max-width: 719px)');
	const outletName = (id: string): string => byId.get(id)?.outlet.name ?? id;
	const note = (row: BlastRecipient) => (row.reason ? recipientReasonText(row.reason, t) : null);

	if (narrow) {
		return (
			<ul class="recipient-cards">
				{rows.map((row, index) => (
					<li key={`${row.phone}.${index}`} data-testid="recipient-row" data-phone={row.phone}>
						<span class="recipient-top">
							<strong>
								<PhoneNumber digits={row.phone} />
							</strong>
							<RecipientBadge status={row.status} />
						</span>
						<span class="muted small">
							{outletName(row.outletId)}
							{lastTime(row) !== null && (
								<>
									{' · '}
									<RelativeTime time={lastTime(row)} />
								</>
							)}
						</span>
						{note(row) && <span class="small">{note(row)}</span>}
					</li>
				))}
			</ul>
		);
	}
	return (
		<div class="table-box">
			<table class="table" data-testid="recipient-table">
				<caption class="sr-only">{p.recipients}</caption>
				<thead>
					<tr>
						{[p.phone, p.outlet, p.status, p.note, p.time].map((title) => (
							<th key={title} scope="col">
								{title}
							</th>
						))}
					</tr>
				</thead>
				<tbody>
					{rows.map((row, index) => (
						<tr key={`${row.phone}.${index}`} data-testid="recipient-row" data-phone={row.phone}>
							<th scope="row">
								<PhoneNumber digits={row.phone} />
							</th>
							<td>{outletName(row.outletId)}</td>
							<td>
								<RecipientBadge status={row.status} />
							</td>
							<td>{note(row) ?? <Nothing />}</td>
							<td>
								<RelativeTime time={lastTime(row)} />
							</td>
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}

export function RecipientRows({ id, version }: { id: string; version: string }) {
	const t = useT();
	const [status, setStatus] = useState('');
	const [text, setText] = useState('');
	const typed = useSettled(text.trim(), 300);
	const { pages, failure, loading, more } = useRecipients(id, status, normalisePhone(typed) ?? typed, version);

	return (
		<section class="recipients" aria-labelledby="recipients-title">
			<div class="recipients-head">
				<h2 id="recipients-title">{t.progress.recipients}</h2>
				<div class="search">
					<Icon name="search" />
					<input
						class="input"
						type="search"
						aria-label={t.progress.search}
						placeholder={t.progress.search}
						value={text}
						onInput={(event) => setText(event.currentTarget.value)}
						data-testid="recipient-search"
					/>
				</div>
				<select
					class="input"
					aria-label={t.progress.filter}
					value={status}
					onChange={(event) => setStatus(event.currentTarget.value)}
					data-testid="recipient-filter"
				>
					<option value="">{t.progress.all}</option>
					{RECIPIENT_STATUSES.map((each) => (
						<option key={each} value={each}>
							{t.recipientStatus[each]}
						</option>
					))}
				</select>
			</div>
			{failure !== null && <Notice kind="bad">{problemText(failure, t)}</Notice>}
			{pages === null && failure === null && <Skeleton rows={5} />}
			{pages !== null && pages.rows.length === 0 && <p class="muted none">{t.progress.none}</p>}
			{pages !== null && pages.rows.length > 0 && <Rows rows={pages.rows} />}
			{pages !== null && pages.cursor !== null && (
				<div class="list-foot">
					<Button busy={loading} onClick={() => void more()} data-testid="recipients-more">
						{t.app.loadMore}
					</Button>
				</div>
			)}
		</section>
	);
}
