/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a crash must not do: kill -9 of waconnd in the middle of a blast, of apigw while it is asked, a link cut between send and ack. None lost,
 * none doubled. Real processes; the simulator counts what was decrypted as new.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { numbers, startWorld } from './world.mjs';

const NUMBER = '628320000001';

let world;
let id;
before(async () => {
	world = await startWorld();
	id = await world.linkedOutlet('Crash', NUMBER);
});
after(() => world?.stop());

/* Every recipient has exactly one message with this text: under one id, decrypted once. */
async function assertOnceEach(list, text) {
	const messages = await waitFor(async () => {
		const found = (await world.sim.messages({ from: NUMBER })).filter((m) => m.text === text);
		return new Set(found.map((m) => m.to)).size === list.length && found;
	}, 15_000, `${list.length} messages`);
	const byPhone = new Map();

	for (const m of messages)
		byPhone.set(m.to, [...byPhone.get(m.to) ?? [], m]);
	for (const phone of list)
		assert.equal(byPhone.get(phone)?.length, 1, `${phone}: ${JSON.stringify(byPhone.get(phone))}`);
}

scenario('kill -9 of waconnd in the middle of a blast, twice: none lost, none doubled', async (t) => {
	const list = numbers(300, 11);
	const blast = await world.blast([id], list, 'through a crash');

	for (const n of [20, 120]) {
		await world.waitBlast(blast.id, (b) => b.counts.sent + b.counts.delivered >= n, 30_000);
		await world.waconnd.kill();
		const left = await world.sql(`SELECT status, count(*) FROM messages WHERE blast_id = '${blast.id}' GROUP BY 1 ORDER BY 1`);
		t.diagnostic(`killed at ${left.join(', ')}`);
		assert.ok(left.some((row) => /^(QUEUED|SENDING)/.test(row)), 'the blast was over before the kill');
		await world.startDaemon();
		await world.ready();
	}
	const done = await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === 300, 60_000);
	assert.deepEqual([done.counts.total, done.counts.delivered], [300, 300]);
	await assertOnceEach(list, 'through a crash');
	assert.deepEqual((await world.recipients(blast.id)).filter((r) => r.status !== 'DELIVERED'), []);
});

/* Moments as they come, some during the daemon's start: what each kill leaves behind is the next one's beginning. */
scenario('kill -9 of waconnd again and again: none lost, none doubled', async (t) => {
	const list = numbers(1500, 19);
	const blast = await world.blast([id], list, 'through many crashes');
	let kills = 0;

	while (kills < 8 && (await world.admin.get(`/blasts/${blast.id}`)).blast.status === 'RUNNING') {
		await new Promise((resolve) => { setTimeout(resolve, Math.random() * 400); });
		await world.waconnd.kill();
		kills++;
		await world.startDaemon();
		await world.ready();
	}
	t.diagnostic(`${kills} kills`);
	assert.ok(kills >= 2, 'the blast was over before the kills');
	await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === list.length, 90_000);
	await assertOnceEach(list, 'through many crashes');
});

scenario('SIGTERM in the middle of a blast leaves none in SENDING', async () => {
	const list = numbers(100, 12);
	const blast = await world.blast([id], list, 'through a stop');

	await world.waitBlast(blast.id, (b) => b.counts.sent + b.counts.delivered >= 10);
	await world.waconnd.stop();
	const left = await world.sql(`SELECT status, count(*) FROM messages WHERE blast_id = '${blast.id}' AND status = 'SENDING' GROUP BY 1`);
	assert.deepEqual(left, []);
	await world.startDaemon();
	await world.ready();
	await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === 100, 60_000);
	await assertOnceEach(list, 'through a stop');
});

scenario('links cut during a blast, acks lost: sent again under the same id', async () => {
	const list = numbers(60, 13);

	await world.healthy(id, 20_000);
	await world.sim.fault('drop_ack', { phone: NUMBER, when: 'message', times: 3 });
	await world.sim.fault('lose_message', { phone: NUMBER, when: 'message', times: 3 });
	const blast = await world.blast([id], list, 'through a cut', { pace: { perMinute: 1200, jitter: 0 } });
	await world.waitBlast(blast.id, (b) => b.counts.sent + b.counts.delivered >= 15);
	await world.sim.fault('reset', { phone: NUMBER });
	await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED', 90_000);
	await assertOnceEach(list, 'through a cut');
});

scenario('kill -9 of apigw: the next one answers, nothing else noticed', async () => {
	const stream = await world.admin.events();
	const since = (await world.status(id)).session.connectedAt;

	await world.restartGateway({ kill: true });
	await waitFor(() => stream.closed, 5000, 'the stream to end');
	const status = await world.healthy(id);
	assert.equal(status.session.connectedAt, since);
	assert.equal((await world.admin.get('/auth/me')).user.username, 'admin'); // sessions are the daemon's
});

scenario('what was accepted before a kill is sent after it', async () => {
	const [to] = numbers(1, 14);

	await world.admin.post(`/outlets/${id}/messages`, { to, text: 'accepted' });
	await world.restartDaemon({ kill: true });
	const found = await world.sim.messages({ to, wait: 20, count: 1 });
	assert.deepEqual(found.map((m) => m.text), ['accepted']);
});

scenario('the simulator itself killed and started: the outlet finds its way back or says why not', async () => {
	// Its memory is gone with it: the device is unknown to the new one, which the outlet must say.
	await world.wasim.kill();
	await world.waitStatus(id, (s) => s.session.status === 'TIMEOUT', 45_000);
	await world.startSim();
	const status = await world.waitStatus(id, 'FAILED', 30_000);
	assert.equal(status.session.lastError.code, 'logged_out');
});
