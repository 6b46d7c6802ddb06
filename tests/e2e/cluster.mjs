/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A private PostgreSQL by tests/postgres.sh: one cluster for all worlds of a process, a database for each of them. */
import { execFile, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('../postgres.sh', import.meta.url));

const started = new Set();
process.on('exit', () => {
	for (const cluster of started)
		spawnSync(SCRIPT, ['stop', cluster.dir], { stdio: 'ignore' });
	if (shared)
		fs.rmSync(shared.dir, { recursive: true, force: true });
});

export class Cluster {
	/** fast: without fsync, for data that no one will miss. */
	constructor(dir, { fast = true } = {}) {
		this.dir = dir;
		this.env = { ...process.env };
		if (fast)
			this.env.FAST = '1';
		else
			delete this.env.FAST;
	}

	async start() {
		const { stdout } = await run(SCRIPT, ['start', this.dir], { env: this.env });

		started.add(this);
		this.dsn = stdout.trim();
		return this.dsn;
	}

	async stop() {
		await run(SCRIPT, ['stop', this.dir], { env: this.env });
		started.delete(this);
	}

	/** Stopped as a crash would; the next start recovers. */
	async kill() {
		await run(SCRIPT, ['kill', this.dir], { env: this.env });
		started.delete(this);
	}

	/** Statements in a database; rows come as lines, columns parted by '|'. */
	async query(sql, database = 'waconn') {
		const args = ['-h', /host=(\S+)/.exec(this.dsn)[1], '-U', 'waconn', '-d', database, '-AtqX', '-v', 'ON_ERROR_STOP=1', '-c', sql];
		const { stdout } = await run('psql', args);

		return stdout.split('\n').filter((line) => line !== '');
	}

	dsnOf(database) {
		return this.dsn.replace(/dbname=\S+/, `dbname=${database}`);
	}
}

/* The shared one: it runs while a world uses it. */
let shared = null;
let users = 0;
let made = 0;
let turn = Promise.resolve();

const inTurn = (fn) => {
	const result = turn.then(fn);
	turn = result.catch(() => {});
	return result;
};

/** A new database in the shared cluster. */
export function takeDatabase() {
	return inTurn(async () => {
		shared ??= new Cluster(fs.mkdtempSync(path.join(os.tmpdir(), 'wcpg-')));
		if (users === 0)
			await shared.start();
		users++;
		const name = `world${++made}`;
		await shared.query(`CREATE DATABASE ${name}`, 'postgres');
		return { cluster: shared, name, dsn: shared.dsnOf(name) };
	});
}

export function giveDatabase() {
	return inTurn(async () => {
		if (--users === 0)
			await shared.stop();
	});
}
