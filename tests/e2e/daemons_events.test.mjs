/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Server-sent events at one daemon of what happens to another one's outlets: statuses, QR codes (without their text), messages, blasts. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { owners, startDaemon } from './daemons.mjs';
import { scenario } from './scenario.mjs';
import { numbers, startWorld } from './world.mjs';

const PHONE = '628350000001';

let world;
let b;
let id;
let stream;
before(async () => {
	world = await startWorld();
	id = await world.addOutlet('Heard', PHONE);
	b = await startDaemon(world, 'host-b');
	stream = await b.admin.events();
});
after(async () => {
	stream?.close();
	await b?.stop();
	await world?.stop();
});

const heard = (what, matches) => stream.next(matches, 10_000, what);

scenario('the statuses and the QR of another daemon\'s outlet are told, the QR without its text', async () => {
	assert.equal((await owners(world)).get(id), 'world');
	await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
	const { qr } = await world.qr(id);
	const event = await heard('the QR event', (e) => e.kind === 'qr' && e.data.outletId === id);
	assert.ok(!JSON.stringify(event.data).includes(qr));
	await heard('a QR in the status', (e) => e.kind === 'status' && e.data.outletId === id && e.data.liveStatus.qrCode === 'Present');
	await world.sim.scan(qr, PHONE);
	await heard('the healthy status', (e) => e.kind === 'status' && e.data.outletId === id && e.data.healthy);
});

scenario('its messages, each once', async () => {
	const [to] = numbers(1, 51);

	await b.admin.post(`/outlets/${id}/messages`, { to, text: 'told' });
	await heard('SENT', (e) => e.kind === 'message' && e.data.outletId === id && e.data.status === 'SENT' && e.data.peer === to);
	await heard('a receipt', (e) => e.kind === 'message' && e.data.outletId === id && e.data.status === 'DELIVERED');
	const sent = stream.events.filter((e) => e.kind === 'message' && e.data.status === 'SENT' && e.data.peer === to);
	assert.equal(sent.length, 1);
});

scenario('a blast\'s progress to its end', async () => {
	const list = numbers(30, 52);
	const blast = await world.blast([id], list, 'told as well');

	await heard('the blast\'s end', (e) => e.kind === 'blast' && e.data.id === blast.id && e.data.status === 'COMPLETED');
});

scenario('no event comes twice', () => {
	const ids = new Set(stream.events.map((e) => e.id));

	assert.equal(ids.size, stream.events.length, 'an id came twice');
});
