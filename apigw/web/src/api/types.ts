/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shapes of the REST interface, as far as the pages use it. */

export const STATUSES = ['CONNECTED', 'CONNECTING', 'DISCONNECTED', 'PAUSED', 'FAILED', 'TIMEOUT'] as const;
export type Status = (typeof STATUSES)[number];
export type Role = 'SUPERADMIN' | 'ADMIN' | 'USER';

export interface User {
	id: string;
	username: string;
	role: Role;
	outletId: string | null;
}

export interface LastError {
	code: string;
	message: string;
	action?: string | null;
	until?: string | null;
}

export interface Restriction {
	kind: string;
	until?: string | null;
	used?: number | null;
	quota?: number | null;
}

/** One element of /outlets/status. */
export interface OutletStatus {
	outletId: string;
	outlet: { name: string; whatsappNumber: string; isActive: boolean };
	session: {
		status: Status;
		sessionName: string | null;
		connectedAt: string | null;
		lastSeen: string | null;
		qrCode: string | null;
		autoReconnect: boolean;
		retryCount: number;
		lastError: LastError | null;
		nextRetryAt: string | null;
	};
	liveStatus: {
		status: Status;
		qrCode: string | null;
		name: string | null;
		instance?: string | null;
		latencyMs?: number | null;
		lastHeard?: string | null;
	};
	restriction?: Restriction | null;
	healthy: boolean;
	unhealthyReasons: string[];
}

export interface StatusAnswer {
	count: number;
	healthy: number;
	statuses: OutletStatus[];
	databaseStale?: boolean;
	nextCursor?: string | null;
}

export interface Pace {
	perMinute?: number;
	jitter?: number;
	dailyCap?: number;
	window?: string;
	timezone?: string;
}

/** For fresh numbers: what blasts may send on the first day, and how much more on each day after. */
export interface WarmUp {
	start: number;
	growth: number;
}

export interface OutletPace extends Pace {
	warmUp?: WarmUp | null;
}

export interface Outlet {
	id: string;
	name: string;
	whatsappNumber: string;
	isActive: boolean;
	autoReconnect: boolean;
	pace?: OutletPace | null;
	/** By its warm-up and its daily cap; 0: no cap any more. Only with a warm-up. */
	dailyCapToday?: number;
	createdAt: string;
}

export interface QrAnswer {
	qr: string;
	sequence: number;
	expiresAt: string | null;
}

/** How an outlet is linked to its phone. */
export type LinkMethod = 'qr' | 'code';

export type PasskeyStep = 'assertion' | 'checking' | 'confirm' | 'finishing';

export interface PasskeyAnswer {
	step: PasskeyStep;
	/** Of navigator.credentials.get, in JSON's form; null when no answer is awaited. */
	options: unknown;
	/** To compare with what the phone shows. */
	code: string | null;
	expiresAt: string | null;
}

export interface PairingCodeAnswer {
	code: string;
	expiresAt: string | null;
}

export const BLAST_STATUSES = ['SCHEDULED', 'RUNNING', 'PAUSED', 'COMPLETED', 'CANCELLED', 'EXPIRED'] as const;
export type BlastStatus = (typeof BLAST_STATUSES)[number];

export const RECIPIENT_STATUSES = [
	'QUEUED',
	'SENDING',
	'SENT',
	'DELIVERED',
	'READ',
	'FAILED',
	'SKIPPED',
	'CANCELLED',
] as const;
export type RecipientStatus = (typeof RECIPIENT_STATUSES)[number];

export interface BlastCounts {
	total: number;
	queued: number;
	sending: number;
	sent: number;
	delivered: number;
	read: number;
	failed: number;
	skipped: number;
	cancelled: number;
}

export interface Blast {
	id: string;
	name: string;
	status: BlastStatus;
	message?: { text?: string } | null;
	outlets: string[];
	pace?: Pace | null;
	counts: BlastCounts;
	ratePerMinute: number | null;
	etaSeconds: number | null;
	createdAt: string;
	scheduleAt: string | null;
	expiresAt: string | null;
	startedAt: string | null;
	finishedAt: string | null;
	pauseReason: string | null;
	/** Outlets that send no more of it, until they are resumed. */
	pausedOutlets: { outletId: string; reason: string; pausedAt: string }[];
	/** How many people answered. */
	replies: number;
}

/** What one outlet has of a blast. */
export interface BlastPart {
	outletId: string;
	name: string;
	counts: BlastCounts;
	paused: boolean;
	pauseReason: string | null;
}

export interface BlastReply {
	id: string;
	outletId: string;
	peer: string | null;
	kind: string;
	text: string | null;
	times: Record<string, string | null> | null;
}

export interface BlastRecipient {
	phone: string;
	outletId: string;
	messageId: string | null;
	status: RecipientStatus;
	reason: string | null;
	times: Record<string, string | null> | null;
}

export interface Recipient {
	phone: string;
	name?: string;
	vars?: Record<string, string>;
}

export interface BlastRequest {
	name: string;
	outlets: string[] | 'all';
	audience: { type: 'numbers'; numbers: (string | Recipient)[] };
	message: { text: string };
	pace?: Pace;
	skip?: { sameMessage?: boolean };
	scheduleAt?: string | null;
}

export interface RejectedOutlet {
	outletId: string;
	reasons: string[];
}

export interface Preview {
	recipients: {
		total: number;
		valid: number;
		invalid: { line?: number; phone: string; reason: string }[];
		duplicates: number;
		optedOut: number;
	};
	outlets: { outletId: string; healthy: boolean; reasons: string[]; recipients: number }[];
	warnings?: { code: string; outletId: string | null; detail: string }[];
	samples: string[];
	estimate: { startsAt: string | null; finishesAt: string | null } | null;
}
