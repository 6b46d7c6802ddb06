/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every kind of message between the simulator's phones and an independent client (Baileys, unmodified but for its root key): what either
 * writes the other reads, and files hold the same bytes after decryption.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { startWorld } from '../e2e/world.mjs';
import { Baileys } from './baileys_process.mjs';

const PHONE = '628420000001';
const THEIRS = '628420000002';
const JPEG = Buffer.from('/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD/'
	+ 'yQALCAABAAEBAREA/8wABgAQEAX/2gAIAQEAAD8A0s8g/9k=', 'base64');
const bytes = (n) => crypto.createHash('shake256', { outputLength: n }).update(`${n}`).digest();
const hash = (data) => crypto.createHash('sha256').update(data).digest('hex');

const FILES = [
	{ kind: 'image', data: JPEG, mimetype: 'image/jpeg', text: 'sebuah foto', theirs: (f) => ({ image: f, caption: 'sebuah foto', jpegThumbnail: '' }), type: 'imageMessage' },
	{ kind: 'video', data: bytes(70_001), mimetype: 'video/mp4', text: 'sebuah video', theirs: (f) => ({ video: f, caption: 'sebuah video', jpegThumbnail: '' }), type: 'videoMessage' },
	{ kind: 'gif', data: bytes(33_333), mimetype: 'video/mp4', theirs: (f) => ({ video: f, gifPlayback: true, jpegThumbnail: '' }), type: 'videoMessage' },
	{ kind: 'audio', data: bytes(65_536), mimetype: 'audio/mpeg', theirs: (f) => ({ audio: f, mimetype: 'audio/mpeg', seconds: 3 }), type: 'audioMessage' },
	{ kind: 'voice', data: bytes(20_000), mimetype: 'audio/ogg; codecs=opus', theirs: (f) => ({ audio: f, ptt: true, mimetype: 'audio/ogg; codecs=opus', seconds: 3 }), type: 'audioMessage' },
	{ kind: 'document', data: bytes(2_000_003), mimetype: 'application/pdf', fileName: 'daftar harga.pdf', text: 'lihat halaman 2', theirs: (f) => ({ document: f, mimetype: 'application/pdf', fileName: 'daftar harga.pdf', caption: 'lihat halaman 2' }), type: 'documentMessage' },
	{ kind: 'sticker', data: bytes(5_000), mimetype: 'image/webp', theirs: (f) => ({ sticker: f }), type: 'stickerMessage' },
];

let world;
let baileys;
before(async () => {
	world = await startWorld();
	baileys = new Baileys(world);
	baileys.mediaCertificate = (await world.sim.media()).certificate;
	baileys.start();
});
after(async () => {
	try {
		await baileys?.stop();
	} finally {
		await world?.stop();
	}
});

async function pair() {
	const { qr } = await baileys.event((e) => e.event === 'qr', 20_000, 'to show a QR code');

	await world.sim.scan(qr, THEIRS);
	await baileys.event((e) => e.event === 'open', 20_000, 'to be logged in');
}

/** What a phone got under this id. */
async function received(phone, id) {
	const [message] = await world.sim.messages({ to: phone, id, wait: 20, count: 1 });

	assert.ok(message, `${phone} got ${id}`);
	return message;
}

scenario('it pairs by the QR that it shows', pair);

for (const { kind, data, mimetype, fileName, text, theirs, type } of FILES) {
	scenario(`${kind}: from the phone to it, and from it to the phone`, async () => {
		const { id } = await world.sim.sendContent(PHONE, THEIRS, { kind, data, mimetype, fileName, text, seconds: kind === 'voice' ? 3 : undefined });
		const came = await baileys.event((e) => e.event === 'media' && e.id === id, 20_000, `the ${kind}`);

		assert.equal(came.error, undefined);
		assert.equal(came.sha256, hash(data));
		assert.equal(came.type, type);
		assert.equal(came.mimetype, mimetype);
		assert.equal(came.caption, text ?? null);
		assert.equal(came.fileName, fileName ?? null);
		assert.equal(came.ptt, kind === 'voice');
		assert.equal(came.gif, kind === 'gif');

		const sent = baileys.events.length;
		baileys.sendContent(PHONE, theirs({ base64: data.toString('base64') }));
		const { id: back } = await baileys.event((e) => e.event === 'sent' && baileys.events.indexOf(e) >= sent, 20_000, `to send the ${kind}`);
		const { content, kind: told } = await received(PHONE, back);
		assert.equal(content.kind, kind);
		assert.equal(told, { gif: 'video', voice: 'audio' }[kind] ?? kind);
		assert.equal(content.sha256, hash(data));
		assert.equal(content.text, text);
		assert.equal(content.fileName, fileName);
		assert.deepEqual(await world.sim.mediaFile(hash(data)), data);
	});
}

scenario('a place, a card, a link and an answer', async () => {
	const place = { kind: 'location', latitude: -6.2, longitude: 106.8, name: 'Toko' };
	const card = { kind: 'contact', name: 'Ani', vcard: 'BEGIN:VCARD\nVERSION:3.0\nFN:Ani\nEND:VCARD' };
	const come = async (content) => {
		const { id } = await world.sim.sendContent(PHONE, THEIRS, content);

		return (await baileys.event((e) => e.event === 'message' && e.id === id, 20_000, JSON.stringify(content))).content;
	};

	assert.deepEqual((await come(place)).place, { latitude: -6.2, longitude: 106.8, name: 'Toko' });
	assert.deepEqual((await come(card)).card, { name: 'Ani', vcard: card.vcard });
	assert.deepEqual((await come({ text: 'lihat https://example.com', link: 'https://example.com', linkTitle: 'Contoh' })).link,
		{ matched: 'https://example.com', title: 'Contoh' });
	const answered = await come({ text: 'ya', quotedId: 'ABC', quotedText: 'tanya', expiration: 86400 });
	assert.deepEqual(answered.quoted, { id: 'ABC', text: 'tanya' });
	assert.equal(answered.expiration, 86400);

	const go = async (content) => {
		const sent = baileys.events.length;

		baileys.sendContent(PHONE, content);
		const { id } = await baileys.event((e) => e.event === 'sent' && baileys.events.indexOf(e) >= sent, 20_000, 'to send');
		return (await received(PHONE, id)).content;
	};
	const there = await go({ location: { degreesLatitude: -6.2, degreesLongitude: 106.8, name: 'Toko' } });
	assert.deepEqual([there.kind, there.latitude, there.longitude, there.name], ['location', -6.2, 106.8, 'Toko']);
	const person = await go({ contacts: { displayName: 'Ani', contacts: [{ vcard: card.vcard }] } });
	assert.deepEqual([person.kind, person.vcard], ['contact', card.vcard]);
});

scenario('a file that the hosts have forgotten: its phone puts it there again', async () => {
	const data = bytes(4_321);

	await world.sim.mediaFault('expire_next');
	const { id } = await world.sim.sendContent(PHONE, THEIRS, { kind: 'image', data });
	const came = await baileys.event((e) => e.event === 'media' && e.id === id, 20_000, 'the image');
	assert.equal(came.error, undefined);
	assert.equal(came.sha256, hash(data));
});

scenario('its upload goes on when the first host fails', async () => {
	const data = bytes(9_876);
	const sent = baileys.events.length;

	await world.sim.mediaFault('status', { host: 0, method: 'post', status: 507, times: 1 });
	baileys.sendContent(PHONE, { image: { base64: data.toString('base64') }, jpegThumbnail: '' });
	const { id } = await baileys.event((e) => e.event === 'sent' && baileys.events.indexOf(e) >= sent, 20_000, 'to send');
	assert.equal((await received(PHONE, id)).content.sha256, hash(data));
	const { hosts } = await world.sim.media();
	assert.ok(hosts[1].uploads > 0);
});

scenario('nothing was against the rules', async () => {
	assert.deepEqual(await world.sim.violations(), []);
});
