/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outlets: one card an outlet, with everything that can be done to it. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { OutletStatus, Status } from '../api/types.ts';
import { formatNumber, useT } from '../i18n/index.ts';
import { useTitle } from '../lib/hooks.ts';
import { useStatuses } from '../live/statuses.ts';
import { mayManageOutlets } from '../session.ts';
import { Button, Empty, Nothing, PageHead, PhoneNumber, RelativeTime, Skeleton, StatusBadge } from '../ui/basic.tsx';
import { Icon } from '../ui/icons.tsx';
import { Menu, type MenuItem } from '../ui/menu.tsx';
import { later } from '../ui/later.tsx';
import { nextStep, Troubles } from '../ui/outlet-parts.tsx';
import { useUser } from '../user.ts';
import { type OutletActions, useOutletActions } from './outlet-actions.tsx';

const form = later(async () => (await import('./outlet-form.tsx')).OutletForm);
const CARDS_AT_ONCE = 60;
const SEARCH_FROM = 7;

interface CardProps {
	status: OutletStatus;
	actions: OutletActions;
	onEdit: (status: OutletStatus) => void;
	manages: boolean;
}

/** Which commands make sense in which state; the daemon decides all the same. */
const COMMANDS: Record<Status, readonly ('pause' | 'disconnect' | 'logout')[]> = {
	CONNECTED: ['pause', 'disconnect', 'logout'],
	CONNECTING: ['pause', 'disconnect'],
	DISCONNECTED: ['pause'],
	PAUSED: ['disconnect', 'logout'],
	FAILED: ['pause', 'logout'],
	TIMEOUT: ['pause', 'disconnect', 'logout'],
};
const COMMAND_ICONS = { pause: 'pause', disconnect: 'power', logout: 'unlink' } as const;

/** A phone that is linked can be unlinked though the outlet is disconnected; its session's name tells that there is one. */
function commandsOf(status: OutletStatus): readonly ('pause' | 'disconnect' | 'logout')[] {
	const commands = COMMANDS[status.liveStatus.status] ?? [];
	const linked = status.session.sessionName !== null;
	return linked && status.liveStatus.status === 'DISCONNECTED' ? [...commands, 'logout'] : commands;
}

function MoreMenu({ status, actions, onEdit, manages }: CardProps) {
	const t = useT();
	const items: (MenuItem | 'line')[] = commandsOf(status).map((command) => ({
		key: command,
		label: t.outlets[command],
		icon: COMMAND_ICONS[command],
		danger: command === 'logout',
		onSelect: () => actions.ask(command, status),
	}));
	if (manages) {
		items.push(
			'line',
			{ key: 'edit', label: t.outlets.edit, icon: 'edit', onSelect: () => onEdit(status) },
			{
				key: 'remove',
				label: t.outlets.remove,
				icon: 'trash',
				danger: true,
				onSelect: () => actions.ask('remove', status),
			},
		);
	}
	return (
		<Menu
			label={t.outlets.more(status.outlet.name)}
			testid="outlet-more"
			button={<Icon name="more" />}
			items={items}
		/>
	);
}

function MainButton({ status, actions }: { status: OutletStatus; actions: OutletActions }) {
	const t = useT();
	const step = nextStep(status);
	const name = status.outlet.name;
	if (step === 'resume') {
		return (
			<Button
				kind="primary"
				icon="play"
				onClick={() => actions.resume(status)}
				data-testid="outlet-resume"
				aria-label={`${t.outlets.resume} ${name}`}
			>
				{t.outlets.resume}
			</Button>
		);
	}
	if (step === 'reconnect') {
		return (
			<Button
				icon="refresh"
				onClick={() => actions.reconnect(status)}
				data-testid="outlet-reconnect"
				aria-label={`${t.outlets.reconnect} ${name}`}
			>
				{t.outlets.reconnect}
			</Button>
		);
	}
	if (step === null && status.liveStatus.status === 'CONNECTED') {
		return (
			<Button
				icon="pause"
				onClick={() => actions.ask('pause', status)}
				data-testid="outlet-pause"
				aria-label={`${t.outlets.pause} ${name}`}
			>
				{t.outlets.pause}
			</Button>
		);
	}
	const words = step === 'showQr' ? t.outlets.showQr : t.outlets.connect;
	return (
		<Button
			kind="primary"
			icon="qr"
			onClick={() => actions.openConnect(status)}
			data-testid="outlet-connect"
			aria-label={`${words} ${name}`}
		>
			{words}
		</Button>
	);
}

function Card(props: CardProps) {
	const t = useT();
	const { status, actions } = props;
	return (
		<li
			class="card outlet-card"
			data-testid="outlet-card"
			data-outlet-id={status.outletId}
			data-live-status={status.liveStatus.status}
		>
			<div class="outlet-card-head">
				<div class="outlet-name">
					<h2>{status.outlet.name}</h2>
					<span class="muted">
						<PhoneNumber digits={status.outlet.whatsappNumber} />
						{!status.outlet.isActive && <span class="tag">{t.board.inactive}</span>}
					</span>
				</div>
				<StatusBadge status={status.liveStatus.status} />
			</div>
			<dl class="facts facts-three">
				<div>
					<dt>{t.outlets.session}</dt>
					<dd>{status.session.sessionName ?? <span class="muted">{t.outlets.notLinked}</span>}</dd>
				</div>
				<div>
					<dt>{t.outlets.lastSeen}</dt>
					<dd>{status.session.lastSeen ? <RelativeTime time={status.session.lastSeen} /> : <Nothing />}</dd>
				</div>
				<div>
					<dt>{t.outlets.autoReconnect}</dt>
					<dd>{status.session.autoReconnect ? t.outlets.on : t.outlets.off}</dd>
				</div>
			</dl>
			<Troubles status={status} />
			<div class="outlet-card-foot">
				<MainButton status={status} actions={actions} />
				<MoreMenu {...props} />
			</div>
		</li>
	);
}

function Cards({
	list,
	manages,
	onEdit,
}: {
	list: OutletStatus[];
	manages: boolean;
	onEdit: (status: OutletStatus) => void;
}) {
	const t = useT();
	const actions = useOutletActions();
	const [text, setText] = useState('');
	const [shown, setShown] = useState(CARDS_AT_ONCE);
	const found = useMemo(() => {
		const wanted = text.trim().toLowerCase();
		return wanted === ''
			? list
			: list.filter((status) =>
					`${status.outlet.name} ${status.outlet.whatsappNumber}`.toLowerCase().includes(wanted),
				);
	}, [list, text]);

	return (
		<>
			{list.length >= SEARCH_FROM && (
				<div class="toolbar">
					<div class="search">
						<Icon name="search" />
						<input
							class="input"
							type="search"
							aria-label={t.board.search}
							placeholder={t.board.searchHint}
							value={text}
							onInput={(event) => setText(event.currentTarget.value)}
							data-testid="search"
						/>
					</div>
				</div>
			)}
			{found.length === 0 ? (
				<Empty icon="search" title={t.board.noMatch} hint={t.board.noMatchHint} />
			) : (
				<ul class="card-grid" data-testid="outlet-cards">
					{found.slice(0, shown).map((status) => (
						<Card
							key={status.outletId}
							status={status}
							actions={actions}
							onEdit={onEdit}
							manages={manages}
						/>
					))}
				</ul>
			)}
			{found.length > shown && (
				<div class="list-foot">
					<Button onClick={() => setShown(shown + CARDS_AT_ONCE)}>
						{t.app.showMore(formatNumber(Math.min(CARDS_AT_ONCE, found.length - shown)))}
					</Button>
				</div>
			)}
			{actions.dialogs}
		</>
	);
}

export function OutletsPage() {
	const t = useT();
	const { loaded, list } = useStatuses();
	const manages = mayManageOutlets(useUser());
	/** Null: closed; 'new': a new one. */
	const [editing, setEditing] = useState<OutletStatus | 'new' | null>(null);

	useTitle(t.outlets.title);
	useEffect(() => {
		if (manages) form.prepare();
	}, []);
	return (
		<>
			<PageHead title={t.outlets.title} lead={t.outlets.lead}>
				{manages && (
					<Button kind="primary" icon="plus" onClick={() => setEditing('new')} data-testid="outlet-add">
						{t.outlets.add}
					</Button>
				)}
			</PageHead>
			{!loaded ? (
				<Skeleton rows={6} />
			) : list.length === 0 ? (
				<Empty icon="store" title={t.board.empty} hint={manages ? t.board.emptyHint : t.board.emptyUser}>
					{manages && (
						<Button kind="primary" icon="plus" onClick={() => setEditing('new')}>
							{t.outlets.add}
						</Button>
					)}
				</Empty>
			) : (
				<Cards list={list} manages={manages} onEdit={setEditing} />
			)}
			{editing !== null && (
				<form.Page outlet={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />
			)}
		</>
	);
}
