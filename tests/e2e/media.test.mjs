/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files to send: uploaded in a form, found out by their bytes, read back whole and in ranges, seen by who uploaded them; what is refused; a large
 * one that leaves the memory of both programs where it was. REST and /proc.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { after, before } from 'node:test';

import { Problem, assertProblem, request } from './client.mjs';
import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { startWorld } from './world.mjs';

const MIB = 1 << 20;
const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), crypto.randomBytes(3000)]);
const BOUNDARY = 'the-boundary';

let world;
let outlet;
let user;
before(async () => {
	// Memory that was freed is not kept back by the sanitizer.
	process.env.ASAN_OPTIONS = 'exitcode=99:detect_leaks=1:handle_abort=1:quarantine_size_mb=1';
	world = await startWorld();
	outlet = await world.addOutlet('Media', '628390000001');
	await world.addUser('clerk', 'USER', 'the clerk password', outlet);
	user = await world.login('clerk', 'the clerk password');
});
after(() => world?.stop());

const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');
const part = (name, fileName, bytes) => Buffer.concat([
	Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${fileName === null ? '' : `; filename="${fileName}"`}\r\n`
		+ 'Content-Type: application/whatever\r\n\r\n'), bytes, Buffer.from('\r\n')]);
const form = (...parts) => Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]);
const TYPE = { 'Content-Type': `multipart/form-data; boundary=${BOUNDARY}` };

async function upload(api, fileName, bytes) {
	const { media } = await api.call('POST', '/media', form(part('file', fileName, bytes)), { headers: TYPE });
	return media;
}

const content = (api, id, headers = {}) => request(world.base, 'GET', `/api/media/${id}/content`, { headers: { ...api.headers, ...headers } });

scenario('a file in a form: 201 with what it is, by its bytes; read back as it was', async () => {
	const answer = await world.admin.raw('POST', '/media', { body: form(part('file', 'Promo "November".png', PNG).subarray(0)), headers: TYPE });
	assert.equal(answer.status, 400, 'a quote that is not escaped');

	const media = await upload(world.admin, 'C:\\temp\\Promo %22Nov%22 ☕.png', PNG);
	assert.match(media.id, /^media_/);
	assert.deepEqual([media.mimeType, media.size, media.sha256, media.fileName], ['image/png', PNG.length, sha256(PNG), 'Promo "Nov" ☕.png']);
	assert.deepEqual((await world.admin.get(`/media/${media.id}`)).media, media);

	const got = await content(world.admin, media.id);
	assert.equal(got.status, 200);
	assert.ok(got.body.equals(PNG));
	assert.equal(got.headers['content-type'], 'image/png');
	assert.equal(got.headers['content-length'], String(PNG.length));
	assert.equal(got.headers['x-content-type-options'], 'nosniff');
	assert.match(got.headers['content-disposition'], /^inline; filename\*=UTF-8''Promo%20%22Nov%22%20%E2%98%95\.png$/);
	assert.equal((await content(world.admin, media.id, { 'If-None-Match': got.headers.etag })).status, 304);

	const head = await request(world.base, 'HEAD', `/api/media/${media.id}/content`, { headers: world.admin.headers });
	assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, String(PNG.length), 0]);
});

scenario('one written by the platform\'s own FormData', async () => {
	const body = new FormData();

	body.set('file', new Blob([PNG], { type: 'text/html' }), 'x.html');
	const response = await fetch(`${world.base}/api/media`, { method: 'POST', body, headers: world.admin.headers });
	const { media } = await response.json();
	assert.equal(response.status, 201);
	assert.deepEqual([media.mimeType, media.fileName], ['image/png', 'x.html']);
});

scenario('ranges', async () => {
	const bytes = crypto.randomBytes(700_000);
	const { id } = await upload(world.admin, 'r.bin', bytes);
	const n = bytes.length;

	for (const [range, from, to] of [['0-0', 0, 1], ['262143-262145', 262143, 262146], ['100-', 100, n], ['-5', n - 5, n], ['0-9999999', 0, n]]) {
		const got = await content(world.admin, id, { Range: `bytes=${range}` });
		assert.equal(got.status, 206, range);
		assert.equal(got.headers['content-range'], `bytes ${from}-${to - 1}/${n}`);
		assert.ok(got.body.equals(bytes.subarray(from, to)), range);
	}
	assert.equal((await content(world.admin, id, { Range: `bytes=${n}-` })).status, 416);
	for (const range of ['bytes=5-1', 'bytes=a-b', 'lines=1-2', 'bytes=0-1,5-6'])
		assert.equal((await content(world.admin, id, { Range: range })).status, 200, range);
});

scenario('the same file of the same user is one; another user sees none of it', async () => {
	const bytes = crypto.randomBytes(1000);
	const first = await upload(user, 'a.pdf', bytes);

	assert.equal((await upload(user, 'a.pdf', bytes)).id, first.id);
	assert.notEqual((await upload(user, 'b.pdf', bytes)).id, first.id);
	const others = await upload(world.admin, 'a.pdf', bytes);
	assert.notEqual(others.id, first.id);
	await user.refused(404, 'not_found', 'GET', `/media/${others.id}`);
	assert.equal((await content(user, others.id)).status, 404);
	assert.equal((await world.admin.get(`/media/${first.id}`)).media.id, first.id); // administrators see all
	await world.api().refused(401, 'unauthenticated', 'GET', `/media/${first.id}`);
	assert.deepEqual(await world.sql('SELECT count(*) FROM media WHERE NOT complete'), ['0']);
});

scenario('what is refused, and leaves nothing behind', async () => {
	const send = (status, code, body, headers = TYPE) => world.admin.refused(status, code, 'POST', '/media', body, headers);
	const file = part('file', 'a.png', PNG);

	await send(415, 'unsupported_media_type', { a: 1 }, {});
	await send(415, 'unsupported_media_type', form(file), { 'Content-Type': 'multipart/form-data' });
	await send(400, 'bad_request', Buffer.from('nothing of the kind'));
	await send(400, 'bad_request', file); // without an end
	await send(400, 'bad_request', form(file).subarray(0, 2000));
	await send(400, 'bad_request', form(part('file', 'a\x01.png', PNG)));
	for (const body of [form(), form(part('other', 'a.png', PNG)), form(part('file', null, PNG)), form(part('file', 'a.png', Buffer.alloc(0))),
		form(file, file), form(part('x', null, Buffer.from('1')), file)]) {
		const problem = await send(422, 'validation_failed', body);
		assert.ok(problem.errors[0].field);
	}
	assert.deepEqual(await world.sql('SELECT count(*) FROM media WHERE NOT complete'), ['0']);
	const token = await request(world.base, 'POST', '/api/media', { body: form(file), headers: TYPE });
	assert.equal(assertProblem(token).code, 'unauthenticated');
});

scenario('a client that goes away in the middle, and one that waits to be told to go on', async () => {
	const head = (length) => `POST /api/media HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${world.admin.token}\r\n`
		+ `Content-Type: multipart/form-data; boundary=${BOUNDARY}\r\nContent-Length: ${length}\r\n`;
	const whole = form(part('file', 'half.bin', crypto.randomBytes(2 * MIB)));
	const { hostname, port } = new URL(world.base);

	const socket = net.connect(Number(port), hostname);
	socket.write(`${head(whole.length)}\r\n`);
	socket.write(whole.subarray(0, MIB));
	await waitFor(async () => (await world.sql('SELECT count(*) FROM media WHERE NOT complete'))[0] === '1', 10_000, 'the upload to begin');
	socket.destroy();
	await waitFor(async () => (await world.sql('SELECT count(*) FROM media WHERE NOT complete'))[0] === '0', 10_000, 'the upload to be forgotten');

	const answer = await new Promise((resolve, reject) => {
		const r = http.request(`${world.base}/api/media`, { method: 'POST', agent: false,
			headers: { ...world.admin.headers, ...TYPE, 'Content-Length': whole.length, Expect: '100-continue' } }, (response) => {
			response.resume();
			response.on('end', () => resolve(response.statusCode));
		});
		r.on('error', reject);
		r.on('continue', () => r.end(whole));
		r.flushHeaders();
	});
	assert.equal(answer, 201);
});

scenario('the daemon killed in the middle: an answer that says so; the next one sweeps', async () => {
	const { hostname, port } = new URL(world.base);
	const whole = form(part('file', 'half.bin', crypto.randomBytes(2 * MIB)));
	const socket = net.connect(Number(port), hostname);
	let text = '';

	socket.on('data', (data) => { text += data; });
	socket.write(`POST /api/media HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${world.admin.token}\r\n`
		+ `Content-Type: multipart/form-data; boundary=${BOUNDARY}\r\nContent-Length: ${whole.length}\r\n\r\n`);
	socket.write(whole.subarray(0, MIB));
	await waitFor(async () => (await world.sql('SELECT count(*) FROM media WHERE NOT complete'))[0] === '1', 10_000, 'the upload to begin');
	await world.waconnd.kill();
	socket.on('error', () => {}); // refused in the middle
	socket.write(whole.subarray(MIB));
	await waitFor(() => text.includes('daemon_unavailable'), 10_000, 'the answer');
	socket.destroy();
	await world.startDaemon();
	await world.ready();
});

scenario('what nobody used for long is deleted; not what a schedule or a waiting message needs, or a blast that may be retried', async () => {
	const ids = {};
	const bytes = {};
	const gone = async (n) => {
		await world.sql(`INSERT INTO media (id, owner, complete, sha256, size, mime_type, used_at)
			SELECT 'media_many' || n, 'x', true, '', 0, 'x', now() - interval '100 days' FROM generate_series(1, ${n}) n`);
		await world.restartDaemon();
		await waitFor(async () => (await world.sql("SELECT count(*) FROM media WHERE id LIKE 'media_many%'"))[0] === '0', 30_000, 'the sweep');
	};

	await gone(1); // the next one is in an hour
	for (const name of ['unused', 'again', 'looked at', 'scheduled', 'retried', 'old blast', 'waits', 'young'])
		ids[name] = (await upload(world.admin, `${name}.bin`, bytes[name] = crypto.randomBytes(1000))).id;
	const media = (name) => JSON.stringify({ media: [{ id: ids[name] }] });
	const blast = (name, status, ended) => world.sql(`INSERT INTO blasts (id, name, status, text, outlets, created_by, created_at, finished_at, more)
		VALUES ('blast_${name.replace(' ', '')}', 'x', '${status}', 'x', '{${outlet}}', 'x', now() - interval '300 days', ${ended}, '${media(name)}')`);

	await blast('scheduled', 'SCHEDULED', 'NULL');
	await world.sql("UPDATE blasts SET schedule_at = now() + interval '300 days' WHERE id = 'blast_scheduled'");
	await blast('retried', 'COMPLETED', "now() - interval '10 days'");
	await blast('old blast', 'COMPLETED', "now() - interval '200 days'");
	await world.sql(`INSERT INTO messages (outlet_id, outgoing, phone, kind, content, status)
		VALUES ('${outlet}', true, '628390000099', 'document', '{"media": {"id": "${ids.waits}"}}', 'QUEUED')`);
	await world.sql(`UPDATE media SET used_at = now() - interval '91 days' WHERE id IN (${Object.values(ids).map((id) => `'${id}'`)})`);
	await world.sql(`UPDATE media SET used_at = now() - interval '89 days' WHERE id = '${ids.young}'`);
	assert.equal((await upload(world.admin, 'again.bin', bytes.again)).id, ids.again);
	await world.admin.get(`/media/${ids['looked at']}`);
	await gone(45); // more than a step's worth; they are the oldest
	const left = () => world.sql("SELECT id FROM media WHERE complete AND used_at < now() - interval '90 days' ORDER BY 1");
	const kept = [ids.scheduled, ids.retried, ids.waits].sort();
	assert.deepEqual(await waitFor(async () => (await left()).length <= kept.length && left(), 30_000, 'the rest to go'), kept);
	for (const [name, id] of Object.entries(ids)) {
		const { status } = await world.admin.raw('GET', `/media/${id}`);
		assert.equal(status, ['unused', 'old blast'].includes(name) ? 404 : 200, name);
	}
	assert.deepEqual(await world.sql("SELECT count(*) FROM media_chunks c WHERE NOT EXISTS (SELECT 1 FROM media m WHERE m.id = c.media_id)"), ['0']);
});

const peak = (program) => Number(/^VmHWM:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${program.pid}/status`, 'utf8'))[1]) * 1024;

/* A stream of `size` bytes in a form; answers the response's status, its text and the hash of what was sent. */
function uploadStream(size) {
	const hash = crypto.createHash('sha256');
	const begin = Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="large.bin"\r\n\r\n`);
	const end = Buffer.from(`\r\n--${BOUNDARY}--\r\n`);

	return new Promise((resolve, reject) => {
		const r = http.request(`${world.base}/api/media`, { method: 'POST', agent: false,
			headers: { ...world.admin.headers, ...TYPE, 'Content-Length': begin.length + size + end.length } }, (response) => {
			let text = '';
			response.on('data', (data) => { text += data; });
			response.on('end', () => resolve({ status: response.statusCode, text, hash: hash.digest('hex') }));
		});
		let left = size;
		const block = crypto.randomBytes(MIB);

		r.on('error', reject);
		r.write(begin);
		const more = () => {
			for (let room = true; room && left > 0;) {
				block.writeUInt32LE(left, 0);
				const piece = Buffer.from(block.subarray(0, Math.min(left, MIB)));
				hash.update(piece);
				left -= piece.length;
				room = r.write(piece);
			}
			if (left > 0)
				r.once('drain', more);
			else
				r.end(end);
		};
		more();
	});
}

scenario('100 MB: stored whole, and neither program holds it', async (t) => {
	await upload(world.admin, 'warm.bin', crypto.randomBytes(MIB));
	const before = [world.apigw, world.waconnd].map(peak);
	const sent = await uploadStream(100 * MIB);
	assert.equal(sent.status, 201, sent.text);
	const { media } = JSON.parse(sent.text);
	assert.deepEqual([media.size, media.sha256], [100 * MIB, sent.hash]);

	const hash = crypto.createHash('sha256');
	await new Promise((resolve, reject) => {
		http.get(`${world.base}/api/media/${media.id}/content`, { headers: world.admin.headers, agent: false }, (response) => {
			response.on('data', (data) => hash.update(data));
			response.on('end', resolve);
			response.on('error', reject);
		}).on('error', reject);
	});
	assert.equal(hash.digest('hex'), sent.hash);
	const grown = [world.apigw, world.waconnd].map((p, i) => peak(p) - before[i]);
	t.diagnostic(`grown at most by ${grown.map((n) => `${Math.round(n / 1024)} kB`).join(', ')} (apigw, waconnd)`);
	assert.ok(grown.every((n) => n < (process.env.WACONN_BUILD?.includes('san') ? 64 : 24) * MIB), String(grown));
	await assert.rejects(uploadStream(101 * MIB).then((r) => { if (r.status !== 201) throw new Problem({ what: 'upload', status: r.status }, JSON.parse(r.text)); }),
		(error) => error.code === 'payload_too_large' || error.code === 'EPIPE' || error.code === 'ECONNRESET');
});
