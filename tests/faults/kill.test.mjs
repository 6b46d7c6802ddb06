/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kill -9 of waconnd, of apigw and of both, at moments that chance chooses, some of them while they start, during one blast: every recipient gets
 * its message once, and every conversation goes on. Real processes; FAULTS=long: 120 kills among 5,000 messages.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { numbers, startWorld } from '../e2e/world.mjs';
import { LONG, SEED, SETTLE_MS, assertBlast, assertConverses, assertNoneSending, chances, countAt, sample, sleep, timed } from './faults.mjs';

const KILLS = LONG ? 120 : 6;
const RECIPIENTS = LONG ? 5000 : 500;
const PHONES = ['628810000001', '628810000002'];
const EARLY_MS = 250; // a start, and hardly more

let world;
let ids;
before(async () => {
	world = await startWorld();
	ids = await Promise.all(PHONES.map((phone, i) => world.linkedOutlet(`Kill ${i}`, phone)));
});
after(() => world?.stop());

const arrived = async () => (await Promise.all(PHONES.map((phone) => countAt(world, phone)))).reduce((a, b) => a + b);

/* Some kills come by the clock, so also during a start; the others when a share of what is left has arrived, so that the blast outlives them. */
async function moment(chance, left) {
	if (chance.below(3) === 0) {
		await sleep(chance.below(EARLY_MS));
		return 'clock';
	}
	const before = await arrived();
	const share = (RECIPIENTS - before) / left;
	const target = before + Math.floor(share * chance.below(100) / 80);
	const end = performance.now() + 10_000;

	while (performance.now() < end && await arrived() < Math.min(target, RECIPIENTS - 1))
		await sleep(2);
	await sleep(chance.below(5));
	return 'arrivals';
}

async function killed(victims) {
	await Promise.all(victims.map((program) => program.kill()));
	if (!world.apigw.running)
		world.apigw.start();
	if (!world.waconnd.running)
		world.waconnd.start();
}

scenario(`${KILLS} kills during a blast of ${RECIPIENTS}: none lost, none doubled (FAULTS_SEED=${SEED})`, { timeout: 1_800_000 }, async (t) => {
	const chance = chances();
	const list = numbers(RECIPIENTS, 81);
	const blast = await world.blast(ids, list, 'through kills');
	const { waconnd, apigw } = world;
	const kinds = [];

	for (let n = 0; n < KILLS; n++) {
		await moment(chance, KILLS - n);
		kinds.push(await arrived() < RECIPIENTS ? 'during' : 'after');
		await killed(chance.pick([[waconnd], [waconnd], [waconnd], [apigw], [waconnd, apigw]]));
	}
	t.diagnostic(`${kinds.filter((k) => k === 'during').length} of ${KILLS} kills before the last message had arrived`);
	assert.ok(kinds.filter((k) => k === 'during').length >= KILLS * 0.75, 'the blast was over before the kills');
	await timed(t, 'from the last kill to the end', async () => {
		await world.ready();
		await assertBlast(world, blast, list, 'through kills', SETTLE_MS);
	});
	await assertNoneSending(world);
	for (const id of ids) {
		const own = await world.sql(`SELECT phone FROM messages WHERE blast_id = '${blast.id}' AND outlet_id = '${id}' ORDER BY id`);
		await assertConverses(world, id, sample(own, LONG ? 40 : 5));
	}
});
