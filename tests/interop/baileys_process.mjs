/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A process of baileys.mjs beside a world: started, listened to, told what to do, stopped. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

import { waitFor, within } from '../e2e/wait.mjs';

const PROGRAM = fileURLToPath(new URL('baileys.mjs', import.meta.url));

export class Baileys {
	constructor(world, name = 'baileys') {
		this.world = world;
		this.dir = path.join(world.dir, name);
		this.log = `${this.dir}.log`;
		this.events = [];
	}

	start() {
		const log = fs.openSync(this.log, 'a');
		const env = { ...process.env };

		if (this.mediaCertificate) {
			env.NODE_EXTRA_CA_CERTS = `${this.dir}.media.pem`; // of the media hosts
			fs.writeFileSync(env.NODE_EXTRA_CA_CERTS, this.mediaCertificate);
		}

		this.begin = this.events.length;
		this.child = spawn(process.execPath, [PROGRAM, this.world.simUrl, this.world.noiseRoot, this.dir], { stdio: ['pipe', 'pipe', log], env });
		fs.closeSync(log);
		this.ended = new Promise((resolve) => this.child.on('exit', (code, signal) => resolve(signal ?? code)));
		readline.createInterface({ input: this.child.stdout }).on('line', (line) => {
			fs.appendFileSync(this.log, `${line}\n`);
			if (line.startsWith('{'))
				this.events.push(JSON.parse(line));
		});
		process.on('exit', () => this.child.kill('SIGKILL'));
	}

	/** The first event since the start of the process of which `matches` is true. */
	event(matches, deadline, what) {
		return waitFor(() => {
			const failed = this.since.find((e) => e.event === 'failed');
			if (failed)
				throw new Error(failed.error);
			return this.since.find(matches);
		}, deadline, `Baileys: ${what}`);
	}

	get since() {
		return this.events.slice(this.begin);
	}

	messages(text) {
		return this.events.filter((e) => e.event === 'message' && !e.fromMe && e.text === text);
	}

	send(to, text) {
		this.child.stdin.write(`${JSON.stringify({ to, text })}\n`);
	}

	/** Any content of Baileys's own; a Buffer in it goes as {base64}. */
	sendContent(to, content, options = {}) {
		this.child.stdin.write(`${JSON.stringify({ to, content, options })}\n`);
	}

	/** Asks for a pairing code; it is said in an event. */
	pair(number) {
		this.child.stdin.write(`${JSON.stringify({ pair: number })}\n`);
	}

	async stop() {
		this.child.stdin.end();
		const how = await within(this.ended, 10_000, 'Baileys to end').catch((error) => {
			this.child.kill('SIGKILL');
			return error.message;
		});
		assert.equal(how, 0);
	}
}
