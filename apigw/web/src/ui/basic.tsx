/* SPDX-License-Identifier: GPL-3.0-or-later */
/* basic: the small parts that pages are made of. */
import type { ComponentChildren, HTMLAttributes } from 'preact';
import type { Status } from '../api/types.ts';
import { useNow } from '../lib/clock.ts';
import { phoneGroups } from '../lib/phone.ts';
import { exactTime, parseTime, relativeTime, shortTime, ZONE_NAME } from '../lib/time.ts';
import { useLang, useT } from '../i18n/index.ts';
import { Icon, type IconName, Sign } from './icons.tsx';

type ButtonKind = 'primary' | 'secondary' | 'quiet' | 'danger';

interface ButtonProps extends Omit<HTMLAttributes<HTMLButtonElement>, 'role'> {
	kind?: ButtonKind;
	icon?: IconName;
	small?: boolean;
	busy?: boolean;
	type?: 'button' | 'submit';
	disabled?: boolean;
}

export function Button({
	kind = 'secondary',
	icon,
	small,
	busy,
	type = 'button',
	disabled,
	class: extra,
	children,
	...rest
}: ButtonProps) {
	const classes = ['button', `button-${kind}`, small ? 'button-small' : '', busy ? 'is-busy' : '', extra ?? '']
		.filter(Boolean)
		.join(' ');
	return (
		<button {...rest} type={type} class={classes} disabled={disabled || busy} aria-busy={busy ? 'true' : undefined}>
			{busy ? (
				<span class="spinner" aria-hidden="true" />
			) : icon ? (
				<Icon name={icon} size={small ? 16 : 18} />
			) : null}
			{children !== undefined && <span>{children}</span>}
		</button>
	);
}

export function IconButton({
	icon,
	label,
	...rest
}: { icon: IconName; label: string } & Omit<HTMLAttributes<HTMLButtonElement>, 'role'>) {
	return (
		<button {...rest} type="button" class={`icon-button ${rest.class ?? ''}`} aria-label={label} title={label}>
			<Icon name={icon} />
		</button>
	);
}

/** The signs of CONTRACT section 5, so that a status is never told by colour alone. */
const STATUS_SIGNS: Record<Status, [char: string, icon: IconName]> = {
	CONNECTED: ['✓', 'check'],
	CONNECTING: ['⟳', 'turn'],
	DISCONNECTED: ['✗', 'close'],
	PAUSED: ['‖', 'pause'],
	FAILED: ['⚠', 'alert'],
	TIMEOUT: ['⏱', 'stopwatch'],
};

export function StatusBadge({ status }: { status: Status }) {
	const t = useT();
	const [char, icon] = STATUS_SIGNS[status] ?? ['?', 'info'];
	return (
		<span class={`badge badge-${status.toLowerCase()}`} data-status={status} title={t.statusHint[status] ?? ''}>
			<Sign char={char} icon={icon} /> {t.status[status] ?? status}
		</span>
	);
}

/** Groups are set apart by style only: copied or searched, the number is one run of digits. */
export function PhoneNumber({ digits }: { digits: string }) {
	return (
		<span class="tel">
			{phoneGroups(digits).map((group, index) => (
				<span key={index}>{group}</span>
			))}
		</span>
	);
}

export function RelativeTime({ time }: { time: string | null | undefined }) {
	const now = useNow();
	const lang = useLang();
	const ms = parseTime(time);
	if (ms === null) return <Nothing />;
	return (
		<time dateTime={time ?? ''} title={exactTime(ms, lang)}>
			{relativeTime(Math.min(ms, now), now, lang)}
		</time>
	);
}

export function ShortTime({ time }: { time: string | null | undefined }) {
	const lang = useLang();
	const ms = parseTime(time);
	if (ms === null) return <Nothing />;
	return (
		<time dateTime={time ?? ''} title={exactTime(ms, lang)}>
			{shortTime(ms, Date.now(), lang)} {ZONE_NAME}
		</time>
	);
}

export function Nothing() {
	return <span class="muted">–</span>;
}

export function Notice({
	kind,
	icon,
	children,
	action,
	...rest
}: {
	kind: 'info' | 'warn' | 'bad' | 'good';
	icon?: IconName;
	children: ComponentChildren;
	action?: ComponentChildren;
	role?: 'alert' | 'status';
}) {
	return (
		<div {...rest} class={`notice notice-${kind}`}>
			<Icon name={icon ?? (kind === 'info' ? 'info' : kind === 'good' ? 'check' : 'alert')} />
			<div class="notice-text">{children}</div>
			{action}
		</div>
	);
}

export function Empty({
	icon,
	title,
	hint,
	page,
	children,
}: {
	icon: IconName;
	title: string;
	hint?: string;
	page?: boolean;
	children?: ComponentChildren;
}) {
	return (
		<div class="empty">
			<span class="empty-icon">
				<Icon name={icon} size={26} />
			</span>
			{page ? <h1 tabIndex={-1}>{title}</h1> : <h2>{title}</h2>}
			{hint && <p>{hint}</p>}
			{children}
		</div>
	);
}

export function Skeleton({ rows }: { rows: number }) {
	const t = useT();
	return (
		<div class="skeleton" role="status">
			<span class="sr-only">{t.app.loading}</span>
			{Array.from({ length: rows }, (_, index) => (
				<span key={index} class="skeleton-row" aria-hidden="true" />
			))}
		</div>
	);
}

export function PageHead({
	title,
	lead,
	children,
}: {
	title: string;
	lead?: ComponentChildren;
	children?: ComponentChildren;
}) {
	return (
		<header class="page-head">
			<div>
				<h1 tabIndex={-1}>{title}</h1>
				{lead && <p class="lead">{lead}</p>}
			</div>
			{children && <div class="page-actions">{children}</div>}
		</header>
	);
}
