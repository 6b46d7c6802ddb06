/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parts: how a blast's state and its counts look, in the list and on its own page. */
import type { Blast, BlastCounts, BlastStatus, RecipientStatus } from '../api/types.ts';
import { formatNumber, useT } from '../i18n/index.ts';
import { Icon, type IconName } from '../ui/icons.tsx';

const BLAST_ICONS: Record<BlastStatus, IconName> = {
	SCHEDULED: 'clock',
	RUNNING: 'turn',
	PAUSED: 'pause',
	COMPLETED: 'check',
	CANCELLED: 'close',
	EXPIRED: 'stopwatch',
};
const RECIPIENT_ICONS: Record<RecipientStatus, IconName> = {
	QUEUED: 'wait',
	SENDING: 'turn',
	SENT: 'check',
	DELIVERED: 'checks',
	READ: 'checks',
	FAILED: 'alert',
	SKIPPED: 'skip',
	CANCELLED: 'close',
};

/** In the order of the bar: what got furthest comes first. */
export const SEGMENTS = [
	['read', 'READ'],
	['delivered', 'DELIVERED'],
	['sent', 'SENT'],
	['sending', 'SENDING'],
	['queued', 'QUEUED'],
	['failed', 'FAILED'],
	['skipped', 'SKIPPED'],
	['cancelled', 'CANCELLED'],
] as const satisfies readonly (readonly [keyof BlastCounts, RecipientStatus])[];

export function BlastBadge({ status }: { status: BlastStatus }) {
	const t = useT();
	return (
		<span class={`badge badge-blast-${status.toLowerCase()}`} data-testid="blast-status" data-status={status}>
			<Icon name={BLAST_ICONS[status] ?? 'info'} size={15} /> {t.blastStatus[status] ?? status}
		</span>
	);
}

export function RecipientBadge({ status }: { status: RecipientStatus }) {
	const t = useT();
	return (
		<span class={`recipient-status recipient-${status.toLowerCase()}`} data-status={status}>
			<Icon name={RECIPIENT_ICONS[status] ?? 'info'} size={16} /> {t.recipientStatus[status] ?? status}
		</span>
	);
}

/** Recipients who were dealt with: not those still waiting, nor those who were given up with the blast. */
export function doneCount(counts: BlastCounts): number {
	return counts.total - counts.queued - counts.sending - counts.cancelled;
}

export function Bar({ blast, big }: { blast: Pick<Blast, 'counts'>; big?: boolean }) {
	const t = useT();
	const { counts } = blast;
	const total = Math.max(1, counts.total);
	const done = doneCount(counts);
	return (
		<div
			class={`bar${big ? ' bar-big' : ''}`}
			role="progressbar"
			aria-label={t.blast.progress}
			aria-valuemin={0}
			aria-valuemax={counts.total}
			aria-valuenow={done}
			aria-valuetext={t.progress.done(formatNumber(done), formatNumber(counts.total))}
		>
			{SEGMENTS.filter(([key]) => counts[key] > 0 && key !== 'queued').map(([key]) => (
				<span key={key} class={`bar-part part-${key}`} style={{ width: `${(counts[key] / total) * 100}%` }} />
			))}
		</div>
	);
}
