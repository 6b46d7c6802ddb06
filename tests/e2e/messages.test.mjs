/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Single messages, out and in: their status up to READ, what phones answer, devices that ask again, acks with an error, a number that is not on
 * WhatsApp, hostile texts. REST and the simulator.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { startWorld } from './world.mjs';

let world;
let id;
let next = 0;
const NUMBER = '628350000001';
const phone = () => `62836${String(++next).padStart(7, '0')}`;

before(async () => {
	world = await startWorld();
	id = await world.linkedOutlet('Messages', NUMBER);
});
after(() => world?.stop());

async function send(to, text, outlet = id) {
	const answer = await world.admin.raw('POST', `/outlets/${outlet}/messages`, { body: { to, text } });

	assert.equal(answer.status, 202, answer.text);
	return answer.json.message.id;
}

const becomes = (message, status, deadline = 15_000) => waitFor(async () => {
	const { message: m } = await world.admin.get(`/messages/${message}`);
	if (m.status !== status)
		throw new Error(JSON.stringify(m));
	return m;
}, deadline, `${message} to be ${status}`);

const inbox = async (outlet = id) => (await world.admin.all(`/outlets/${outlet}/messages`, 'messages', 100)).filter((m) => m.direction === 'in');

scenario('a message outside any blast: DELIVERED, then READ', async () => {
	const to = phone();
	const message = await send(`0${to.slice(2)}`, 'Halo ☕');
	const delivered = await becomes(message, 'DELIVERED');

	assert.deepEqual([delivered.peer, delivered.direction, delivered.text, delivered.outletId, delivered.blastId, delivered.reason],
		[to, 'out', 'Halo ☕', id, null, null]);
	assert.ok(delivered.times.sentAt && delivered.times.deliveredAt && delivered.times.readAt === null);
	const [got] = await world.sim.messages({ to, wait: 5, count: 1 });
	assert.deepEqual([got.text, got.count, got.from], ['Halo ☕', 1, NUMBER]);

	const reader = phone();
	await world.sim.setPhone(reader, { receipts: 'read' });
	const read = await becomes(await send(reader, 'read me'), 'READ');
	assert.ok(read.times.readAt);
});

scenario('the own phone is told what was sent', async () => {
	const to = phone();

	await becomes(await send(to, 'for my own phone, too'), 'DELIVERED');
	const copies = await waitFor(async () => {
		const found = (await world.sim.messages({ to: NUMBER, own: 'true' })).filter((m) => m.text === 'for my own phone, too');
		return found.length > 0 && found;
	}, 5000, 'the copy');
	assert.deepEqual(copies.map((m) => [m.chat, m.deviceSent, m.count]), [[to, true, 1]]);
});

scenario('what phones write arrives, decrypted, once, and is receipted', async () => {
	const from = phone();
	const texts = ['Halo', 'second', 'x'.repeat(5000), 'ünïcödé 🎉 \u202e\u0000?'.replace('\u0000', '')];
	const ids = [];

	for (const text of texts)
		ids.push((await world.sim.send(from, NUMBER, text)).id);
	const found = await waitFor(async () => {
		const mine = (await inbox()).filter((m) => m.peer === from);
		return mine.length === texts.length && mine;
	}, 10_000, 'the messages');
	assert.deepEqual(found.map((m) => m.text).reverse(), texts);
	assert.ok(found.every((m) => m.kind === 'text' && m.times.receivedAt));
	for (const stanza of ids)
		assert.ok((await world.sim.receipts({ id: stanza, wait: 5, count: 1 })).length >= 1, `receipt of ${stanza}`);
	// Answered on the session that they began.
	await becomes(await send(from, 'and back'), 'DELIVERED');
	const [back] = (await world.sim.messages({ to: from, wait: 5, count: 1 }));
	assert.deepEqual([back.text, back.encType], ['and back', 'msg']);
});

scenario('what was written while the outlet was away arrives when it is back', async () => {
	const from = phone();

	await world.admin.post(`/outlets/${id}/disconnect`);
	await world.waitStatus(id, 'DISCONNECTED');
	for (let i = 0; i < 10; i++)
		await world.sim.send(from, NUMBER, `offline ${i}`);
	await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
	await world.healthy(id);
	await waitFor(async () => (await inbox()).filter((m) => m.peer === from).length === 10, 10_000, 'ten messages');
	assert.deepEqual((await inbox()).filter((m) => m.peer === from).map((m) => m.text).reverse(),
		Array.from({ length: 10 }, (_, i) => `offline ${i}`));
});

scenario('a long backlog of one chat: every message receipted, in a few stanzas', async () => {
	const from = phone();
	const COUNT = 300;

	await world.admin.post(`/outlets/${id}/disconnect`);
	await world.waitStatus(id, 'DISCONNECTED');
	for (let i = 0; i < COUNT; i++)
		await world.sim.send(from, NUMBER, `long ${i}`);
	const { receipts } = (await world.sim.state()).stats;
	await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
	const got = await world.sim.receipts({ from: NUMBER, to: from, wait: 30, count: COUNT });
	assert.equal(new Set(got.map((r) => r.id)).size, COUNT);
	assert.ok(got.every((r) => r.type === 'inactive'), JSON.stringify(got[0]));
	const stanzas = (await world.sim.state()).stats.receipts - receipts;
	assert.ok(stanzas < COUNT / 4, `${stanzas} stanzas`);
	await world.healthy(id);
});

scenario('the owner writes on the phone: kept as sent', async () => {
	const to = phone();

	await world.sim.send(NUMBER, to, 'from the phone itself');
	await waitFor(async () => (await world.admin.all(`/outlets/${id}/messages`, 'messages')).some(
		(m) => m.direction === 'out' && m.text === 'from the phone itself' && m.peer === to), 10_000, 'the message');
});

scenario('a device that cannot decrypt asks again and gets it, under the same id', async () => {
	const to = phone();

	await world.sim.setPhone(to, { retries: 2 });
	const message = await send(to, 'asked twice');
	await becomes(message, 'DELIVERED', 20_000);
	const got = await world.sim.messages({ to, wait: 5, count: 1 });
	assert.deepEqual(got.map((m) => m.text), ['asked twice']);
	assert.ok((await world.sim.state()).stats.retries >= 2);
});

scenario('acks with an error: FAILED, with the reason', async () => {
	// Codes that make the outlet hold its blasts do not hold single messages; each on its own outlet all the same.
	// A device list that is out of date (479) is asked for anew, once.
	const codes = [[463, 1], [475, 1], [400, 1], [479, 2]];
	await Promise.all(codes.map(async ([error, times], i) => {
		const number = `62837000000${i}`;
		const outlet = await world.linkedOutlet(`Ack ${error}`, number);
		const to = phone();

		await world.sim.fault('ack_error', { phone: number, when: 'message', error, times });
		const failed = await becomes(await send(to, 'refused', outlet), 'FAILED');
		assert.equal(failed.reason, `rejected_${error}`);
		assert.ok(failed.times.failedAt);
		assert.deepEqual(await world.sim.messages({ to }), []);
		assert.equal((await world.status(outlet)).healthy, true);
	}));
});

scenario('a device list that is out of date (479): asked for anew, and sent', async () => {
	const number = '628370000020';
	const outlet = await world.linkedOutlet('Stale', number);
	const to = phone();

	await world.sim.fault('ack_error', { phone: number, when: 'message', error: 479 });
	await becomes(await send(to, 'second try', outlet), 'DELIVERED');
	assert.equal((await world.sim.messages({ to })).length, 1);
});

scenario('too fast (429): sent later, not failed', async () => {
	const number = '628370000010';
	const outlet = await world.linkedOutlet('Too fast', number);

	await world.sim.fault('ack_error', { phone: number, when: 'message', error: 429 });
	const message = await send(phone(), 'later', outlet);
	const waiting = await waitFor(async () => {
		const { message: m } = await world.admin.get(`/messages/${message}`);
		return m.reason !== null && m;
	}, 10_000, 'a reason');
	assert.deepEqual([waiting.status, waiting.reason], ['QUEUED', 'rate_limited']);
});

scenario('a number that is not on WhatsApp, and ones that are no numbers', async () => {
	const absent = phone();

	await world.sim.setPhone(absent, { registered: false });
	const failed = await becomes(await send(absent, 'x'), 'FAILED');
	assert.equal(failed.reason, 'not_on_whatsapp');
	for (const to of ['', 'me', '12', '62812x'])
		await world.admin.refused(422, 'validation_failed', 'POST', `/outlets/${id}/messages`, { to, text: 'x' });
	await world.admin.refused(422, 'validation_failed', 'POST', `/outlets/${id}/messages`, { to: phone(), text: '' });
	await world.admin.refused(422, 'validation_failed', 'POST', `/outlets/${id}/messages`, { to: phone() });
	await world.admin.refused(404, 'not_found', 'GET', '/messages/msg_999999999');
	await world.admin.refused(404, 'not_found', 'GET', '/messages/nonsense');
});

scenario('texts of every kind go through unchanged', async () => {
	const texts = [
		'{{', '}}{{name', '{{ name }}', '\u{1F468}‍\u{1F469}‍\u{1F467}', 'line\nbreak\r\nand\ttab', '"quotes" \\ and \'more\'',
		'<script>alert(1)</script>', '=1+1', '\u202eright to left', 'x'.repeat(15_000), ' ',
	];
	const pairs = texts.map((text) => [phone(), text]);

	for (const [to, text] of pairs)
		await send(to, text);
	for (const [to, text] of pairs) {
		const [got] = await world.sim.messages({ to, wait: 10, count: 1 });
		assert.equal(got.text, text);
	}
	const listed = (await world.admin.all(`/outlets/${id}/messages`, 'messages')).map((m) => m.text);
	for (const text of texts)
		assert.ok(listed.includes(text), JSON.stringify(text).slice(0, 60));
	await world.admin.refused(400, 'invalid_json', 'POST', `/outlets/${id}/messages`, Buffer.from('7b22746f223a22ff227d', 'hex'));
});

async function sendContent(to, content) {
	const answer = await world.admin.raw('POST', `/outlets/${id}/messages`, { body: { to, ...content } });

	assert.equal(answer.status, 202, answer.text);
	return answer.json.message;
}

scenario('a place, a card, a text with a preview: kept and sent as what they are', async () => {
	const to = phone();
	const location = { latitude: -6.1754, longitude: 106.8272, name: 'Monas', address: 'Jakarta' };
	const place = await sendContent(to, { location });
	assert.deepEqual([place.kind, place.text, place.location], ['location', null, location]);
	await becomes(place.id, 'DELIVERED');

	const card = await sendContent(to, { contact: { name: 'Toko; "Budi"', phone: '0812-3456-7890' } });
	assert.deepEqual([card.kind, card.contact], ['contact', { name: 'Toko; "Budi"', phone: '6281234567890' }]);
	await becomes(card.id, 'DELIVERED');

	const preview = { title: 'Promo', description: 'November', url: 'https://example.com/promo' };
	const text = await sendContent(to, { text: 'Lihat https://example.com/promo ya', preview });
	assert.deepEqual([text.kind, text.preview], ['text', preview]);
	const read = await becomes(text.id, 'DELIVERED');
	assert.deepEqual(read.preview, preview);
});

scenario('an answer to a message, its own or the other\'s', async () => {
	const to = phone();
	const first = await sendContent(to, { text: 'Halo' });

	await becomes(first.id, 'DELIVERED');
	await world.sim.send(to, NUMBER, 'Apa kabar?');
	const theirs = await waitFor(async () => (await inbox()).find((m) => m.peer === to), 10_000, 'their message');
	for (const replyTo of [first.id, theirs.id]) {
		const answer = await sendContent(to, { text: 'Baik', replyTo });
		assert.equal(answer.replyTo, replyTo);
		assert.equal(answer.quoted, undefined);
		await becomes(answer.id, 'DELIVERED');
	}
	const [row] = await world.sql(`SELECT content->'quoted'->>'text', content->'quoted'->>'participant' FROM messages WHERE id = ${theirs.id.slice(4)} + 2`);
	assert.match(row, /^Apa kabar\?\W\d+@lid$/);
	const problem = await world.admin.refused(422, 'validation_failed', 'POST', `/outlets/${id}/messages`, { to: phone(), text: 'x', replyTo: first.id });
	assert.equal(problem.errors[0].field, 'replyTo');
});

scenario('what somebody answers is named, in the list, in the event and to webhooks; what is not known is not', async () => {
	const to = phone();
	const mine = await sendContent(to, { text: 'Buka jam berapa?' });
	const elsewhere = await sendContent(phone(), { text: 'Halo' });

	await becomes(mine.id, 'DELIVERED');
	await becomes(elsewhere.id, 'DELIVERED');
	const [[mineId], [otherId]] = await Promise.all([mine, elsewhere].map((m) => world.sql(`SELECT wa_id FROM messages WHERE id = ${m.id.slice(4)}`)));
	await world.sim.send(to, NUMBER, 'Sebentar');
	const theirs = await waitFor(async () => (await inbox()).find((m) => m.peer === to), 10_000, 'their message');
	const [theirId] = await world.sql(`SELECT wa_id FROM messages WHERE id = ${theirs.id.slice(4)}`);
	const stream = await world.admin.events();
	const answers = [
		['Jam delapan', mineId, mine.id],
		['Maksud saya sembilan', theirId, theirs.id],
		['Apa ini?', 'NOBODYSENTTHIS', undefined],
		['Punya orang lain', otherId, undefined], // of another chat
	];
	try {
		for (const [text, quotedId, replyTo] of answers) {
			await world.sim.sendContent(to, NUMBER, { kind: 'text', text, quotedId, quotedText: 'x' });
			const event = await stream.next((e) => e.kind === 'message' && e.data.text === text, 30_000, text);
			assert.equal(event.data.replyTo, replyTo);
			const listed = await waitFor(async () => (await inbox()).find((m) => m.text === text), 10_000, text);
			assert.equal(listed.replyTo, replyTo);
			assert.equal((await world.admin.get(`/messages/${listed.id}`)).message.replyTo, replyTo);
		}
	} finally {
		stream.close();
	}
});

scenario('what is wrong with a message is named, field by field', async () => {
	const to = phone();
	const cases = [
		[{}, ['text']],
		[{ text: 'x', location: { latitude: 1, longitude: 1 } }, ['location']],
		[{ location: { latitude: 91, longitude: 1 } }, ['location.latitude']],
		[{ location: { latitude: '1' } }, ['location.latitude', 'location.longitude']],
		[{ location: [] }, ['location']],
		[{ contact: { name: '', phone: 'x' } }, ['contact.name']],
		[{ contact: { name: 'a', phone: 'x' } }, ['contact.phone']],
		[{ text: 'x', preview: { title: 'a', url: 'https://x.id' } }, ['preview.url']],
		[{ text: 'ftp://x.id', preview: { title: 'a', url: 'ftp://x.id' } }, ['preview.url']],
		[{ text: 'x', replyTo: 'nonsense' }, ['replyTo']],
		[{ text: 'x', replyTo: 'msg_999999' }, ['replyTo']],
		[{ media: { id: 'media_nothing' } }, ['media.id']],
		[{ media: { id: 'media_nothing', kind: 'text' } }, ['media.kind']],
		[{ media: { caption: 'x' } }, ['media.id']],
		[{ media: { id: 'a', size: 3 } }, ['media.size']],
		[{ text: 'x', surprise: 1 }, ['surprise']],
	];

	for (const [content, fields] of cases) {
		const problem = await world.admin.refused(422, 'validation_failed', 'POST', `/outlets/${id}/messages`, { to, ...content });
		assert.deepEqual(problem.errors.map((e) => e.field), fields, JSON.stringify(content));
	}
});
