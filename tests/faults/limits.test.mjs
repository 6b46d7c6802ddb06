/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Limits that the system sets, reached in the middle of a blast: no descriptor left in waconnd or in apigw, no memory left in either. Who is
 * served already goes on being served, nobody spins, nothing is lost, and all is well again when the limit is gone or the program was started
 * again, as its service manager does.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before } from 'node:test';

import { request } from '../e2e/client.mjs';
import { scenario } from '../e2e/scenario.mjs';
import { waitFor, within } from '../e2e/wait.mjs';
import { numbers, startWorld } from '../e2e/world.mjs';
import { LONG, assertBlast, assertConverses, assertNoneSending, countAt, report, sample, sleep, timed } from './faults.mjs';

const NUMBER = '628892000001';
const RECIPIENTS = LONG ? 1000 : 100;
const HELD_MS = LONG ? 20_000 : 1000;
const STARVED_MS = 5000;
const PACE = { perMinute: 1200, jitter: 0 };
const KIB = 1024;

/* What is limited is the address space, of which a sanitizer takes terabytes: these programs are those without. */
const san = process.env.WACONN_BUILD ?? 'build';
const build = path.basename(san) === 'san' ? path.dirname(san) : san;

let world;
let id;
let block = 720;
before(async () => {
	world = await startWorld({ build });
	id = await world.linkedOutlet('Limits', NUMBER);
});
after(() => world?.stop());

const openFiles = (program) => fs.readdirSync(`/proc/${program.pid}/fd`).length;
const prlimit = (program, what, value) => execFileSync('prlimit', ['--pid', String(program.pid), `--${what}=${value}:`]);
const limitOf = (program, what) => execFileSync('prlimit', ['--pid', String(program.pid), `--${what}`, '--noheadings', '--raw', '--output', 'SOFT'])
	.toString().trim();
const sizeOf = (program) => Number(/VmSize:\s+(\d+)/.exec(fs.readFileSync(`/proc/${program.pid}/status`, 'utf8'))[1]) * KIB;

/* A program that gets only so many descriptors more; answers what ends that. */
function limitFiles(program, more) {
	const before = limitOf(program, 'nofile');
	const used = new Set(fs.readdirSync(`/proc/${program.pid}/fd`).map(Number));
	let limit = 0;

	for (let free = 0; free < more; limit++) // those above it stay as they are
		free += used.has(limit) ? 0 : 1;
	prlimit(program, 'nofile', limit);
	return () => prlimit(program, 'nofile', before);
}

function connect(target) {
	const socket = net.connect(target);

	socket.on('error', () => {});
	return socket;
}

async function through(t, name, trouble, meanwhile) {
	const list = numbers(RECIPIENTS, ++block);
	const begun = await countAt(world, NUMBER);

	await world.healthy(id, 30_000);
	const blast = await world.blast([id], list, name, { pace: PACE });
	await waitFor(async () => await countAt(world, NUMBER) >= begun + RECIPIENTS / 5, 30_000, 'a fifth of the messages', 5);
	await trouble();
	await timed(t, 'from the end of the trouble to the end of the blast', async () => {
		await world.ready();
		await assertBlast(world, blast, list, name);
	}, meanwhile);
	await assertNoneSending(world);
	await assertConverses(world, id, sample(list, 3));
}

const linesSince = (program, mark, pattern) => program.logSince(mark, Infinity).split('\n').filter((line) => pattern.test(line)).length;

scenario('no descriptor left in waconnd: who is served goes on being served, the link comes back when there are some', async (t) => {
	await through(t, 'no descriptor left in waconnd', async () => {
		const mark = world.waconnd.mark();
		const unlimited = limitFiles(world.waconnd, 2);
		const peers = Array.from({ length: 20 }, () => connect(world.socket));

		try {
			await waitFor(() => linesSince(world.waconnd, mark, /ipc\.accept_failed/) > 0, 10_000, 'the limit');
			await world.sim.fault('reset', { phone: NUMBER });
			const { status } = await waitFor(async () => {
				const answer = await world.admin.get(`/outlets/${id}/status`);
				return answer.status.session.status === 'TIMEOUT' && answer;
			}, 10_000, 'TIMEOUT');
			assert.deepEqual([status.healthy, status.liveStatus.status], [false, 'TIMEOUT']);
			assert.ok(status.session.lastError?.action, JSON.stringify(status.session));
			const begin = performance.now();
			await sleep(HELD_MS);
			const lines = linesSince(world.waconnd, mark, /ipc\.accept_failed/);
			assert.ok(lines < 100 + (performance.now() - begin) / 50, `${lines} lines: it spins`);
			assert.equal((await world.admin.get('/outlets/status')).count, 1);
		} finally {
			unlimited();
			for (const peer of peers)
				peer.destroy();
		}
		await timed(t, 'from the return of descriptors to a healthy outlet', () => world.healthy(id, 60_000), 'TIMEOUT');
	}, 'TIMEOUT; the API answers');
});

scenario('no descriptor left in apigw: connections that wait give way to those that ask', async (t) => {
	await through(t, 'no descriptor left in apigw', async () => {
		const mark = world.apigw.mark();
		const unlimited = limitFiles(world.apigw, 10);
		const idle = Array.from({ length: 50 }, () => connect(world.ports.http));

		try {
			await waitFor(() => linesSince(world.apigw, mark, /http\.accept_failed/) > 0, 10_000, 'the limit');
			for (let n = 0; n < 10; n++) {
				const { status } = await request(world.base, 'GET', '/healthz', { timeout: 20_000 });
				assert.equal(status, 200);
			}
			await sleep(HELD_MS);
			const lines = linesSince(world.apigw, mark, /http\.accept_failed/);
			assert.ok(lines < 400 + HELD_MS / 50, `${lines} lines: it spins`);
		} finally {
			unlimited();
			for (const socket of idle)
				socket.destroy();
		}
		await waitFor(() => openFiles(world.apigw) < 40, 20_000, 'connections that are gone to be forgotten');
	}, 'answers');
});

/* The least that it has, then ever more, until it is started again without. */
async function starve(t, program, load) {
	let ends = 0;

	for (const more of LONG ? [0, 64, 256, 1024, 4096, 16_384, 65_536] : [0]) {
		if (!program.running) {
			program.start();
			await world.ready();
		}
		prlimit(program, 'as', sizeOf(program) + more * KIB);
		const ended = program.ends();
		const busy = load();
		const how = await within(ended, STARVED_MS, 'its end').catch(() => 'lives');
		await busy;
		if (how === 'lives' && program.running) {
			await program.kill();
			continue;
		}
		ends++;
		// It ends by itself, and says why; nothing else does.
		assert.equal(how, 'SIGABRT', `${program.name} ended with ${how}`);
		assert.match(program.logSince(0), /out of memory/);
	}
	report(t, `ends of ${program.name} for want of memory`, String(ends));
}

/* Questions at once; nobody minds what is answered. */
function ask(n, audience, text) {
	const body = { name: 'big', outlets: [id], audience: { type: 'numbers', numbers: audience }, message: { text } };

	return Promise.all(Array.from({ length: n }, () => world.admin.raw('POST', '/blasts/preview', { body }).catch(() => {})));
}

scenario('no memory left in waconnd: it ends, says so, and is started again', async (t) => {
	await through(t, 'no memory left in waconnd', async () => {
		const many = numbers(3000, ++block);

		await starve(t, world.waconnd, () => ask(10, many, 'x'));
		await world.startDaemon();
	}, '503 until it is back');
});

scenario('no memory left in apigw: it ends, says so, and is started again; waconnd does not notice', async (t) => {
	const mark = world.waconnd.mark();

	await through(t, 'no memory left in apigw', async () => {
		const text = 'x'.repeat(900_000); // too long for a message, not for a body

		await starve(t, world.apigw, () => ask(20, [NUMBER], text));
		world.apigw.start();
	}, 'nothing until it is back');
	assert.equal(linesSince(world.waconnd, mark, /daemon\.ready|outlet\.state/), 0);
});
