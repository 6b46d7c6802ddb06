/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages with files against the independent server and its media host, which speaks HTTP without TLS and checks every upload, reference and
 * name: files go out byte for byte, uploaded once, and again when the host refuses the first time.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { numbers } from '../e2e/world.mjs';
import { NUMBER, begin, clean } from './independent.mjs';
import { fileOf } from './server_media.mjs';
import { write } from './server_send.mjs';

const bytes = (n) => crypto.createHash('shake256', { outputLength: n }).update(`${n}`).digest();
const head = (text, n) => Buffer.concat([Buffer.from(text, 'latin1'), bytes(n)]);
const FILES = [
	['film.mp4', head('\0\0\0\x18ftypisom', 65_520), 'video', 'video'],
	['loop.mp4', head('\0\0\0\x18ftypmp42', 65_519), 'gif', 'video'],
	['lagu.mp3', head('ID3\x04', 12), 'audio', 'audio'],
	['pesan.ogg', head(`OggS${'\0'.repeat(24)}OpusHead`, 1), 'voice', 'audio'],
	['a.pdf', head('%PDF-1.7\n', 1_000_000), 'document', 'document'],
	['s.webp', head('RIFF\0\0\0\0WEBPVP8 ', 500), 'sticker', 'sticker'],
];

let server, world, id;
before(async () => { ({ server, world, id } = await begin({ usync: 'both' })); });
after(() => world?.stop());

async function upload(name, data) {
	const body = new FormData();

	body.set('file', new Blob([data]), name);
	const response = await fetch(`${world.base}/api/media`, { method: 'POST', body, headers: world.admin.headers });
	assert.equal(response.status, 201);
	return (await response.json()).media;
}

/** The messages that the first device of this number has read, when there are so many. */
async function readBy(pn, count) {
	const phone = server.account(pn).phones.get(0);

	await waitFor(() => phone.messages.length >= count || server.violations.length > 0, 20_000, `${count} messages for ${pn}`);
	assert.deepEqual(server.violations, []);
	return phone.messages.map((m) => m.message);
}

scenario('every kind of file, byte for byte', async () => {
	for (const [i, [name, data, kind, called]] of FILES.entries()) {
		const [pn] = numbers(1, 60 + i);
		const media = await upload(name, data);

		await world.admin.post(`/outlets/${id}/messages`, { to: pn, media: { id: media.id, kind } });
		const [message] = await readBy(pn, 1);
		assert.equal(fileOf(message).kind, called);
		assert.deepEqual(server.media.open(message), data);
	}
	await clean(server);
});

scenario('one upload for many, though the host refuses it at first', async () => {
	const people = numbers(5, 70);
	const data = head('%PDF-1.4\n', 5_000);
	const media = await upload('sekali.pdf', data);
	const before = server.media.uploads;

	server.media.statuses.push(401);
	for (const pn of people)
		await world.admin.post(`/outlets/${id}/messages`, { to: pn, media: { id: media.id, caption: 'sama' } });
	for (const pn of people)
		assert.deepEqual(server.media.open((await readBy(pn, 1))[0]), data);
	assert.equal(server.media.uploads - before, 1);
	await clean(server);
});

scenario('a file that comes, is forgotten by the host and put there again by the phone; and one that is gone', async () => {
	const [pn] = numbers(1, 90);
	const account = server.account(NUMBER);
	const come = async (data, lost) => {
		const part = server.media.write('document', data, { mimetype: 'application/pdf', fileName: 'masuk.pdf' });
		const sent = await write(server, account, pn, '', { message: { documentMessage: part }, mediatype: 'document' });
		const message = await waitFor(async () => (await world.admin.all(`/outlets/${id}/messages`, 'messages'))
			.find((m) => m.direction === 'in' && m.media?.size === data.length), 20_000, 'the document');
		const get = () => fetch(`${world.base}/api/messages/${message.id}/media`, { headers: world.admin.headers });

		server.media.forget(sent, part);
		server.media.lost = lost;
		return get();
	};

	const data = head('%PDF-1.7\n', 4_000);
	const response = await come(data, false);
	assert.equal(response.status, 200);
	assert.deepEqual(Buffer.from(await response.arrayBuffer()), data);
	assert.equal((await come(head('%PDF-1.7\n', 4_001), true)).status, 410);
	await clean(server);
});

scenario('a place and a card', async () => {
	const [a, b] = numbers(2, 80);

	await world.admin.post(`/outlets/${id}/messages`, { to: a, location: { latitude: -6.2, longitude: 106.8, name: 'Toko' } });
	await world.admin.post(`/outlets/${id}/messages`, { to: b, contact: { name: 'Ani', phone: '081234567890' } });
	assert.equal((await readBy(a, 1))[0].locationMessage.name, 'Toko');
	assert.equal((await readBy(b, 1))[0].contactMessage.displayName, 'Ani');
	await clean(server);
});
