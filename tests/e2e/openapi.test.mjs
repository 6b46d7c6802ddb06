/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The description is the truth: each operation is there and refuses what it must; whatever is answered, here and in all other tests, fits. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';

import { request } from './client.mjs';
import { description, operations, parametersOf } from './description.mjs';
import { scenario } from './scenario.mjs';
import { startWorld } from './world.mjs';

const source = (name) => fs.readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
let world, web;

/* With a web UI built now: one that lies about may have been made from another description. */
before(async () => {
	const sources = fileURLToPath(new URL('../../apigw/web', import.meta.url));

	web = fs.mkdtempSync(path.join(os.tmpdir(), 'wcn-web-'));
	execFileSync(path.join(sources, 'node_modules/.bin/vite'), ['build', '--logLevel', 'warn', '--outDir', web, '--emptyOutDir'], { cwd: sources });
	world = await startWorld({ gateway: { http: { web_root: web } } });
});
after(async () => {
	await world?.stop();
	fs.rmSync(web, { recursive: true, force: true });
});

const fill = (path) => path.replaceAll('{id}', 'nothing_here');
const short = (path) => path.replace(/^\/api/, '');
const inApi = operations.filter(({ path }) => path.startsWith('/api/'));
const guarded = inApi.filter(({ op }) => op['x-role'] !== 'none');

/* The rows of route_table.c: {method, path, query, op}, op in the daemon's words. */
function routes() {
	return [...source('apigw/route_table.c').matchAll(/^\t(?:(\w+)\(|\{)(?:"(GET|POST|PATCH|DELETE)",\s+)?"(\/[^"?]+)\??([^"]*)",(.*)$/gm)]
		.map(([, macro, method = 'GET', path, query, rest]) => ({ method, path, query: query.split('&').filter(Boolean),
			op: (/\bOP\((\w+)\)/.exec(rest) ?? (macro?.startsWith('ASK') ? /^\s*(?:(?:NONE|JSON|MAYBE),)?\s*(\w+)/.exec(rest) : null))?.[1] ?? null }));
}

/* The rows of api.c: op -> {role, scope}, in the words of the description. */
function permissions() {
	return new Map([...source('waconnd/api/api.c').matchAll(/OP\((\w+)\)\s*=\s*\{ROLE_(\w+),\s*\w+,\s*SCOPE_(\w+)\}/g)].map(([, op, role, scope]) =>
		[op, { role: role === 'NONE' ? 'none' : role, scope: /^(ANY|NONE)$/.test(scope) ? undefined : scope.toLowerCase().replace(/_(?=[a-z]+$)/, ':').replaceAll('_', '-') }]));
}

scenario('what is described is routed, and what is routed is described', async () => {
	const routed = routes().map(({ method, path }) => `${method} ${path}`);

	assert.deepEqual(routed.sort(), operations.map(({ method, path }) => `${method} ${path}`).sort());
});

scenario('parameters are those that the gateway takes', async () => {
	const told = (method, path, names) => `${method} ${path} ${[...names].sort()}`;

	assert.deepEqual(operations.map(({ method, path, item, op }) => told(method, path, parametersOf(item, op).filter((p) => p.in === 'query').map((p) => p.name))).sort(),
		routes().map(({ method, path, query }) => told(method, path, query)).sort());
});

scenario('roles and scopes are the daemon\'s', async () => {
	const may = permissions();
	const routed = routes().map(({ method, path, op }) => {
		const { role, scope } = op === null ? { role: 'none' } : may.get(op);
		return `${method} ${path} ${role} ${scope}`;
	});

	assert.deepEqual(operations.map(({ method, path, op }) => `${method} ${path} ${op['x-role']} ${op['x-scope']}`).sort(), routed.sort());
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

	for (const { path } of blastless.filter((o) => !/^\/api\/(blasts|webhooks)\/\{id\}/.test(o.path))) {
		const at = short(path.replace('{id}', outlet));
		for (const limit of ['0', '1001', 'x', '-1'])
			await world.admin.refused(422, 'validation_failed', 'GET', `${at}?limit=${limit}`);
		assert.equal((await world.admin.raw('GET', `${at}?limit=1000`)).status, 200, at);
	}
});
