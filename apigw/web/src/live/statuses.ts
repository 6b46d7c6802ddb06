/* SPDX-License-Identifier: GPL-3.0-or-later */
/* statuses: all outlets' states as last told, by list or by event. Several events within a frame are one change. */
import { call, callIfChanged, NOT_MODIFIED, query } from '../api/client.ts';
import type { OutletStatus, StatusAnswer } from '../api/types.ts';
import { createStore, useStore } from '../lib/store.ts';
import { addRefresher, listen } from './connection.ts';

export interface Statuses {
	loaded: boolean;
	list: OutletStatus[];
	byId: ReadonlyMap<string, OutletStatus>;
	databaseStale: boolean;
}

const PAGE = 1000;
const EMPTY: Statuses = { loaded: false, list: [], byId: new Map(), databaseStale: false };
const statuses = createStore<Statuses>(EMPTY);

let etag: string | null = null;
let pending = new Map<string, OutletStatus>();
let flushing = false;
/** Grows with every event, so that a list that was read before an event does not undo it. */
let eventCount = 0;
const touched = new Map<string, number>();

export function useStatuses(): Statuses {
	return useStore(statuses);
}

export function getStatus(outletId: string): OutletStatus | undefined {
	return pending.get(outletId) ?? statuses.get().byId.get(outletId);
}

export function healthyCount(list: readonly OutletStatus[]): number {
	return list.reduce((count, status) => count + (status.healthy ? 1 : 0), 0);
}

const collator = new Intl.Collator('id', { numeric: true });

function byName(a: OutletStatus, b: OutletStatus): number {
	return collator.compare(a.outlet.name, b.outlet.name) || (a.outletId < b.outletId ? -1 : 1);
}

function publish(list: OutletStatus[], databaseStale: boolean): void {
	statuses.set({ loaded: true, list, byId: new Map(list.map((status) => [status.outletId, status])), databaseStale });
}

async function readAll(): Promise<{ list: OutletStatus[]; databaseStale: boolean } | null> {
	const first = await callIfChanged<StatusAnswer>(
		`/outlets/status${query({ limit: PAGE })}`,
		statuses.get().loaded ? etag : null,
	);
	if (first.body === NOT_MODIFIED) return null;
	const list = [...first.body.statuses];
	let cursor = first.body.nextCursor;
	// With several pages the first page's ETag says nothing of the others.
	etag = cursor ? null : first.etag;
	while (cursor) {
		const next: StatusAnswer = await call<StatusAnswer>(`/outlets/status${query({ limit: PAGE, cursor })}`);
		list.push(...next.statuses);
		cursor = next.nextCursor;
	}
	return { list, databaseStale: first.body.databaseStale === true };
}

async function refresh(): Promise<void> {
	const startedAt = eventCount;
	const answer = await readAll();
	if (answer === null) return;
	const known = statuses.get().byId;
	const list = answer.list.map((status) => {
		const newer = (touched.get(status.outletId) ?? 0) > startedAt;
		return newer ? (pending.get(status.outletId) ?? known.get(status.outletId) ?? status) : status;
	});
	publish(list.sort(byName), answer.databaseStale);
	// Mixed with events, this is no state that the tag names: the next time, read it whole.
	if (eventCount !== startedAt) etag = null;
}

function flush(): void {
	flushing = false;
	const now = statuses.get();
	const changed = pending;
	pending = new Map();
	if (!now.loaded) return;
	const list = now.list.map((status) => changed.get(status.outletId) ?? status);
	let moved = false;
	for (const [outletId, status] of changed) {
		const old = now.byId.get(outletId);
		if (old === undefined) list.push(status);
		if (old?.outlet.name !== status.outlet.name) moved = true;
	}
	publish(moved ? list.sort(byName) : list, now.databaseStale);
}

/** One outlet's state, from an event or from an answer. */
export function applyStatus(status: OutletStatus): void {
	touched.set(status.outletId, ++eventCount);
	pending.set(status.outletId, status);
	etag = null;
	if (flushing) return;
	flushing = true;
	window.setTimeout(flush, 50);
}

export function forgetOutlet(outletId: string): void {
	const now = statuses.get();
	publish(
		now.list.filter((status) => status.outletId !== outletId),
		now.databaseStale,
	);
}

function isStatus(data: unknown): data is OutletStatus {
	return typeof data === 'object' && data !== null && 'outletId' in data && 'session' in data && 'liveStatus' in data;
}

export const refreshStatuses = refresh;

/** Follow the outlets until the returned function is called. */
export function followStatuses(): () => void {
	const stopListening = listen('status', (data) => {
		if (isStatus(data)) applyStatus(data);
	});
	const stopRefreshing = addRefresher(refresh);
	return () => {
		stopListening();
		stopRefreshing();
		etag = null;
		pending = new Map();
		touched.clear();
		statuses.set(EMPTY);
	};
}
