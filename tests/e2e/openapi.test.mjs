/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The description is the truth: each operation is there and refuses what it must; whatever is answered, here and in all other tests, fits. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before } from 'node:test';

import { request } from './client.mjs';
import { description, operations } from './description.mjs';
import { scenario } from './scenario.mjs';
import { startWorld } from './world.mjs';

const ROUTES = new URL('../../apigw/route_table.c', import.meta.url);
let world;
before(async () => { world = await startWorld(); });
after(() => world?.stop());

const fill = (path) => path.replaceAll('{id}', 'nothing_here');
const short = (path) => path.replace(/^\/api/, '');
const inApi = operations.filter(({ path }) => path.startsWith('/api/'));
const guarded = inApi.filter(({ op }) => op['x-role'] !== 'none');

scenario('what is described is routed, and what is routed is described', async () => {
	const source = fs.readFileSync(ROUTES, 'utf8');
	const routed = [...source.matchAll(/"(GET|POST|PATCH|DELETE)",\s+"(\/[^"]+)"/g)].map(([, method, path]) => `${method} ${path}`)
		.concat([...source.matchAll(/HEALTH_ROUTE\("(\/[^"]+)"/g)].map(([, path]) => `GET ${path}`));

	assert.deepEqual([...new Set(routed)].sort(), operations.map(({ method, path }) => `${method} ${path}`).sort());
});

scenario('the document and its page are served', async () => {
	const served = await request(world.base, 'GET', '/api/openapi.json');
	const page = await request(world.base, 'GET', '/api/docs');

	assert.equal(served.status, 200);
	assert.deepEqual(served.json, description);
	assert.equal(page.status, 200);
	assert.match(page.headers['content-type'], /^text\/html/);
	for (const { op } of operations)
		assert.ok(page.text.includes(`id="${op.operationId}"`), op.operationId);
});

scenario('without a token each operation is 401', async () => {
	for (const { method, path } of guarded)
		await world.api().refused(401, 'unauthenticated', method, short(fill(path)));
});

scenario('a method that is not described is 405', async () => {
	for (const { path } of inApi) {
		const described = inApi.filter((o) => o.path === path).map((o) => o.method);
		const answer = await world.admin.raw('PUT', short(fill(path)));

		assert.equal(answer.status, 405, path);
		for (const method of described)
			assert.ok(answer.headers.allow.split(', ').includes(method), `${path}: Allow: ${answer.headers.allow}`);
	}
});

scenario('a body that is not JSON is 400, one of another type 415, an unknown field 422', async () => {
	for (const { method, path, op } of inApi) {
		const body = op.requestBody?.content?.['application/json'];
		if (!body || op['x-role'] === 'none')
			continue;
		const at = short(fill(path));
		await world.admin.refused(400, 'invalid_json', method, at, '{"half', { 'Content-Type': 'application/json' });
		await world.admin.refused(415, 'unsupported_media_type', method, at, '<a/>', { 'Content-Type': 'application/xml' });
		const unknown = await world.admin.refused(422, 'validation_failed', method, at, { ...body.example, noSuchField: 1 });
		assert.ok(unknown.errors.some((e) => e.field === 'noSuchField'), `${method} ${path}: ${JSON.stringify(unknown.errors)}`);
	}
});

scenario('what is not there is 404', async () => {
	for (const { method, path, op } of guarded.filter((o) => o.path.includes('{id}') && o.path !== '/api/opt-outs/{id}')) {
		const body = op.requestBody?.content?.['application/json']?.example;

		if (op.requestBody?.content?.['text/csv'])
			continue; // read before it is known whose it is
		await world.admin.refused(404, 'not_found', method, short(fill(path)), body);
	}
});

scenario('lists refuse a limit and a cursor that are none', async () => {
	const outlet = await world.addOutlet('Jakarta Store', '6287788987745');
	const blastless = guarded.filter(({ method, item, op }) => method === 'GET' &&
		[...(item.parameters ?? []), ...(op.parameters ?? [])].some((p) => p.$ref?.endsWith('/limit')) );

	for (const { path } of blastless.filter((o) => !o.path.startsWith('/api/blasts/{id}'))) {
		const at = short(path.replace('{id}', outlet));
		for (const limit of ['0', '1001', 'x', '-1'])
			await world.admin.refused(422, 'validation_failed', 'GET', `${at}?limit=${limit}`);
		assert.equal((await world.admin.raw('GET', `${at}?limit=1000`)).status, 200, at);
	}
});
