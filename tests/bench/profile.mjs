/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where waconnd's CPU goes while it sends, by perf: Signal, OpenSSL, libpq, the kernel, our own code. And how far that is from the ceiling: what
 * Signal's own operations of a message cost, measured alone (X3DH with a bundle 575 µs, a message of an established session 10 µs).
 */
import { execFile, execFileSync, spawn } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

import { cost, round, say, table } from './measure.mjs';
import { benchWorld, linkOutlets, recipients, sendAll } from './worlds.mjs';

const perform = promisify(execFile);
const CEILING_US = { new: 575, known: 10 };
const PARTS = [
	['Signal', /libsignal-protocol/], ['OpenSSL', /libcrypto|libssl/], ['libpq', /libpq/], ['waconnd', /^waconnd/],
	['WebSocket, loop', /libwebsockets|libuv|libevent/], ['libc, others', /^lib|ld-/], ['kernel', /^\[/],
];

/* Share of each part in per cent, from samples by object. */
async function shares(file) {
	const { stdout } = await perform('perf', ['report', '-i', file, '--stdio', '--no-children', '--sort', 'dso', '-w', '0', '-t', '|']);
	const sums = new Map(PARTS.map(([name]) => [name, 0]));

	for (const [, percent, object] of stdout.matchAll(/^\s*([\d.]+)%\s*\|(\S+)/gm)) {
		const part = PARTS.find(([, pattern]) => pattern.test(object))?.[0] ?? 'libc, others';

		sums.set(part, sums.get(part) + Number(percent));
	}
	return PARTS.map(([name]) => sums.get(name));
}

/* perf's samples of waconnd while fn runs. */
async function sampled(world, name, fn) {
	const file = path.join(world.dir, `perf.${name}`);
	const perf = spawn('perf', ['record', '-q', '-F', '999', '-o', file, '-p', String(world.waconnd.pid)], { stdio: ['ignore', 'ignore', 'inherit'] });
	const ended = new Promise((resolve) => { perf.on('exit', resolve); });
	const c = await cost({ waconnd: world.waconnd.pid }, fn);

	perf.kill('SIGINT');
	await ended;
	return { cpu: c.cpu.waconnd, shares: await shares(file) };
}

export async function run({ full }) {
	try {
		execFileSync('perf', ['stat', '-e', 'task-clock', 'true'], { stdio: 'ignore' });
	} catch {
		say('\nNo profile: perf is not installed, or may not be used here (apt-get install linux-perf; kernel.perf_event_paranoid).\n');
		return;
	}
	const world = await benchWorld();
	const n = full ? 20_000 : 2000;
	const ids = await linkOutlets(world, 1);
	const to = recipients(n, 0);
	const rows = [];

	for (const kind of ['new', 'known']) {
		const s = await sampled(world, kind, () => sendAll(world, ids, to, `Halo ${kind}`));
		const us = s.cpu / n * 1e6;

		rows.push([kind, round(us), CEILING_US[kind], round(us / CEILING_US[kind], 2), ...s.shares.map((share) => round(share))]);
	}
	await world.throwAway();
	table('Where waconnd\'s CPU goes, 1 outlet, per cent', ['recipients', 'CPU µs each', 'Signal alone µs', 'times that', ...PARTS.map(([name]) => name)], rows);
}
