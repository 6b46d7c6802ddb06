/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting with a deadline, and nothing else: what a test waits for is asked for again and again, and said when it does not come. */
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Deadlines are what a program takes at worst on a quiet machine; with sanitizers on, and others at work beside it, it may take so many
 * times as long. What comes in time costs no time more for it.
 */
export const PATIENCE = 3;

/** What no waiting will mend. */
export class Hopeless extends Error {}

/**
 * Calls fn until it answers something true, and returns that. A failure of fn is only a "not yet", unless it is Hopeless.
 * @param {() => any} fn
 * @param {number} deadline milliseconds
 * @param {string} what completes "waited for …"
 */
export async function waitFor(fn, deadline, what, every = 50) {
	const end = performance.now() + deadline * PATIENCE;
	let last;

	for (;;) {
		try {
			last = await fn();
			if (last)
				return last;
		} catch (error) {
			if (error instanceof Hopeless)
				throw error;
			last = error;
		}
		if (performance.now() >= end)
			throw new Error(`waited ${deadline * PATIENCE} ms for ${what}; last: ${describe(last)}`,
				{ cause: last instanceof Error ? last : undefined });
		await sleep(every);
	}
}

function describe(value) {
	if (value instanceof Error)
		return value.message;
	const text = JSON.stringify(value);
	return text === undefined ? String(value) : text.slice(0, 2000);
}

/** The promise's value, or a failure that says what was waited for. */
export async function within(promise, deadline, what) {
	const stop = new AbortController();
	const late = sleep(deadline, null, { signal: stop.signal }).then(
		() => { throw new Error(`waited ${deadline} ms for ${what}`); },
		() => {});

	try {
		return await Promise.race([promise, late]);
	} finally {
		stop.abort();
	}
}

/** A port of the loopback that nobody listens on now. */
export async function freePort() {
	const server = net.createServer();

	await new Promise((resolve, reject) => server.on('error', reject).listen(0, '127.0.0.1', resolve));
	const { port } = server.address();
	await new Promise((resolve) => server.close(resolve));
	return port;
}

/** Does a server listen on this Unix socket? */
export function answers(path) {
	return new Promise((resolve) => {
		const socket = net.connect(path);

		socket.on('connect', () => {
			socket.destroy();
			resolve(true);
		});
		socket.on('error', () => resolve(false));
	});
}
