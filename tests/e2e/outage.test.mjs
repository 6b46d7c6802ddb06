/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Parts that are away: waconnd (503 daemon_unavailable, and recovery), PostgreSQL (last known rows, databaseStale, and recovery). Real processes,
 * a cluster of its own.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { request } from './client.mjs';
import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { numbers, startWorld } from './world.mjs';

const NUMBER = '628330000001';

let world;
let id;
before(async () => {
	world = await startWorld({ database: 'own' });
	id = await world.linkedOutlet('Outage', NUMBER);
});
after(() => world?.stop());

scenario('waconnd away: 503 daemon_unavailable with Retry-After; back by itself', async () => {
	await world.waconnd.kill();
	const answer = await waitFor(async () => {
		const a = await world.admin.raw('GET', '/outlets/status');
		return a.status === 503 && a;
	}, 5000, 'a 503');
	assert.equal(answer.json.code, 'daemon_unavailable');
	assert.equal(answer.json.retryable, true);
	assert.ok(Number(answer.headers['retry-after']) >= 1);
	assert.equal((await world.api().raw('POST', '/auth/login', { body: { username: 'admin', password: 'x' } })).status, 503);
	assert.equal((await request(world.base, 'GET', '/readyz')).status, 503);
	const health = await request(world.base, 'GET', '/healthz');
	assert.deepEqual([health.status, health.json.daemon], [200, false]);
	await world.startDaemon();
	await world.ready(10_000);
	await world.healthy(id, 20_000);
});

scenario('waconnd stopped by signal (SIGSTOP): requests end by their deadline, others are not held up', async () => {
	world.waconnd.signal('SIGSTOP');
	try {
		const begin = performance.now();
		const health = await request(world.base, 'GET', '/healthz');
		assert.equal(health.status, 200);
		assert.ok(performance.now() - begin < 2000);
		const ready = await request(world.base, 'GET', '/readyz', { timeout: 10_000 });
		assert.ok([503, 504].includes(ready.status), String(ready.status));
	} finally {
		world.waconnd.signal('SIGCONT');
	}
	await world.ready(10_000);
});

scenario('PostgreSQL away: last known rows, marked stale; back by itself', async () => {
	await world.stopDatabase();
	try {
		const stale = await waitFor(async () => {
			const list = await world.admin.get('/outlets/status');
			return list.databaseStale && list;
		}, 10_000, 'databaseStale');
		assert.equal(stale.statuses[0].outletId, id);
		assert.equal((await world.admin.get(`/outlets/${id}/status`)).databaseStale, true);
		await world.admin.refused(503, 'database_unavailable', 'POST', '/outlets', { name: 'x', whatsappNumber: '62811999999' });
		await world.admin.refused(503, 'database_unavailable', 'POST', `/outlets/${id}/pause`);
		assert.equal((await request(world.base, 'GET', '/readyz')).status, 503);
	} finally {
		await world.startDatabase();
	}
	await world.ready(20_000);
	const list = await world.admin.get('/outlets/status');
	assert.equal(list.databaseStale, undefined);
	await world.healthy(id, 20_000);
	const { message } = await world.admin.post(`/outlets/${id}/messages`, { to: '628340000001', text: 'after' });
	await waitFor(async () => (await world.admin.get(`/messages/${message.id}`)).message.status === 'DELIVERED', 15_000, 'DELIVERED');
});

scenario('PostgreSQL away in the middle of a blast: none lost, none doubled', async () => {
	const list = numbers(100, 21);
	const blast = await world.blast([id], list, 'through an outage', { pace: { perMinute: 1200, jitter: 0 } });

	await world.waitBlast(blast.id, (b) => b.counts.sent + b.counts.delivered >= 10);
	await world.stopDatabase();
	await world.startDatabase();
	await world.ready(20_000);
	await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === 100, 60_000);
	const got = (await world.sim.messages({ from: NUMBER })).filter((m) => m.text === 'through an outage');
	assert.equal(got.length, 100);
	assert.equal(new Set(got.map((m) => m.to)).size, 100);
});

scenario('a row that someone changed by hand is corrected', async () => {
	await world.sql(`UPDATE outlet_sessions SET status = 'DISCONNECTED' WHERE outlet_id = '${id}'`);
	await waitFor(async () => (await world.sql(`SELECT status FROM outlet_sessions WHERE outlet_id = '${id}'`))[0] === 'CONNECTED',
		40_000, 'the row to be corrected');
	await world.healthy(id);
});
