/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The process itself: SIGTERM under load, with a server that is silent and with a database that is away, ends it within 10 s with status 0;
 * SIGSTOP for a while makes it late, not wrong. Nothing is lost or doubled, none is left in SENDING.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { numbers, startWorld } from '../e2e/world.mjs';
import { LONG, assertBlast, assertConverses, assertNoneSending, countAt, report, sample, sleep } from './faults.mjs';

const STOP_MS = 10_000; // promised, so judged
const FROZEN_MS = LONG ? 60_000 : 3000;
const PHONES = ['628870000001', '628870000002', '628870000003'];

let world;
let ids;
let block = 500;
before(async () => {
	world = await startWorld({ database: 'own' });
	ids = await Promise.all(PHONES.map((phone, i) => world.linkedOutlet(`Stop ${i}`, phone)));
});
after(() => world?.stop({ violations: ['no_keepalive', 'ack_late'] })); // of the frozen one

const arrived = async () => (await Promise.all(PHONES.map((phone) => countAt(world, phone)))).reduce((a, b) => a + b);

/* A blast; the trouble when a quarter has arrived; a stop in the middle of it; the rest when all is well again. */
async function stopIn(t, name, { trouble = () => {}, mend = () => {}, size = LONG ? 600 : 200, pace } = {}) {
	const list = numbers(size, ++block);
	const begun = await arrived();
	const blast = await world.blast(ids, list, name, { pace });

	await waitFor(async () => await arrived() >= begun + size / 4, 30_000, 'a quarter of the messages', 2);
	await trouble();
	const begin = performance.now();
	await world.waconnd.stop();
	const ms = performance.now() - begin;
	report(t, 'from SIGTERM to the end', `${Math.round(ms)} ms`);
	assert.deepEqual(world.waconnd.takeFailures(), []);
	assert.ok(ms < STOP_MS, `it took ${Math.round(ms)} ms to stop`);
	await mend();
	t.diagnostic(`left: ${await world.sql(`SELECT status, count(*) FROM messages WHERE blast_id = '${blast.id}' GROUP BY 1 ORDER BY 1`)}`);
	await world.startDaemon();
	await world.ready();
	await assertBlast(world, blast, list, name);
	await assertNoneSending(world);
	await assertConverses(world, ids[0], sample(await world.sql(
		`SELECT phone FROM messages WHERE blast_id = '${blast.id}' AND outlet_id = '${ids[0]}' ORDER BY id`), 2));
}

scenario('SIGTERM under load', async (t) => {
	for (let n = 0; n < (LONG ? 10 : 1); n++)
		await stopIn(t, `a stop, ${n}`);
});

scenario('SIGTERM while the server is silent', async (t) => {
	await stopIn(t, 'silence', { trouble: () => world.sim.fault('silence', { ms: 20_000 }), mend: () => world.sim.forget() });
});

scenario('SIGTERM while the database is away', async (t) => {
	await stopIn(t, 'no database', { trouble: () => world.stopDatabase(), mend: () => world.startDatabase(), size: 120,
		pace: { perMinute: 1200, jitter: 0 } });
});

scenario(`frozen for ${FROZEN_MS / 1000} s in the middle of a blast`, { timeout: 300_000 }, async () => {
	const list = numbers(300, ++block);
	const begun = await arrived();
	const blast = await world.blast(ids, list, 'frozen', { pace: { perMinute: 1200, jitter: 0 } });

	await waitFor(async () => await arrived() >= begun + 75, 30_000, 'a quarter of the messages', 2);
	world.waconnd.signal('SIGSTOP');
	await sleep(FROZEN_MS);
	world.waconnd.signal('SIGCONT');
	await assertBlast(world, blast, list, 'frozen', 240_000);
	await assertNoneSending(world);
	for (const id of ids)
		await assertConverses(world, id, sample(await world.sql(
			`SELECT phone FROM messages WHERE blast_id = '${blast.id}' AND outlet_id = '${id}' ORDER BY id`), 2));
});
