/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outlet-parts: how an outlet's trouble is put in words, on whichever page. */
import type { LastError, OutletStatus } from '../api/types.ts';
import { formatNumber, type Messages, useLang, useT } from '../i18n/index.ts';
import { useNow } from '../lib/clock.ts';
import { duration, parseTime, shortTime, ZONE_NAME } from '../lib/time.ts';
import { Icon } from './icons.tsx';

export function reasonText(reason: string, t: Messages): string {
	return (t.reason as Record<string, string>)[reason] ?? reason;
}

export function Health({ status }: { status: OutletStatus }) {
	const t = useT();
	if (status.healthy) {
		return (
			<span class="health health-good" data-testid="health" data-healthy="true">
				<Icon name="check" size={16} /> {t.board.isHealthy}
			</span>
		);
	}
	return (
		<div class="health health-bad" data-testid="health" data-healthy="false">
			<span class="health-word">
				<Icon name="alert" size={16} /> {t.board.isUnhealthy}
			</span>
			<ul>
				{status.unhealthyReasons.map((reason) => (
					<li key={reason} data-reason={reason}>
						{reasonText(reason, t)}
					</li>
				))}
			</ul>
		</div>
	);
}

function Countdown({ until }: { until: string }) {
	const t = useT();
	const lang = useLang();
	const now = useNow();
	const at = parseTime(until);
	if (at === null) return null;
	const seconds = Math.ceil((at - now) / 1000);
	return <>{seconds > 0 ? t.board.nextRetry(duration(seconds, lang)) : t.board.retryNow}</>;
}

export function Retries({ status }: { status: OutletStatus }) {
	const t = useT();
	const { retryCount, autoReconnect, nextRetryAt } = status.session;
	return (
		<span class="retries">
			<span>
				<span class="num">{t.board.retries(formatNumber(retryCount))}</span>{' '}
				<span class="muted">/ {autoReconnect ? t.board.auto : t.board.manual}</span>
			</span>
			{nextRetryAt && (
				<span class="muted small" data-testid="next-retry">
					<Countdown until={nextRetryAt} />
				</span>
			)}
		</span>
	);
}

/** While a new code waits to be scanned, how the attempt before it ended is of no use. */
function errorShown(status: OutletStatus): LastError | null {
	return status.liveStatus.qrCode ? null : status.session.lastError;
}

export function hasTroubles(status: OutletStatus): boolean {
	return errorShown(status) !== null || Boolean(status.restriction);
}

/** What went wrong and what to do; also what WhatsApp does not allow just now. */
export function Troubles({ status }: { status: OutletStatus }) {
	const t = useT();
	const lang = useLang();
	const error = errorShown(status);
	const restriction = status.restriction;
	const untilWords = (time: string | null | undefined): string => {
		const ms = parseTime(time);
		return ms === null ? '' : t.board.until(`${shortTime(ms, Date.now(), lang)} ${ZONE_NAME}`);
	};
	if (!error && !restriction) return null;
	const known = error ? t.lastError[error.code] : undefined;
	// The table's words say that it comes back by itself; then they must not.
	const staysDown =
		status.session.status === 'DISCONNECTED' && !status.session.autoReconnect && error?.code !== 'qr_expired';
	return (
		<div class="troubles">
			{error && (
				<p class="trouble" data-testid="last-error" data-code={error.code}>
					<Icon name="alert" size={16} />
					<span>
						<strong>
							{known?.[0] ?? error.message}
							{error.until && ` (${untilWords(error.until)})`}
						</strong>{' '}
						{staysDown ? t.board.connectAgain : (known?.[1] ?? error.action)}
					</span>
				</p>
			)}
			{restriction && (
				<p class="trouble" data-testid="restriction" data-kind={restriction.kind}>
					<Icon name="info" size={16} />
					<span>
						{(t.restriction as unknown as Record<string, string>)[restriction.kind] ?? t.restriction.other}
						{typeof restriction.used === 'number' &&
							typeof restriction.quota === 'number' &&
							` ${t.restriction.used(formatNumber(restriction.used), formatNumber(restriction.quota))}`}
						{restriction.until && `, ${untilWords(restriction.until)}`}.
					</span>
				</p>
			)}
		</div>
	);
}

/** What a person would do next with this outlet, if anything. */
export type NextStep = 'connect' | 'showQr' | 'reconnect' | 'resume';

export function nextStep(status: OutletStatus): NextStep | null {
	switch (status.liveStatus.status) {
		case 'DISCONNECTED':
		case 'FAILED':
			return 'connect';
		case 'CONNECTING':
			return status.liveStatus.qrCode ? 'showQr' : null;
		case 'TIMEOUT':
			return 'reconnect';
		case 'PAUSED':
			return 'resume';
		default:
			return null;
	}
}
