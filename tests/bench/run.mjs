/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * make bench: what waconn costs, each figure beside a peer's in the same run on the same cores. node run.mjs [NAME...]
 *
 * BENCH=full measures at the sizes of docs/benchmarks.md (an hour and a half); otherwise small sizes show the tables in ten minutes. Prints
 * Markdown on stdout, and keeps it in bench.md beside the programs. Nothing here passes or fails by its time.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { round, say } from './measure.mjs';

const sections = ['sessions', 'messages', 'profile', 'http', 'growth'];
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !sections.includes(name));

if (unknown.length > 0) {
	process.stderr.write(`no such section: ${unknown.join(', ')}; there are ${sections.join(', ')}\n`);
	process.exit(1);
}
/* Asked to stop: what program.mjs and cluster.mjs do at the exit is done, too. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
	process.once(signal, () => process.exit(1));

const version = (command, args) => execFileSync(command, args, { encoding: 'utf8' }).trim().split('\n')[0];

process.env.BENCH_OUT ??= path.resolve(process.env.WACONN_BUILD ?? 'build', 'bench.md');
fs.writeFileSync(process.env.BENCH_OUT, '');
say(`${os.cpus().length} × ${os.cpus()[0].model}, ${Math.round(os.totalmem() / 2 ** 30)} GiB; Linux ${os.release()}; ` +
	`Node ${process.version}; ${version('openssl', ['version'])}; ${new Date().toISOString().slice(0, 10)}; ` +
	`load at the start ${os.loadavg().map((x) => round(x)).join(' ')}\n`);
for (const name of sections.filter((s) => wanted.length === 0 || wanted.includes(s))) {
	const { run } = await import(`./${name}.mjs`);
	const start = Date.now();

	await run({ full: process.env.BENCH === 'full' });
	say(`\n(${name}: ${Math.round((Date.now() - start) / 1000)} s, load ${round(os.loadavg()[0])})\n`);
}
process.exit(0);
