/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * More daemons on a world's database: each a waconnd of its own name with its own socket, and an apigw before it. And a TCP proxy, to
 * part one of them from the database.
 */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

import { Api, request } from './client.mjs';
import { Program } from './program.mjs';
import { answers, freePort, waitFor } from './wait.mjs';

const START_MS = 30_000;

class Daemon {
	constructor(world, name) {
		this.world = world;
		this.name = name;
		this.dir = path.join(world.dir, name);
		this.socket = path.join(this.dir, 'd.sock');
		fs.mkdirSync(this.dir, { recursive: true });
		const program = (what) => new Program({
			name: `${what} of ${name}`,
			command: path.join(world.build, what),
			args: ['-c', path.join(this.dir, `${what}.conf`)],
			log: path.join(this.dir, `${what}.log`),
		});
		this.waconnd = program('waconnd');
		this.apigw = program('apigw');
		world.programs.push(this.waconnd, this.apigw);
	}

	/* As the world's own, but for the names and the way to the database. */
	async start({ dsn = this.world.dsn, instance = this.name } = {}) {
		const conf = fs.readFileSync(path.join(this.world.dir, 'waconnd.conf'), 'utf8')
			.replace(/^socket = .*/m, `socket = ${this.socket}`)
			.replace(/^instance = .*/m, `instance = ${instance}`)
			.replace(/^dsn = .*/m, `dsn = ${dsn}`);

		fs.writeFileSync(path.join(this.dir, 'waconnd.conf'), conf);
		this.port ??= await freePort();
		this.base = `http://127.0.0.1:${this.port}`;
		fs.writeFileSync(path.join(this.dir, 'apigw.conf'),
			`[http]\nlisten = 127.0.0.1:${this.port}\nweb_root = ${this.world.webRoot}\n[daemon]\nsocket = ${this.socket}\n`);
		await this.startDaemon();
		this.apigw.start();
		await this.ready();
		this.admin = new Api(this.base, this.world.admin.token);
	}

	async startDaemon() {
		this.waconnd.start();
		await waitFor(async () => !this.waconnd.running || await answers(this.socket), START_MS, `${this.waconnd.name} to listen`, 20);
		if (!this.waconnd.running)
			throw new Error(`${this.waconnd.name} ended at its start`);
	}

	ready() {
		return waitFor(async () => (await request(this.base, 'GET', '/readyz', { timeout: 5000 })).status === 200, START_MS,
			`${this.apigw.name} to be ready`);
	}

	async status(id) {
		return (await this.admin.get(`/outlets/${id}/status`)).status;
	}

	async stop() {
		if (this.waconnd.running)
			this.waconnd.signal('SIGCONT'); // it may have been frozen
		await this.apigw.stop();
		await this.waconnd.stop();
	}
}

/** Another waconnd and apigw; it ends with stop(), before its world does. */
export async function startDaemon(world, name, options = {}) {
	const daemon = new Daemon(world, name);

	await daemon.start(options);
	return daemon;
}

/** Which daemon has which outlet, as the database says: Map of id → name. */
export async function owners(world) {
	const rows = await world.sql(`SELECT o.id, o.owner FROM outlets o JOIN instances i
		ON i.name = o.owner AND i.epoch = o.owner_epoch AND i.boot IS NOT NULL`);
	return new Map(rows.map((row) => row.split('|')));
}

/** How often a login at the simulator ended another connection of the same device. */
export function overlaps(world) {
	return (fs.readFileSync(world.wasim.log, 'utf8').match(/login\.replaced/g) ?? []).length;
}

/** A way to the world's PostgreSQL that can be cut: what runs through it hangs, as in a network that swallows packets. */
export class Passage {
	constructor(dsn) {
		this.pairs = new Set();
		this.cut = false;
		this.dsn = dsn;
	}

	async open() {
		const host = /host=(\S+)/.exec(this.dsn)[1];
		const port = /port=(\d+)/.exec(this.dsn)?.[1] ?? '5432';
		const target = host.startsWith('/') ? { path: path.join(host, `.s.PGSQL.${port}`) } : { host, port: Number(port) };

		this.server = net.createServer((near) => {
			const far = net.connect(target);
			const pair = [near, far];

			this.pairs.add(pair);
			for (const [from, to] of [[near, far], [far, near]]) {
				from.on('data', (data) => { to.write(data); });
				from.on('error', () => {});
				from.on('close', () => {
					to.destroy();
					this.pairs.delete(pair);
				});
			}
			if (this.cut)
				this.hold(pair);
		});
		await new Promise((resolve) => { this.server.listen(0, '127.0.0.1', resolve); });
		return this.dsn.replace(/host=\S+/, 'host=127.0.0.1').replace(/port=\d+/, '').concat(` port=${this.server.address().port}`);
	}

	hold(pair) {
		for (const socket of pair)
			socket.pause();
	}

	setCut(cut) {
		this.cut = cut;
		for (const pair of this.pairs)
			for (const socket of pair)
				cut ? socket.pause() : socket.resume();
	}

	close() {
		for (const pair of this.pairs)
			for (const socket of pair)
				socket.destroy();
		this.server.close();
	}
}

