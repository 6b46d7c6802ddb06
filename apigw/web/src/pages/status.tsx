/* SPDX-License-Identifier: GPL-3.0-or-later */
/* status: the board of all outlets. A table where there is room, cards where there is not. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { OutletStatus, Status } from '../api/types.ts';
import { Figures } from '../board/figures.tsx';
import { type Filter, matches, search, Toolbar } from '../board/filter.tsx';
import { Card, Table } from '../board/rows.tsx';
import { formatNumber, type Messages, useT } from '../i18n/index.ts';
import { useMedia, useTitle } from '../lib/hooks.ts';
import { useStatuses } from '../live/statuses.ts';
import { mayManageOutlets } from '../session.ts';
import { Button, Empty, PageHead, Skeleton } from '../ui/basic.tsx';
import { Refresh } from '../ui/refresh.tsx';
import { announce } from '../ui/toast.tsx';
import { useUser } from '../user.ts';
import { useOutletActions } from './outlet-actions.tsx';

const ROWS_AT_ONCE = 60;

/** Says which outlets changed, to those who cannot see it. */
function useAnnouncements(list: OutletStatus[], t: Messages): void {
	const [known] = useState(() => new Map<string, Status>());
	useEffect(() => {
		const changed: string[] = [];
		for (const status of list) {
			const before = known.get(status.outletId);
			if (before !== undefined && before !== status.liveStatus.status)
				changed.push(t.live.changed(status.outlet.name, t.status[status.liveStatus.status]));
			known.set(status.outletId, status.liveStatus.status);
		}
		if (changed.length > 0) announce(changed.slice(0, 5).join('. '));
	}, [list]);
}

function Board({ list }: { list: OutletStatus[] }) {
	const t = useT();
	const wide = useMedia('(min-width: 1270px)');
	const actions = useOutletActions();
	const [text, setText] = useState('');
	const [filter, setFilter] = useState<Filter>('all');
	const [shown, setShown] = useState(ROWS_AT_ONCE);
	const rows = useMemo(() => search(list, text).filter((status) => matches(status, filter)), [list, text, filter]);
	const visible = rows.slice(0, shown);

	useAnnouncements(list, t);
	useEffect(() => setShown(ROWS_AT_ONCE), [text, filter]);
	return (
		<>
			<Figures list={list} />
			<Toolbar list={list} text={text} onText={setText} filter={filter} onFilter={setFilter} />
			{rows.length === 0 ? (
				<Empty icon="search" title={t.board.noMatch} hint={t.board.noMatchHint}>
					<Button
						onClick={() => {
							setText('');
							setFilter('all');
						}}
					>
						{t.board.clearFilter}
					</Button>
				</Empty>
			) : wide ? (
				<Table rows={visible} actions={actions} />
			) : (
				<ul class="card-grid">
					{visible.map((status) => (
						<Card key={status.outletId} status={status} actions={actions} />
					))}
				</ul>
			)}
			<div class="list-foot">
				<span class="muted" role="status">
					{t.board.shown(formatNumber(rows.length), formatNumber(list.length))}
				</span>
				{rows.length > shown && (
					<Button onClick={() => setShown(shown + ROWS_AT_ONCE)}>
						{t.app.showMore(formatNumber(Math.min(ROWS_AT_ONCE, rows.length - shown)))}
					</Button>
				)}
			</div>
			{actions.dialogs}
		</>
	);
}

function NoOutlets() {
	const t = useT();
	const manages = mayManageOutlets(useUser());
	return (
		<Empty icon="store" title={t.board.empty} hint={manages ? t.board.emptyHint : t.board.emptyUser}>
			{manages && (
				<a class="button button-primary" href="/outlets">
					{t.board.goToOutlets}
				</a>
			)}
		</Empty>
	);
}

export function StatusPage() {
	const t = useT();
	const { loaded, list } = useStatuses();
	useTitle(t.board.title);
	return (
		<>
			<PageHead title={t.board.title} lead={t.board.lead}>
				<Refresh />
			</PageHead>
			{!loaded ? <Skeleton rows={7} /> : list.length === 0 ? <NoOutlets /> : <Board list={list} />}
		</>
	);
}
