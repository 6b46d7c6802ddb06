/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * WhatsApp's side in trouble in the middle of a blast: silent, cut, refusing, slow, talking nonsense, forgetting acks and messages, phones that
 * ask again in a crowd, all links cut at once. Simulator faults; each row of the table has an outlet of its own, all at once.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { numbers, startWorld } from '../e2e/world.mjs';
import { LONG, assertBlast, assertConverses, assertNoneSending, countAt, report, sample, sleep, timed } from './faults.mjs';

const RECIPIENTS = 60;
const PACE = { perMinute: 1800, jitter: 0 };
const OUTLETS = LONG ? 50 : 12; // whose links are cut together
const SETTLE_MS = 240_000;

let world;
before(async () => { world = await startWorld(); });
after(() => world?.stop());

/* name, what is done: fault(action, fields) is for this row's outlet. The long ones wait for deadlines of a minute. */
const ROWS = [
	['silent for a while', (fault) => fault('silence', { ms: 3000 })],
	['silent for ever', (fault) => fault('silence'), LONG],
	['cut, three times', async (fault) => {
		for (let n = 0; n < 3; n++) {
			await fault('reset');
			await sleep(300);
		}
	}],
	['closed', (fault) => fault('close'), LONG],
	['closed by an error', (fault) => fault('stream_error', { code: 503 })],
	['garbage', (fault) => fault('garbage')],
	['slow', async (fault) => {
		await fault('delay', { ms: 400 });
		await sleep(1500);
		await fault('delay', { ms: 0 });
	}],
	['acks dropped, then cut', async (fault) => {
		await fault('drop_ack', { when: 'message', times: 5 });
		await sleep(400);
		await fault('reset');
	}],
	['messages lost, then cut', async (fault) => {
		await fault('lose_message', { when: 'message', times: 5 });
		await sleep(400);
		await fault('reset');
	}],
	['acks dropped', (fault) => fault('drop_ack', { when: 'message', times: 5 }), LONG],
	['messages lost', (fault) => fault('lose_message', { when: 'message', times: 5 }), LONG],
	['login unanswered', async (fault) => {
		await fault('silence', { when: 'login', ms: 2000 });
		await fault('reset');
	}],
	['login cut, twice', async (fault) => {
		await fault('reset', { when: 'login', times: 2 });
		await fault('reset');
	}, LONG],
];

async function row(t, name, trouble, n) {
	const phone = `6288400000${String(n).padStart(2, '0')}`;
	const list = numbers(RECIPIENTS, 400 + n);
	const id = await world.linkedOutlet(name, phone);
	const blast = await world.blast([id], list, name, { pace: PACE });

	await waitFor(async () => await countAt(world, phone) >= RECIPIENTS / 4, 30_000, 'a quarter of the messages', 5);
	await trouble((action, fields) => world.sim.fault(action, { phone, ...fields }));
	await timed(t, 'from the trouble to the end of the blast', () => assertBlast(world, blast, list, name, SETTLE_MS));
	await assertConverses(world, id, sample(list, 2));
}

const rows = ROWS.filter(([, , wanted]) => wanted ?? true);
scenario('trouble during a blast: a table', { concurrency: true, timeout: 400_000 }, async (t) => {
	await Promise.all(rows.map(([name, trouble], n) => t.test(name, (st) => row(st, name, trouble, n))));
	await assertNoneSending(world);
});

scenario('a crowd of phones that ask again: each gets its message', async () => {
	const list = numbers(LONG ? 300 : 60, 450);
	const id = await world.linkedOutlet('Crowd', '628850000001');

	for (const phone of list)
		await world.sim.setPhone(phone, { retries: 1 });
	const blast = await world.blast([id], list, 'asked for again');
	await assertBlast(world, blast, list, 'asked for again');
	await assertConverses(world, id, sample(list, 3));
});

scenario(`the links of ${OUTLETS} outlets cut at once during a blast, none let in for a while, then all come back`, { timeout: 400_000 }, async (t) => {
	const phones = Array.from({ length: OUTLETS }, (_, i) => `6288600000${String(i).padStart(2, '0')}`);
	const ids = await Promise.all(phones.map((phone, i) => world.linkedOutlet(`Cut ${i}`, phone)));
	const list = numbers(OUTLETS * 20, 460);
	const blast = await world.blast(ids, list, 'all cut', { pace: { perMinute: 600, jitter: 0 } });
	const arrived = async () => (await Promise.all(phones.map((phone) => countAt(world, phone)))).reduce((a, b) => a + b);

	await waitFor(async () => await arrived() >= list.length / 5, 30_000, 'a fifth of the messages', 5);
	await world.sim.fault('refuse');
	await world.sim.fault('reset');
	await waitFor(async () => {
		const { statuses } = await world.admin.get('/outlets/status');
		return statuses.filter((s) => ids.includes(s.outletId)).every((s) => s.session.status === 'TIMEOUT' && !s.healthy);
	}, 10_000, 'all to say so');
	await sleep(LONG ? 20_000 : 1000);
	const { connects } = (await world.sim.state()).stats;
	await world.sim.fault('refuse', { times: 0 });
	await timed(t, 'from the return to all healthy', () => waitFor(async () => {
		const { statuses } = await world.admin.get('/outlets/status');
		return statuses.filter((s) => ids.includes(s.outletId)).every((s) => s.healthy);
	}, SETTLE_MS, 'all to be healthy'), 'TIMEOUT');
	t.diagnostic(`${(await world.sim.state()).stats.connects - connects} connections for ${OUTLETS} outlets`);
	await assertBlast(world, blast, list, 'all cut', SETTLE_MS);
	for (const id of sample(ids, 3)) {
		const own = await world.sql(`SELECT phone FROM messages WHERE blast_id = '${blast.id}' AND outlet_id = '${id}' ORDER BY id`);
		await assertConverses(world, id, sample(own, 2));
	}
	assert.ok((await world.admin.get('/outlets/status')).healthy >= OUTLETS);
});

/* Each fails for ever in another way, as fast as it may; those beside it notice nothing. */
const ENDLESS = [
	['refused at the login', { action: 'failure', reason: 503, when: 'login' }],
	['cut at the login', { action: 'reset', when: 'login' }],
	...LONG ? [['silent at the login', { action: 'silence', when: 'login' }]] : [],
];
scenario('outlets whose failures have no end cost ten others nothing', { timeout: 400_000 }, async (t) => {
	const broken = [];
	for (const [n, [name, { action, ...fields }]] of ENDLESS.entries()) {
		const phone = `6288700000${n}0`;
		const id = await world.linkedOutlet(name, phone);
		broken.push({ id, phone, fault: await world.sim.fault(action, { phone, times: -1, ...fields }) });
	}
	const phones = Array.from({ length: 10 }, (_, i) => `6288710000${String(i).padStart(2, '0')}`);
	const ids = await Promise.all(phones.map((phone, i) => world.linkedOutlet(`Beside ${i}`, phone)));
	const changes = async () => world.sql(`SELECT outlet_id, count(*) FROM outlet_events WHERE outlet_id IN ('${ids.join('\', \'')}')
		GROUP BY 1 ORDER BY 1`);
	const connectedAt = async () => Promise.all(ids.map(async (id) => (await world.status(id)).session.connectedAt));
	const before = [await changes(), await connectedAt()];
	const list = numbers(LONG ? 2000 : 200, 470);

	for (const { phone } of broken)
		await world.sim.fault('reset', { phone });
	await waitFor(async () => (await Promise.all(broken.map(({ id }) => world.status(id)))).every((s) => s.session.status === 'TIMEOUT'
		&& s.session.retryCount >= 2), 60_000, 'the broken ones to fail again and again');
	const { connects } = (await world.sim.state()).stats;
	const begun = performance.now();
	const blast = await world.blast(ids, list, 'beside failures', { pace: LONG ? { perMinute: 100, jitter: 0 } : undefined });
	await timed(t, 'the blast of the ten others', () => assertBlast(world, blast, list, 'beside failures', SETTLE_MS), 'TIMEOUT of the broken ones');
	assert.deepEqual([await changes(), await connectedAt()], before, 'one of the others reconnected');
	const tries = (await world.sim.state()).stats.connects - connects;
	const seconds = (performance.now() - begun) / 1000;
	report(t, 'connections of the broken ones meanwhile', `${tries} in ${Math.round(seconds)} s`);
	assert.ok(tries <= broken.length * (4 + seconds / 2), `${tries} connections in ${seconds} s`);
	for (const { id, fault } of broken) {
		const { session, healthy } = await world.status(id);
		assert.deepEqual([healthy, session.lastError !== null], [false, true]);
		await world.sim.forget(fault);
		await world.admin.post(`/outlets/${id}/connect`); // a person does not wait for the next try
		await world.healthy(id, 60_000);
	}
	await assertConverses(world, broken[0].id, numbers(2, 471));
});
