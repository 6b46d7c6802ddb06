/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How answers travel: compressed where the client takes it and nothing secret is in them, asked for again by their ETag, in parts; and to
 * pages of which other origins.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before } from 'node:test';
import { gunzipSync } from 'node:zlib';

import { request } from './client.mjs';
import { scenario } from './scenario.mjs';
import { startWorld } from './world.mjs';

const GZIP = { 'Accept-Encoding': 'br;q=1, gzip;q=0.5' };
const PAGE = 'https://shop.example';

let world;
before(async () => {
	world = await startWorld({ gateway: { http: { cors_origin: `${PAGE} http://localhost:5173` } } });
	for (let i = 0; i < 12; i++)
		await world.addOutlet(`Outlet number ${i}`, `62811000${String(i).padStart(4, '0')}`);
});
after(() => world?.stop());

const get = (path, headers = {}, method = 'GET') => request(world.base, method, path, { headers: { ...world.admin.headers, ...headers } });
const varies = (answer, name) => (answer.headers.vary ?? '').split(/, */).includes(name);

scenario('a large document is compressed for who takes gzip, and is the same', async () => {
	for (const path of ['/api/outlets', '/api/outlets/status', '/api/audit']) {
		const plain = await get(path);
		const packed = await get(path, GZIP);

		assert.equal(plain.headers['content-encoding'], undefined, path);
		assert.equal(packed.headers['content-encoding'], 'gzip', path);
		assert.ok(packed.body.length < plain.body.length / 2, path);
		assert.ok(varies(plain, 'Accept-Encoding') && varies(packed, 'Accept-Encoding'), path);
		assert.deepEqual(JSON.parse(gunzipSync(packed.body)), plain.json, path);
		assert.equal(packed.headers.etag, `W/${plain.headers.etag}`, path);
		for (const etag of [plain.headers.etag, packed.headers.etag, `"x", ${packed.headers.etag}`, '*']) {
			const again = await get(path, { ...GZIP, 'If-None-Match': etag });
			assert.deepEqual([again.status, again.body.length], [304, 0], `${path} ${etag}`);
			assert.ok(varies(again, 'Accept-Encoding'), path);
		}
		for (const etag of ['"x"', plain.headers.etag.slice(1, -1), plain.headers.etag.slice(0, -1)])
			assert.equal((await get(path, { 'If-None-Match': etag })).status, 200, `${path} ${etag}`);
		const head = await get(path, GZIP, 'HEAD');
		assert.deepEqual([head.status, head.headers['content-encoding'], head.body.length], [200, 'gzip', 0]);
	}
	assert.equal((await get('/api/outlets', { 'Accept-Encoding': 'gzip;q=0' })).headers['content-encoding'], undefined);
	assert.equal((await get('/api/auth/me', GZIP)).headers['content-encoding'], undefined, 'a small one');
});

scenario('the whole list of statuses is compressed once and kept; a change is a new one', async () => {
	const first = await get('/api/outlets/status', GZIP);
	const second = await get('/api/outlets/status', GZIP);

	assert.ok(first.body.equals(second.body));
	await world.addOutlet('One more', '628110009999');
	const third = await get('/api/outlets/status', GZIP);
	assert.equal(JSON.parse(gunzipSync(third.body)).count, JSON.parse(gunzipSync(first.body)).count + 1);
	assert.notEqual(third.headers.etag, first.headers.etag);
});

scenario('answers with secrets are never compressed: a login, a token, a code to scan', async () => {
	const login = await request(world.base, 'POST', '/api/auth/login', { headers: GZIP, body: { username: world.adminUser.name, password: world.adminUser.password } });
	assert.deepEqual([login.status, login.headers['content-encoding']], [200, undefined]);
	const token = await request(world.base, 'POST', '/api/tokens', { headers: { ...world.admin.headers, ...GZIP }, body: { name: 'x'.repeat(60) } });
	assert.deepEqual([token.status, token.headers['content-encoding'], token.headers['cache-control']], [201, undefined, 'no-store']);
});

scenario('parts of a file that is uploaded: while it is the same file', async () => {
	const bytes = crypto.randomBytes(5000);
	const form = new FormData();

	form.set('file', new Blob([bytes]), 'part.bin');
	const { media } = await (await fetch(`${world.base}/api/media`, { method: 'POST', body: form, headers: world.admin.headers })).json();
	const at = `/api/media/${media.id}/content`;
	const { etag } = (await get(at)).headers;

	const part = await get(at, { Range: 'bytes=10-19', 'If-Range': etag });
	assert.deepEqual([part.status, part.headers['content-range']], [206, 'bytes 10-19/5000']);
	assert.ok(part.body.equals(bytes.subarray(10, 20)));
	for (const other of ['"other"', `W/${etag}`, 'Wed, 21 Oct 2015 07:28:00 GMT'])
		assert.equal((await get(at, { Range: 'bytes=10-19', 'If-Range': other })).status, 200, other);
	const outside = await get(at, { Range: 'bytes=5000-' });
	assert.deepEqual([outside.status, outside.headers['content-range'], outside.json.code], [416, 'bytes */5000', 'range_not_satisfiable']);
	assert.equal((await get(at, { 'If-None-Match': `"x", W/${etag}` })).status, 304);
	assert.equal((await get(at, { Range: 'bytes=0-0' }, 'HEAD')).status, 200);
});

scenario('parts of a file of the web UI, as it is and compressed', async () => {
	for (const headers of [{}, GZIP]) {
		const whole = await request(world.base, 'GET', '/theme.js', { headers });
		const ask = (more, method = 'GET') => request(world.base, method, '/theme.js', { headers: { ...headers, ...more } });
		const n = whole.body.length;

		assert.equal(whole.headers['accept-ranges'], 'bytes');
		const part = await ask({ Range: 'bytes=2-5' });
		assert.deepEqual([part.status, part.headers['content-range'], part.headers['content-length']], [206, `bytes 2-5/${n}`, '4']);
		assert.ok(part.body.equals(whole.body.subarray(2, 6)));
		assert.ok((await ask({ Range: 'bytes=-3', 'If-Range': whole.headers.etag })).body.equals(whole.body.subarray(n - 3)));
		assert.equal((await ask({ Range: 'bytes=2-5', 'If-Range': '"x"' })).status, 200);
		assert.equal((await ask({ Range: 'bytes=2-5', 'If-None-Match': whole.headers.etag })).status, 304);
		assert.equal((await ask({ Range: 'bytes=0-1,3-4' })).status, 200);
		assert.equal((await ask({ Range: `bytes=${n}-` })).headers['content-range'], `bytes */${n}`);
		assert.equal((await ask({ Range: 'bytes=2-5' }, 'HEAD')).status, 200);
	}
});

const preflight = (origin, path = '/api/outlets', more = {}) => request(world.base, 'OPTIONS', path,
	{ headers: { Origin: origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'authorization,content-type', ...more } });

scenario('pages of the origins that are named may use the interface, with a token of theirs', async () => {
	const asked = await preflight(PAGE);
	assert.deepEqual([asked.status, asked.headers['access-control-allow-origin'], asked.body.length], [204, PAGE, 0]);
	assert.equal(asked.headers['access-control-allow-methods'], 'GET, HEAD, POST');
	assert.match(asked.headers['access-control-allow-headers'], /\bAuthorization\b.*\bIdempotency-Key\b/);
	const answer = await get('/api/outlets', { Origin: PAGE });
	assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [200, PAGE]);
	assert.match(answer.headers['access-control-expose-headers'], /X-Request-Id/);
	const refused = await request(world.base, 'GET', '/api/outlets', { headers: { Origin: PAGE } });
	assert.deepEqual([refused.status, refused.headers['access-control-allow-origin']], [401, PAGE]);
	const stream = await world.api(world.admin.token, { Origin: 'http://localhost:5173' }).events();
	assert.equal(stream.headers['access-control-allow-origin'], 'http://localhost:5173');
	stream.close();
	for (const one of [asked, answer, refused]) {
		assert.ok(varies(one, 'Origin'));
		assert.equal(one.headers['access-control-allow-credentials'], undefined);
	}
});

scenario('others may not, nor does the cookie of a login go along', async () => {
	for (const origin of ['https://shop.example.evil', 'http://shop.example', 'https://shop.example:8443', 'null', 'https://evil.example']) {
		const asked = await preflight(origin);
		assert.deepEqual([asked.status, asked.headers['access-control-allow-origin']], [405, undefined], origin);
		const answer = await get('/api/outlets', { Origin: origin });
		assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [200, undefined], origin);
		assert.ok(varies(answer, 'Origin'));
	}
	assert.equal((await preflight(PAGE, '/api/nowhere')).status, 404);
	assert.equal((await preflight(PAGE, '/healthz')).headers['access-control-allow-origin'], undefined);
	assert.equal((await request(world.base, 'OPTIONS', '/api/outlets', { headers: { Origin: PAGE } })).status, 405, 'no preflight');
	const cookie = { Cookie: `waconn_session=${world.admin.token}`, Origin: PAGE };
	const written = await request(world.base, 'POST', '/api/opt-outs', { headers: cookie, body: { phone: '081234567890' } });
	assert.deepEqual([written.status, written.json.code], [403, 'origin_mismatch']);
});

scenario('any origin by a star, without credentials; none where nothing is said', async () => {
	world.options.gateway = { http: { cors_origin: '*' } };
	world.writeConfiguration();
	await world.restartGateway();
	const answer = await get('/api/outlets', { Origin: 'https://any.example' });
	assert.equal(answer.headers['access-control-allow-origin'], '*');
	assert.equal(answer.headers['access-control-allow-credentials'], undefined);
	assert.equal((await preflight('https://any.example')).status, 204);

	world.options.gateway = {};
	world.writeConfiguration();
	await world.restartGateway();
	assert.equal((await preflight(PAGE)).status, 405);
	const plain = await get('/api/outlets', { Origin: PAGE });
	assert.deepEqual([plain.status, plain.headers['access-control-allow-origin'], varies(plain, 'Origin')], [200, undefined, false]);
});
