/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rows: the outlets of the board, as a table or as cards; both say the same. */
import type { OutletStatus } from '../api/types.ts';
import { formatNumber, useT } from '../i18n/index.ts';
import type { OutletActions } from '../pages/outlet-actions.tsx';
import { Button, Nothing, PhoneNumber, RelativeTime, ShortTime, StatusBadge } from '../ui/basic.tsx';
import { hasTroubles, Health, nextStep, Retries, Troubles } from '../ui/outlet-parts.tsx';

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
		<Button
			small
			icon={step === 'resume' ? 'play' : 'qr'}
			onClick={() => (step === 'resume' ? actions.resume(status) : actions.openConnect(status))}
			data-testid={`row-${step}`}
			aria-label={`${t.outlets[step]} ${status.outlet.name}`}
		>
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
	const details =
		typeof live.latencyMs === 'number' && live.instance
			? t.board.details(live.instance, formatNumber(live.latencyMs))
			: undefined;
	return (
		<span class="live-badge" title={details}>
			<StatusBadge status={live.status} />
			{live.qrCode && <span class="muted small">{t.board.qrWaiting}</span>}
		</span>
	);
}

function TableRow({ status, actions }: RowProps) {
	const hasTrouble = hasTroubles(status);
	return (
		<>
			<tr
				class={hasTrouble ? 'has-more' : ''}
				data-testid="outlet-row"
				data-outlet-id={status.outletId}
				data-live-status={status.liveStatus.status}
			>
				<th scope="row">
					<Name status={status} />
				</th>
				<td data-testid="status-db">
					<StatusBadge status={status.session.status} />
				</td>
				<td data-testid="status-live">
					<LiveBadge status={status} />
				</td>
				<td class="cell-session">{status.session.sessionName ?? <Nothing />}</td>
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

export function Table({ rows, actions }: { rows: OutletStatus[]; actions: OutletActions }) {
	const t = useT();
	const b = t.board;
	return (
		<div class="table-box">
			<table class="table" data-testid="outlet-table">
				<caption class="sr-only">{b.title}</caption>
				<thead>
					<tr>
						{[
							b.outlet,
							b.statusDb,
							b.statusLive,
							b.sessionName,
							b.connectedAt,
							b.lastSeen,
							b.retry,
							b.health,
						].map((title) => (
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

export function Card({ status, actions }: RowProps) {
	const t = useT();
	const b = t.board;
	return (
		<li
			class="card status-card"
			data-testid="outlet-row"
			data-outlet-id={status.outletId}
			data-live-status={status.liveStatus.status}
		>
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
