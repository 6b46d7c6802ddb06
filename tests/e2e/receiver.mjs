/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A receiver of webhooks: an HTTP server of its own that checks every request with the specification's own library and keeps it. */
import http from 'node:http';

import { Webhook } from 'standardwebhooks';

import { waitFor } from './wait.mjs';

export class Receiver {
	constructor() {
		this.received = []; // {id, type, data, path, answered}
		this.wrong = []; // requests that did not verify
		this.secrets = new Map(); // path -> secret
		this.answer = () => 204; // a status, or {status, headers, body}, or a promise of one
		this.connections = 0;
		this.port = 0;
	}

	async start() {
		this.server = http.createServer((request, response) => this.take(request, response));
		this.server.on('connection', () => { this.connections++; });
		await new Promise((resolve, reject) => {
			this.server.once('error', reject);
			this.server.listen(this.port, '127.0.0.1', resolve);
		});
		this.port = this.server.address().port;
		return this;
	}

	/** Nobody listens any more; what is under way is cut off. */
	async stop() {
		const { server } = this;

		this.server = null;
		server?.closeAllConnections();
		await new Promise((resolve) => { server ? server.close(resolve) : resolve(); });
	}

	url(path = '/') {
		return `http://127.0.0.1:${this.port}${path}`;
	}

	async take(request, response) {
		const chunks = [];
		for await (const chunk of request)
			chunks.push(chunk);
		const body = Buffer.concat(chunks).toString('utf8');
		const entry = { id: request.headers['webhook-id'], path: request.url, body, headers: request.headers };

		try {
			Object.assign(entry, new Webhook(this.secrets.get(request.url) ?? '').verify(body, request.headers));
		} catch (error) {
			this.wrong.push({ ...entry, error: error.message });
			response.writeHead(401).end();
			return;
		}
		this.received.push(entry);
		const said = await this.answer(entry);
		const { status, headers, body: text } = typeof said === 'number' ? { status: said } : said;
		entry.answered = status;
		response.writeHead(status, headers).end(text);
	}

	/** What was taken at this path: each event once, in the order of its first coming. */
	taken(path = '/') {
		const seen = new Map();

		for (const entry of this.received)
			if (entry.path === path && entry.answered >= 200 && entry.answered < 300 && !seen.has(entry.id))
				seen.set(entry.id, entry);
		return [...seen.values()];
	}

	/** Waits for such an event to be taken. */
	wait(path, matches, what, deadline = 30_000) {
		return waitFor(() => this.taken(path).find(matches), deadline, what);
	}

	/** A webhook of this world that leads here. */
	async hook(world, path, more = {}) {
		const { webhook, secret } = await world.admin.post('/webhooks', { url: this.url(path), ...more });

		this.secrets.set(path, secret);
		return { ...webhook, secret };
	}
}
