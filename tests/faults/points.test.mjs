/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A crash at every step between a request and what it leads to: waconnd ends where a fault point (common/fault_point.h) stands, is started
 * again, and nothing is lost, doubled, or no longer to be decrypted. A table; needs programs built with SAN=1.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor, within } from '../e2e/wait.mjs';
import { numbers, startWorld } from '../e2e/world.mjs';
import { LONG, assertBlast, assertConverses, assertNoneSending, assertOnceEach } from './faults.mjs';

const STATUS = 86;
const NUMBER = '628820000001';
const RECIPIENTS = 30;
const CRASH_MS = 20_000;

let world;
let id;
let block = 200;
before(async () => {
	world = await startWorld();
	id = await world.linkedOutlet('Points', NUMBER);
});
after(() => world?.stop());

const textOf = ([point, nth]) => `${point}, pass ${nth}`;

/* Starts waconnd so that it ends at the point's nth pass. */
async function startFaulty([point, nth]) {
	await world.waconnd.kill();
	world.waconnd.env = { WACONN_FAULT: `${point}:${nth}` };
	world.waconnd.start();
	world.waconnd.env = {};
	const ended = world.waconnd.ends();

	return { crashed: async () => assert.equal(await within(ended, CRASH_MS, `the crash at ${point}`), STATUS) };
}

/* A crash there, after what leads to it; then waconnd as it was. */
async function crash(row, trigger, afterwards = () => {}) {
	const logins = async () => Number(await world.sql(`SELECT count(*) FROM outlet_events WHERE outlet_id = '${id}' AND to_status = 'CONNECTED'`));
	const before = await logins();
	const { crashed } = await startFaulty(row);

	await world.ready();
	// A start shows the row as it was left, CONNECTED, for a moment.
	await waitFor(async () => await logins() > before, CRASH_MS, 'the login');
	await world.healthy(id);
	const kept = await trigger();
	await crashed();
	await afterwards();
	await world.startDaemon();
	await world.ready();
	return kept;
}

/* -- what leads to a point, and what holds after it -- */

async function blast(row) {
	const list = numbers(RECIPIENTS, ++block);
	const sent = await crash(row, () => world.blast([id], list, textOf(row)));

	await assertBlast(world, sent, list, textOf(row));
	await assertConverses(world, id, list.slice(0, 2));
}

/* The answer is lost: whoever asked asks again, with the same key. */
async function creation(row) {
	const list = numbers(RECIPIENTS, ++block);
	const ask = () => world.admin.raw('POST', '/blasts', {
		headers: { 'Idempotency-Key': row[0] },
		body: { name: row[0], outlets: [id], audience: { type: 'numbers', numbers: list }, message: { text: textOf(row) } },
	});
	const lost = await crash(row, ask);

	assert.ok([502, 503, 504].includes(lost.status), String(lost.status));
	const found = await ask();
	assert.equal(found.status, 202, found.text);
	assert.deepEqual(await world.sql(`SELECT count(*) FROM blasts WHERE text = '${textOf(row)}'`), ['1']);
	await assertBlast(world, found.json.blast, list, textOf(row));
}

async function inbound(row) {
	const phones = numbers(6, ++block);
	const heard = (text) => world.sql(`SELECT phone FROM messages WHERE outlet_id = '${id}' AND text = '${text}' ORDER BY phone`);

	await crash(row, () => Promise.all(phones.map((phone) => world.sim.send(phone, NUMBER, textOf(row)))));
	await waitFor(async () => (await heard(textOf(row))).length >= phones.length, 20_000, 'all messages');
	assert.deepEqual(await heard(textOf(row)), phones);
	await waitFor(async () => (await world.sim.phone(NUMBER)).devices.find((d) => d.device !== 0).offline === 0, 10_000, 'acknowledgements');
	await assertConverses(world, id, phones.slice(0, 2));
}

async function resend(row) {
	const phones = numbers(3, ++block);

	for (const phone of phones)
		await world.sim.setPhone(phone, { retries: 1 });
	const sent = await crash(row, () => world.blast([id], phones, textOf(row)));
	await assertBlast(world, sent, phones, textOf(row));
	await assertConverses(world, id, phones);
}

/* A new outlet with its own phone: linked, or ready to be linked again. */
async function linking(row) {
	const phone = `62883000${++block}0`;
	const outlet = await world.addOutlet(row[0], phone);

	await crash(row, () => world.scan(outlet, phone));
	const settled = await world.waitStatus(outlet, (s) => s.healthy || ['DISCONNECTED', 'FAILED'].includes(s.session.status), 20_000);
	if (!settled.healthy)
		await world.link(outlet, phone);
	const [peer] = numbers(1, ++block);
	await world.admin.post(`/outlets/${outlet}/messages`, { to: peer, text: textOf(row) });
	await assertOnceEach(world, [peer], textOf(row));
	await assertConverses(world, outlet, [peer]);
	await world.admin.delete(`/outlets/${outlet}`);
}

/* The server's clock says a month more with each: the signed pre-key is due at the login. Whoever writes then, known or not, is read. */
let months = 0;
async function rotation(row) {
	const strangers = numbers(2, ++block);
	const rotations = async () => (await world.sim.state()).stats.rotations;
	const before = await rotations();

	const clock = await world.sim.fault('clock', { when: 'connect', times: -1, ms: ++months * 30 * 86_400_000 });
	await (await startFaulty(row)).crashed();
	await world.startDaemon();
	await world.ready();
	await world.healthy(id);
	await waitFor(async () => await rotations() > before, CRASH_MS, 'the rotation');
	for (const phone of strangers)
		await world.sim.send(phone, NUMBER, textOf(row));
	await waitFor(async () => (await world.sql(`SELECT phone FROM messages WHERE outlet_id = '${id}' AND text = '${textOf(row)}'`)).length
		=== strangers.length, 20_000, 'what strangers wrote');
	await assertConverses(world, id, strangers);
	await world.sim.forget(clock);
}

/* point, the pass at which it ends, what leads to it; BRIEF: also when there is little time */
const BRIEF = true;
const ROWS = [
	['blast.asked', 1, creation],
	['blast.accepted', 1, creation, BRIEF],
	['queue.claimed', 1, blast, BRIEF],
	['batch.sent', 10, blast, BRIEF],
	['batch.answered', 10, blast],
	['send.encrypted', 1, blast],
	['send.encrypted', 7, blast, BRIEF],
	['send.committed', 1, blast],
	['send.committed', 7, blast, BRIEF],
	['send.written', 1, blast],
	['send.written', 7, blast, BRIEF],
	['send.acked', 1, blast],
	['send.acked', 7, blast, BRIEF],
	['queue.sent', 5, blast],
	['queue.settled', 5, blast],
	['receipt.taken', 5, blast, BRIEF],
	['receipt.committed', 5, blast],
	['receive.decrypted', 3, inbound, BRIEF],
	['receive.committed', 3, inbound, BRIEF],
	['receive.answered', 3, inbound],
	['resend.encrypted', 1, resend],
	['resend.committed', 1, resend, BRIEF],
	['resend.written', 1, resend],
	['pair.verified', 1, linking],
	['pair.saved', 1, linking, BRIEF],
	['pair.answered', 1, linking],
	['prekeys.made', 1, linking],
	['prekeys.saved', 1, linking],
	['prekeys.sent', 1, linking, BRIEF],
	['prekeys.uploaded', 1, linking],
	['rotate.made', 1, rotation],
	['rotate.saved', 1, rotation, BRIEF],
	['rotate.sent', 1, rotation],
	['rotate.answered', 1, rotation],
	['rotate.taken', 1, rotation],
];

for (const row of ROWS.filter(([, , , brief]) => LONG || brief))
	scenario(`a crash at ${row[0]}, pass ${row[1]}`, async () => {
		await row[2](row);
		await assertNoneSending(world);
	});

scenario('crash after crash at the same step: what was in hand is not given up', async () => {
	const list = numbers(RECIPIENTS, ++block);
	const again = ['send.committed', 2];
	const sent = await crash(again, () => world.blast([id], list, 'again and again'), async () => {
		for (let n = 0; n < (LONG ? 10 : 3); n++)
			await (await startFaulty(again)).crashed();
	});

	await assertBlast(world, sent, list, 'again and again');
	await assertConverses(world, id, list.slice(0, 2));
});
