/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls: the REST calls of the settings' page, and what they answer. */
import { call, query } from '../api/client.ts';
import type { Role, User } from '../api/types.ts';
import type { ListPage } from '../lib/list.ts';

type Cursor = string | null;

export interface Account extends User {
	createdAt: string;
}

export interface ApiToken {
	id: string;
	name: string;
	user: string | null;
	scopes: string[] | null;
	outletId: string | null;
	createdAt: string;
	expiresAt: string | null;
	lastUsedAt: string | null;
}

export interface Template {
	id: string;
	name: string;
	text: string;
	outletId: string | null;
	updatedAt: string;
}

export interface Settings {
	optOutWords: string[];
	optInWords: string[];
	optOutReply: string | null;
	optInReply: string | null;
	autoPause: { failurePercent: number; minimum: number; restrictions: number };
	auditDays: number;
}

export interface AuditEntry {
	id: string;
	at: string;
	actor: string;
	remote: string | null;
	action: string;
	subject: string | null;
	before: Record<string, unknown> | null;
	after: Record<string, unknown> | null;
	detail: unknown;
}

export interface UserFields {
	username: string;
	role: Role;
	outletId?: string;
	password?: string;
}

const one = (list: string, id: string): string => `/${list}/${encodeURIComponent(id)}`;

export const passwordChange = (currentPassword: string, newPassword: string) =>
	call<unknown>('/auth/password', { method: 'POST', body: { currentPassword, newPassword } });

export const userList = async (q: string, limit: number, cursor: Cursor): Promise<ListPage<Account>> => {
	const page = await call<{ users: Account[]; nextCursor: Cursor }>(`/users${query({ q, limit, cursor })}`);
	return { rows: page.users, next: page.nextCursor };
};
export const userAdd = (fields: UserFields) => call<unknown>('/users', { method: 'POST', body: fields });
export const userEdit = (id: string, fields: Partial<UserFields>) =>
	call<unknown>(one('users', id), { method: 'PATCH', body: fields });
export const userRemove = (id: string) => call<unknown>(one('users', id), { method: 'DELETE' });

export const tokenList = async (limit: number, cursor: Cursor): Promise<ListPage<ApiToken>> => {
	const page = await call<{ tokens: ApiToken[]; nextCursor: Cursor }>(`/tokens${query({ limit, cursor })}`);
	return { rows: page.tokens, next: page.nextCursor };
};
export const tokenAdd = (fields: { name: string; expiresInSeconds?: number; scopes?: string[]; outletId?: string }) =>
	call<{ token: string | null }>('/tokens', { method: 'POST', body: fields });
export const tokenRevoke = (id: string) => call<unknown>(one('tokens', id), { method: 'DELETE' });

export const templateList = async (q: string, limit: number, cursor: Cursor): Promise<ListPage<Template>> => {
	const page = await call<{ templates: Template[]; nextCursor: Cursor }>(
		`/templates${query({ q, limit, cursor })}`,
	);
	return { rows: page.templates, next: page.nextCursor };
};
export const templateAdd = (fields: { name: string; text: string; outletId?: string }) =>
	call<unknown>('/templates', { method: 'POST', body: fields });
export const templateEdit = (id: string, fields: { name: string; text: string }) =>
	call<unknown>(one('templates', id), { method: 'PATCH', body: fields });
export const templateRemove = (id: string) => call<unknown>(one('templates', id), { method: 'DELETE' });

export const settingsGet = () => call<{ settings: Settings }>('/settings');
export const settingsEdit = (fields: Partial<Settings>) =>
	call<{ settings: Settings }>('/settings', { method: 'PATCH', body: fields });

export const auditList = async (q: string, limit: number, cursor: Cursor): Promise<ListPage<AuditEntry>> => {
	const page = await call<{ entries: AuditEntry[]; nextCursor: Cursor }>(`/audit${query({ q, limit, cursor })}`);
	return { rows: page.entries, next: page.nextCursor };
};
