/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every kind of message between waconnd and an independent client (Baileys, unmodified but for its root key), over the simulator: what either
 * sends the other reads, and files hold the same bytes after decryption.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { startWorld } from '../e2e/world.mjs';
import { Baileys } from './baileys_process.mjs';

const OURS = '628430000001';
const THEIRS = '628430000002';
const bytes = (n) => crypto.createHash('shake256', { outputLength: n }).update(`${n}`).digest();
const hash = (data) => crypto.createHash('sha256').update(data).digest('hex');
const begin = (text, n) => Buffer.concat([Buffer.from(text, 'latin1'), bytes(n)]);
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEklEQVR4nGP8z4APMOGVHbHSAEEsAROxCnMTAAAAAElFTkSuQmCC', 'base64');

const FILES = [
	{ kind: 'image', name: 'foto.png', data: PNG, mimetype: 'image/png', caption: 'sebuah foto', type: 'imageMessage' },
	{ kind: 'video', name: 'film.mp4', data: begin('\0\0\0\x18ftypisom', 70_001), mimetype: 'video/mp4', caption: 'sebuah film', type: 'videoMessage' },
	{ kind: 'gif', name: 'loop.mp4', data: begin('\0\0\0\x18ftypmp42', 33_333), mimetype: 'video/mp4', type: 'videoMessage' },
	{ kind: 'audio', name: 'lagu.mp3', data: begin('ID3\x04', 65_532), mimetype: 'audio/mpeg', type: 'audioMessage' },
	{ kind: 'voice', name: 'pesan.ogg', data: begin(`OggS${'\0'.repeat(24)}OpusHead`, 20_000), mimetype: 'audio/ogg; codecs=opus', type: 'audioMessage' },
	{ kind: 'document', name: 'daftar harga.pdf', data: begin('%PDF-1.7\n', 2_000_003), mimetype: 'application/pdf', caption: 'lihat halaman 2', type: 'documentMessage' },
	{ kind: 'sticker', name: 'stiker.webp', data: begin('RIFF\0\0\0\0WEBPVP8 ', 5_000), mimetype: 'image/webp', type: 'stickerMessage' },
];

let world;
let id;
let baileys;
before(async () => {
	world = await startWorld();
	baileys = new Baileys(world);
	baileys.mediaCertificate = (await world.sim.media()).certificate;
	baileys.start();
	id = await world.linkedOutlet('Media', OURS);
	const { qr } = await baileys.event((e) => e.event === 'qr', 20_000, 'to show a QR code');
	await world.sim.scan(qr, THEIRS);
	await baileys.event((e) => e.event === 'open', 20_000, 'to be logged in');
});
after(async () => {
	try {
		await baileys?.stop();
	} finally {
		await world?.stop();
	}
});

async function upload(name, data) {
	const body = new FormData();

	body.set('file', new Blob([data]), name);
	const response = await fetch(`${world.base}/api/media`, { method: 'POST', body, headers: world.admin.headers });
	assert.equal(response.status, 201);
	return (await response.json()).media;
}

/** What Baileys says next of this kind, after doing something. */
async function heard(what, matches, act) {
	const from = baileys.events.length;

	await act();
	return baileys.event((e) => baileys.events.indexOf(e) >= from && matches(e), 20_000, what);
}

const sends = (content) => world.admin.post(`/outlets/${id}/messages`, { to: THEIRS, ...content });
const received = (matches, what) => waitFor(async () => (await world.admin.all(`/outlets/${id}/messages`, 'messages'))
	.find((m) => m.direction === 'in' && matches(m)), 20_000, `${what} to arrive in waconnd`);

for (const { kind, name, data, mimetype, caption, type } of FILES) {
	scenario(`${kind}: waconnd sends it, and Baileys reads the same bytes`, async () => {
		const media = await upload(name, data);
		const came = await heard(kind, (e) => e.event === 'media', () => sends({ media: { id: media.id, kind, ...caption && { caption } } }));

		assert.equal(came.error, undefined);
		assert.deepEqual([came.sha256, came.length], [hash(data), data.length]);
		assert.deepEqual([came.type, came.mimetype, came.caption], [type, mimetype, caption ?? null]);
		assert.deepEqual([came.ptt, came.gif], [kind === 'voice', kind === 'gif']);
		assert.equal(came.fileName, kind === 'document' ? name : null);
		if (kind === 'image')
			assert.ok(came.width === 10 && came.height === 10 && came.thumbnail > 0, JSON.stringify(came));
	});
}

scenario('a place, a card, a link with its card, and an answer to what it wrote', async () => {
	const come = async (content) => (await heard(JSON.stringify(content), (e) => e.event === 'message' && !e.fromMe, () => sends(content)));

	const place = await come({ location: { latitude: -6.2, longitude: 106.8, name: 'Toko' } });
	assert.deepEqual(place.content.place, { latitude: -6.2, longitude: 106.8, name: 'Toko' });
	const card = await come({ contact: { name: 'Ani', phone: '081234567890' } });
	assert.equal(card.content.card.name, 'Ani');
	assert.match(card.content.card.vcard, /waid=6281234567890/);
	const link = await come({ text: 'lihat https://example.com', preview: { title: 'Contoh', url: 'https://example.com' } });
	assert.deepEqual(link.content.link, { matched: 'https://example.com', title: 'Contoh' });

	const { id: asked } = await heard('the question', (e) => e.event === 'sent', () => baileys.send(OURS, 'Buka jam berapa?'));
	const question = await received((m) => m.text === 'Buka jam berapa?', 'the question');
	const answer = await come({ text: 'Jam 9', replyTo: question.id });
	assert.deepEqual([answer.text, answer.content.quoted], ['Jam 9', { id: asked, text: 'Buka jam berapa?' }]);
});

const THEIRS_SENDS = {
	image: (f, caption) => ({ image: f, caption, jpegThumbnail: '' }),
	video: (f, caption) => ({ video: f, caption, jpegThumbnail: '' }),
	gif: (f) => ({ video: f, gifPlayback: true, jpegThumbnail: '' }),
	audio: (f) => ({ audio: f, mimetype: 'audio/mpeg', seconds: 3 }),
	voice: (f) => ({ audio: f, ptt: true, mimetype: 'audio/ogg; codecs=opus', seconds: 3 }),
	document: (f, caption, fileName) => ({ document: f, mimetype: 'application/pdf', fileName, caption }),
	sticker: (f) => ({ sticker: f }),
};

for (const { kind, name, data, caption } of FILES) {
	scenario(`${kind}: Baileys sends it, and waconnd answers the same bytes`, async () => {
		const { id: sent } = await heard(kind, (e) => e.event === 'sent',
			() => baileys.sendContent(OURS, THEIRS_SENDS[kind]({ base64: data.toString('base64') }, caption, name)));
		const message = await received((m) => m.waId === sent || (m.media?.size === data.length && m.kind === kind), `the ${kind}`);
		const response = await fetch(`${world.base}/api/messages/${message.id}/media`, { headers: world.admin.headers });

		assert.equal(response.status, 200);
		assert.equal(hash(Buffer.from(await response.arrayBuffer())), hash(data));
		assert.equal(message.text, caption ?? null);
		if (kind === 'document')
			assert.equal(message.media.fileName, name);
	});
}

scenario('nothing was against the rules', async () => {
	assert.deepEqual(await world.sim.violations(), []);
});
