/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The process of peer.mjs: started beside a world, given orders, stopped. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('peer.mjs', import.meta.url));

export class Peer {
	constructor(world, { ca, phone = (i) => `62899${String(i).padStart(7, '0')}` } = {}) {
		this.child = spawn(process.execPath, ['--expose-gc', PROGRAM, world.simUrl, world.noiseRoot, path.join(world.dir, 'peer')], {
			stdio: ['pipe', 'pipe', 'inherit'],
			env: { ...process.env, NODE_EXTRA_CA_CERTS: ca ?? '' },
		});
		this.kill = () => this.child.kill('SIGKILL');
		process.on('exit', this.kill);
		this.ended = new Promise((resolve) => this.child.on('exit', resolve));
		this.waiting = [];
		this.started = new Promise((resolve) => this.waiting.push(resolve));
		readline.createInterface({ input: this.child.stdout }).on('line', (text) => {
			const line = JSON.parse(text);

			if (line.qr)
				world.sim.scan(line.qr, phone(line.session)).catch(() => {}); // a QR that was replaced meanwhile
			else
				this.waiting.shift()?.(line);
		});
	}

	get pid() {
		return this.child.pid;
	}

	async order(order) {
		await this.started;
		return Promise.race([
			new Promise((resolve) => {
				this.waiting.push(resolve);
				this.child.stdin.write(`${JSON.stringify(order)}\n`);
			}),
			this.ended.then((code) => { throw new Error(`the peer ended: ${code}`); }),
		]);
	}

	async stop() {
		this.child.stdin.end();
		await this.ended;
		process.off('exit', this.kill);
	}
}
