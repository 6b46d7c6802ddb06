/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Server-sent events: status, qr, blast and message as they happen; going on after Last-Event-ID without a gap or a repeat; each sees what it
 * may. REST, simulator.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { startWorld } from './world.mjs';

const PASSWORD = 'correct horse battery';

let world;
let id;
let other;
const NUMBER = '628250000001';

before(async () => {
	world = await startWorld();
	id = await world.addOutlet('Events', NUMBER);
	other = await world.addOutlet('Other', '628250000002');
	await world.addUser('umar', 'USER', PASSWORD, other);
});
after(() => world?.stop());

scenario('linking shows as qr and status events; the code itself is in none', async () => {
	const stream = await world.admin.events();

	assert.match(stream.headers['content-type'], /^text\/event-stream/);
	await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
	const event = await stream.next((e) => e.kind === 'qr', 10_000, 'a qr event');
	assert.deepEqual(Object.keys(event.data).sort(), ['expiresAt', 'outletId', 'sequence']);
	assert.equal(event.data.outletId, id);
	const { qr } = await world.qr(id);
	await world.sim.scan(qr, NUMBER);
	const connected = await stream.next((e) => e.kind === 'status' && e.data.healthy, 10_000, 'CONNECTED');
	assert.deepEqual(Object.keys(connected.data), Object.keys(await world.status(id)));
	assert.ok(stream.events.every((e) => e.id && ['status', 'qr', 'blast', 'message'].includes(e.kind)));
	assert.ok(!JSON.stringify(stream.events).includes(qr.split('#')[1].split(',')[3]));
	stream.close();
});

scenario('a blast and an inbound message show as events', async () => {
	const stream = await world.admin.events();
	const blast = await world.blast([id], ['628260000001', '628260000002'], 'x');

	const done = await stream.next((e) => e.kind === 'blast' && e.data.status === 'COMPLETED', 20_000, 'the blast to be COMPLETED');
	assert.equal(done.data.id, blast.id);
	assert.equal(done.data.counts.total, 2);
	await world.sim.send('628260000001', NUMBER, 'thank you');
	const message = await stream.next((e) => e.kind === 'message' && e.data.direction === 'in', 10_000, 'the message');
	assert.equal(message.data.text, 'thank you');
	assert.equal(message.data.peer, '628260000001');
	assert.equal(message.data.outletId, id);
	stream.close();
});

scenario('kinds choose', async () => {
	const stream = await world.admin.events({ kinds: 'blast' });

	await world.admin.post(`/outlets/${id}/pause`);
	await world.waitStatus(id, 'PAUSED');
	await world.admin.post(`/outlets/${id}/resume`);
	await world.healthy(id);
	await world.blast([id], ['628260000003'], 'x');
	await stream.next((e) => e.data.status === 'COMPLETED', 20_000, 'the blast');
	assert.deepEqual([...new Set(stream.events.map((e) => e.kind))], ['blast']);
	stream.close();
	await world.admin.refused(422, 'validation_failed', 'GET', '/events?kinds=gossip');
	await world.api().refused(401, 'unauthenticated', 'GET', '/events');
});

scenario('Last-Event-ID goes on where a reader was, without a gap or a repeat', async () => {
	const whole = await world.admin.events({ kinds: 'status' });
	const first = await world.admin.events({ kinds: 'status' });
	const paused = (e) => e.data.outletId === id && e.data.session.status === 'PAUSED';

	await world.admin.post(`/outlets/${id}/pause`);
	await first.next(paused, 10_000, 'PAUSED');
	first.close();
	await world.admin.post(`/outlets/${id}/resume`);
	await world.healthy(id);
	const second = await world.admin.events({ kinds: 'status', lastEventId: first.lastId });
	await world.admin.post(`/outlets/${id}/pause`);
	const seen = first.events.length;
	await waitFor(() => whole.events.filter(paused).length > first.events.filter(paused).length && paused(whole.events.at(-1)), 10_000, 'PAUSED again');
	await waitFor(() => second.lastId === whole.lastId, 10_000, 'both readers to be at the same event');
	assert.deepEqual([...first.events.slice(0, seen), ...second.events].map((e) => e.id), whole.events.map((e) => e.id));
	whole.close();
	second.close();
	await world.admin.post(`/outlets/${id}/resume`);
	await world.healthy(id);
});

scenario('a USER sees events of its own outlet only', async () => {
	const api = await world.login('umar', PASSWORD);
	const stream = await api.events();

	await world.admin.post(`/outlets/${id}/pause`);
	await world.waitStatus(id, 'PAUSED');
	await world.admin.post(`/outlets/${other}/pause`);
	await stream.next((e) => e.kind === 'status' && e.data.session.status === 'PAUSED', 10_000, 'the own outlet');
	assert.deepEqual([...new Set(stream.events.map((e) => e.data.outletId))], [other]);
	stream.close();
});

/* A stream of whoever the token makes the caller; ends says whether it is over after a change. */
async function listening(token) {
	const stream = await world.api(token).events();

	return { stream, ended: (why) => waitFor(() => stream.closed, 30_000, `the stream to end: ${why}`) };
}

scenario('a stream lasts as long as what allowed it, and no longer', async () => {
	const create = async (more) => (await world.admin.post('/tokens', { name: 'reader', ...more }));
	const revoked = await create({ scopes: ['events:read'] });
	const short = await create({ expiresInSeconds: 3 });
	const lasting = await create({});
	const streams = {};

	for (const [name, { token }] of Object.entries({ revoked, short, lasting }))
		streams[name] = await listening(token);
	await world.admin.delete(`/tokens/${revoked.apiToken.id}`);
	await streams.revoked.ended('revoked');
	await world.api(revoked.token).refused(401, 'unauthenticated', 'GET', '/events');
	await streams.short.ended('expired');

	const umar = await world.login('umar', PASSWORD);
	const login = await listening(umar.token);
	await umar.post('/auth/logout');
	await login.ended('logged out');

	const again = await listening((await world.login('umar', PASSWORD)).token);
	const user = (await world.admin.get('/users?q=umar')).users[0];
	await world.admin.patch(`/users/${user.id}`, { outletId: id });
	await again.ended('sees another outlet');
	await world.admin.patch(`/users/${user.id}`, { outletId: other });

	await world.admin.post(`/outlets/${other}/resume`);
	await streams.lasting.stream.next((e) => e.kind === 'status' && e.data.outletId === other, 10_000, 'events to go on');
	assert.ok(!streams.lasting.stream.closed);
	streams.lasting.stream.close();
});

scenario('a stream ends with its daemon, and its reader comes back', async () => {
	const stream = await world.admin.events();

	await world.restartDaemon();
	await waitFor(() => stream.closed, 10_000, 'the stream to end');
	const again = await world.admin.events({ lastEventId: stream.lastId });
	await world.admin.post(`/outlets/${id}/resume`);
	await again.next((e) => e.kind === 'status' && e.data.outletId === id, 10_000, 'an event');
	again.close();
});
