/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * No leak: messages and reconnects through one waconnd and one apigw, in rounds of both. In make faults 200,000 and 5,000 of them, and the
 * resident memory of both programs stays within 5 % of where it had settled after the first quarter; else a few, with programs whose leak
 * checker looks at their end at what nobody holds any longer. FAULTS_ROUNDS says how many of the 50 rounds.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { numbers, startWorld } from '../e2e/world.mjs';
import { LONG, SETTLE_MS, report } from './faults.mjs';

const ROUNDS = Number(process.env.FAULTS_ROUNDS ?? (LONG ? 50 : 3));
const OUTLETS = LONG ? 100 : 10;
const AT_ONCE = 5; // to link
const RECIPIENTS = LONG ? 4000 : 200; // a round, and the same in each
const TOLERANCE = 1.05;

/* Sanitizers keep what was freed, so sizes are measured of the programs without. */
const given = process.env.WACONN_BUILD ?? 'build';
const build = LONG && path.basename(given) === 'san' ? path.dirname(given) : given;

const linked = (n) => world.linkedOutlet(`Leak ${n}`, `6288940000${String(n).padStart(2, '0')}`);

let world;
let ids;
before(async () => {
	world = await startWorld({ build });
	ids = [];
	while (ids.length < OUTLETS)
		ids.push(...await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => linked(ids.length + n))));
}, { timeout: 600_000 });
after(() => world?.stop());

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
		return away.length === 0 && await loggedIn() >= logins + OUTLETS && (await world.admin.get('/outlets/status')).healthy === OUTLETS;
	}, 120_000, 'all to be back', 500);
	const blast = await world.blast(ids, list, `round ${n}`);
	await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === RECIPIENTS, SETTLE_MS);
}

function assertSteady(t, name, list) {
	const quarter = Math.ceil(ROUNDS / 4);
	const [settled, end] = [highest(list.slice(0, quarter)), highest(list.slice(-quarter))];

	t.diagnostic(`${name}, KiB after each round: ${list.join(' ')}`);
	report(t, `${name}, resident`, `settled at ${settled} KiB, ${end} KiB at the end (${((end / settled - 1) * 100).toFixed(1)} %)`);
	assert.ok(end <= settled * TOLERANCE, `${name} grew from ${settled} to ${end} KiB`);
}

scenario(`${ROUNDS * RECIPIENTS} messages and ${ROUNDS * OUTLETS} reconnects: nothing is left behind`, { timeout: 7_200_000 }, async (t) => {
	const sizes = { waconnd: [], apigw: [] };

	for (let n = 0; n < ROUNDS; n++) {
		await round(n);
		for (const name of Object.keys(sizes))
			sizes[name].push(residentKib(world[name]));
	}
	if (LONG)
		for (const [name, list] of Object.entries(sizes))
			assertSteady(t, name, list);
	// What nobody holds any longer, a leak checker reports now, where there is one.
	await Promise.all([world.waconnd.stop(), world.apigw.stop()]);
	assert.deepEqual([world.waconnd, world.apigw].flatMap((program) => program.takeFailures()), []);
});
