/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A real failover: PostgreSQL by Patroni with a synchronous standby, the primary's host dies in the middle of a blast, the standby is promoted.
 * What was accepted before, meanwhile and after arrives, once. FAULTS=long.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startDaemon } from '../e2e/daemons.mjs';
import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { numbers, startWorld } from '../e2e/world.mjs';
import { LONG, assertBlast, assertConverses, assertNoneSending, report, sample, sleep, timed } from './faults.mjs';
import { PatroniCluster, patroniMissing } from './patroni.mjs';

const PHONES = ['628895000001', '628895000002'];
const FAILOVER_MS = 120_000;
const missing = LONG ? patroniMissing() : null;
const long = (name, fn) => {
	if (LONG && missing)
		test(name, { skip: missing });
	else if (LONG)
		scenario(name, { timeout: 400_000 }, fn);
};

let cluster;
let world;
let ids;
let block = 900;
before(async () => {
	if (!LONG || missing)
		return;
	cluster = new PatroniCluster();
	world = await startWorld({ database: cluster });
	ids = await Promise.all(PHONES.map((phone, n) => world.linkedOutlet(`Failover ${n}`, phone)));
});
after(() => world?.stop({ violations: ['ack_late'] })); // what came in waits for the database

/* Single messages, one after the other, until stopped: those that were accepted, and those of which nobody knows. */
class Sender {
	constructor(list, text) {
		this.accepted = [];
		this.going = true;
		this.end = this.run(list, text).catch((error) => { this.failed = error; });
	}

	async run(list, text) {
		for (const to of list) {
			if (!this.going)
				return;
			const answer = await world.admin.raw('POST', `/outlets/${ids[0]}/messages`, { body: { to, text } });
			if (answer.status === 202)
				this.accepted.push(to);
			else
				assert.ok(answer.json.retryable, answer.text);
			await sleep(20);
		}
	}

	async stop() {
		this.going = false;
		await this.end;
		assert.ifError(this.failed);
	}
}

async function through(t, name, trouble) {
	const list = numbers(400, ++block);
	const blast = await world.blast(ids, list, name, { pace: { perMinute: 600, jitter: 0 } });
	const sender = new Sender(numbers(10_000, ++block), `${name}, single`);

	await world.waitBlast(blast.id, (x) => x.counts.sent + x.counts.delivered >= 100);
	const old = await cluster.redundant();
	await trouble(old);
	const begin = performance.now();
	await waitFor(async () => ![undefined, old].includes(await cluster.primary()), FAILOVER_MS, 'the other server to be the primary', 100);
	report(t, 'until the standby is the primary', `${Math.round(performance.now() - begin)} ms`);
	await timed(t, 'from there until waconnd says ready', () => world.ready(30_000));
	const some = sender.accepted.length;
	await waitFor(() => sender.accepted.length > some, 30_000, 'messages to be accepted again');
	await sender.stop();
	await assertBlast(world, blast, list, name, 180_000);
	const arrived = await waitFor(async () => {
		const found = (await world.sim.messages()).filter((m) => m.text === `${name}, single`);
		const to = new Set(found.map((m) => m.to));
		return sender.accepted.every((phone) => to.has(phone)) && found;
	}, 60_000, `${sender.accepted.length} accepted messages`, 200);
	assert.equal(new Set(arrived.map((m) => m.to)).size, arrived.length, 'some came twice');
	report(t, 'single messages accepted meanwhile, all arrived once', String(sender.accepted.length));
	await assertNoneSending(world);
	for (const id of ids)
		await assertConverses(world, id, sample(await world.sql(
			`SELECT phone FROM messages WHERE blast_id = '${blast.id}' AND outlet_id = '${id}' ORDER BY id`), 3));
	return old;
}

const logins = async () => (await world.sim.state()).stats.logins;

long('the primary\'s host dies in the middle of a blast: the links stay, nothing is lost or doubled', async (t) => {
	const linked = await logins();
	const old = await through(t, 'failover', (primary) => primary.killHost());

	assert.equal(await logins(), linked, 'links were lost');
	old.start();
	await timed(t, 'until the old primary follows the new one', () => cluster.redundant());
});

long('and back: the other one dies', async (t) => {
	const old = await through(t, 'back', (primary) => primary.killHost());

	old.start();
	await cluster.redundant();
});

long('a planned switchover in the middle of a blast', async (t) => {
	await through(t, 'switchover', () => cluster.switchover());
	await cluster.redundant();
});

long('two daemons: both drop their links while nobody can be sure, and come back', async (t) => {
	const b = await startDaemon(world, 'host-b');

	try {
		const old = await through(t, 'failover of two', (primary) => primary.killHost());
		old.start();
		await cluster.redundant();
	} finally {
		await b.stop();
	}
});
