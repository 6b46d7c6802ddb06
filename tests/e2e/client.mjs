/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Clients of what is under test: the REST interface, its stream of events, and the simulator's control. Every failure that the
 * gateway answers is held against the form that the contract gives it, whatever the test is about.
 */
import assert from 'node:assert/strict';
import http from 'node:http';

import { PATIENCE, waitFor } from './wait.mjs';

const TIMEOUT_MS = 60_000;
const WAIT_MAX_S = 50; // of the simulator's controls, within that

let assertDescribed = () => {};
/** From now on every answer is held against the description; the demo, which uses this file too, has no packages for that. */
export function holdAnswers(check) {
	assertDescribed = check;
}

/** One request on a connection of its own. `body`: an object (sent as JSON), a string or a buffer. */
export function request(base, method, path, { headers = {}, body, timeout = TIMEOUT_MS } = {}) {
	const bytes = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
	const all = { ...headers };

	if (bytes !== undefined) {
		all['Content-Length'] = Buffer.byteLength(bytes);
		if (!Object.keys(all).some((name) => name.toLowerCase() === 'content-type'))
			all['Content-Type'] = 'application/json';
	}
	return new Promise((resolve, reject) => {
		const r = http.request(`${base}${path}`, { method, headers: all, agent: false, timeout }, (response) => {
			const chunks = [];

			response.on('data', (chunk) => chunks.push(chunk));
			response.on('error', reject);
			response.on('end', () => resolve(new Answer(method, path, response, Buffer.concat(chunks))));
		});
		r.on('timeout', () => r.destroy(new Error(`${method} ${path}: no answer within ${timeout} ms`)));
		r.on('error', reject);
		r.end(bytes);
	});
}

class Answer {
	constructor(method, path, response, body) {
		this.what = `${method} ${path}`;
		this.status = response.statusCode;
		this.headers = response.headers;
		this.body = body;
	}

	get text() {
		return this.body.toString();
	}

	get json() {
		return JSON.parse(this.text);
	}
}

/** A failure as the gateway must give it (contract, section 4). */
export function assertProblem(answer) {
	const { what } = answer;

	assert.equal(answer.headers['content-type'], 'application/problem+json', what);
	const p = answer.json;
	assert.equal(p.success, false, what);
	assert.equal(p.status, answer.status, what);
	assert.match(p.code, /^[a-z0-9_]+$/, what);
	for (const key of ['type', 'title', 'detail', 'requestId'])
		assert.equal(typeof p[key], 'string', `${what}: ${key}`);
	assert.equal(typeof p.retryable, 'boolean', what);
	assert.equal(p.requestId, answer.headers['x-request-id'], what);
	return p;
}

export class Problem extends Error {
	constructor(answer, problem) {
		super(`${answer.what}: ${answer.status} ${problem.code}: ${problem.detail}${problem.errors ? ` ${JSON.stringify(problem.errors)}` : ''}`);
		this.status = answer.status;
		this.code = problem.code;
		this.problem = problem;
		this.headers = answer.headers;
	}
}

export class Api {
	constructor(base, token = null, headers = {}) {
		this.base = base;
		this.headers = token ? { Authorization: `Bearer ${token}`, ...headers } : headers;
		this.token = token;
	}

	/** The answer as it is; its form has been checked. */
	async raw(method, path, { body, headers = {}, timeout } = {}) {
		const answer = await request(this.base, method, `/api${path}`, { body, timeout, headers: { ...this.headers, ...headers } });

		assert.ok(answer.headers['x-request-id'], `${answer.what}: no X-Request-Id`);
		if (answer.status >= 400 && method !== 'HEAD')
			assertProblem(answer);
		assertDescribed(method, `/api${path}`, answer);
		return answer;
	}

	/** The document of a success; a failure is thrown as Problem. */
	async call(method, path, body, options = {}) {
		const answer = await this.raw(method, path, { body, ...options });

		if (answer.status >= 400)
			throw new Problem(answer, answer.json);
		const document = answer.json;
		assert.equal(document.success, true, answer.what);
		return document;
	}

	get(path) {
		return this.call('GET', path);
	}

	post(path, body, headers) {
		return this.call('POST', path, body, { headers });
	}

	patch(path, body) {
		return this.call('PATCH', path, body);
	}

	delete(path) {
		return this.call('DELETE', path);
	}

	/** The call must be refused like this; returns the problem. */
	async refused(status, code, method, path, body, headers) {
		const answer = await this.raw(method, path, { body, headers });

		assert.equal(`${answer.status} ${answer.status >= 400 ? answer.json.code : ''}`, `${status} ${code}`,
			`${answer.what}: ${answer.text.slice(0, 500)}`);
		return answer.json;
	}

	/** All elements of a list, by its pages. */
	async all(path, key, limit = 1000) {
		const found = [];
		let cursor = null;

		do {
			const more = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
			const page = await this.get(`${path}${path.includes('?') ? '&' : '?'}limit=${limit}${more}`);

			found.push(...page[key]);
			cursor = page.nextCursor ?? null;
		} while (cursor !== null);
		return found;
	}

	events(options) {
		return EventStream.open(this, options);
	}
}

/** Server-sent events as they come: {id, kind, data}. */
export class EventStream {
	static open(api, { kinds, lastEventId } = {}) {
		const stream = new EventStream();
		const headers = { ...api.headers, Accept: 'text/event-stream' };

		if (lastEventId)
			headers['Last-Event-ID'] = lastEventId;
		return new Promise((resolve, reject) => {
			stream.request = http.get(`${api.base}/api/events${kinds ? `?kinds=${kinds}` : ''}`, { headers, agent: false }, (response) => {
				if (response.statusCode !== 200) {
					response.resume();
					reject(new Error(`GET /events: ${response.statusCode}`));
					return;
				}
				stream.headers = response.headers;
				response.setEncoding('utf8');
				response.on('data', (text) => stream.take(text));
				response.on('close', () => { stream.closed = true; });
				response.on('error', () => { stream.closed = true; });
				resolve(stream);
			});
			stream.request.on('error', (error) => {
				stream.closed = true;
				reject(error);
			});
		});
	}

	constructor() {
		this.events = [];
		this.text = '';
		this.closed = false;
	}

	take(text) {
		this.text += text;
		for (let end; (end = this.text.indexOf('\n\n')) >= 0;) {
			this.add(this.text.slice(0, end).split('\n'));
			this.text = this.text.slice(end + 2);
		}
	}

	add(lines) {
		const event = {};

		for (const line of lines) {
			const [, key, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
			if (key === 'id')
				event.id = value;
			else if (key === 'event')
				event.kind = value;
			else if (key === 'data')
				event.data = JSON.parse(value);
		}
		if (event.data !== undefined)
			this.events.push(event);
	}

	get lastId() {
		return this.events.findLast((e) => e.id !== undefined)?.id;
	}

	/** The first event, come or to come, of which `matches` is true. */
	next(matches, deadline, what) {
		return waitFor(() => this.events.find(matches), deadline, what, 20);
	}

	close() {
		this.request.destroy();
	}
}

/** The simulator's control (docs/simulator.md). */
export class Sim {
	constructor(base) {
		this.base = base;
	}

	async call(method, path, body) {
		const answer = await request(this.base, method, path, { body });

		if (answer.status >= 400)
			throw new Error(`simulator: ${answer.what}: ${answer.status} ${answer.text.trim()}`);
		return answer.json;
	}

	static query(fields) {
		const used = Object.entries(fields).filter(([, value]) => value !== undefined);
		return used.length > 0 ? `?${new URLSearchParams(used)}` : '';
	}

	state() {
		return this.call('GET', '/');
	}

	scan(qr, phone, more = {}) {
		return this.call('POST', '/scan', { qr, phone, ...more });
	}

	/** A person types a pairing code into the phone; thrown when it is wrong. */
	typeCode(phone, code, more = {}) {
		return this.call('POST', '/code', { phone, code, ...more });
	}

	/** What the owner's browser answers to a request for the passkey; `fault` makes it wrong. */
	passkey(phone, options, fault) {
		return this.call('POST', '/passkey', { phone, options, ...fault && { fault } });
	}

	setPhone(phone, fields = {}) {
		return this.call('POST', '/phones', { phone, ...fields });
	}

	phone(phone) {
		return this.call('GET', `/phones/${phone}`);
	}

	unlink(phone, device) {
		return this.call('POST', `/phones/${phone}/unlink`, device === undefined ? {} : { device });
	}

	/** The phone writes to another account. */
	send(phone, to, text, id) {
		return this.call('POST', `/phones/${phone}/send`, { to, text, id });
	}

	/** The same with any content: {kind, text, data (a Buffer), mimetype, fileName …}. */
	sendContent(phone, to, { data, ...content }) {
		return this.call('POST', `/phones/${phone}/send`, { to, ...content, data: data?.toString('base64') });
	}

	/** What the file with this hash holds: one that phones wrote or looked at. */
	async mediaFile(sha256) {
		const answer = await fetch(`${this.base}/media/${sha256}`);

		if (!answer.ok)
			throw new Error(`simulator: GET /media/${sha256}: ${answer.status}`);
		return Buffer.from(await answer.arrayBuffer());
	}

	/** Hosts, their certificate, what was up- and downloaded. */
	media() {
		return this.call('GET', '/media');
	}

	mediaFault(action, fields = {}) {
		return this.call('POST', '/media/faults', { action, ...fields });
	}

	/** What phones decrypted: filter by to, from, id; wait (seconds, to be had patience with) with count. */
	messages(filter) {
		return this.recorded('messages', filter);
	}

	receipts(filter) {
		return this.recorded('receipts', filter);
	}

	async recorded(kind, { wait, ...filter } = {}) {
		const patient = wait && Math.min(wait * PATIENCE, WAIT_MAX_S);

		return (await this.call('GET', `/${kind}${Sim.query({ ...filter, wait: patient })}`))[kind];
	}

	async violations() {
		return (await this.call('GET', '/violations')).violations;
	}

	async fault(action, fields = {}) {
		return (await this.call('POST', '/faults', { action, ...fields })).id;
	}

	async faults() {
		return (await this.call('GET', '/faults')).faults;
	}

	forget(id) {
		return this.call('DELETE', id === undefined ? '/faults' : `/faults/${id}`);
	}
}
