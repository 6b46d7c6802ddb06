/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * linking: the course of one link, by QR or by a code to type. Asks for the connection, follows the code as it is renewed, and knows from
 * the outlet's status when it was taken, is done or has failed. Events tell first; a poll every two seconds tells when they do not come.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { outletConnect, outletPairingCode, outletQr, outletStatus } from '../api/calls.ts';
import { Problem } from '../api/client.ts';
import type { LinkMethod, OutletStatus } from '../api/types.ts';
import { parseTime } from '../lib/time.ts';
import { listen } from '../live/connection.ts';
import { applyStatus, useStatuses } from '../live/statuses.ts';

const POLL_MS = 2000;
/** An outlet that still reads as before this long after it was asked is not going to connect. */
const GRACE_MS = 4000;

export interface Code {
	/** Of the QR; 0 for a code to type. */
	sequence: number;
	/** To type; null for a QR, which is shown as a picture. */
	text: string | null;
	expiresAt: number | null;
}

export type Linking =
	| { step: 'preparing' }
	| { step: 'code'; code: Code }
	| { step: 'taken' }
	/** WhatsApp asks for a passkey first: passkey-panel.tsx. */
	| { step: 'passkey' }
	| { step: 'connected' }
	/** `error` is what a call threw; null when the outlet's own lastError says it. */
	| { step: 'failed'; error: unknown };

interface CodeEvent {
	outletId: string;
	sequence?: number;
	expiresAt: string | null;
}

function isCodeEvent(data: unknown): data is CodeEvent {
	return typeof data === 'object' && data !== null && 'outletId' in data && 'expiresAt' in data;
}

/** The phone has linked it, and what is left goes by itself. */
function wasTaken(status: OutletStatus, method: LinkMethod): boolean {
	return method === 'qr' ? !status.liveStatus.qrCode : !status.unhealthyReasons.includes('no_user_id');
}

/** What the outlet's status says of a link that was asked for; null: nothing new. */
function judge(status: OutletStatus, method: LinkMethod, hadCode: boolean, mayFail: boolean): Linking | null {
	switch (status.liveStatus.status) {
		case 'CONNECTED':
			return { step: 'connected' };
		case 'FAILED':
		case 'DISCONNECTED':
			return mayFail ? { step: 'failed', error: null } : null;
		case 'CONNECTING':
			if (status.session.lastError?.code === 'passkey_required') return { step: 'passkey' };
			return hadCode && wasTaken(status, method) ? { step: 'taken' } : null;
		default:
			return null;
	}
}

async function unlessNone<T>(answer: Promise<T>): Promise<T | null> {
	return answer.catch((error: unknown) => {
		if (error instanceof Problem && error.status === 404) return null;
		throw error;
	});
}

/** The code that there is now. */
async function currentCode(outletId: string, method: LinkMethod, status: OutletStatus): Promise<Code | null> {
	if (method === 'qr') {
		if (!status.liveStatus.qrCode) return null;
		const qr = await unlessNone(outletQr(outletId));
		return qr && { sequence: qr.sequence, text: null, expiresAt: parseTime(qr.expiresAt) };
	}
	if (status.liveStatus.status !== 'CONNECTING') return null;
	const code = await unlessNone(outletPairingCode(outletId));
	return code && { sequence: 0, text: code.code, expiresAt: parseTime(code.expiresAt) };
}

function isOlder(code: Code, shown: Code): boolean {
	return code.sequence <= shown.sequence && code.expiresAt === shown.expiresAt && code.text === shown.text;
}

export function useLinking(outletId: string, method: LinkMethod): { linking: Linking; restart: () => void } {
	const [linking, setLinking] = useState<Linking>({ step: 'preparing' });
	const [attempt, setAttempt] = useState(0);
	/** Until the daemon has answered, the status is that of before. */
	const [asked, setAsked] = useState(false);
	/** Grows when an event says that there is another code to type; its text must be asked for. */
	const [news, setNews] = useState(0);
	const status = useStatuses().byId.get(outletId);
	const hadCode = useRef(false);
	const trying = useRef(false);
	const askedAt = useRef(0);
	const over = linking.step === 'connected' || linking.step === 'failed';

	const show = (code: Code): void => {
		hadCode.current = true;
		setLinking((old) => {
			if (old.step === 'connected' || (old.step === 'code' && isOlder(code, old.code))) return old;
			return { step: 'code', code };
		});
	};

	useEffect(() => {
		let gone = false;
		hadCode.current = false;
		trying.current = false;
		setAsked(false);
		setLinking({ step: 'preparing' });
		const ask = async (): Promise<void> => {
			await outletConnect(outletId, method).catch((error: unknown) => {
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
	}, [outletId, method, attempt]);

	useEffect(() => {
		if (!asked || status === undefined) return;
		if (status.liveStatus.status === 'CONNECTING') trying.current = true;
		const mayFail = trying.current || Date.now() - askedAt.current > GRACE_MS;
		const next = judge(status, method, hadCode.current, mayFail);
		if (next !== null) setLinking((old) => (old.step === 'connected' || old.step === next.step ? old : next));
	}, [asked, status]);

	useEffect(
		() =>
			listen('qr', (data) => {
				if (!isCodeEvent(data) || data.outletId !== outletId) return;
				if (data.sequence === undefined) setNews((n) => n + 1);
				else if (method === 'qr')
					show({ sequence: data.sequence, text: null, expiresAt: parseTime(data.expiresAt) });
			}),
		[outletId, method],
	);

	useEffect(() => {
		if (!asked || over) return;
		let gone = false;
		const look = async (): Promise<void> => {
			const now = (await outletStatus(outletId)).status;
			applyStatus(now);
			const code = await currentCode(outletId, method, now);
			if (!gone && code !== null) show(code);
		};
		const tick = (): void => void look().catch(() => {});
		tick();
		const timer = window.setInterval(tick, POLL_MS);
		return () => {
			gone = true;
			window.clearInterval(timer);
		};
	}, [outletId, method, asked, over, news]);

	return { linking, restart: () => setAttempt((n) => n + 1) };
}
