/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Links that break and come back by themselves: reset, closed, garbage, 515, a server that refuses connections or says nothing more; and links
 * that are slow or cut into odd pieces. Each on an outlet of its own, all at once. Simulator faults, SSE, REST.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { startWorld } from './world.mjs';

let world;
let next = 0;
before(async () => { world = await startWorld(); });
after(() => world?.stop());

const phone = () => `62822${String(++next).padStart(7, '0')}`;

async function linked(name) {
	const number = phone();
	return { number, id: await world.linkedOutlet(name, number) };
}

/* The live statuses that events of this outlet showed, without repeats. */
const statusesOf = (stream, id) => stream.events
	.filter((e) => e.kind === 'status' && e.data.outletId === id)
	.map((e) => e.data.liveStatus.status)
	.filter((s, i, all) => s !== all[i - 1]);

/* Breaks the link, and waits until an event has shown `seen` and the outlet is healthy again. */
async function breaksAndMends(action, fields, seen, deadline) {
	const { id, number } = await linked(`Mends ${action}`);
	const stream = await world.admin.events({ kinds: 'status' });

	await world.sim.fault(action, { phone: number, ...fields });
	const event = await stream.next((e) => e.data.outletId === id && e.data.liveStatus.status === seen, deadline, `${action}: ${seen}`);
	if (seen === 'TIMEOUT') {
		assert.equal(event.data.healthy, false);
		assert.ok(event.data.session.retryCount >= 0);
	}
	const healthy = await world.healthy(id, 30_000);
	assert.equal(healthy.session.nextRetryAt, null);
	assert.ok(!statusesOf(stream, id).includes('FAILED'));
	stream.close();
	return { id, number };
}

const concurrently = { concurrency: true };

scenario('links break and mend', concurrently, async (t) => {
	// Meanwhile, those that have nothing to say stay as they are.
	const quiet = await linked('Quiet');
	const scanning = await world.addOutlet('Scanning', phone());
	const stream = await world.admin.events({ kinds: 'status' });
	await world.admin.post(`/outlets/${scanning}/connect`, { method: 'qr' });
	await world.qr(scanning);

	await Promise.all([
		t.test('reset by the peer', () => breaksAndMends('reset', {}, 'TIMEOUT', 10_000)),
		t.test('closed by the peer', () => breaksAndMends('close', {}, 'TIMEOUT', 10_000)),
		t.test('a frame that cannot be decrypted', () => breaksAndMends('garbage', {}, 'TIMEOUT', 10_000)),
		t.test('stream error 503', () => breaksAndMends('stream_error', { code: 503 }, 'TIMEOUT', 10_000)),
		t.test('stream error 515: at once, without back-off', async () => {
			const before = performance.now();
			await breaksAndMends('stream_error', { code: 515 }, 'CONNECTING', 10_000);
			assert.ok(performance.now() - before < 10_000);
		}),
		t.test('silence: TIMEOUT within 40 s, and back by itself', async () => {
			const { id, number } = await linked('Silence');
			const stream = await world.admin.events({ kinds: 'status' });
			const begin = performance.now();

			await world.sim.fault('silence', { phone: number, ms: 0 });
			await stream.next((e) => e.data.outletId === id && e.data.liveStatus.status === 'TIMEOUT', 45_000, 'TIMEOUT');
			const seconds = (performance.now() - begin) / 1000;
			assert.ok(seconds <= 40, `${seconds} s`);
			await world.healthy(id, 20_000);
			stream.close();
		}),
		t.test('a login that is not answered is given up, and tried again', async () => {
			const { id, number } = await linked('No answer');

			await world.sim.fault('silence', { phone: number, when: 'login', times: 1, ms: 0 });
			await world.sim.fault('reset', { phone: number });
			await world.waitStatus(id, (s) => !s.healthy);
			await world.healthy(id, 60_000);
		}),
		t.test('slow answers break nothing', async () => {
			const { id, number } = await linked('Slow');
			const to = phone();

			await world.sim.fault('delay', { phone: number, ms: 300 });
			await world.admin.post(`/outlets/${id}/messages`, { to, text: 'slowly' });
			const [message] = await world.sim.messages({ to, wait: 20, count: 1 });
			assert.equal(message.text, 'slowly');
			await world.sim.fault('delay', { phone: number, ms: 0 });
			assert.equal((await world.status(id)).healthy, true);
		}),
		t.test('frames in pieces, several in one, compressed documents', async () => {
			const { id, number } = await linked('Pieces');
			const to = phone();

			await world.sim.fault('split', { phone: number });
			await world.admin.post(`/outlets/${id}/messages`, { to, text: 'whole' });
			const [message] = await world.sim.messages({ to, wait: 20, count: 1 });
			assert.equal(message.text, 'whole');
			await world.sim.send(to, number, 'and back');
			const inbound = async () => (await world.admin.get(`/outlets/${id}/messages`)).messages.find((m) => m.direction === 'in');
			await world.waitStatus(id, (s) => s.healthy);
			const { text } = await waitFor(inbound, 10_000, 'the answer');
			assert.equal(text, 'and back');
		}),
	]);
	assert.deepEqual(statusesOf(stream, quiet.id).filter((s) => s !== 'CONNECTED'), []);
	assert.deepEqual(statusesOf(stream, scanning).filter((s) => s !== 'CONNECTING'), []);
	stream.close();
});

scenario('a server that is away: TIMEOUT with retries counted; back when it is back', async () => {
	const { id } = await linked('Away');

	await world.sim.fault('refuse');
	await world.sim.fault('reset');
	const away = await world.waitStatus(id, (s) => s.session.status === 'TIMEOUT' && s.session.retryCount >= 2, 30_000);
	assert.match(away.session.lastError.code, /^[a-z_]+$/);
	assert.ok(away.session.lastError.message && away.session.lastError.action);
	const waiting = await world.waitStatus(id, (s) => s.session.nextRetryAt !== null);
	assert.ok(Date.parse(waiting.session.nextRetryAt) > Date.now() - 5000);
	await world.sim.fault('refuse', { times: 0 });
	await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' }); // does not wait for the next turn
	const back = await world.healthy(id, 15_000);
	assert.equal(back.session.lastError, null);
});

scenario('a restart of the daemon brings linked outlets back, not the disconnected ones', async () => {
	const { id } = await linked('Comes back');
	const other = await linked('Stays away');

	await world.admin.post(`/outlets/${other.id}/disconnect`);
	await world.waitStatus(other.id, 'DISCONNECTED');
	await world.restartDaemon();
	await world.healthy(id, 20_000);
	await world.waitStatus(other.id, 'DISCONNECTED');
});
