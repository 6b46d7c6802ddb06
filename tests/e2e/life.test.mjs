/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A long life in a minute: links cut off in every way there is, 200 times, while both sides write; pings of the server's, pre-keys that
 * are used up or lost, a clock that goes on by four weeks at a time. At the end every outlet is CONNECTED, every message is there once, and
 * the daemon is as large as in the middle. Simulator faults, SSE, REST, /proc.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { startWorld } from './world.mjs';

const OUTLETS = 8;
const DAY_MS = 86_400_000;
const GROWTH_KIB = 12 * 1024;

/* What ends a link, now; and what the next login meets. Every one of them leaves the outlet to come back. */
const ENDS = [
	['reset'], ['close'], ['garbage'], ['stream_end'],
	['stream_error', { code: 503 }], ['stream_error', { code: 515 }], ['stream_error', { code: 500 }], ['stream_error', { code: 516 }],
	['stream_error', { code: 401 }], ['stream_error', { code: 429 }], ['stream_error', { child: 'ack' }],
	['stream_error', { child: 'xml-not-well-formed' }], ['stream_error', { child: 'mystery' }],
];
const LOGINS = [
	['failure', { reason: 500 }], ['failure', { reason: 503 }], ['failure', { reason: 501 }], ['failure', { reason: 429 }],
	['close'], ['reset'], ['garbage'], ['stream_end'], ['stream_error', { code: 503 }], ['stream_error', { code: 515 }],
	['failure', { reason: 402, code: 101, expire: 1 }], ['failure', { reason: 403 }],
];
const CYCLES = ENDS.length + LOGINS.length;

let world;
let stream;
before(async () => {
	// Memory that was freed is not kept back by the sanitizer.
	process.env.ASAN_OPTIONS = 'exitcode=99:detect_leaks=1:handle_abort=1:quarantine_size_mb=1';
	world = await startWorld({ daemon: { blast: { per_minute: 0, daily_cap: 0, window: '00:00-24:00' } } });
	stream = await world.admin.events({ kinds: 'status' });
});
after(async () => {
	stream?.close();
	await world?.stop();
});

const residentKib = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${world.waconnd.pid}/status`, 'utf8'))[1]);

/** An event of this outlet after the first `from` of all. */
const event = (id, from, matches, what) => waitFor(() => stream.events.slice(from)
	.find((e) => e.data.outletId === id && matches(e.data)), 20_000, what, 20);

/* A person who does not wait for the back-off, unless it mends by itself meanwhile. */
async function comesBack(id, what) {
	await waitFor(async () => {
		const status = await world.status(id);

		if (status.healthy)
			return true;
		if (['TIMEOUT', 'FAILED', 'DISCONNECTED'].includes(status.liveStatus.status))
			await world.admin.raw('POST', `/outlets/${id}/connect`, { body: { method: 'qr' } });
		return false;
	}, 30_000, `${what}: healthy again`);
}

async function cycle({ id, number, peer, sent, written }, n) {
	const from = stream.events.length;
	const text = `${number} ${n}`;

	await world.admin.post(`/outlets/${id}/messages`, { to: peer, text: `out ${text}` });
	sent.push(`out ${text}`);
	if (n >= ENDS.length) {
		const [action, fields] = LOGINS[n - ENDS.length];
		await world.sim.fault(action, { ...fields, phone: number, when: 'login' });
	}
	const [action, fields] = ENDS[n % ENDS.length];
	await world.sim.fault(action, { ...fields, phone: number });
	await event(id, from, (s) => s.liveStatus.status !== 'CONNECTED', `${action}: the end`);
	await world.sim.send(peer, number, `in ${text}`); // waits at the server
	written.push(`in ${text}`);
	await comesBack(id, action);
	await world.sim.fault('ping', { phone: number });
	if (n % 5 === 0)
		await world.sim.fault('forget_prekeys', { phone: number });
}

/* The next logins find the server's clock so far ahead. */
async function setClock(days) {
	const armed = (await world.sim.faults()).filter((f) => f.action === 'clock');

	await Promise.all(armed.map((f) => world.sim.forget(f.id)));
	await world.sim.fault('clock', { when: 'connect', times: -1, ms: days * DAY_MS });
}

async function eachOnce({ id, peer, sent, written }) {
	const out = await world.sim.messages({ to: peer, wait: 30, count: sent.length });
	assert.deepEqual(out.map((m) => m.text).sort(), [...sent].sort());
	const inbound = await waitFor(async () => {
		const all = (await world.admin.all(`/outlets/${id}/messages`, 'messages')).filter((m) => m.direction === 'in');
		return all.length >= written.length ? all : undefined;
	}, 20_000, 'what was written to it');
	assert.deepEqual(inbound.map((m) => m.text).sort(), [...written].sort());
}

scenario('200 ends of every kind, pings, rotations, pre-keys: CONNECTED, each message once, as large as before', async (t) => {
	const outlets = await Promise.all(Array.from({ length: OUTLETS }, async (_, i) => {
		const number = `62825${String(i).padStart(7, '0')}`;
		return { number, peer: `62826${String(i).padStart(7, '0')}`, sent: [], written: [],
			id: await world.linkedOutlet(`Life ${i}`, number) };
	}));
	let middle;

	for (let n = 0; n < CYCLES; n++) {
		if (n % 4 === 0)
			await setClock(29 * (n / 4 + 1));
		if (n === Math.floor(CYCLES / 2))
			middle = residentKib();
		await Promise.all(outlets.map((o) => cycle(o, n)));
	}
	assert.ok(OUTLETS * CYCLES >= 200);

	// Strangers use up what the server has.
	const { number, id, written } = outlets[0];
	const uploads = (await world.sim.state()).stats.uploads;
	const { devices } = await world.sim.phone(number);
	const left = devices.find((d) => d.connected && d.prekeys > 0).prekeys;
	for (let i = 0; i < left; i++) {
		await world.sim.send(`62827${String(i).padStart(7, '0')}`, number, `stranger ${i}`);
		written.push(`stranger ${i}`);
	}
	await waitFor(async () => (await world.sim.state()).stats.uploads > uploads, 20_000, 'pre-keys uploaded when they run low');

	await Promise.all(outlets.map(eachOnce));
	for (const o of outlets)
		assert.equal((await world.status(o.id)).session.status, 'CONNECTED');
	const { stats } = await world.sim.state();
	await waitFor(async () => (await world.sim.state()).stats.pongs >= OUTLETS * CYCLES * 0.9, 10_000, 'pings answered');
	assert.ok(stats.rotations >= OUTLETS * 3, `${stats.rotations} rotations`);
	const end = residentKib();
	t.diagnostic(`${OUTLETS * CYCLES} ends, ${stats.logins} logins, ${stats.rotations} rotations, ${stats.uploads} uploads, `
		+ `${stats.pongs} pongs; ${middle} KiB in the middle, ${end} KiB at the end`);
	assert.ok(end - middle < GROWTH_KIB, `${middle} KiB, ${end} KiB`);
	assert.equal((await world.status(id)).healthy, true);
});
