/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A highly available PostgreSQL on the loopback, as docs/scaling.md has it: Patroni over two servers with synchronous replication, one etcd. A
 * world takes it as its database. A server is killed as its host would die: Patroni, the postmaster and its children at once, by their ids.
 */
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { request } from '../e2e/client.mjs';
import { Program } from '../e2e/program.mjs';
import { freePort, waitFor } from '../e2e/wait.mjs';

const run = promisify(execFile);
const START_MS = 120_000;
const ROOT = process.getuid() === 0;
const PSQL = ['-AtqX', '-v', 'ON_ERROR_STOP=1'];

const found = (command) => {
	try {
		execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' });
		return true;
	} catch {
		return false;
	}
};

/** What is missing for it, in words; null: nothing. */
export function patroniMissing() {
	const missing = ['patroni', 'etcd'].filter((command) => !found(command));

	return missing.length === 0 ? null : `${missing.join(' and ')} not found: apt-get install patroni etcd-server`;
}

const binaries = () => {
	const dir = '/usr/lib/postgresql';
	const newest = fs.readdirSync(dir).filter((v) => fs.existsSync(path.join(dir, v, 'bin', 'postgres'))).sort((x, y) => x - y).at(-1);

	return path.join(dir, newest, 'bin');
};

/* PostgreSQL refuses to run as root. */
const as = () => {
	if (!ROOT)
		return [];
	const id = (what) => execFileSync('id', [what, 'postgres'], { encoding: 'utf8' }).trim();
	return ['--reuid', id('-u'), '--regid', id('-g'), '--clear-groups'];
};

class Server {
	constructor(cluster, name) {
		this.cluster = cluster;
		this.name = name;
		this.dir = path.join(cluster.dir, name);
		this.data = path.join(this.dir, 'data');
		this.patroni = new Program({
			name: `patroni ${name}`,
			command: 'setpriv',
			// Another user's process forgets whose end it was to follow.
			args: [...cluster.as, 'setpriv', '--pdeathsig', 'TERM', 'patroni', path.join(this.dir, 'patroni.yml')],
			log: path.join(cluster.dir, `${name}.log`),
		});
	}

	async configure() {
		const { dir, data } = this;

		fs.mkdirSync(dir);
		clusterOwns(this.cluster, dir);
		[this.port, this.rest] = [await freePort(), await freePort()];
		fs.writeFileSync(path.join(dir, 'patroni.yml'), `
scope: waconn
name: ${this.name}
restapi: { listen: '127.0.0.1:${this.rest}', connect_address: '127.0.0.1:${this.rest}' }
etcd3: { host: '127.0.0.1:${this.cluster.etcdPort}' }
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 2
    retry_timeout: 3
    primary_start_timeout: 0
    synchronous_mode: true
    postgresql:
      use_pg_rewind: true
      parameters: { wal_log_hints: 'on', max_connections: 60, shared_buffers: 64MB }
  initdb: [ { encoding: UTF8 }, { locale: C.UTF-8 } ]
postgresql:
  listen: 127.0.0.1:${this.port}
  connect_address: 127.0.0.1:${this.port}
  data_dir: ${data}
  bin_dir: ${binaries()}
  pgpass: ${dir}/pgpass
  authentication: { superuser: { username: postgres }, replication: { username: replicator } }
  parameters: { unix_socket_directories: ${dir} }
  pg_hba: [ local all all trust, host all all 127.0.0.1/32 trust, host replication all 127.0.0.1/32 trust ]
`);
	}

	get role() {
		return request(`http://127.0.0.1:${this.rest}`, 'GET', '/patroni', { timeout: 5000 })
			.then((answer) => `${answer.json.role} ${answer.json.state}`, () => 'down');
	}

	/** At once: nobody says goodbye, nothing more is written. */
	async killHost() {
		const postmaster = Number(fs.readFileSync(path.join(this.data, 'postmaster.pid'), 'utf8').split('\n')[0]);
		const children = fs.readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
		const ended = this.patroni.kill();

		for (const pid of [postmaster, ...children])
			process.kill(pid, 'SIGKILL');
		await ended;
	}

	start() {
		this.patroni.start();
	}
}

function clusterOwns(cluster, dir) {
	fs.chmodSync(dir, 0o711);
	if (ROOT)
		execFileSync('chown', [cluster.as[1], dir]);
}

export class PatroniCluster {
	constructor() {
		this.as = as();
		this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'wcha-'));
		fs.chmodSync(this.dir, 0o711);
		this.servers = ['one', 'two'].map((name) => new Server(this, name));
		this.etcd = new Program({ name: 'etcd', command: 'etcd', log: path.join(this.dir, 'etcd.log') });
	}

	/** Answers the connection string that waconnd is given. */
	async start() {
		const peer = await freePort();

		this.etcdPort = await freePort();
		const [url, peerUrl] = [`http://127.0.0.1:${this.etcdPort}`, `http://127.0.0.1:${peer}`];
		this.etcd.args = ['--name', 'e', '--data-dir', path.join(this.dir, 'etcd'), '--listen-client-urls', url, '--advertise-client-urls', url,
			'--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl, '--initial-cluster', `e=${peerUrl}`];
		this.etcd.start();
		await waitFor(async () => (await request(url, 'GET', '/health')).json.health === 'true', START_MS, 'etcd');
		for (const server of this.servers) {
			await server.configure();
			server.start();
			await waitFor(async () => (await server.role).endsWith('running'), START_MS, `the server ${server.name}`);
		}
		this.base = `host=${this.servers.map(() => '127.0.0.1').join()} port=${this.servers.map((s) => s.port).join()} target_session_attrs=read-write`;
		await this.redundant();
		await this.psql('postgres', 'postgres', 'CREATE ROLE waconn LOGIN');
		// instance_scan ends what is left of its own user's sessions: no more than that is needed.
		await this.psql('postgres', 'postgres', 'CREATE DATABASE waconn OWNER waconn');
		this.dsn = `${this.base} user=waconn dbname=waconn`;
		return this.dsn;
	}

	async primary() {
		const roles = await Promise.all(this.servers.map((s) => s.role));

		return this.servers.find((_, n) => roles[n] === 'master running' || roles[n] === 'primary running');
	}

	/** A primary, and a standby that has all of it: the next failover loses nothing. */
	redundant() {
		return waitFor(async () => {
			const primary = await this.primary();
			const { members } = (await request(`http://127.0.0.1:${primary.rest}`, 'GET', '/cluster')).json;

			if (!members.some((m) => m.role === 'sync_standby'))
				throw new Error(JSON.stringify(members));
			return primary;
		}, START_MS, 'a synchronous standby', 200);
	}

	async switchover() {
		const leader = await this.redundant();
		const candidate = this.servers.find((s) => s !== leader);
		const answer = await request(`http://127.0.0.1:${leader.rest}`, 'POST', '/switchover', { body: { leader: leader.name, candidate: candidate.name } });

		if (answer.status !== 200)
			throw new Error(`switchover: ${answer.status} ${answer.text}`);
	}

	async psql(user, database, sql) {
		const { stdout } = await run('psql', [...PSQL, '-d', `${this.base} user=${user} dbname=${database}`, '-c', sql]);

		return stdout.split('\n').filter((line) => line !== '');
	}

	query(sql) {
		return this.psql('waconn', 'waconn', sql);
	}

	async stop() {
		await Promise.all(this.servers.map((s) => s.patroni.stop()));
		await this.etcd.kill();
		fs.rmSync(this.dir, { recursive: true, force: true });
	}
}
