/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the fault tests share: long or short, the seed of what is left to chance, and the promises that hold after every fault. Timing is
 * reported, never judged.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { Sim } from '../e2e/client.mjs';
import { waitFor } from '../e2e/wait.mjs';

export { sleep };

/** FAULTS=long: all of it, and more of everything; minutes instead of seconds (make faults). */
export const LONG = process.env.FAULTS === 'long';
/** FAULTS_SEED=N plays the same chances again. */
export const SEED = Number(process.env.FAULTS_SEED ?? crypto.randomInt(2 ** 31));
export const SETTLE_MS = LONG ? 300_000 : 60_000;

/** mulberry32: what chance says, by the seed. */
export function chances(seed = SEED) {
	let a = seed >>> 0;
	const next = () => {
		a = (a + 0x6d2b79f5) >>> 0;
		let t = Math.imul(a ^ (a >>> 15), 1 | a);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
	return { below: (n) => Math.floor(next() * n), pick: (list) => list[Math.floor(next() * list.length)] };
}

/** How many messages of this outlet the phones have decrypted. */
export async function countAt(world, from) {
	return (await world.sim.call('GET', `/messages${Sim.query({ from, limit: 0 })}`)).count;
}

export const numberOf = async (world, id) => (await world.status(id)).outlet.whatsappNumber;

/** Every recipient has this text once, under one id, decrypted. */
export async function assertOnceEach(world, list, text, deadline = 20_000) {
	const byPhone = await waitFor(async () => {
		const found = new Map();
		for (const m of (await world.sim.messages()).filter((x) => x.text === text))
			found.set(m.to, [...found.get(m.to) ?? [], m]);
		return found.size >= list.length && found;
	}, deadline, `${list.length} phones to have "${text}"`, 200);

	for (const phone of list)
		assert.equal(byPhone.get(phone)?.length, 1, `${phone}: ${JSON.stringify(byPhone.get(phone))}`);
	assert.equal(byPhone.size, list.length);
}

/** The blast ends COMPLETED, all DELIVERED, and what it says is what the rows and the phones say. */
export async function assertBlast(world, blast, list, text, deadline = SETTLE_MS) {
	const n = list.length;
	const done = await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === n, deadline);

	assert.deepEqual({ ...done.counts, read: 0 }, { total: n, queued: 0, sending: 0, sent: 0, delivered: n, read: 0, failed: 0, skipped: 0,
		cancelled: 0 });
	assert.deepEqual(await world.sql(`SELECT status, count(*) FROM messages WHERE blast_id = '${blast.id}' GROUP BY 1`), [`DELIVERED|${n}`]);
	await assertOnceEach(world, list, text);
	return done;
}

export async function assertNoneSending(world) {
	assert.deepEqual(await world.sql('SELECT id, outlet_id, phone, attempts FROM messages WHERE status = \'SENDING\''), []);
}

let talks = 0;

/** Each of these conversations still decrypts, in both directions. */
export async function assertConverses(world, id, phones) {
	const number = await numberOf(world, id);
	const said = (n, phone) => `talk ${n} ${phone}`;
	const n = ++talks;

	await world.healthy(id, 30_000);
	for (const phone of phones) {
		await world.sim.send(phone, number, said(n, phone));
		await world.admin.post(`/outlets/${id}/messages`, { to: phone, text: said(n, phone) });
	}
	for (const phone of phones)
		await waitFor(async () => (await world.sim.messages({ from: number, to: phone })).filter((m) => m.text === said(n, phone)).length === 1,
			20_000, `${phone} to read what ${number} says`);
	const heard = await waitFor(async () => {
		const rows = await world.sql(`SELECT phone FROM messages WHERE outlet_id = '${id}' AND NOT outgoing AND text LIKE 'talk ${n} %'`);
		return rows.length >= phones.length && rows;
	}, 20_000, `${number} to read what the phones say`);
	assert.deepEqual(heard.sort(), [...phones].sort());
	await waitFor(async () => (await world.sql(`SELECT 1 FROM messages WHERE outlet_id = '${id}' AND text LIKE 'talk ${n} %' AND outgoing
		AND status NOT IN ('DELIVERED', 'READ')`)).length === 0, 20_000, 'receipts');
}

/** n of them, evenly. */
export function sample(list, n) {
	return Array.from({ length: Math.min(n, list.length) }, (_, i) => list[Math.floor(i * list.length / n)]);
}

const cell = (text) => String(text).replaceAll('|', '\\|');

/** A row for the reader: what was measured, and what the API said meanwhile. FAULTS_TABLE: the file that gathers them (tests/run). */
export function report(t, what, measured, meanwhile = '') {
	t.diagnostic(`${what}: ${measured}`);
	if (process.env.FAULTS_TABLE)
		fs.appendFileSync(process.env.FAULTS_TABLE, `| ${[t.name, meanwhile, what, measured].map(cell).join(' | ')} |\n`);
}

/** Reports the milliseconds that fn took, and answers what it answered. */
export async function timed(t, what, fn, meanwhile) {
	const begin = performance.now();
	const result = await fn();

	report(t, what, `${Math.round(performance.now() - begin)} ms`, meanwhile);
	return result;
}
