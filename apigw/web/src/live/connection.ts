/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * connection: keeps the pages fresh. Server-sent events while they come; while they do not, every registered refresher runs each
 * 10 seconds. It never shows anything itself: it holds what the banners and the "updated" line read.
 */
import { onOutcome, Problem } from '../api/client.ts';
import { createStore, useStore } from '../lib/store.ts';
import { getSession, sessionLost } from '../session.ts';

export type Mode = 'connecting' | 'live' | 'polling';
export type Trouble = 'none' | 'offline' | 'daemon' | 'database';

export interface Connection {
	mode: Mode;
	trouble: Trouble;
	refreshing: boolean;
	/** When the server last told us how things stand. */
	lastRefresh: number | null;
}

export type EventKind = 'status' | 'qr' | 'blast' | 'message' | 'webhook';
type Listener = (data: unknown) => void;

const POLL_MS = 10_000;
/**
 * Even with events coming, everything is read anew now and then; and once none came for a poll's time, since a stream may be dead,
 * or the daemon behind it, without a word.
 */
const SWEEP_MS = 60_000;
const REOPEN_MS = 5_000;

const connection = createStore<Connection>({
	mode: 'connecting',
	trouble: 'none',
	refreshing: false,
	lastRefresh: null,
});
const listeners: Record<EventKind, Set<Listener>> = {
	status: new Set(),
	qr: new Set(),
	blast: new Set(),
	message: new Set(),
	webhook: new Set(),
};
const refreshers = new Set<() => Promise<unknown>>();

let source: EventSource | null = null;
let timer: number | undefined;
let reopenTimer: number | undefined;
let running = false;
let lastSweep = 0;

export function useConnection(): Connection {
	return useStore(connection);
}

function change(part: Partial<Connection>): void {
	connection.set((old) => ({ ...old, ...part }));
}

export function listen(kind: EventKind, listener: Listener): () => void {
	listeners[kind].add(listener);
	return () => listeners[kind].delete(listener);
}

/** Runs when the pages must be brought up to date; also once at once. */
export function addRefresher(refresher: () => Promise<unknown>): () => void {
	refreshers.add(refresher);
	void refresher().then(heard, () => {});
	return () => refreshers.delete(refresher);
}

function heard(): void {
	change({ lastRefresh: Date.now() });
}

export async function refreshAll(): Promise<void> {
	lastSweep = Date.now();
	change({ refreshing: true });
	const results = await Promise.allSettled([...refreshers].map((refresher) => refresher()));
	change({ refreshing: false });
	if (results.every((result) => result.status === 'fulfilled')) heard();
}

/** In how many ms the pages are due to be read anew, if nothing is heard before. */
function due(): number {
	const { mode, trouble, lastRefresh } = connection.get();
	if (mode !== 'live' || trouble !== 'none' || lastRefresh === null) return 0;
	return Math.min(lastRefresh + POLL_MS, lastSweep + SWEEP_MS) - Date.now();
}

function schedule(): void {
	window.clearTimeout(timer);
	if (!running) return;
	const wait = due();
	timer = window.setTimeout(
		() => {
			if (document.visibilityState === 'hidden' || due() > 0) schedule();
			else void refreshAll().finally(schedule);
		},
		wait > 0 ? wait : POLL_MS,
	);
}

function setMode(mode: Mode): void {
	if (connection.get().mode === mode) return;
	change({ mode });
	schedule();
}

function deliver(kind: EventKind, event: MessageEvent<string>): void {
	let data: unknown;
	try {
		data = JSON.parse(event.data);
	} catch {
		return;
	}
	heard();
	// Events come from the daemon: it is back.
	const { trouble, refreshing } = connection.get();
	if ((trouble === 'daemon' || trouble === 'offline') && !refreshing) void refreshAll();
	for (const listener of [...listeners[kind]]) listener(data);
}

function closeSource(): void {
	source?.close();
	source = null;
	window.clearTimeout(reopenTimer);
}

function openSource(): void {
	closeSource();
	const opened = new EventSource('/api/events');
	let everOpen = false;

	source = opened;
	opened.onopen = () => {
		setMode('live');
		// Whatever happened while there were no events.
		if (everOpen || connection.get().lastRefresh !== null) void refreshAll();
		everOpen = true;
	};
	opened.onerror = () => {
		setMode('polling');
		void refreshAll();
		// The browser tries again by itself unless the answer was an error.
		if (opened.readyState === EventSource.CLOSED && running) reopenTimer = window.setTimeout(openSource, REOPEN_MS);
	};
	for (const kind of Object.keys(listeners) as EventKind[]) {
		opened.addEventListener(kind, (event) => deliver(kind, event as MessageEvent<string>));
	}
	// The server no longer knows what we missed.
	opened.addEventListener('reset', () => void refreshAll());
}

function noteOutcome(outcome: 'ok' | Problem): void {
	if (outcome === 'ok') {
		if (connection.get().trouble !== 'none') change({ trouble: 'none' });
		return;
	}
	if (outcome.status === 401 && getSession().state !== 'out') sessionLost();
	else if (outcome.code === 'database_unavailable') change({ trouble: 'database' });
	else if (outcome.status === 503 || outcome.code === 'daemon_timeout') change({ trouble: 'daemon' });
	else if (outcome.status === 0 || outcome.status === 502 || outcome.status === 504) change({ trouble: 'offline' });
	else if (connection.get().trouble !== 'none') change({ trouble: 'none' });
}

/** Once, when the program starts. */
export function watchOutcomes(): void {
	onOutcome(noteOutcome);
	window.addEventListener('offline', () => change({ trouble: 'offline' }));
	window.addEventListener('online', () => {
		if (!running) return;
		openSource();
		void refreshAll();
	});
	document.addEventListener('visibilitychange', () => {
		if (running && document.visibilityState === 'visible') void refreshAll().finally(schedule);
	});
}

export function startLive(): void {
	if (running) return;
	running = true;
	change({ mode: 'connecting', lastRefresh: null });
	openSource();
	schedule();
}

export function stopLive(): void {
	running = false;
	window.clearTimeout(timer);
	closeSource();
}
