/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Several daemons on one database: outlets spread, taken over from one that is killed, frozen or cut off from the database, handed over
 * by one that stops; in the middle of blasts. The phones count every message once; the simulator sees no outlet twice.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { Passage, overlaps, owners, startDaemon } from './daemons.mjs';
import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { numbers, startWorld } from './world.mjs';

const PHONES = ['628330000001', '628330000002', '628330000003', '628330000004'];
const TAKEOVER_MS = 20_000;
const PACE = { perMinute: 1200, jitter: 0 };

let world;
let b;
let ids;
let passage;
before(async () => {
	world = await startWorld();
	ids = [];
	for (const [n, phone] of PHONES.entries())
		ids.push(await world.linkedOutlet(`Branch ${n}`, phone));
	b = await startDaemon(world, 'host-b');
});
after(async () => {
	await b?.stop();
	passage?.close();
	await world?.stop();
});

const ownedBy = async (name) => [...await owners(world)].filter(([, owner]) => owner === name).map(([id]) => id);

const spread = (daemons, deadline = 60_000) => waitFor(async () => {
	const all = [...(await owners(world)).values()];
	const counts = daemons.map((name) => all.filter((owner) => owner === name).length);
	if (all.length !== ids.length || Math.max(...counts) > Math.ceil(ids.length / daemons.length))
		throw new Error(JSON.stringify([daemons, counts]));
	return true;
}, deadline, 'the outlets to be spread evenly');

const allHealthy = (deadline = TAKEOVER_MS) => waitFor(async () => {
	const { statuses } = await world.admin.get('/outlets/status');
	if (!statuses.every((s) => s.healthy))
		throw new Error(JSON.stringify(statuses.map((s) => [s.outlet.name, s.session, s.liveStatus])));
	return true;
}, deadline, 'every outlet to be healthy');

async function assertOnceEach(list, text) {
	const found = await waitFor(async () => {
		const { messages } = { messages: (await world.sim.messages({})).filter((m) => m.text === text) };
		return new Set(messages.map((m) => m.to)).size === list.length && messages;
	}, 30_000, `${list.length} messages "${text}"`);
	assert.equal(found.length, list.length, `${text}: some came twice`);
}

const completed = (blast, n, deadline = 90_000, daemon = world) => waitFor(async () => {
	const { blast: now } = await daemon.admin.get(`/blasts/${blast.id}`);
	if (now.status !== 'COMPLETED' || now.counts.delivered !== n)
		throw new Error(JSON.stringify(now));
	return now;
}, deadline, `blast ${blast.name} to be completed`, 200);

const under = (blast, n) => world.waitBlast(blast.id, (x) => x.counts.sent + x.counts.delivered >= n);

scenario('two daemons share the outlets evenly; both answer for all of them alike', async () => {
	await spread(['world', 'host-b']);
	await allHealthy();
	for (const id of ids) {
		const [mine, theirs] = [await world.status(id), await waitFor(async () => {
			const s = await b.status(id);
			return s.healthy && s;
		}, 10_000, `${id} to be healthy at the other daemon`)];
		assert.equal(mine.liveStatus.instance, theirs.liveStatus.instance);
		assert.equal(theirs.session.status, 'CONNECTED');
		assert.equal(mine.session.connectedAt, theirs.session.connectedAt);
	}
	assert.deepEqual((await ownedBy('host-b')).length, 2);
});

scenario('a blast through both daemons, ordered at one', async () => {
	const list = numbers(80, 31);
	const blast = await world.blast(ids, list, 'through both');

	await completed(blast, list.length);
	await assertOnceEach(list, 'through both');
});

scenario('kill -9 of a daemon in the middle of a blast: taken over within 20 s, every message once', async (t) => {
	const list = numbers(240, 32);
	const blast = await world.blast(ids, list, 'through a takeover', { pace: PACE });

	await under(blast, 20);
	const theirs = await ownedBy('host-b');
	const before = overlaps(world);
	await b.waconnd.kill();
	const killed = performance.now();
	await waitFor(async () => (await ownedBy('world')).length === ids.length, TAKEOVER_MS, 'the takeover');
	t.diagnostic(`taken over after ${Math.round(performance.now() - killed)} ms`);
	await allHealthy();
	t.diagnostic(`healthy after ${Math.round(performance.now() - killed)} ms`);
	for (const id of theirs)
		assert.equal((await world.status(id)).liveStatus.instance, 'world');
	await completed(blast, list.length);
	await assertOnceEach(list, 'through a takeover');
	assert.equal(overlaps(world), before);
	await b.startDaemon();
	await b.ready();
	await spread(['world', 'host-b']);
	await allHealthy();
});

scenario('SIGTERM hands the outlets over at once', async (t) => {
	const list = numbers(200, 33);
	const blast = await world.blast(ids, list, 'through a handover', { pace: PACE });
	const before = overlaps(world);

	await under(blast, 20);
	await b.waconnd.stop();
	const stopped = performance.now();
	await waitFor(async () => (await ownedBy('world')).length === ids.length, 5000, 'the handover');
	t.diagnostic(`taken after ${Math.round(performance.now() - stopped)} ms`);
	await allHealthy(5000);
	t.diagnostic(`healthy after ${Math.round(performance.now() - stopped)} ms`);
	await completed(blast, list.length);
	await assertOnceEach(list, 'through a handover');
	assert.equal(overlaps(world), before);
	await b.startDaemon();
	await b.ready();
	await spread(['world', 'host-b']);
	await allHealthy();
});

scenario('a daemon frozen for longer than its lease sends nothing when it goes on, and comes back', { timeout: 180_000 }, async (t) => {
	const list = numbers(400, 34);
	const blast = await world.blast(ids, list, 'through a freeze', { pace: PACE });
	const before = overlaps(world);

	await under(blast, 20);
	const mark = b.waconnd.mark();
	const [epoch] = await world.sql("SELECT epoch FROM instances WHERE name = 'host-b'");
	b.waconnd.signal('SIGSTOP');
	const frozen = performance.now();
	await waitFor(async () => (await ownedBy('world')).length === ids.length, TAKEOVER_MS, 'the takeover');
	t.diagnostic(`taken over after ${Math.round(performance.now() - frozen)} ms`);
	await completed(blast, list.length);
	const stepped = await world.sim.messages({});
	b.waconnd.signal('SIGCONT');
	await waitFor(() => /instance\.back/.test(b.waconnd.logSince(mark)), 20_000, 'the frozen daemon to come back');
	const [now] = await world.sql("SELECT epoch FROM instances WHERE name = 'host-b' AND boot IS NOT NULL");
	assert.ok(Number(now) > Number(epoch), `epoch ${epoch} → ${now}`);
	await spread(['world', 'host-b']);
	await allHealthy();
	assert.equal((await world.sim.messages({})).length, stepped.length, 'it sent after it was declared dead');
	await assertOnceEach(list, 'through a freeze');
	// Its own old socket, if the server still held it, is the only thing that the new login may have replaced.
	assert.ok(overlaps(world) - before <= 2, `${overlaps(world) - before} overlaps`);
});

scenario('a daemon cut off from the database drops its links before another takes its outlets', { timeout: 180_000 }, async (t) => {
	await b.stop();
	await waitFor(async () => (await ownedBy('world')).length === ids.length, 10_000, 'the handover');
	passage = new Passage(world.dsn);
	await b.start({ dsn: await passage.open() });
	await spread(['world', 'host-b']);
	await allHealthy();
	const list = numbers(300, 35);
	const blast = await world.blast(ids, list, 'through a partition', { pace: PACE });
	const before = overlaps(world);

	await under(blast, 20);
	const mark = b.waconnd.mark();
	passage.setCut(true);
	const cut = performance.now();
	await waitFor(() => /instance\.lapsed/.test(b.waconnd.logSince(mark)), 15_000, 'it to notice');
	t.diagnostic(`links dropped after ${Math.round(performance.now() - cut)} ms`);
	await waitFor(async () => (await ownedBy('world')).length === ids.length, TAKEOVER_MS, 'the takeover');
	t.diagnostic(`taken over after ${Math.round(performance.now() - cut)} ms`);
	await allHealthy();
	await completed(blast, list.length);
	passage.setCut(false);
	await waitFor(() => /instance\.back/.test(b.waconnd.logSince(mark)), 40_000, 'it to come back');
	await spread(['world', 'host-b']);
	await allHealthy();
	await assertOnceEach(list, 'through a partition');
	assert.equal(overlaps(world), before);
});

scenario('a second daemon of the same name takes over, and the first one ends', async () => {
	const twin = await startDaemon(world, 'twin', { instance: 'host-b' });

	await waitFor(() => !b.waconnd.running, 10_000, 'the first of the name to end');
	assert.match(b.waconnd.takeFailures().join(), /ended by itself: 1/);
	await spread(['world', 'host-b']);
	await allHealthy();
	await twin.stop();
});
