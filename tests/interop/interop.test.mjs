/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An independent client (Baileys from npm, unmodified but for its root key) against the simulator, beside waconnd: it pairs by the QR that it
 * shows, gets a blast word for word, writes to waconnd, and all of it again after both have restarted.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { startWorld } from '../e2e/world.mjs';
import { Baileys } from './baileys_process.mjs';

const OURS = '628410000001';
const THEIRS = '628410000002';

let world;
let id;
let baileys;
before(async () => {
	world = await startWorld();
	baileys = new Baileys(world);
	baileys.start();
	id = await world.linkedOutlet('Interop', OURS);
});
after(async () => {
	try {
		await baileys?.stop();
	} finally {
		await world?.stop();
	}
});

const received = (text) => waitFor(async () => (await world.admin.all(`/outlets/${id}/messages`, 'messages'))
	.find((m) => m.direction === 'in' && m.text === text), 20_000, `"${text}" to arrive in waconnd`);

async function blastArrives(text, wanted) {
	const blast = await world.blast([id], [{ phone: THEIRS, name: 'Budi', vars: { kode: 'A1' } }, '628410000003'], text);

	await baileys.event((e) => e.event === 'message' && e.text === wanted, 20_000, `to decrypt "${wanted}"; it has ${JSON.stringify(baileys.since.slice(-5))}`);
	await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === 2, 20_000);
	const [message, ...more] = baileys.messages(wanted);
	assert.deepEqual(more, []);
	assert.ok([message.from, message.alt].some((jid) => jid?.startsWith(`${OURS}@`)), `${message.from} ${message.alt}`);
	// Its phone got it, too.
	const [phone] = (await world.sim.messages({ to: THEIRS, wait: 5, count: 1 })).filter((m) => m.text === wanted);
	assert.equal(phone.count, 1);
}

async function answerArrives(text) {
	baileys.send(OURS, text);
	await baileys.event((e) => e.event === 'sent', 20_000, 'to send');
	const message = await received(text);
	assert.equal(message.peer, THEIRS);
	assert.equal((await world.admin.all(`/outlets/${id}/messages`, 'messages')).filter((m) => m.text === text).length, 1);
}

const undecrypted = () => baileys.events.filter((e) => e.event === 'message' && e.stub !== null);

scenario('it pairs by the QR that it shows, and logs in', async () => {
	const { qr } = await baileys.event((e) => e.event === 'qr', 20_000, 'to show a QR code');

	await world.sim.scan(qr, THEIRS);
	const { me } = await baileys.event((e) => e.event === 'open', 20_000, 'to be logged in');
	assert.match(me.id, new RegExp(`^${THEIRS}:\\d+@s\\.whatsapp\\.net$`));
	assert.match(me.lid, /^\d+:\d+@lid$/);
});

scenario('a blast from waconnd arrives at it, word for word', () =>
	blastArrives('Halo {{name|Kakak}}, kode {{kode}} ☕ — "promo"\nbaris kedua', 'Halo Budi, kode A1 ☕ — "promo"\nbaris kedua'));

scenario('a message from it arrives in waconnd', () => answerArrives('Terima kasih! 🙏'));

scenario('a longer conversation, both ways', async () => {
	for (let i = 0; i < 5; i++) {
		await world.admin.post(`/outlets/${id}/messages`, { to: THEIRS, text: `ping ${i}` });
		await baileys.event((e) => e.event === 'message' && e.text === `ping ${i}`, 20_000, `ping ${i}`);
		baileys.send(OURS, `pong ${i}`);
		await received(`pong ${i}`);
	}
	assert.deepEqual(undecrypted(), []);
});

scenario('both ways again after both have restarted; what came meanwhile is there', async () => {
	await baileys.stop();
	await world.admin.post(`/outlets/${id}/messages`, { to: THEIRS, text: 'while you were away' });
	await world.sim.messages({ to: THEIRS, wait: 10, count: 1 });
	await waitFor(async () => (await world.admin.get(`/outlets/${id}/messages`)).messages.find((m) => m.text === 'while you were away').status !== 'QUEUED',
		10_000, 'the message to be sent');
	await world.restartDaemon({ kill: true });
	baileys.start();
	await baileys.event((e) => e.event === 'open', 20_000, 'to be logged in again');
	await world.healthy(id, 20_000);
	await baileys.event((e) => e.event === 'message' && e.text === 'while you were away', 20_000, 'what was sent meanwhile');
	assert.ok(!baileys.since.some((e) => e.event === 'qr'));
	await blastArrives('Halo lagi, {{name}}', 'Halo lagi, Budi');
	await answerArrives('sampai jumpa');
	assert.deepEqual(undecrypted(), []);
	assert.equal(baileys.messages('while you were away').length, 1);
});
