/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bad company on the daemon's socket and at the gateway during a blast: frames in pieces, without end, too long or of nothing; peers that
 * vanish or never read; a reader of events that sleeps. Nobody else is held up, nothing is lost, and memory stays bounded.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { after, before } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { numbers, startWorld } from '../e2e/world.mjs';
import { LONG, assertBlast, assertConverses, assertNoneSending, countAt, report, sample, sleep, timed } from './faults.mjs';

const NUMBER = '628890000001';
const PEERS = LONG ? 300 : 40;
const ANSWER_MS = 5000; // a deadline, not a measure
const FRAME_MAX = 20 << 20;

let world;
let id;
let block = 600;
before(async () => {
	world = await startWorld();
	id = await world.linkedOutlet('Peers', NUMBER);
});
after(() => world?.stop());

/* -- what a peer says: a 32-bit length and a Frame{request = 1}{id = 1, op} -- */

const varint = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...varint(Math.floor(n / 128))]);
const field = (number, bytes) => [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes];
const STATUS_LIST = 30;

function frame(payload) {
	const head = Buffer.alloc(4);

	head.writeUInt32BE(payload.length);
	return Buffer.concat([head, Buffer.from(payload)]);
}

const request = (requestId, op = STATUS_LIST) => frame(field(1, [8, ...varint(requestId), ...field(op, [])]));

/* A connection to the daemon; `open` until it was closed from there. */
function connect() {
	return new Promise((resolve, reject) => {
		const socket = net.connect(world.socket, () => {
			socket.open = true;
			resolve(socket);
		});

		socket.on('error', reject); // once connected, of no interest
		socket.on('close', () => { socket.open = false; });
	});
}

/* While its queue of connections is full, the system says EAGAIN. */
async function peer() {
	const end = performance.now() + ANSWER_MS;

	for (;;) {
		try {
			return await connect();
		} catch (error) {
			if (error.code !== 'EAGAIN' || performance.now() > end)
				throw error;
			await sleep(10);
		}
	}
}

const peers = (n) => Promise.all(Array.from({ length: n }, peer));

async function answersOthers() {
	const begin = performance.now();

	assert.equal((await world.admin.get('/outlets/status')).statuses[0].outletId, id);
	assert.ok(performance.now() - begin < ANSWER_MS, 'others are held up');
}

const residentKib = (program) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${program.pid}/status`, 'utf8'))[1]);

/* A blast with such company; what was opened is closed afterwards. */
async function inCompany(t, name, company) {
	const list = numbers(LONG ? 1000 : 100, ++block);
	const begun = await countAt(world, NUMBER);
	const blast = await world.blast([id], list, name, { pace: { perMinute: 6000, jitter: 0 } });
	const sockets = [];

	await waitFor(async () => await countAt(world, NUMBER) >= begun + 10, 30_000, 'ten messages', 2);
	await company(sockets);
	await answersOthers();
	await timed(t, 'to the end of the blast', () => assertBlast(world, blast, list, name));
	await answersOthers();
	for (const socket of sockets)
		socket.destroy();
	await assertNoneSending(world);
	await assertConverses(world, id, sample(list, 2));
}

scenario('frames that do not end', async (t) => {
	const long = Buffer.alloc(4);

	long.writeUInt32BE(FRAME_MAX);
	await inCompany(t, 'frames that do not end', async (sockets) => {
		for (const part of [Buffer.from([0]), Buffer.from([0, 0, 1]), request(1).subarray(0, 6), Buffer.concat([long, Buffer.alloc(1000)])]) {
			for (const socket of await peers(PEERS / 4)) {
				socket.write(part);
				sockets.push(socket);
			}
		}
	});
	assert.ok(world.waconnd.running);
});

scenario('a request in pieces of one byte is answered like any other', async () => {
	const socket = await peer();
	let got = Buffer.alloc(0);

	socket.setNoDelay(true);
	socket.on('data', (data) => { got = Buffer.concat([got, data]); });
	for (const byte of request(7)) {
		socket.write(Buffer.from([byte]));
		await new Promise(setImmediate);
	}
	await waitFor(() => got.length > 4 && got.length >= 4 + got.readUInt32BE(0), 5000, 'an answer');
	socket.destroy();
});

scenario('frames that are none: that peer is sent away', async (t) => {
	const tooLong = Buffer.alloc(4);

	tooLong.writeUInt32BE(FRAME_MAX + 1);
	await inCompany(t, 'frames that are none', async () => {
		for (const bytes of [frame([]), frame(crypto.randomBytes(200)), frame(field(2, [8, 1])), tooLong, frame(field(1, [8, 0])),
			crypto.randomBytes(100_000)]) {
			const socket = await peer();

			socket.resume();
			socket.write(bytes);
			if (bytes.length < 100_000) // what is random may wait for the rest of its length
				await waitFor(() => !socket.open, 5000, `the end of the connection after ${bytes.subarray(0, 20).toString('hex')}`);
			socket.destroy();
		}
	});
});

scenario('peers that vanish with their question asked, or half asked', async (t) => {
	await inCompany(t, 'peers that vanish', async () => {
		for (let n = 0; n < (LONG ? 50 : 5); n++)
			for (const [i, socket] of (await peers(PEERS)).entries()) {
				const bytes = request(1 + i);
				socket.end(i % 2 ? bytes : bytes.subarray(0, 1 + i % bytes.length));
				socket.destroy();
			}
	});
});

scenario('a peer that asks and never reads', async (t) => {
	const before = residentKib(world.waconnd);

	await inCompany(t, 'a peer that never reads', async (sockets) => {
		const socket = await peer();
		const many = Buffer.concat(Array.from({ length: 1000 }, (_, i) => request(1 + i)));

		socket.pause();
		sockets.push(socket);
		for (let n = 0; n < 200; n++)
			socket.write(many);
		await answersOthers();
	});
	report(t, 'waconnd grew by', `${residentKib(world.waconnd) - before} KiB`);
});

scenario('a reader of events that sleeps: others get theirs, and it resumes without a gap', async (t) => {
	const awake = await world.admin.events({ kinds: 'message' });
	const asleep = await new Promise((resolve, reject) => {
		const request_ = http.get(`${world.base}/api/events?kinds=message`, { headers: { ...world.admin.headers, Accept: 'text/event-stream' },
			agent: false }, resolve);
		request_.on('error', reject);
	});

	asleep.on('error', () => {});
	asleep.pause();
	asleep.socket.pause();
	const first = awake.lastId;
	await inCompany(t, 'a reader that sleeps', () => {});
	const delivered = () => awake.events.filter((e) => e.data.status === 'DELIVERED').length;
	await waitFor(() => delivered() >= 100, 10_000, 'events for the one that is awake');
	asleep.destroy();
	const resumed = await world.admin.events({ kinds: 'message', lastEventId: first ?? awake.events[0].id });
	const from = first === undefined ? 1 : awake.events.findIndex((e) => e.id === first) + 1;
	await waitFor(() => resumed.lastId === awake.lastId, 10_000, 'both to be at the same event');
	if (resumed.events[0].kind !== 'reset')
		assert.deepEqual(resumed.events.map((e) => e.id), awake.events.slice(from).map((e) => e.id));
	awake.close();
	resumed.close();
});
