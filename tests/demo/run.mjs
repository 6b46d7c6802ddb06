/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `make run`: waconnd and apigw against the real WhatsApp, with a PostgreSQL cluster, a key and configuration that last. At the first
 * start it asks for the password of the first SUPERADMIN. Ctrl-C or SIGTERM stops everything that it started.
 *
 *	RUN_PORT   where the pages are (3000)
 *	RUN_DIR    where everything is kept (var/run); the configuration files in it are yours to change
 */
import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { Writable } from 'node:stream';

import { request } from '../e2e/client.mjs';
import { Cluster } from '../e2e/cluster.mjs';
import { Program } from '../e2e/program.mjs';
import { answers, waitFor } from '../e2e/wait.mjs';
import { askedToStop, hold } from './hold.mjs';

const port = Number(process.env.RUN_PORT || 3000);
const dir = path.resolve(process.env.RUN_DIR || 'var/run');
const build = path.resolve(process.env.WACONN_BUILD || 'build');
const socket = path.join(dir, 'd.sock');
const START_MS = 30_000;
const PASSWORD_MIN = 8;

function writeOnce(name, text, mode = 0o644) {
	const file = path.join(dir, name);

	if (!fs.existsSync(file))
		fs.writeFileSync(file, text, { mode });
	return file;
}

function program(name) {
	return new Program({
		name,
		command: path.join(build, name),
		args: ['-c', path.join(dir, `${name}.conf`)],
		log: path.join(dir, `${name}.log`),
	});
}

function configure(dsn) {
	writeOnce('master.key', crypto.randomBytes(32), 0o600);
	writeOnce('waconnd.conf', `# Made at the first start; every key is in docs/operating.md.
[daemon]
socket = ${socket}
admin_users = ${os.userInfo().username}
key_file = ${path.join(dir, 'master.key')}

[database]
dsn = ${dsn}
`);
	writeOnce('apigw.conf', `# Made at the first start; every key is in docs/operating.md.
[http]
listen = 127.0.0.1:${port}
web_root = ${path.join(build, 'web')}

[daemon]
socket = ${socket}
`);
}

/** A line from the terminal, which is not shown while it is typed; or from whatever stdin is. */
async function askPassword(question) {
	const silent = new Writable({ write: (chunk, encoding, done) => done() });
	const lines = readline.createInterface({ input: process.stdin, output: silent, terminal: process.stdin.isTTY });

	process.stdout.write(question);
	lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
	try {
		for await (const line of lines) {
			console.log();
			return line;
		}
		throw new Error('no password given');
	} finally {
		lines.close();
	}
}

function ctl(args, input = '') {
	const { status, stdout, stderr, error } = spawnSync(path.join(build, 'waconnctl'), ['-s', socket, ...args], { input, encoding: 'utf8' });

	if (error || status !== 0)
		throw error ?? new Error(`waconnctl ${args[0]} ${args[1]}: ${stderr.trim()}`);
	return stdout;
}

async function makeFirstUser() {
	const { users } = JSON.parse(ctl(['--json', 'user', 'list']));

	if (users.length > 0)
		return;
	let password;
	do
		password = await askPassword(`Password for the first user, "admin" (SUPERADMIN; at least ${PASSWORD_MIN} characters): `);
	while (password.length < PASSWORD_MIN);
	ctl(['user', 'add', 'admin', '--role', 'SUPERADMIN', '--password-stdin'], `${password}\n`);
}

async function start(waconnd, apigw) {
	waconnd.start();
	await waitFor(async () => !waconnd.running || await answers(socket), START_MS, 'waconnd to listen');
	if (!waconnd.running)
		throw new Error(`waconnd ended at its start: ${waconnd.log}`);
	await makeFirstUser();
	apigw.start();
	await waitFor(async () => !apigw.running || (await request(`http://127.0.0.1:${port}`, 'GET', '/readyz')).status === 200,
		START_MS, `http://127.0.0.1:${port}/readyz`);
	if (!apigw.running)
		throw new Error(`apigw ended at its start: ${apigw.log}`);
}

async function main() {
	const stop = askedToStop();

	fs.mkdirSync(dir, { recursive: true });
	const cluster = new Cluster(path.join(dir, 'pg'), { fast: false });
	configure(await cluster.start());
	const waconnd = program('waconnd');
	const apigw = program('apigw');

	try {
		const early = await Promise.race([start(waconnd, apigw), stop]);
		if (early === undefined) {
			console.log(`\nLogs and configuration: ${dir}\nCtrl-C stops everything.\n\nready: http://127.0.0.1:${port}`);
			await hold([waconnd, apigw], stop);
		}
	} finally {
		console.log('\nStopping …');
		await apigw.stop();
		await waconnd.stop();
		await cluster.stop();
	}
	return 0;
}

main().then((status) => process.exit(status), (error) => {
	console.error(`run: ${error.message}`);
	process.exit(1);
});
