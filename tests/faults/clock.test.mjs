/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The wall clock of waconnd and apigw set an hour ahead and back in the middle of a blast with a pace: links stay, nothing waits for the hour
 * to pass again, nobody is logged out. PostgreSQL and the simulator keep the right time, as other hosts would.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { numbers, startWorld } from '../e2e/world.mjs';
import { LONG, assertBlast, assertConverses, assertNoneSending, countAt, report, sample } from './faults.mjs';

const NUMBER = '628891000001';
const RECIPIENTS = LONG ? 600 : 50;
const HOUR = 3600;

let world;
let id;
let file;
let block = 700;
before(async () => {
	world = await startWorld();
	file = path.join(world.dir, 'clock');
	setClock(0);
	execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', path.join(world.dir, 'clock.so'), fileURLToPath(new URL('clock.c', import.meta.url))]);
	for (const program of [world.waconnd, world.apigw])
		program.env = { LD_PRELOAD: path.join(world.dir, 'clock.so'), CLOCK_FILE: file,
			ASAN_OPTIONS: 'exitcode=99:detect_leaks=1:handle_abort=1:verify_asan_link_order=0' };
	await world.apigw.stop();
	world.apigw.start();
	await world.restartDaemon();
	id = await world.linkedOutlet('Clock', NUMBER);
});
after(() => world?.stop());

/** Seconds ahead of the right time. */
function setClock(seconds) {
	const bytes = Buffer.alloc(8);

	bytes.writeBigInt64LE(BigInt(seconds));
	const fd = fs.openSync(file, fs.existsSync(file) ? 'r+' : 'w'); // in its place: it is mapped
	fs.writeSync(fd, bytes);
	fs.closeSync(fd);
}

async function jumps(t, name, steps) {
	const list = numbers(RECIPIENTS, ++block);
	const logins = async () => (await world.sim.state()).stats.logins;

	await world.healthy(id);
	const linked = await logins();
	const begun = await countAt(world, NUMBER);
	const blast = await world.blast([id], list, name, { pace: { perMinute: 1200, jitter: 0.5 } });
	for (const [n, seconds] of steps.entries()) {
		const target = begun + Math.floor(RECIPIENTS * (n + 1) / (steps.length + 1));
		await waitFor(async () => await countAt(world, NUMBER) >= target, 60_000, `${target - begun} messages`, 20);
		setClock(seconds);
		const at = performance.now();
		await waitFor(async () => await countAt(world, NUMBER) > target, 60_000, `the next message, ${seconds} s ahead`, 20);
		report(t, `the next message after the clock was set ${seconds} s ahead`, `${Math.round(performance.now() - at)} ms`, 'CONNECTED');
		const s = await world.status(id);
		assert.deepEqual([s.healthy, s.session.status, s.liveStatus.status], [true, 'CONNECTED', 'CONNECTED']);
	}
	await assertBlast(world, blast, list, name);
	await assertNoneSending(world);
	await assertConverses(world, id, sample(list, 2));
	assert.equal(await logins(), linked, 'the link was lost');
}

scenario('the clock set an hour ahead, right, an hour back, and right again', async (t) => {
	for (let n = 0; n < (LONG ? 5 : 1); n++)
		await jumps(t, `ahead and back, ${n}`, [HOUR, 0, -HOUR, 0]);
});

scenario('restarted with a clock that is an hour behind that of the database: the pace is the same', async () => {
	const list = numbers(10, ++block);
	const blast = await world.blast([id], list, 'behind', { pace: { perMinute: 120, jitter: 0 } });

	setClock(-HOUR);
	await world.restartDaemon();
	await world.healthy(id);
	await assertBlast(world, blast, list, 'behind');
	// Of those that left after it: waconnd did take the time from there.
	assert.notEqual((await world.sql(`SELECT count(*) FROM messages WHERE blast_id = '${blast.id}'
		AND sent_at < now() - interval '30 minutes'`)).join(), '0');
	setClock(0);
	await assertConverses(world, id, sample(list, 2));
});
