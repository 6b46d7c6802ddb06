/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls: the REST calls of contacts and opt-outs, and what they answer. */
import { call, query } from '../api/client.ts';
import type { ListPage } from '../lib/list.ts';

export interface ContactFields {
	phone: string;
	name: string | null;
	tags: string[];
	vars: Record<string, string>;
}

export interface Contact extends ContactFields {
	createdAt: string;
	updatedAt: string;
}

export interface ImportAnswer {
	rows: number;
	imported: number;
	added: number;
	updated: number;
	invalid: number;
	errors: { line: number; code: string; detail?: string; value?: string }[];
}

export interface OptOut {
	phone: string;
	reason: string;
	outletId: string | null;
	createdAt: string;
}

const at = (outletId: string): string => `/outlets/${encodeURIComponent(outletId)}/contacts`;

export const contactList = async (
	outletId: string,
	filter: { q: string; tag: string; limit: number; cursor: string | null },
): Promise<ListPage<Contact>> => {
	const page = await call<{ contacts: Contact[]; nextCursor: string | null }>(at(outletId) + query(filter));
	return { rows: page.contacts, next: page.nextCursor };
};
export const contactSave = (outletId: string, fields: ContactFields) =>
	call<{ contact: Contact }>(at(outletId), { method: 'POST', body: fields });
export const contactRemove = (outletId: string, phone: string) =>
	call<unknown>(at(outletId) + query({ phone }), { method: 'DELETE' });
export const contactImport = (outletId: string, csv: string) =>
	call<ImportAnswer>(`${at(outletId)}/import`, { method: 'POST', csv, timeoutMs: 120_000 });

export const optOutList = async (filter: {
	q: string;
	limit: number;
	cursor: string | null;
}): Promise<ListPage<OptOut>> => {
	const page = await call<{ optOuts: OptOut[]; nextCursor: string | null }>(`/opt-outs${query(filter)}`);
	return { rows: page.optOuts, next: page.nextCursor };
};
export const optOutAdd = (phones: string[], reason: string) =>
	call<{ added: number }>('/opt-outs', { method: 'POST', body: { phones, ...(reason === '' ? {} : { reason }) } });
export const optOutRemove = (phone: string) =>
	call<unknown>(`/opt-outs/${encodeURIComponent(phone)}`, { method: 'DELETE' });
