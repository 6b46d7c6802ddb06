/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * PostgreSQL away for longer than a lease, with two daemons on it, in the middle of a blast: neither can know whether the other has taken its
 * outlets over, so both close their links in time and say so; when it is back, so are they, each with its own. A lone daemon keeps its links
 * (database.test.mjs). Only in make faults: a lease has its length.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { overlaps, owners, startDaemon } from '../e2e/daemons.mjs';
import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { numbers, startWorld } from '../e2e/world.mjs';
import { LONG, assertBlast, assertConverses, assertNoneSending, countAt, sleep, timed } from './faults.mjs';

const PHONES = ['628893000001', '628893000002', '628893000003', '628893000004'];
const LEASE_MS = 10_000;
const AWAY_MS = 30_000;

let world;
let b;
let ids;
if (LONG) {
	before(async () => {
		world = await startWorld({ database: 'own' });
		ids = await Promise.all(PHONES.map((phone, n) => world.linkedOutlet(`Shared ${n}`, phone)));
		b = await startDaemon(world, 'host-b');
	});
	after(async () => {
		await b?.stop();
		await world?.stop();
	});
}

const arrived = async () => (await Promise.all(PHONES.map((phone) => countAt(world, phone)))).reduce((a, n) => a + n);
const allHealthy = (daemon) => waitFor(async () => (await daemon.admin.get('/outlets/status')).healthy === ids.length, 60_000,
	'every outlet to be healthy');

scenario('the database of two daemons away for longer than a lease', { skip: !LONG }, async (t) => {
	await waitFor(async () => [...(await owners(world)).values()].filter((name) => name === 'host-b').length === 2, 60_000, 'an even spread');
	await Promise.all([world, b].map(allHealthy));
	const before = overlaps(world);
	const list = numbers(800, 760);
	const blast = await world.blast(ids, list, 'shared', { pace: { perMinute: 300, jitter: 0 } });

	await waitFor(async () => await arrived() >= 80, 60_000, 'a tenth of the messages');
	await world.stopDatabase();
	try {
		await timed(t, 'until both have closed their links', () => waitFor(async () => (await world.sim.state()).connections === 0,
			LEASE_MS + 5000, 'the links to be closed'), 'databaseStale, not healthy');
		const left = await arrived();
		for (const { admin } of [world, b]) {
			const list_ = await admin.get('/outlets/status');
			assert.equal(list_.databaseStale, true);
			assert.equal(list_.healthy, 0, JSON.stringify(list_.statuses));
		}
		await sleep(AWAY_MS);
		assert.equal(await arrived(), left, 'something was sent');
	} finally {
		await world.startDatabase();
	}
	await timed(t, 'from the return to all healthy', () => Promise.all([world, b].map(allHealthy)));
	await assertBlast(world, blast, list, 'shared');
	await assertNoneSending(world);
	assert.equal(overlaps(world), before);
	await assertConverses(world, ids[0], await world.sql(`SELECT phone FROM messages WHERE blast_id = '${blast.id}' AND outlet_id = '${ids[0]}'
		ORDER BY id LIMIT 2`));
});
