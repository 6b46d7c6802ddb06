/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages that came without what they say, or that nobody sends again: asked for from the owner's phone, and shown in their place. REST,
 * events, the simulator's phones, and what is kept of it over a restart.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { proto } from 'baileys';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { startWorld } from './world.mjs';

const NUMBER = '628730000001';

let world;
let id;
let last = 0;
before(async () => {
	world = await startWorld();
	id = await world.linkedOutlet('Asks', NUMBER);
});
after(() => world?.stop());

const messageId = () => `3EB0${String(++last).padStart(18, '0')}`;
const bytes = (message) => Buffer.from(proto.Message.encode(message).finish()).toString('base64');
const keep = (from, waId, message) => world.sim.call('POST', `/phones/${NUMBER}/keep`, { from, id: waId, message: bytes(message) });
const bare = (from, waId, what = 'unavailable') => world.sim.call('POST', `/phones/${from}/bare`, { to: NUMBER, what, id: waId });
const inbox = async () => (await world.admin.all(`/outlets/${id}/messages`, 'messages')).filter((m) => m.direction === 'in');
const of = async (phone) => (await inbox()).filter((m) => m.peer === phone);
const shown = (phone, text) => waitFor(async () => (await of(phone)).find((m) => m.text === text), 30_000, `"${text}" of ${phone}`);
const requests = async () => (await world.sim.messages({ to: NUMBER, own: 'true' })).filter((m) => m.kind === 'protocol');

scenario('without content: the phone has it, and it is shown in the same place', async () => {
	const phone = '628730000002';
	const waId = messageId();

	await keep(phone, waId, { conversation: 'saya mau pesan' });
	await bare(phone, waId);
	const found = await shown(phone, 'saya mau pesan');
	assert.equal((await of(phone)).length, 1);
	assert.equal(found.kind, 'text');
	assert.equal((await requests()).length, 1);
});

scenario('what the phone does not have, or is for the phone only, stays a line that says so', async () => {
	const phone = '628730000003';
	const before = (await requests()).length;

	await bare(phone, messageId());
	for (const what of ['bot', 'hosted'])
		await bare(phone, messageId(), what);
	await world.sim.send(phone, NUMBER, 'and a plain one');
	await shown(phone, 'and a plain one');
	await waitFor(async () => (await requests()).length > before, 30_000, 'the one request');
	assert.deepEqual((await of(phone)).map((m) => m.kind).toSorted(), ['text', 'unavailable', 'unavailable', 'unavailable']);
	assert.equal((await requests()).length, before + 1);
});

scenario('a word to unsubscribe that comes this way counts', async () => {
	const phone = '628730000004';
	const waId = messageId();

	await keep(phone, waId, { conversation: 'STOP' });
	await bare(phone, waId);
	await shown(phone, 'STOP');
	await waitFor(async () => (await world.admin.all('/opt-outs', 'optOuts')).some((o) => o.phone === phone), 30_000, 'the opt-out');
});

scenario('unreadable, and who wrote it does not send it again: the phone does', async () => {
	const phone = '628730000005';
	const message = { extendedTextMessage: { text: 'tidak terbaca' } };
	const waId = messageId();

	await world.sim.send(phone, NUMBER, 'first');
	await shown(phone, 'first');
	await keep(phone, waId, message);
	await world.sim.call('POST', `/phones/${phone}/message`, { to: NUMBER, id: waId, message: bytes(message), lost: true });
	await shown(phone, 'tidak terbaca');
	assert.equal((await of(phone)).length, 2);
	// The session is what it was.
	await world.sim.send(phone, NUMBER, 'last');
	await shown(phone, 'last');
});

scenario('after a kill it is as it was, and nothing is asked for twice', async () => {
	const before = (await inbox()).map((m) => [m.id, m.kind, m.text]);
	const asked = (await requests()).length;

	await world.restartDaemon({ kill: true });
	await world.healthy(id, 30_000);
	assert.deepEqual((await inbox()).map((m) => [m.id, m.kind, m.text]), before);
	assert.equal((await requests()).length, asked);
	assert.deepEqual(await world.sim.violations(), []);
});
