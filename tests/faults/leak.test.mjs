/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * No leak: 200,000 messages and 5,000 reconnects through one waconnd and one apigw, in rounds of both; their resident memory stays within 5 %
 * of where it had settled after the first quarter. Only in make faults; FAULTS_ROUNDS says how many of the 50 rounds.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { numbers, startWorld } from '../e2e/world.mjs';
import { LONG, SETTLE_MS, report } from './faults.mjs';

const ROUNDS = Number(process.env.FAULTS_ROUNDS ?? 50);
const OUTLETS = 100;
const RECIPIENTS = 4000; // a round, and the same in each
const MIN_ROUNDS = 8;
const TOLERANCE = 1.05;

/* Sanitizers keep what was freed: these programs are those without. */
const san = process.env.WACONN_BUILD ?? 'build';
const build = path.basename(san) === 'san' ? path.dirname(san) : san;

let world;
let ids;
if (LONG) {
	before(async () => {
		world = await startWorld({ build });
		ids = await Promise.all(Array.from({ length: OUTLETS }, (_, n) => world.linkedOutlet(`Leak ${n}`, `6288940000${String(n).padStart(2, '0')}`)));
	}, { timeout: 300_000 });
	after(() => world?.stop());
}

const residentKib = (program) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${program.pid}/status`, 'utf8'))[1]);
const loggedIn = async () => (await world.sim.state()).stats.logins;
const highest = (list) => Math.max(...list);

async function round(n) {
	const list = numbers(RECIPIENTS, 780);
	const logins = await loggedIn();

	await world.sim.fault('reset');
	// Resets in a row would make the tries ever rarer: a person asks for the next one at once.
	await waitFor(async () => {
		const { statuses } = await world.admin.get('/outlets/status');
		const away = statuses.filter((s) => s.session.status === 'TIMEOUT');
		await Promise.all(away.map((s) => world.admin.post(`/outlets/${s.outletId}/connect`)));
		return away.length === 0;
	}, 120_000, 'none to wait', 1000);
	await waitFor(async () => await loggedIn() >= logins + OUTLETS && (await world.admin.get('/outlets/status')).healthy === OUTLETS, 120_000,
		'all to be back', 100);
	const blast = await world.blast(ids, list, `round ${n}`);
	await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === RECIPIENTS, SETTLE_MS);
}

scenario(`${ROUNDS * RECIPIENTS} messages and ${ROUNDS * OUTLETS} reconnects at a steady size`, { skip: !LONG, timeout: 7_200_000 }, async (t) => {
	const sizes = { waconnd: [], apigw: [] };

	assert.ok(ROUNDS >= MIN_ROUNDS);
	for (let n = 0; n < ROUNDS; n++) {
		await round(n);
		for (const name of Object.keys(sizes))
			sizes[name].push(residentKib(world[name]));
	}
	for (const [name, list] of Object.entries(sizes)) {
		const quarter = Math.ceil(ROUNDS / 4);
		const [settled, end] = [highest(list.slice(0, quarter)), highest(list.slice(-quarter))];

		t.diagnostic(`${name}, KiB after each round: ${list.join(' ')}`);
		report(t, `${name}, resident`, `settled at ${settled} KiB, ${end} KiB at the end (${((end / settled - 1) * 100).toFixed(1)} %)`);
		assert.ok(end <= settled * TOLERANCE, `${name} grew from ${settled} to ${end} KiB`);
	}
});
