/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * linking: the course of one link by QR. Asks for the connection, follows the code as it is renewed, and knows from the outlet's
 * status when it was scanned, is done or has failed. Events tell first; a poll every two seconds tells when they do not come.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { outletConnect, outletQr, outletStatus } from '../api/calls.ts';
import { Problem } from '../api/client.ts';
import type { OutletStatus } from '../api/types.ts';
import { parseTime } from '../lib/time.ts';
import { listen } from '../live/connection.ts';
import { applyStatus, useStatuses } from '../live/statuses.ts';

const POLL_MS = 2000;
/** An outlet that still reads as before this long after it was asked is not going to connect. */
const GRACE_MS = 4000;

export interface Code {
	sequence: number;
	expiresAt: number | null;
}

export type Linking =
	| { step: 'preparing' }
	| { step: 'code'; code: Code }
	| { step: 'scanned' }
	| { step: 'connected' }
	/** `error` is what a call threw; null when the outlet's own lastError says it. */
	| { step: 'failed'; error: unknown };

interface QrEvent {
	outletId: string;
	sequence: number;
	expiresAt: string | null;
}

function isQrEvent(data: unknown): data is QrEvent {
	return typeof data === 'object' && data !== null && 'outletId' in data && 'sequence' in data;
}

/** What the outlet's status says of a link that was asked for; null: nothing new. */
function judge(status: OutletStatus, hadCode: boolean, mayFail: boolean): Linking | null {
	switch (status.liveStatus.status) {
		case 'CONNECTED':
			return { step: 'connected' };
		case 'FAILED':
		case 'DISCONNECTED':
			return mayFail ? { step: 'failed', error: null } : null;
		case 'CONNECTING':
			return hadCode && !status.liveStatus.qrCode ? { step: 'scanned' } : null;
		default:
			return null;
	}
}

export function useLinking(outletId: string): { linking: Linking; restart: () => void } {
	const [linking, setLinking] = useState<Linking>({ step: 'preparing' });
	const [attempt, setAttempt] = useState(0);
	/** Until the daemon has answered, the status is that of before. */
	const [asked, setAsked] = useState(false);
	const status = useStatuses().byId.get(outletId);
	const hadCode = useRef(false);
	const trying = useRef(false);
	const askedAt = useRef(0);
	const over = linking.step === 'connected' || linking.step === 'failed';

	const show = (sequence: number, expiresAt: string | null): void => {
		hadCode.current = true;
		setLinking((old) => {
			if (
				old.step === 'connected' ||
				(old.step === 'code' && old.code.sequence >= sequence && old.code.expiresAt === parseTime(expiresAt))
			)
				return old;
			return { step: 'code', code: { sequence, expiresAt: parseTime(expiresAt) } };
		});
	};

	useEffect(() => {
		let gone = false;
		hadCode.current = false;
		trying.current = false;
		setAsked(false);
		setLinking({ step: 'preparing' });
		const ask = async (): Promise<void> => {
			await outletConnect(outletId).catch((error: unknown) => {
				// Under way or done already: the status tells which.
				if (!(error instanceof Problem && (error.code === 'already_connected' || error.code === 'outlet_busy')))
					throw error;
			});
			const now = (await outletStatus(outletId)).status;
			if (gone) return;
			applyStatus(now);
			askedAt.current = Date.now();
			setAsked(true);
		};
		ask().catch((error: unknown) => {
			if (!gone) setLinking({ step: 'failed', error });
		});
		return () => {
			gone = true;
		};
	}, [outletId, attempt]);

	useEffect(() => {
		if (!asked || status === undefined) return;
		if (status.liveStatus.status === 'CONNECTING') trying.current = true;
		const next = judge(status, hadCode.current, trying.current || Date.now() - askedAt.current > GRACE_MS);
		if (next !== null) setLinking((old) => (old.step === 'connected' || old.step === next.step ? old : next));
	}, [asked, status]);

	useEffect(
		() =>
			listen('qr', (data) => {
				if (isQrEvent(data) && data.outletId === outletId) show(data.sequence, data.expiresAt);
			}),
		[outletId],
	);

	useEffect(() => {
		if (!asked || over) return;
		let gone = false;
		const look = async (): Promise<void> => {
			const now = (await outletStatus(outletId)).status;
			applyStatus(now);
			if (!now.liveStatus.qrCode) return;
			const qr = await outletQr(outletId).catch((error: unknown) => {
				if (error instanceof Problem && error.status === 404) return null;
				throw error;
			});
			if (!gone && qr !== null) show(qr.sequence, qr.expiresAt);
		};
		const tick = (): void => void look().catch(() => {});
		tick();
		const timer = window.setInterval(tick, POLL_MS);
		return () => {
			gone = true;
			window.clearInterval(timer);
		};
	}, [outletId, asked, over]);

	return { linking, restart: () => setAttempt((n) => n + 1) };
}
