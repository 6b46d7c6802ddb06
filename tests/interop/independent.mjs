/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests with the independent server have in common. */
import assert from 'node:assert/strict';

import { waitFor } from '../e2e/wait.mjs';
import { startWorld } from '../e2e/world.mjs';
import { Server } from './server.mjs';

export const NUMBER = '628770001112';

/** Everything is acknowledged, and nothing was wrong. */
export async function clean(server) {
	await waitFor(() => server.owed.size === 0 || server.violations.length > 0, 10_000, 'all to be acknowledged')
		.catch((error) => { throw new Error(`${error.message}: ${[...server.owed.keys()].slice(0, 9)}`); });
	assert.deepEqual(server.violations.slice(0, 5), []);
}

/* What a recipient's devices read, each of it once. */
function readBy(server, pn, text) {
	return [...server.account(pn).phones.values()].map((phone) => phone.messages.filter((m) => m.message.conversation === text));
}

/** Every device of each of these people read this text once. */
export function assertOnce(server, list, text) {
	for (const pn of list) {
		for (const read of readBy(server, pn, text))
			assert.equal(read.length, 1, `${pn}: ${read.map((m) => m.id)}`);
	}
}

/** A world around a server with these habits, with one outlet that is linked. */
export async function begin(options) {
	const server = new Server(options);
	const world = await startWorld({ server });
	try {
		const id = await world.linkedOutlet('Shop', NUMBER);
		return { server, world, id, account: server.account(NUMBER) };
	} catch (error) {
		await world.stop().catch(() => {});
		throw error;
	}
}
