/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls: the REST calls by name. */
import { call, query } from './client.ts';
import type {
	Blast,
	BlastRecipient,
	BlastRequest,
	LinkMethod,
	Outlet,
	OutletPace,
	OutletStatus,
	PairingCodeAnswer,
	PasskeyAnswer,
	Preview,
	QrAnswer,
	RejectedOutlet,
} from './types.ts';

const at = (id: string): string => `/outlets/${encodeURIComponent(id)}`;
const blastAt = (id: string): string => `/blasts/${encodeURIComponent(id)}`;

export interface OutletFields {
	name: string;
	whatsappNumber: string;
	isActive: boolean;
	autoReconnect: boolean;
	pace?: OutletPace;
}

export const outletGet = (id: string) => call<{ outlet: Outlet }>(at(id));
export const outletAdd = (fields: OutletFields) =>
	call<{ outlet: Outlet }>('/outlets', { method: 'POST', body: fields });
export const outletEdit = (id: string, fields: Partial<OutletFields>) =>
	call<{ outlet: Outlet }>(at(id), { method: 'PATCH', body: fields });
export const outletRemove = (id: string) => call<unknown>(at(id), { method: 'DELETE' });
export const outletStatus = (id: string) => call<{ status: OutletStatus }>(`${at(id)}/status`);
export const outletConnect = (id: string, method: LinkMethod) =>
	call<{ status?: OutletStatus }>(`${at(id)}/connect`, { method: 'POST', body: { method } });
export const outletPairingCode = (id: string) => call<PairingCodeAnswer>(`${at(id)}/pairing-code`);
export const outletPasskey = (id: string) => call<PasskeyAnswer>(`${at(id)}/passkey`);
export const outletPasskeyAnswer = (id: string, assertion: unknown) =>
	call<PasskeyAnswer>(`${at(id)}/passkey`, { method: 'POST', body: assertion });
export const outletPasskeyConfirm = (id: string) =>
	call<PasskeyAnswer>(`${at(id)}/passkey/confirm`, { method: 'POST' });
export const outletQr = (id: string) => call<QrAnswer>(`${at(id)}/qr`);
export const outletQrImage = (id: string, sequence: number): string =>
	`/api${at(id)}/qr?format=svg&sequence=${sequence}`;

export type OutletCommand = 'disconnect' | 'pause' | 'resume' | 'logout';
export const outletCommand = (id: string, command: OutletCommand) =>
	call<{ status?: OutletStatus }>(`${at(id)}/${command}`, { method: 'POST' });

export const blastPreview = (request: BlastRequest) =>
	call<Preview>('/blasts/preview', { method: 'POST', body: request, timeoutMs: 60_000 });
export const blastCreate = (request: BlastRequest, key: string) =>
	call<{ blast: Blast; rejectedOutlets?: RejectedOutlet[] }>('/blasts', {
		method: 'POST',
		body: request,
		headers: { 'Idempotency-Key': key },
		timeoutMs: 60_000,
	});
export const blastList = (limit: number, cursor: string | null) =>
	call<{ blasts: Blast[]; nextCursor?: string | null }>(`/blasts${query({ limit, cursor })}`);
export const blastGet = (id: string) => call<{ blast: Blast; waitsUntil: string | null }>(blastAt(id));
export const blastRecipients = (
	id: string,
	filter: { status: string; q: string; limit: number; cursor: string | null },
) => call<{ recipients: BlastRecipient[]; nextCursor?: string | null }>(`${blastAt(id)}/recipients${query(filter)}`);

export type BlastCommand = 'pause' | 'resume' | 'cancel' | 'retry';
export const blastCommand = (id: string, command: BlastCommand) =>
	call<{ blast?: Blast }>(`${blastAt(id)}/${command}`, { method: 'POST' });
