/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A whole world: PostgreSQL, the simulator, waconnd and apigw, on free ports of the loopback and in a directory of its own, and what
 * a test or the demo does with them. Nothing waits for a fixed time; every wait has a deadline and says what it waited for.
 */
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Api, Sim, request } from './client.mjs';
import { Cluster, giveDatabase, takeDatabase } from './cluster.mjs';
import { Program } from './program.mjs';
import { Hopeless, answers, freePort, waitFor } from './wait.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const START_MS = 30_000;
const SOCKET_PATH_MAX = 100;

/** The worlds of this process that have not been stopped. */
export const worlds = new Set();

/** @typedef {{
 *   build?: string,      where the programs are (WACONN_BUILD, or build/)
 *   dir?: string,        where everything is kept; a directory under /tmp that goes with the world when not given
 *   ports?: {http?: number, sim?: number, control?: number},
 *   database?: 'shared' | 'own' | object,   own: a cluster in dir/pg; an object: another one, with start() → DSN, stop(), query()
 *   fast?: boolean,      own cluster without fsync (true)
 *   seed?: number,       of the simulator
 *   tls?: {cert: string, key: string},   files: the simulator speaks TLS with these
 *   server?: object,     another WhatsApp in its place: start() answers {simUrl, noiseRoot}; stop(), scan(), violations
 *   daemon?: object,     more of waconnd.conf: {section: {key: value}}
 *   gateway?: object,    more of apigw.conf
 *   admin?: {name: string, password: string} | null,   the first user; null: none is made
 *   gatewayOnly?: boolean,   apigw without anything behind it
 * }} WorldOptions */

/** @param {WorldOptions} options */
export async function startWorld(options = {}) {
	const world = new World(options);

	worlds.add(world);
	try {
		await world.start();
	} catch (error) {
		const told = world.logs();
		const failures = await world.end();
		throw new Error(`the world did not start: ${[error.message, ...failures].join('\n')}\n${told}`);
	}
	return world;
}

const ini = (sections) => Object.entries(sections)
	.map(([name, keys]) => `[${name}]\n${Object.entries(keys).map(([k, v]) => `${k} = ${v}\n`).join('')}`)
	.join('\n');

function merge(base, more = {}) {
	const all = { ...base };

	for (const [section, keys] of Object.entries(more))
		all[section] = { ...all[section], ...keys };
	return all;
}

class World {
	constructor(options) {
		this.options = options;
		this.build = path.resolve(ROOT, options.build ?? process.env.WACONN_BUILD ?? 'build');
		this.kept = options.dir !== undefined;
		this.dir = this.kept ? path.resolve(options.dir) : fs.mkdtempSync(path.join(os.tmpdir(), 'wcn-'));
		fs.mkdirSync(this.dir, { recursive: true });
		const web = path.join(this.build, 'web'); // made once, whatever the programs were built with
		this.webRoot = fs.existsSync(web) ? web : path.join(ROOT, 'build', 'web');
		this.ports = { ...options.ports };
		this.socket = path.join(this.dir, 'd.sock');
		if (this.socket.length > SOCKET_PATH_MAX) {
			this.socketDir = fs.mkdtempSync(path.join(os.tmpdir(), 'wcn-'));
			this.socket = path.join(this.socketDir, 'd.sock');
		}
		this.adminUser = options.admin === undefined ? { name: 'admin', password: 'the first password' } : options.admin;
		this.failed = false; // a test failed: the logs stay

		const log = (name) => path.join(this.dir, `${name}.log`);
		this.wasim = new Program({ name: 'wasim', command: path.join(this.build, 'wasim'), log: log('wasim') });
		this.waconnd = new Program({
			name: 'waconnd',
			command: path.join(this.build, 'waconnd'),
			args: ['-c', path.join(this.dir, 'waconnd.conf')],
			log: log('waconnd'),
		});
		this.apigw = new Program({
			name: 'apigw',
			command: path.join(this.build, 'apigw'),
			args: ['-c', path.join(this.dir, 'apigw.conf')],
			log: log('apigw'),
		});
		this.programs = [this.wasim, this.waconnd, this.apigw];
	}

	// -- start and stop

	async start() {
		if (this.options.gatewayOnly) {
			await this.startGateway();
			return;
		}
		const [database] = await Promise.all([this.openDatabase(), this.startSim()]);

		this.dsn = database;
		await this.startGateway();
		await this.startDaemon();
		await this.ready();
		if (this.adminUser) {
			await this.addUser(this.adminUser.name, 'SUPERADMIN', this.adminUser.password);
			this.admin = await this.login(this.adminUser.name, this.adminUser.password);
		}
	}

	async startGateway() {
		this.ports.http ??= await freePort();
		this.writeConfiguration();
		this.apigw.start();
		await waitFor(async () => !this.apigw.running || (await request(this.base, 'GET', '/healthz')).status === 200, START_MS,
			'apigw to listen', 20);
		if (!this.apigw.running)
			throw new Error('apigw ended at its start');
	}

	get base() {
		return `http://127.0.0.1:${this.ports.http}`;
	}

	async openDatabase() {
		if (this.options.database === 'own') {
			fs.chmodSync(this.dir, 0o711); // PostgreSQL's user goes through it
			this.cluster = new Cluster(path.join(this.dir, 'pg'), { fast: this.options.fast ?? true });
			return this.cluster.start();
		}
		if (typeof this.options.database === 'object') {
			this.cluster = this.options.database;
			return this.cluster.start();
		}
		const { cluster, name, dsn } = await takeDatabase();
		this.sharedCluster = cluster;
		this.database = name;
		return dsn;
	}

	/** Statements in this world's database. */
	sql(text) {
		return this.cluster ? this.cluster.query(text) : this.sharedCluster.query(text, this.database);
	}

	/** Only with a cluster of its own. */
	stopDatabase() {
		return this.cluster.stop();
	}

	killDatabase() {
		return this.cluster.kill();
	}

	startDatabase() {
		return this.cluster.start();
	}

	/** The simulator; a later start listens where the first did. */
	async startSim() {
		const lines = {};
		const port = (n) => `127.0.0.1:${n ?? 0}`;
		let ready = false;

		if (this.options.server) {
			Object.assign(this, await this.options.server.start(), { sim: this.options.server });
			return;
		}
		this.wasim.args = ['--listen', port(this.ports.sim), '--control', port(this.ports.control), '--seed', String(this.options.seed ?? 1),
			...this.options.tls ? ['--tls', this.options.tls.cert, this.options.tls.key] : []];
		this.wasim.start((line) => {
			const [word, value] = line.split(' ');
			lines[word] = value;
			ready ||= word === 'ready';
		});
		await waitFor(() => ready || !this.wasim.running, START_MS, 'the simulator to be ready', 10);
		if (!ready)
			throw new Error('the simulator ended at its start');
		this.noiseRoot = lines['noise-root'];
		this.simUrl = lines.listen;
		this.ports.sim = Number(new URL(lines.listen).port);
		this.ports.control = Number(new URL(lines.control).port);
		this.sim = new Sim(lines.control);
	}

	writeConfiguration() {
		const key = path.join(this.dir, 'master.key');

		if (!fs.existsSync(key))
			fs.writeFileSync(key, crypto.randomBytes(32), { mode: 0o600 });
		fs.writeFileSync(path.join(this.dir, 'waconnd.conf'), ini(merge({
			daemon: { socket: this.socket, admin_users: os.userInfo().username, key_file: key, instance: 'world' },
			database: { dsn: this.dsn },
			whatsapp: { url: this.simUrl, noise_root: this.noiseRoot, media_insecure_loopback: true },
			blast: { per_minute: 0, daily_cap: 0, window: '00:00-24:00' },
			log: { level: process.env.WACONN_LOG ?? 'info' },
		}, this.options.daemon)));
		fs.writeFileSync(path.join(this.dir, 'apigw.conf'), ini(merge({
			http: { listen: `127.0.0.1:${this.ports.http}`, web_root: this.webRoot },
			daemon: { socket: this.socket },
			log: { level: process.env.WACONN_LOG ?? 'info' },
		}, this.options.gateway)));
	}

	async startDaemon() {
		this.waconnd.start();
		await waitFor(async () => !this.waconnd.running || await answers(this.socket), START_MS, 'waconnd to listen', 20);
		if (!this.waconnd.running)
			throw new Error('waconnd ended at its start');
	}

	/** The gateway, the daemon and its database answer. */
	ready(deadline = START_MS) {
		return waitFor(async () => {
			if (!this.apigw.running)
				throw new Error('apigw does not run');
			return (await request(this.base, 'GET', '/readyz', { timeout: 5000 })).status === 200;
		}, deadline, 'GET /readyz to answer 200');
	}

	async restartDaemon({ kill = false } = {}) {
		await (kill ? this.waconnd.kill() : this.waconnd.stop());
		await this.startDaemon();
		await this.ready();
	}

	async restartGateway({ kill = false } = {}) {
		await (kill ? this.apigw.kill() : this.apigw.stop());
		this.apigw.start();
		await this.ready();
	}

	/** Ends everything that start() began; what went wrong on the way is the error. */
	async stop({ violations = [] } = {}) {
		const found = this.wasim.running ? await this.sim.violations().catch((error) => [String(error)]) : this.options.server?.violations ?? [];
		const unexpected = found.filter((v) => !violations.includes(v.rule));
		const failures = await this.end();

		if (unexpected.length > 0)
			failures.push(`the simulator saw violations of the protocol: ${JSON.stringify(unexpected, null, 1)}`);
		if (failures.length > 0)
			throw new Error(`${failures.join('\n')}\nlogs: ${this.dir}`);
	}

	async end() {
		await this.apigw.stop();
		await this.waconnd.stop();
		await this.wasim.stop();
		await this.options.server?.stop();
		const failures = this.programs.flatMap((p) => p.takeFailures());

		if (this.cluster?.dsn)
			await this.cluster.stop();
		else if (this.sharedCluster)
			await giveDatabase();
		worlds.delete(this);
		if (!this.kept && !this.failed && failures.length === 0)
			fs.rmSync(this.dir, { recursive: true, force: true });
		if (this.socketDir)
			fs.rmSync(this.socketDir, { recursive: true, force: true });
		return failures;
	}

	/** What was started and has ended by itself makes every wait hopeless. */
	alive() {
		const dead = this.programs.flatMap((p) => p.failures);

		if (dead.length > 0)
			throw new Hopeless(dead.join('\n'));
	}

	/** Where each log ends now. */
	mark() {
		return new Map(this.programs.map((p) => [p, p.mark()]));
	}

	/** What the programs have logged since. */
	logs(mark = new Map()) {
		return this.programs.map((p) => `---- ${p.log}\n${p.logSince(mark.get(p) ?? 0)}`).join('\n');
	}

	// -- users

	/** waconnctl as an administrator; answers its stdout. A status other than 0 is an error. */
	ctl(args, { input = '', status = 0 } = {}) {
		return new Promise((resolve, reject) => {
			const child = spawn(path.join(this.build, 'waconnctl'), ['-s', this.socket, ...args]);
			let out = '';
			let err = '';

			child.stdout.on('data', (data) => { out += data; });
			child.stderr.on('data', (data) => { err += data; });
			child.on('error', reject);
			child.on('close', (code) => (code === status ? resolve(out)
				: reject(new Error(`waconnctl ${args.join(' ')}: status ${code}: ${err}${out}`))));
			child.stdin.on('error', () => {});
			child.stdin.end(input);
		});
	}

	addUser(name, role, password, outletId = null) {
		const outlet = outletId === null ? [] : ['--outlet', outletId];
		return this.ctl(['user', 'add', name, '--role', role, ...outlet, '--password-stdin'], { input: `${password}\n` });
	}

	api(token = null, headers = {}) {
		return new Api(this.base, token, headers);
	}

	async login(username, password) {
		const { token } = await this.api().post('/auth/login', { username, password });
		return this.api(token);
	}

	// -- outlets

	/** Makes an outlet and answers its id. */
	async addOutlet(name, whatsappNumber, more = {}) {
		const { outlet } = await this.admin.post('/outlets', { name, whatsappNumber, ...more });
		return outlet.id;
	}

	async status(id) {
		return (await this.admin.get(`/outlets/${id}/status`)).status;
	}

	/** wanted: a status that both columns show, or a function of the status document. */
	waitStatus(id, wanted, deadline = 10_000) {
		const matches = typeof wanted === 'function' ? wanted
			: (s) => s.session.status === wanted && s.liveStatus.status === wanted;
		return waitFor(async () => {
			this.alive();
			const status = await this.status(id);
			if (!matches(status))
				throw new Error(JSON.stringify(status));
			return status;
		}, deadline, `outlet ${id} to be ${typeof wanted === 'function' ? 'as wanted' : wanted}`);
	}

	/** The QR code that the outlet shows, after `sequence`. */
	qr(id, deadline = 10_000, after = 0) {
		return waitFor(async () => {
			this.alive();
			const qr = await this.admin.get(`/outlets/${id}/qr`);
			return qr.sequence > after ? qr : null;
		}, deadline, `a QR code of ${id}`);
	}

	/** The pairing code that the outlet shows, another one than `before`. */
	pairingCode(id, deadline = 10_000, before = null) {
		return waitFor(async () => {
			this.alive();
			const code = await this.admin.get(`/outlets/${id}/pairing-code`);
			return code.code !== before ? code : null;
		}, deadline, `a pairing code of ${id}`);
	}

	/** What linking with a passkey is at, once that is `step`. */
	passkey(id, step, deadline = 30_000, api = this.admin) {
		return waitFor(async () => {
			this.alive();
			const answer = await api.get(`/outlets/${id}/passkey`);
			if (answer.step !== step)
				throw new Error(answer.step);
			return answer;
		}, deadline, `the passkey of ${id} to be at ${step}`);
	}

	/** Connects, and scans the QR code with the phone of this number. */
	async scan(id, phone, more = {}) {
		await this.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
		const { qr } = await this.qr(id);
		return this.sim.scan(qr, phone, more);
	}

	healthy(id, deadline = 10_000) {
		return this.waitStatus(id, (s) => s.healthy, deadline);
	}

	/** Links the outlet to its phone; answers its status once it is healthy. */
	async link(id, phone, more = {}) {
		await this.scan(id, phone, more);
		return this.healthy(id);
	}

	/** A new outlet, linked; answers its id. */
	async linkedOutlet(name, phone, more = {}) {
		const id = await this.addOutlet(name, phone, more);

		await this.link(id, phone);
		return id;
	}

	// -- blasts

	async blast(outlets, numbers, text, more = {}) {
		const { blast } = await this.admin.post('/blasts', {
			name: 'Blast', outlets, audience: { type: 'numbers', numbers }, message: { text }, ...more,
		});
		return blast;
	}

	waitBlast(id, wanted, deadline = 30_000) {
		const matches = typeof wanted === 'function' ? wanted : (b) => b.status === wanted;
		return waitFor(async () => {
			this.alive();
			const { blast } = await this.admin.get(`/blasts/${id}`);
			if (!matches(blast))
				throw new Error(JSON.stringify(blast));
			return blast;
		}, deadline, `blast ${id} to be ${typeof wanted === 'function' ? 'as wanted' : wanted}`, 100);
	}

	recipients(id) {
		return this.admin.all(`/blasts/${id}/recipients`, 'recipients');
	}
}

/** n telephone numbers that differ; block: numbers of one block differ from those of the others. */
export function numbers(n, block = 0) {
	return Array.from({ length: n }, (_, i) => `62813${String(block).padStart(3, '0')}${String(i).padStart(5, '0')}`);
}
