/* SPDX-License-Identifier: GPL-3.0-or-later */
/* status: the board of all outlets. A table where there is room, cards where there is not. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { type OutletStatus, type Status, STATUSES } from '../api/types.ts';
import { formatNumber, type Messages, useT } from '../i18n/index.ts';
import { useMedia, useTitle } from '../lib/hooks.ts';
import { healthyCount, useStatuses } from '../live/statuses.ts';
import { type OutletActions, useOutletActions } from './outlet-actions.tsx';
import { Button, Empty, Nothing, PageHead, PhoneNumber, RelativeTime, ShortTime, Skeleton, StatusBadge } from '../ui/basic.tsx';
import { Icon, type IconName } from '../ui/icons.tsx';
import { Health, nextStep, Retries, Troubles } from '../ui/outlet-parts.tsx';
import { Refresh } from '../ui/refresh.tsx';
import { announce } from '../ui/toast.tsx';
import { mayManageOutlets } from '../session.ts';
import { useUser } from '../user.ts';

const ROWS_AT_ONCE = 60;
type Filter = 'all' | 'healthy' | 'attention' | Status;

function Figure({ testid, icon, kind, value, label, hint }: { testid: string; icon: IconName; kind: string; value: number; label: string; hint: string }) {
	return (
		<li class={`figure figure-${kind}`} data-testid={testid}>
			<span class="figure-icon">
				<Icon name={icon} size={22} />
			</span>
			<div>
				<p class="figure-label">{label}</p>
				<p>
					<span class="figure-value">{formatNumber(value)}</span> <span class="figure-hint">{hint}</span>
				</p>
			</div>
		</li>
	);
}

function Figures({ list }: { list: OutletStatus[] }) {
	const t = useT();
	const healthy = healthyCount(list);
	const attention = list.length - healthy;
	return (
		<ul class="figures">
			<Figure testid="figure-total" icon="store" kind="plain" value={list.length} label={t.board.total} hint={t.board.totalHint} />
			<Figure testid="figure-healthy" icon="check" kind="good" value={healthy} label={t.board.healthy} hint={t.board.healthyHint} />
			<Figure testid="figure-attention" icon="alert" kind={attention > 0 ? 'warn' : 'plain'} value={attention} label={t.board.attention} hint={attention > 0 ? t.board.attentionHint : t.board.noneNeeds} />
		</ul>
	);
}

function matches(status: OutletStatus, filter: Filter): boolean {
	if (filter === 'all') return true;
	if (filter === 'healthy') return status.healthy;
	if (filter === 'attention') return !status.healthy;
	return status.liveStatus.status === filter;
}

function found(status: OutletStatus, words: string[], digits: string): boolean {
	const text = `${status.outlet.name} ${status.outlet.whatsappNumber} ${status.session.sessionName ?? ''}`.toLowerCase();
	if (digits.length >= 3 && status.outlet.whatsappNumber.includes(digits)) return true;
	return words.every((word) => text.includes(word));
}

/** What was typed, as words and as a number: "0812-34" finds 6281234…. */
function search(list: OutletStatus[], text: string): OutletStatus[] {
	const words = text.toLowerCase().split(/\s+/).filter(Boolean);
	const digits = /^[\d\s+\-().]+$/.test(text) ? text.replace(/\D/g, '').replace(/^0/, '62') : '';
	return words.length === 0 ? list : list.filter((status) => found(status, words, digits));
}

function filterChoices(list: OutletStatus[], t: Messages): [Filter, string, number][] {
	const count = (filter: Filter): number => list.reduce((n, status) => n + (matches(status, filter) ? 1 : 0), 0);
	const choices: [Filter, string][] = [
		['all', t.board.all],
		['healthy', t.board.healthy],
		['attention', t.board.attention],
		...STATUSES.map((status): [Filter, string] => [status, t.status[status]]),
	];
	return choices.map(([filter, label]) => [filter, label, count(filter)]);
}

function Toolbar({ list, text, onText, filter, onFilter }: { list: OutletStatus[]; text: string; onText: (text: string) => void; filter: Filter; onFilter: (filter: Filter) => void }) {
	const t = useT();
	const choices = useMemo(() => filterChoices(list, t), [list, t]);
	return (
		<div class="toolbar">
			<div class="search">
				<Icon name="search" />
				<input class="input" type="search" aria-label={t.board.search} placeholder={t.board.searchHint} value={text} onInput={(event) => onText(event.currentTarget.value)} data-testid="search" />
			</div>
			<div class="chips" role="group" aria-label={t.board.filter}>
				{choices.map(([key, label, count]) => (
					<button key={key} type="button" class="chip" aria-pressed={filter === key} disabled={count === 0 && filter !== key} data-filter={key} onClick={() => onFilter(filter === key ? 'all' : key)}>
						{label} <span class="chip-count">{formatNumber(count)}</span>
					</button>
				))}
			</div>
		</div>
	);
}

interface RowProps {
	status: OutletStatus;
	actions: OutletActions;
}

function StepButton({ status, actions }: RowProps) {
	const t = useT();
	const step = nextStep(status);
	// What comes back by itself needs no button here.
	if (step === null || step === 'reconnect') return null;
	return (
		<Button small icon={step === 'resume' ? 'play' : 'qr'} onClick={() => (step === 'resume' ? actions.resume(status) : actions.openConnect(status))} data-testid={`row-${step}`} aria-label={`${t.outlets[step]} ${status.outlet.name}`}>
			{t.outlets[step]}
		</Button>
	);
}

function Name({ status }: { status: OutletStatus }) {
	const t = useT();
	return (
		<div class="outlet-name">
			<strong>{status.outlet.name}</strong>
			<span class="muted">
				<PhoneNumber digits={status.outlet.whatsappNumber} />
				{!status.outlet.isActive && <span class="tag">{t.board.inactive}</span>}
			</span>
		</div>
	);
}

function LiveBadge({ status }: { status: OutletStatus }) {
	const t = useT();
	const live = status.liveStatus;
	const details = typeof live.latencyMs === 'number' && live.instance ? t.board.details(live.instance, formatNumber(live.latencyMs)) : undefined;
	return (
		<span class="live-badge" title={details}>
			<StatusBadge status={live.status} />
			{live.qrCode && <span class="muted small">{t.board.qrWaiting}</span>}
		</span>
	);
}

function TableRow({ status, actions }: RowProps) {
	const hasTrouble = status.session.lastError !== null || Boolean(status.restriction);
	return (
		<>
			<tr class={hasTrouble ? 'has-more' : ''} data-testid="outlet-row" data-outlet-id={status.outletId} data-live-status={status.liveStatus.status}>
				<th scope="row">
					<Name status={status} />
				</th>
				<td data-testid="status-db">
					<StatusBadge status={status.session.status} />
				</td>
				<td data-testid="status-live">
					<LiveBadge status={status} />
				</td>
				<td>{status.session.sessionName ?? <Nothing />}</td>
				<td>
					<ShortTime time={status.session.connectedAt} />
				</td>
				<td>
					<RelativeTime time={status.session.lastSeen} />
				</td>
				<td>
					<Retries status={status} />
				</td>
				<td>
					<Health status={status} />
				</td>
				<td class="cell-action">
					<StepButton status={status} actions={actions} />
				</td>
			</tr>
			{hasTrouble && (
				<tr class="more-row" data-outlet-id={status.outletId}>
					<td colSpan={9}>
						<Troubles status={status} />
					</td>
				</tr>
			)}
		</>
	);
}

function Table({ rows, actions }: { rows: OutletStatus[]; actions: OutletActions }) {
	const t = useT();
	const b = t.board;
	return (
		<div class="table-box">
			<table class="table" data-testid="outlet-table">
				<caption class="sr-only">{b.title}</caption>
				<thead>
					<tr>
						{[b.outlet, b.statusDb, b.statusLive, b.sessionName, b.connectedAt, b.lastSeen, b.retry, b.health].map((title) => (
							<th key={title} scope="col">
								{title}
							</th>
						))}
						<th scope="col">
							<span class="sr-only">{b.action}</span>
						</th>
					</tr>
				</thead>
				<tbody>
					{rows.map((status) => (
						<TableRow key={status.outletId} status={status} actions={actions} />
					))}
				</tbody>
			</table>
		</div>
	);
}

function Card({ status, actions }: RowProps) {
	const t = useT();
	const b = t.board;
	return (
		<li class="card status-card" data-testid="outlet-row" data-outlet-id={status.outletId} data-live-status={status.liveStatus.status}>
			<div class="status-card-head">
				<Name status={status} />
				<StepButton status={status} actions={actions} />
			</div>
			<dl class="facts facts-two">
				<div data-testid="status-db">
					<dt>{b.statusDb}</dt>
					<dd>
						<StatusBadge status={status.session.status} />
					</dd>
				</div>
				<div data-testid="status-live">
					<dt>{b.statusLive}</dt>
					<dd>
						<LiveBadge status={status} />
					</dd>
				</div>
				<div>
					<dt>{b.sessionName}</dt>
					<dd>{status.session.sessionName ?? <Nothing />}</dd>
				</div>
				<div>
					<dt>{b.lastSeen}</dt>
					<dd>
						<RelativeTime time={status.session.lastSeen} />
					</dd>
				</div>
				<div>
					<dt>{b.connectedAt}</dt>
					<dd>
						<ShortTime time={status.session.connectedAt} />
					</dd>
				</div>
				<div>
					<dt>{b.retry}</dt>
					<dd>
						<Retries status={status} />
					</dd>
				</div>
			</dl>
			<Health status={status} />
			<Troubles status={status} />
		</li>
	);
}

/** Says which outlets changed, to those who cannot see it. */
function useAnnouncements(list: OutletStatus[], t: Messages): void {
	const [known] = useState(() => new Map<string, Status>());
	useEffect(() => {
		const changed: string[] = [];
		for (const status of list) {
			const before = known.get(status.outletId);
			if (before !== undefined && before !== status.liveStatus.status) changed.push(t.live.changed(status.outlet.name, t.status[status.liveStatus.status]));
			known.set(status.outletId, status.liveStatus.status);
		}
		if (changed.length > 0) announce(changed.slice(0, 5).join('. '));
	}, [list]);
}

function Board({ list }: { list: OutletStatus[] }) {
	const t = useT();
	const wide = useMedia('(min-width: 1240px)');
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
				{rows.length > shown && <Button onClick={() => setShown(shown + ROWS_AT_ONCE)}>{t.app.showMore(formatNumber(Math.min(ROWS_AT_ONCE, rows.length - shown)))}</Button>}
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
