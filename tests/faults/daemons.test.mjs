/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Three daemons on one database. One goes in the middle of a blast, by SIGTERM, kill -9 or a freeze of a minute, or two of them at once: their
 * outlets spread over those that are left, each recipient has its message once, each conversation goes on. FAULTS=long: all of it.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { overlaps, owners, startDaemon } from '../e2e/daemons.mjs';
import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { numbers, startWorld } from '../e2e/world.mjs';
import { LONG, assertBlast, assertConverses, assertNoneSending, report, sample, sleep, timed } from './faults.mjs';

const PHONES = Array.from({ length: 6 }, (_, n) => `62889000000${n}`);
const TAKEOVER_MS = 20_000; // promised, so judged
const HANDOVER_MS = 5000;
const FROZEN_MS = 60_000;
const PACE = { perMinute: 600, jitter: 0 };
const ALL = ['world', 'host-b', 'host-c'];
const long = (name, options, fn) => LONG && scenario(name, options, fn);

let world;
let b;
let c;
let ids;
let block = 700;
before(async () => {
	world = await startWorld();
	ids = await Promise.all(PHONES.map((phone, n) => world.linkedOutlet(`Shared ${n}`, phone)));
	[b, c] = await Promise.all(['host-b', 'host-c'].map((name) => startDaemon(world, name)));
	await spread(ALL);
});
after(async () => {
	await Promise.all([b?.stop(), c?.stop()]);
	await world?.stop({ violations: ['no_keepalive', 'ack_late'] }); // of the frozen one
});

const counts = async () => {
	const of = [...(await owners(world)).values()];
	return ALL.map((name) => of.filter((owner) => owner === name).length);
};

/* Each of these has its share, nobody else has any, and all are connected. */
function spread(names, deadline = 60_000) {
	const share = PHONES.length / names.length;
	const wanted = ALL.map((name) => (names.includes(name) ? share : 0));

	return waitFor(async () => {
		const found = await counts();
		const { healthy } = await world.admin.get('/outlets/status?limit=1');

		if (found.join() !== wanted.join() || healthy !== PHONES.length)
			throw new Error(JSON.stringify({ found, wanted, healthy }));
		return true;
	}, deadline, `the outlets to be spread over ${names}`);
}

async function back(daemons) {
	await Promise.all(daemons.map(async (daemon) => {
		await daemon.startDaemon();
		await daemon.ready();
	}));
	await spread(ALL);
}

/* A blast through all outlets; the trouble when a sixth has left; then everything as promised. */
async function through(t, name, trouble, { size = LONG ? 600 : 120, pace = PACE } = {}) {
	const list = numbers(size, ++block);
	const before = overlaps(world);
	const blast = await world.blast(ids, list, name, { pace });

	await world.waitBlast(blast.id, (x) => x.counts.sent + x.counts.delivered >= size / 6);
	await trouble(blast);
	await assertBlast(world, blast, list, name, 120_000);
	await assertNoneSending(world);
	for (const id of LONG ? ids : ids.slice(0, 2))
		await assertConverses(world, id, sample(await world.sql(
			`SELECT phone FROM messages WHERE blast_id = '${blast.id}' AND outlet_id = '${id}' ORDER BY id`), 2));
	return overlaps(world) - before;
}

scenario('SIGTERM of one of three: its outlets go to the two others at once', async (t) => {
	const twice = await through(t, 'one of three hands over', async () => {
		await c.waconnd.stop();
		await timed(t, 'from the end of it until all outlets are connected', () => spread(['world', 'host-b'], HANDOVER_MS));
	});

	assert.equal(twice, 0);
	if (LONG)
		await back([c]);
});

long('kill -9 of one of three', { timeout: 240_000 }, async (t) => {
	const twice = await through(t, 'one of three is killed', async () => {
		await c.waconnd.kill();
		await timed(t, 'until all outlets are connected', () => spread(['world', 'host-b'], TAKEOVER_MS));
	});

	assert.equal(twice, 0);
	await back([c]);
});

long('kill -9 of two of three', { timeout: 240_000 }, async (t) => {
	const twice = await through(t, 'two of three are killed', async () => {
		await Promise.all([b.waconnd.kill(), c.waconnd.kill()]);
		await timed(t, 'until all outlets are connected', () => spread(['world'], TAKEOVER_MS));
	});

	assert.equal(twice, 0);
	await back([b, c]);
});

long('kill -9 of one, and of the other as soon as it has taken over', { timeout: 240_000 }, async (t) => {
	const twice = await through(t, 'one after the other', async () => {
		await c.waconnd.kill();
		await waitFor(async () => (await counts())[2] === 0, TAKEOVER_MS, 'the takeover', 20);
		await b.waconnd.kill();
		await timed(t, 'from the second kill until all outlets are connected', () => spread(['world'], TAKEOVER_MS));
	});

	assert.equal(twice, 0);
	await back([b, c]);
});

/* b stands still in the middle of a blast that outlasts it, and goes on: the others of these have its outlets, then it has its share again. */
async function frozen(t, name, all) {
	const twice = await through(t, name, async (blast) => {
		const mark = b.waconnd.mark();
		const mine = [...await owners(world)].filter(([, owner]) => owner === 'host-b').map(([id]) => id);
		const begin = performance.now();

		b.waconnd.signal('SIGSTOP');
		await timed(t, 'until all outlets are connected elsewhere', () => spread(all.filter((other) => other !== 'host-b'), TAKEOVER_MS));
		await sleep(begin + FROZEN_MS - performance.now());
		assert.equal((await world.admin.get(`/blasts/${blast.id}`)).blast.status, 'RUNNING', 'the blast was over before the freeze');
		b.waconnd.signal('SIGCONT');
		await waitFor(() => /instance\.back/.test(b.waconnd.logSince(mark, Infinity)), TAKEOVER_MS, 'it to come back');
		assert.equal(mine.length, PHONES.length / all.length);
		await spread(all);
	}, { size: 1000, pace: { perMinute: 120, jitter: 0 } });

	// Its own old sockets, if the server still held them, are the only thing that new logins may have replaced.
	report(t, 'logins that ended an old socket of its', String(twice));
	assert.ok(twice <= PHONES.length / all.length, `${twice} overlaps`);
}

long(`one of three is frozen for ${FROZEN_MS / 1000} s: it sends nothing when it goes on, and has its share again`, { timeout: 300_000 },
	(t) => frozen(t, 'one of three is frozen', ALL));

long(`one of two is frozen for ${FROZEN_MS / 1000} s: the same`, { timeout: 300_000 }, async (t) => {
	await c.waconnd.stop();
	await spread(['world', 'host-b']);
	await frozen(t, 'one of two is frozen', ['world', 'host-b']);
	await back([c]);
});
