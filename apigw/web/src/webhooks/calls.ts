/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls: the REST calls of webhooks, and what they answer. */
import { call, query } from '../api/client.ts';

export interface WebhookFields {
	url: string;
	description: string | null;
	events: string[];
	/** Null: of all outlets. */
	outletIds: string[] | null;
}

export interface Webhook extends WebhookFields {
	id: string;
	isActive: boolean;
	disabledReason: 'failing' | 'gone' | null;
	failingSince: string | null;
	queueFull: boolean;
	lastSuccessAt: string | null;
	pending: number;
}

export interface Delivery {
	id: string;
	type: string;
	status: 'PENDING' | 'DELIVERED' | 'FAILED';
	attempts: number;
	log: { at: string; status: number | null; error: string | null }[];
	createdAt: string;
}

const webhookAt = (id: string): string => `/webhooks/${encodeURIComponent(id)}`;
const deliveryAt = (id: string): string => `/deliveries/${encodeURIComponent(id)}`;

export const webhookList = () => call<{ webhooks: Webhook[] }>('/webhooks');
export const webhookAdd = (fields: WebhookFields) =>
	call<{ webhook: Webhook; secret: string | null }>('/webhooks', { method: 'POST', body: fields });
export const webhookEdit = (id: string, fields: Partial<WebhookFields> & { isActive?: boolean }) =>
	call<{ webhook: Webhook }>(webhookAt(id), { method: 'PATCH', body: fields });
export const webhookRemove = (id: string) => call<unknown>(webhookAt(id), { method: 'DELETE' });
export const webhookRotate = (id: string) =>
	call<{ webhook: Webhook; secret: string | null }>(`${webhookAt(id)}/rotate-secret`, { method: 'POST' });
export const webhookTest = (id: string) =>
	call<{ delivery: Delivery }>(`${webhookAt(id)}/test`, { method: 'POST' });
export const deliveryList = (id: string, limit: number, cursor: string | null) =>
	call<{ deliveries: Delivery[]; nextCursor?: string | null }>(
		`${webhookAt(id)}/deliveries${query({ limit, cursor })}`,
	);
export const deliveryGet = (id: string) => call<{ delivery: Delivery }>(deliveryAt(id));
export const deliveryRedeliver = (id: string) =>
	call<{ delivery: Delivery }>(`${deliveryAt(id)}/redeliver`, { method: 'POST' });
