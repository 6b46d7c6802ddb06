/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages with files, out: of every kind, byte for byte, uploaded once; what a device asks for again; hosts that fail. REST, the simulator's phones
 * and its media hosts.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { numbers, startWorld } from './world.mjs';

const NUMBER = '628391000001';
const PNG = fs.readFileSync(new URL('../../docs/status.png', import.meta.url));
const OGG = Buffer.concat([Buffer.from('OggS'), Buffer.alloc(24), Buffer.from('OpusHead'), crypto.randomBytes(500)]);
const MP4 = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypisom'), crypto.randomBytes(700_000)]);
const MP3 = Buffer.concat([Buffer.from('ID3\x04'), crypto.randomBytes(900)]);
const WEBP = Buffer.concat([Buffer.from('RIFF'), Buffer.alloc(4), Buffer.from('WEBPVP8 '), crypto.randomBytes(300)]);
const PDF = Buffer.concat([Buffer.from('%PDF-1.7\n'), crypto.randomBytes(300_000)]);

let world;
let id;
let next = 0;
const phone = () => `62839${String(++next).padStart(8, '0')}`;

before(async () => {
	// Memory that was freed is not kept back by the sanitizer.
	process.env.ASAN_OPTIONS = 'exitcode=99:detect_leaks=1:handle_abort=1:quarantine_size_mb=1';
	world = await startWorld();
	id = await world.linkedOutlet('Media', NUMBER);
});
after(() => world?.stop());

const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

async function upload(fileName, bytes, api = world.admin) {
	const body = new FormData();

	body.set('file', new Blob([bytes]), fileName);
	const response = await fetch(`${world.base}/api/media`, { method: 'POST', body, headers: api.headers });
	assert.equal(response.status, 201);
	return (await response.json()).media;
}

async function send(to, content, outlet = id) {
	const answer = await world.admin.raw('POST', `/outlets/${outlet}/messages`, { body: { to, ...content } });

	assert.equal(answer.status, 202, answer.text);
	return answer.json.message;
}

const becomes = (message, status, deadline = 20_000) => waitFor(async () => {
	const { message: m } = await world.admin.get(`/messages/${message}`);
	if (m.status !== status)
		throw new Error(JSON.stringify(m));
	return m;
}, deadline, `${message} to be ${status}`);

async function got(to, count = 1) {
	const messages = await world.sim.messages({ to, wait: 15, count });
	assert.equal(messages.length, count, JSON.stringify(messages));
	return messages;
}

const uploads = async () => (await world.sim.call('GET', '/media')).hosts.reduce((n, h) => n + h.uploads, 0);

scenario('every kind of file arrives as what it is, byte for byte', async () => {
	const files = [
		['promo.png', PNG, 'image', {}, { mimetype: 'image/png', text: 'Halo' }, 'Halo'],
		['film.mp4', MP4, 'video', {}, { mimetype: 'video/mp4', text: 'Film' }, 'Film'],
		['loop.mp4', MP4, 'gif', { kind: 'gif' }, {}, null],
		['lagu.mp3', MP3, 'audio', {}, { mimetype: 'audio/mpeg' }, null],
		['pesan.ogg', OGG, 'voice', { kind: 'voice' }, { mimetype: 'audio/ogg; codecs=opus' }, null],
		['stiker.webp', WEBP, 'sticker', {}, { mimetype: 'image/webp' }, null],
		['Daftar Harga.pdf', PDF, 'document', {}, { mimetype: 'application/pdf', fileName: 'Daftar Harga.pdf' }, null],
		['gambar.png', PNG, 'document', { kind: 'document', fileName: 'lain.png' }, { fileName: 'lain.png', mimetype: 'image/png' }, null],
	];

	for (const [name, bytes, kind, more, wanted, caption] of files) {
		const to = phone();
		const media = await upload(name, bytes);
		const sent = await send(to, { media: { id: media.id, ...more, ...caption && { caption } } });
		assert.deepEqual([sent.kind, sent.text, sent.media.id, sent.media.size], [kind, caption, media.id, bytes.length]);
		await becomes(sent.id, 'DELIVERED');
		const [{ content }] = await got(to);
		assert.deepEqual([content.kind, content.sha256, content.length], [kind, sha256(bytes), bytes.length]);
		assert.deepEqual(Object.fromEntries(Object.keys(wanted).map((key) => [key, content[key]])), wanted);
	}
});

scenario('a picture has its size and a thumbnail, known from then on', async () => {
	const to = phone();
	const media = await upload('ukuran.png', PNG);

	await becomes((await send(to, { media: { id: media.id } })).id, 'DELIVERED');
	const [{ content }] = await got(to);
	const [width, height] = [PNG.readUInt32BE(16), PNG.readUInt32BE(20)];
	assert.deepEqual([content.width, content.height], [width, height]);
	assert.equal(Buffer.from(content.thumbnail, 'base64').subarray(0, 3).toString('hex'), 'ffd8ff');
	const { media: known } = await world.admin.get(`/media/${media.id}`);
	assert.deepEqual([known.width, known.height], [width, height]);
});

/* One page of a sound with so many samples. */
function sound(samples) {
	const page = (granule, payload) => {
		const header = Buffer.alloc(28);
		header.write('OggS');
		header.writeBigInt64LE(BigInt(granule), 6);
		header.writeUInt8(1, 26);
		header.writeUInt8(payload.length, 27);
		return Buffer.concat([header, payload]);
	};
	return Buffer.concat([page(0, Buffer.from('OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0', 'latin1')), page(48_000, crypto.randomBytes(200)),
		page(samples, crypto.randomBytes(200))]);
}

scenario('measures are known as soon as a file is there; a voice note says how long it is', async () => {
	const to = phone();
	const picture = await upload('langsung.png', Buffer.concat([PNG, Buffer.from('other')]));
	assert.deepEqual([picture.width, picture.height, picture.seconds], [PNG.readUInt32BE(16), PNG.readUInt32BE(20), null]);
	const voice = await upload('suara.ogg', sound(48_000 * 17 + 312));
	assert.deepEqual([voice.width, voice.height, voice.seconds], [null, null, 17]);
	await becomes((await send(to, { media: { id: voice.id, kind: 'voice' } })).id, 'DELIVERED');
	const [{ content }] = await got(to);
	assert.deepEqual([content.kind, content.seconds], ['voice', 17]);
});

scenario('uploaded once for an outlet, found again after a restart, sealed in the database', async () => {
	const media = await upload('sekali.bin', crypto.randomBytes(20_000));
	const before = await uploads();

	const sent = await Promise.all(Array.from({ length: 5 }, () => send(phone(), { media: { id: media.id } })));
	for (const m of sent)
		await becomes(m.id, 'DELIVERED');
	await world.restartDaemon({ kill: true });
	await world.healthy(id, 20_000);
	await becomes((await send(phone(), { media: { id: media.id } })).id, 'DELIVERED');
	assert.equal(await uploads() - before, 1);
	const [row] = await world.sql(`SELECT convert_from(substring(sealed_ref FROM 1 FOR 1) || '', 'SQL_ASCII') = chr(1), position('/v/' in encode(sealed_ref, 'escape')) FROM media_uploads WHERE media_id = '${media.id}'`);
	assert.equal(row, 't|0');
	// After a week it is put there again.
	await world.sql(`UPDATE media_uploads SET uploaded_at = now() - interval '8 days' WHERE media_id = '${media.id}'`);
	await world.restartDaemon();
	await world.healthy(id, 20_000);
	await becomes((await send(phone(), { media: { id: media.id } })).id, 'DELIVERED');
	assert.equal(await uploads() - before, 2);
});

scenario('a device that cannot read it asks again, and gets the whole of it', async () => {
	const to = phone();
	const media = await upload('lagi.png', PNG);

	await world.sim.setPhone(to, { retries: 1 });
	await becomes((await send(to, { media: { id: media.id, caption: 'dua kali' } })).id, 'DELIVERED', 30_000);
	const [{ content }] = await got(to);
	assert.deepEqual([content.kind, content.text, content.sha256], ['image', 'dua kali', sha256(PNG)]);
});

scenario('a media host that fails: the other, or later; texts do not wait for it', async () => {
	const media = await upload('gagal.bin', crypto.randomBytes(9000));
	const to = phone();

	await world.sim.call('POST', '/media/faults', { action: 'status', status: 503, method: 'post', times: 4 });
	const file = await send(to, { media: { id: media.id } });
	const text = await send(phone(), { text: 'sementara itu' });
	await becomes(text.id, 'DELIVERED');
	await becomes(file.id, 'DELIVERED', 60_000);
	await got(to);
	await world.sim.call('POST', '/media/faults', { action: 'status', status: 503, times: 0 });
});

scenario('what is not of its kind, not there, or another\'s, is refused by field', async () => {
	const pdf = await upload('a.pdf', PDF);
	const mp3 = await upload('a.mp3', MP3);
	const refused = async (media, field, api = world.admin) => {
		const problem = await api.refused(422, 'validation_failed', 'POST', `/outlets/${id}/messages`, { to: phone(), media });
		assert.deepEqual(problem.errors.map((e) => e.field), [field], JSON.stringify(media));
	};

	await refused({ id: pdf.id, kind: 'image' }, 'media.kind');
	await refused({ id: mp3.id, kind: 'voice' }, 'media.kind');
	await refused({ id: mp3.id, caption: 'x' }, 'media.caption');
	await refused({ id: 'media_absent' }, 'media.id');
	await world.addUser('kasir', 'USER', 'the cashier password', id);
	const user = await world.login('kasir', 'the cashier password');
	await refused({ id: pdf.id }, 'media.id', user);
	const own = await upload('b.pdf', PDF, user);
	const answer = await user.raw('POST', `/outlets/${id}/messages`, { body: { to: phone(), media: { id: own.id } } });
	assert.equal(answer.status, 202);
	await becomes(answer.json.message.id, 'DELIVERED'); // its upload is not to be counted with later ones
});

/* What each phone got of this outlet, in order of arrival. */
async function byPhone(list, each, deadline = 30_000) {
	return waitFor(async () => {
		const wanted = new Set(list);
		const all = (await world.sim.messages({ from: NUMBER })).filter((m) => wanted.has(m.to));
		if (all.length < list.length * each)
			throw new Error(`${all.length} messages`);
		return new Map(list.map((to) => [to, all.filter((m) => m.to === to)]));
	}, deadline, `${each} messages for each of ${list.length}`);
}

scenario('a blast of a picture with a caption: one message each, rendered, one upload', async () => {
	const list = numbers(30, 41);
	const media = await upload('blast.png', Buffer.concat([PNG, crypto.randomBytes(9)]));
	const before = await uploads();
	const message = { text: 'Halo {{name|Kakak}}', media: [{ id: media.id }] };
	const audience = list.map((phone, i) => (i === 0 ? { phone, name: 'Budi' } : phone));

	const preview = await world.admin.post('/blasts/preview', { name: 'x', outlets: [id], audience: { type: 'numbers', numbers: audience }, message });
	assert.deepEqual(preview.samples.slice(0, 2), ['Halo Budi', 'Halo Kakak']);
	const { blast } = await world.admin.post('/blasts', { name: 'Gambar', outlets: [id], audience: { type: 'numbers', numbers: audience }, message });
	assert.deepEqual([blast.message.text, blast.message.mediaMode, blast.message.media.map((m) => m.id)], [message.text, 'caption', [media.id]]);
	await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === 30);
	const arrived = await byPhone(list, 1);
	for (const [to, [m, ...more]] of arrived) {
		assert.deepEqual([m.content.kind, m.content.sha256, more.length], ['image', media.sha256, 0]);
		assert.equal(m.content.text, to === list[0] ? 'Halo Budi' : 'Halo Kakak');
	}
	assert.equal(await uploads() - before, 1);
	const { message: one } = await world.admin.get(`/messages/${(await world.recipients(blast.id))[0].messageId}`);
	assert.deepEqual([one.kind, one.text, one.media.id], ['image', 'Halo Budi', media.id]);
});

scenario('text first, then the files: in order to each, counted once, each file uploaded once', async () => {
	const list = numbers(20, 42);
	const [a, b] = [await upload('satu.pdf', crypto.randomBytes(900)), await upload('dua.png', Buffer.concat([PNG, crypto.randomBytes(8)]))];
	const before = await uploads();
	const { blast } = await world.admin.post('/blasts', {
		name: 'Terpisah', outlets: [id], audience: { type: 'numbers', numbers: list },
		message: { text: 'Daftar harga', media: [{ id: a.id, fileName: 'harga.pdf' }, { id: b.id }], mediaMode: 'separate' },
	});
	assert.equal(blast.counts.total, 20);
	const done = await world.waitBlast(blast.id, (x) => x.status === 'COMPLETED' && x.counts.delivered === 20);
	assert.equal(done.counts.total, 20);
	for (const [, messages] of await byPhone(list, 3)) {
		assert.deepEqual(messages.map((m) => m.content.kind), ['text', 'document', 'image']);
		assert.deepEqual([messages[0].content.text, messages[1].content.fileName, messages[2].content.text], ['Daftar harga', 'harga.pdf', undefined]);
	}
	assert.equal(await uploads() - before, 2);
	const recipients = await world.recipients(blast.id);
	assert.deepEqual([recipients.length, new Set(recipients.map((r) => r.phone)).size], [20, 20]);
});

scenario('a file is deleted, but not while something that is not finished sends it', async () => {
	const media = await upload('hapus.png', Buffer.concat([PNG, crypto.randomBytes(6)]));
	const gone = await upload('hapus.pdf', crypto.randomBytes(90));
	const path = `/media/${media.id}`;
	const { blast } = await world.admin.post('/blasts', {
		outlets: [id], audience: { type: 'numbers', numbers: ['6281277779901'] }, message: { text: 'x', media: [{ id: media.id }] },
		scheduleAt: new Date(Date.now() + 3600_000).toISOString(),
	});

	await world.admin.refused(409, 'media_in_use', 'DELETE', path);
	await world.admin.post(`/blasts/${blast.id}/pause`);
	await world.admin.refused(409, 'media_in_use', 'DELETE', path);
	await world.admin.post(`/blasts/${blast.id}/cancel`);
	assert.deepEqual(await world.admin.delete(path), { success: true });
	await world.admin.refused(404, 'not_found', 'GET', path);
	await world.admin.refused(404, 'not_found', 'GET', `${path}/content`);
	await world.admin.refused(404, 'not_found', 'DELETE', path);
	assert.deepEqual(await world.sql(`SELECT count(*) FROM media_chunks WHERE media_id = '${media.id}'`), ['0']);
	const line = await waitFor(async () => (await world.admin.get(`/audit?action=media_remove&subject=${media.id}`)).entries[0], 10_000,
		'the line in the audit log');
	assert.deepEqual([line.actor, line.before.id, line.after], ['admin', media.id, null]);
	await world.admin.delete(`/media/${gone.id}`);
});

scenario('variants: one each, the same one again, all of them used', async () => {
	const list = numbers(60, 43);
	const variants = ['Halo {{name|Kak}}', 'Hai {{name|Kak}}', 'Selamat siang'];
	const { blast } = await world.admin.post('/blasts', {
		name: 'Ragam', outlets: [id], audience: { type: 'numbers', numbers: list }, message: { text: 'Halo', variants },
	});
	assert.deepEqual(blast.message.variants, variants);
	await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED');
	const arrived = await byPhone(list, 1);
	const texts = list.map((to) => arrived.get(to)[0].text);
	assert.deepEqual(new Set(texts), new Set(['Halo Kak', 'Hai Kak', 'Selamat siang']));
	const preview = await world.admin.post('/blasts/preview', { name: 'x', outlets: [id], audience: { type: 'numbers', numbers: list }, message: { variants } });
	assert.deepEqual(preview.samples, texts.slice(0, preview.samples.length));
});

scenario('what is wrong with a blast\'s message is named by its field', async () => {
	const pdf = await upload('x.pdf', PDF);
	const mp3 = await upload('x.mp3', MP3);
	const cases = [
		[{}, 'message.text'], [{ text: '' }, 'message.text'], [{ text: 'x', media: [] }, 'message.media'], [{ text: 'x', media: [{}] }, 'message.media[0].id'],
		[{ text: 'x', media: [{ id: 'media_absent' }] }, 'message.media[0].id'], [{ media: [{ id: pdf.id, kind: 'image' }] }, 'message.media[0].kind'],
		[{ text: 'x', media: [{ id: mp3.id }] }, 'message.mediaMode'], [{ text: 'x', media: [{ id: pdf.id }], mediaMode: 'both' }, 'message.mediaMode'],
		[{ variants: [] }, 'message.variants'], [{ variants: ['a', 1] }, 'message.variants[1]'], [{ variants: ['a', ' '] }, 'message.variants'],
		[{ media: [{ id: pdf.id, caption: 'x' }] }, 'message.media[0].caption'],
	];
	for (const [message, field] of cases) {
		const problem = await world.admin.refused(422, 'validation_failed', 'POST', '/blasts',
			{ name: 'x', outlets: [id], audience: { type: 'numbers', numbers: [phone()] }, message });
		assert.deepEqual(problem.errors.map((e) => e.field), [field], JSON.stringify(message));
	}
});

scenario('kill -9 in the middle of a blast with files, again and again: each message once, in order', async (t) => {
	const list = numbers(250, 44);
	const [a, b] = [await upload('k1.png', Buffer.concat([PNG, crypto.randomBytes(7)])), await upload('k2.pdf', crypto.randomBytes(300_000))];
	const { blast } = await world.admin.post('/blasts', {
		name: 'Kill', outlets: [id], audience: { type: 'numbers', numbers: list },
		message: { text: 'sekali saja', media: [{ id: a.id }, { id: b.id }], mediaMode: 'separate' },
	});
	let kills = 0;

	while (kills < 6 && (await world.admin.get(`/blasts/${blast.id}`)).blast.status === 'RUNNING') {
		await new Promise((resolve) => { setTimeout(resolve, Math.random() * 600); });
		await world.waconnd.kill();
		kills++;
		await world.startDaemon();
		await world.ready();
	}
	t.diagnostic(`${kills} kills`);
	assert.ok(kills >= 2, 'the blast was over before the kills');
	const done = await world.waitBlast(blast.id, (x) => x.status === 'COMPLETED' && x.counts.delivered === list.length, 90_000);
	assert.equal(done.counts.total, list.length);
	// A repeat under the same id is one message: its `count` says so.
	for (const [to, messages] of await byPhone(list, 3))
		assert.deepEqual(messages.map((m) => m.content.kind), ['text', 'image', 'document'], to);
});

// -- in

const inbox = async (from) => (await world.admin.all(`/outlets/${id}/messages`, 'messages')).filter((m) => m.direction === 'in' && m.peer === from);

async function received(from, content) {
	const known = (await inbox(from)).length;

	await world.sim.sendContent(from, NUMBER, content);
	return waitFor(async () => {
		const all = await inbox(from);
		return all.length > known && all[0];
	}, 10_000, 'the message');
}

const fetchFile = (message, headers = {}, api = world.admin) =>
	fetch(`${world.base}/api/messages/${message}/media`, { headers: { ...api.headers, ...headers } });

scenario('received files: shown with what they are, fetched byte for byte, whole and in ranges', async () => {
	const from = phone();
	const image = await received(from, { kind: 'image', data: PNG, mimetype: 'image/png', text: 'Struknya', width: 640, height: 480 });
	assert.deepEqual([image.kind, image.text, image.media], ['image', 'Struknya',
		{ mimeType: 'image/png', size: PNG.length, width: 640, height: 480, url: `/api/messages/${image.id}/media` }]);
	const whole = await fetchFile(image.id);
	assert.equal(whole.status, 200);
	assert.equal(whole.headers.get('content-type'), 'image/png');
	assert.ok(Buffer.from(await whole.arrayBuffer()).equals(PNG));
	const part = await fetchFile(image.id, { Range: 'bytes=100-199' });
	assert.equal(part.status, 206);
	assert.ok(Buffer.from(await part.arrayBuffer()).equals(PNG.subarray(100, 200)));

	const large = crypto.randomBytes(3_000_000);
	const document = await received(from, { kind: 'document', data: large, mimetype: 'text/html', fileName: 'faktur <b>.html' });
	assert.deepEqual([document.media.mimeType, document.media.fileName], ['application/octet-stream', 'faktur <b>.html']);
	const [one, two] = await Promise.all([fetchFile(document.id), fetchFile(document.id)]);
	for (const answer of [one, two]) {
		assert.match(answer.headers.get('content-disposition'), /^attachment; filename\*=UTF-8''faktur%20%3Cb%3E\.html$/);
		assert.ok(Buffer.from(await answer.arrayBuffer()).equals(large));
	}
	const place = await received(from, { kind: 'location', latitude: -6.2, longitude: 106.8, name: 'Toko' });
	assert.deepEqual([place.kind, place.location.name], ['location', 'Toko']);
	assert.equal((await fetchFile(place.id)).status, 404);
	assert.equal((await fetchFile('msg_99999999')).status, 404);
	const [sealed] = await world.sql(`SELECT octet_length(sealed_media) > 100 FROM messages WHERE id = ${image.id.slice(4)}`);
	assert.equal(sealed, 't');
});

scenario('a received file that the servers have forgotten: the phone puts it there again, or it is gone', async () => {
	const from = phone();
	const bytes = crypto.randomBytes(5000);

	const again = await received(from, { kind: 'document', data: bytes, mimetype: 'application/pdf', fileName: 'a.pdf' });
	await world.sim.mediaFault('expire');
	const answer = await fetchFile(again.id);
	assert.equal(answer.status, 200);
	assert.ok(Buffer.from(await answer.arrayBuffer()).equals(bytes));

	const lost = await received(from, { kind: 'document', data: crypto.randomBytes(500), mimetype: 'application/pdf', fileName: 'b.pdf' });
	await world.sim.mediaFault('lose');
	const gone = await fetchFile(lost.id);
	assert.deepEqual([gone.status, (await gone.json()).code], [410, 'media_gone']);
});

scenario('received files: who may, and only through an outlet that is connected', async () => {
	const from = phone();
	const message = await received(from, { kind: 'voice', data: OGG, mimetype: 'audio/ogg; codecs=opus', seconds: 3 });
	const other = await world.addOutlet('Lain', '628391000099');

	assert.deepEqual([message.kind, message.media.seconds], ['voice', 3]);
	await world.addUser('lain', 'USER', 'the other password', other);
	const user = await world.login('lain', 'the other password');
	assert.equal((await fetchFile(message.id, {}, user)).status, 404);
	assert.equal((await fetchFile(message.id, {}, world.api())).status, 401);
	await world.admin.post(`/outlets/${id}/disconnect`);
	await world.waitStatus(id, 'DISCONNECTED');
	const offline = await fetchFile(message.id);
	assert.deepEqual([offline.status, (await offline.json()).code], [409, 'outlet_not_healthy']);
	await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
	await world.healthy(id, 20_000);
	assert.ok(Buffer.from(await (await fetchFile(message.id)).arrayBuffer()).equals(OGG));
});

scenario('waconnctl: media add, send, blast send --media', async () => {
	const file = path.join(world.dir, 'brosur.pdf');
	const to = phone();
	const list = numbers(3, 45);

	fs.writeFileSync(file, PDF);
	const mediaId = (await world.ctl(['media', 'add', file])).trim();
	assert.match(mediaId, /^media_\w+$/);
	assert.equal((await world.admin.get(`/media/${mediaId}`)).media.sha256, sha256(PDF));
	const message = (await world.ctl(['send', id, to, 'Brosur kami', '--media', mediaId])).trim();
	await becomes(message, 'DELIVERED');
	const [{ content }] = await got(to);
	assert.deepEqual([content.kind, content.text, content.fileName, content.sha256], ['document', 'Brosur kami', 'brosur.pdf', sha256(PDF)]);
	const blast = (await world.ctl(['blast', 'send', '--outlet', id, '--media', file, '--separate', '--text', 'Halo', ...list])).trim();
	await world.waitBlast(blast, 'COMPLETED');
	for (const [, messages] of await byPhone(list, 2))
		assert.deepEqual(messages.map((m) => m.content.kind), ['text', 'document']);
	await world.ctl(['send', id, to], { status: 2 });
	await world.ctl(['media', 'add', `${file}.absent`], { status: 2 });
});

scenario('100 MB to WhatsApp: whole, and the daemon does not hold it', async (t) => {
	const to = phone();
	const size = 100 << 20;
	const bytes = Buffer.alloc(size, crypto.randomBytes(1 << 20));
	const peak = () => Number(/^VmHWM:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${world.waconnd.pid}/status`, 'utf8'))[1]) * 1024;

	const media = await upload('besar.bin', bytes);
	const before = peak();
	const sent = await send(to, { media: { id: media.id } });
	await becomes(sent.id, 'DELIVERED', 110_000);
	const [{ content }] = await got(to);
	assert.deepEqual([content.length, content.sha256], [size, sha256(bytes)]);
	const grown = peak() - before;
	t.diagnostic(`grown at most by ${Math.round(grown / 1024)} kB`);
	assert.ok(grown < (process.env.WACONN_BUILD?.includes('san') ? 96 : 24) << 20, String(grown));
});
