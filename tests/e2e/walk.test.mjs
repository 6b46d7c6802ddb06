/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every operation of the description by a client that is made from it, unchanged, and nothing else: once as it is meant, so that each
 * answers what it says, and many times as its schemas forbid, so that each refuses by the field's name.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { OpenAPIClientAxios } from 'openapi-client-axios';

import { assertProblem } from './client.mjs';
import { assertDescribed, assertTaken, description, operations, parametersOf, schemaOf } from './description.mjs';
import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { numbers, startWorld } from './world.mjs';

const NUMBER = '6281210003001';
const LOCKED = '6281210003002'; // its account demands a passkey
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==', 'base64');
const STREAM = 'streamEvents'; // has no end

let world, client;
let ids; // what there is, by the first word of its path
const walked = new Set();
let keys = 0;

before(async () => { world = await startWorld(); });
after(() => world?.stop());

/** A client of the description; that it is served is openapi.test.mjs's to see. */
function made(token) {
	const api = new OpenAPIClientAxios({
		definition: structuredClone(description),
		axiosConfigDefaults: { baseURL: world.base, headers: { Authorization: `Bearer ${token}` }, validateStatus: () => true, responseType: 'text', transformResponse: (text) => text },
	});
	return api.init();
}

/* The same answer as the tests' own client has. */
function judged(id, answer) {
	const { method } = operations.find((o) => o.op.operationId === id);
	const text = String(answer.data ?? '');
	const json = /^application\/(problem\+)?json/.test(answer.headers['content-type']) && answer.status !== 304 ? JSON.parse(text) : null;
	const seen = { what: id, status: answer.status, headers: answer.headers, text, json };

	assert.ok(answer.headers['x-request-id'], id);
	if (answer.status >= 400)
		assertProblem(seen);
	assertDescribed(method, answer.request.path, seen);
	return seen;
}

/* A key makes a repeat the first one's answer, but for a secret that was shown once, and another request with it is refused. */
async function assertIdempotent(id, parameters, body, config, first) {
	const again = judged(id, await client[id](parameters, body, config)).json;
	const field = Object.keys(body ?? {}).find((name) => typeof body[name] === 'string');

	for (const [name, value] of Object.entries(first))
		assert.deepEqual(again[name], ['token', 'secret'].includes(name) ? null : value, `${id}: ${name}`);
	if (field !== undefined) {
		const other = judged(id, await client[id](parameters, { ...body, [field]: `${body[field]}1` }, config));
		assert.deepEqual([other.status, other.json.code], [422, 'idempotency_mismatch'], id);
	}
}

/** As it is meant; a call that takes an Idempotency-Key twice. */
async function call(id, parameters = null, body = undefined, config = {}) {
	const { item, op } = operations.find((o) => o.op.operationId === id);
	const keyed = parametersOf(item, op).some((p) => p.name === 'Idempotency-Key');
	const options = keyed ? { ...config, headers: { ...config.headers, 'Idempotency-Key': `walk ${id} ${keys++}` } } : config;

	assertTaken(id, body);
	const answer = judged(id, await client[id](parameters, body, options));
	assert.ok(answer.status < 300, `${id}: ${answer.status} ${answer.text}`);
	if (keyed)
		await assertIdempotent(id, parameters, body, options, answer.json);
	walked.add(id);
	return answer.json ?? answer;
}

const file = (bytes, name, type) => {
	const form = new FormData();
	form.append('file', new Blob([bytes], { type }), name);
	return form;
};

scenario('a client made from the description does everything that there is', async () => {
	const { token, user } = await (async () => {
		client = await made('');
		return call('login', null, { username: world.adminUser.name, password: world.adminUser.password });
	})();
	client = await made(token);
	assert.equal((await call('me')).user.id, user.id);

	for (const id of ['health', 'ready', 'metrics', 'getDescription', 'readDescription'])
		await call(id);

	const { outlet } = await call('createOutlet', null, { name: 'Jakarta Store', whatsappNumber: NUMBER, pace: { perMinute: 0, dailyCap: 0, window: '00:00-24:00' } });
	ids = { outlets: outlet.id };
	await call('editOutlet', outlet.id, { name: 'Jakarta Pusat' });
	assert.equal((await call('getOutlet', outlet.id)).outlet.name, 'Jakarta Pusat');
	assert.equal((await call('listOutlets', { q: 'Pusat', limit: 1 })).outlets.length, 1);

	await call('connectOutlet', outlet.id, { method: 'code' });
	await world.pairingCode(outlet.id);
	await call('getPairingCode', outlet.id);
	await call('connectOutlet', outlet.id, { method: 'qr' });
	await world.qr(outlet.id);
	await call('getQr', { id: outlet.id, format: 'svg' });
	await world.sim.scan((await call('getQr', { id: outlet.id })).qr, NUMBER);
	await world.healthy(outlet.id);
	const locked = (await call('createOutlet', {}, { name: 'Passkey', whatsappNumber: LOCKED })).outlet.id;
	await world.sim.setPhone(LOCKED, { passkey: 'demanded' });
	await call('connectOutlet', locked, { method: 'code' });
	await world.sim.typeCode(LOCKED, (await world.pairingCode(locked)).code);
	const { options } = await world.passkey(locked, 'assertion');
	assert.deepEqual((await call('getPasskey', locked)).options, options);
	await call('answerPasskey', locked, await world.sim.passkey(LOCKED, options));
	await world.passkey(locked, 'confirm');
	await call('confirmPasskey', locked);
	await world.healthy(locked, 30_000);
	await world.admin.delete(`/outlets/${locked}`);
	await call('pauseOutlet', outlet.id);
	await world.waitStatus(outlet.id, 'PAUSED');
	await call('resumeOutlet', outlet.id);
	await world.healthy(outlet.id);
	assert.equal((await call('listStatus', { healthy: true, status: 'CONNECTED' })).healthy, 1);
	assert.equal((await call('getStatus', outlet.id)).status.outletId, outlet.id);
	await call('listOutletEvents', { id: outlet.id, limit: 2 });
	await call('getAccount', outlet.id);

	const [friend, stranger, absent, out] = numbers(4, 901);
	await world.sim.setPhone(absent, { registered: false });
	assert.equal((await call('checkNumbers', null, { outletId: outlet.id, numbers: [friend] })).numbers[0].onWhatsapp, true);
	const { media } = await call('uploadMedia', null, file(PNG, 'promo.png', 'image/png'));
	assert.equal((await call('getMedia', media.id)).media.size, PNG.length);
	await call('downloadMedia', { id: media.id, Range: 'bytes=0-3' });
	const sent = (await call('sendMessage', outlet.id, { to: friend, media: { id: media.id, caption: 'Halo' } })).message;
	assert.equal((await call('getMessage', sent.id)).message.id, sent.id);
	await world.sim.sendContent(friend, NUMBER, { kind: 'image', data: PNG, mimetype: 'image/png' });
	const got = await waitFor(async () => (await call('listMessages', { id: outlet.id })).messages.find((m) => m.media?.url), 30_000, 'the picture');
	await call('downloadReceived', got.id);

	await call('addContact', outlet.id, { phone: friend, name: 'Budi', tags: ['vip'], vars: { kode: 'A1' } });
	assert.equal((await call('importContacts', outlet.id, `phone,name\n${stranger},Ani\nnone,x\n`, { headers: { 'Content-Type': 'text/csv' } })).invalid, 1);
	assert.equal((await call('listContacts', { id: outlet.id, tag: 'vip' })).contacts.length, 1);
	await call('addOptOuts', null, { phones: [out, stranger], reason: 'by telephone' });
	assert.equal((await call('listOptOuts', { q: out })).optOuts.length, 1);
	const { template } = await call('createTemplate', null, { name: 'Promo', text: 'Halo {{name|Kakak}}' });
	await call('editTemplate', template.id, { text: 'Halo {{name}}' });
	await call('getTemplate', template.id);
	await call('listTemplates', { q: 'Promo' });

	const blast = { name: 'Promo', outlets: [outlet.id], audience: { type: 'numbers', numbers: [friend, absent, out, 'none'] }, message: { text: 'Halo' } };
	assert.equal((await call('previewBlast', null, blast)).recipients.optedOut, 1);
	const run = (await call('createBlast', null, { ...blast, pace: { perMinute: 1, window: '00:00-24:00' } })).blast;
	await call('pauseBlast', run.id);
	await call('resumeBlast', run.id);
	await call('pauseBlast', run.id);
	const second = await world.linkedOutlet('Bandung', '6281210003009');
	assert.ok((await call('moveBlast', run.id, { from: outlet.id, to: [second] })).moved >= 1);
	assert.equal((await call('listBlastOutlets', run.id)).outlets.length, 2);
	await call('cancelBlast', run.id);
	const failed = (await call('createBlast', null, blast)).blast;
	await world.waitBlast(failed.id, (b) => b.status === 'COMPLETED' && b.counts.failed === 1);
	await call('retryBlast', failed.id);
	await call('getBlast', failed.id);
	await call('listBlasts', { status: 'CANCELLED' });
	await call('listRecipients', { id: failed.id, limit: 1 });
	await call('reportBlast', failed.id);
	await call('listReplies', failed.id);
	await call('getSummary', { days: 2 });

	const { webhook } = await call('createWebhook', { 'Idempotency-Key': 'hook' }, { url: 'https://hooks.invalid/waconn', events: ['blast.status'], outletIds: [outlet.id] });
	assert.equal((await call('listWebhooks', { limit: 1 })).webhooks[0].id, webhook.id);
	await call('editWebhook', webhook.id, { description: 'CRM' });
	assert.equal((await call('getWebhook', webhook.id)).webhook.description, 'CRM');
	assert.notEqual((await call('rotateWebhookSecret', { id: webhook.id }, { keepOldSeconds: 60 })).secret, null);
	const { delivery } = await call('testWebhook', webhook.id);
	await waitFor(async () => (await call('getDelivery', delivery.id)).delivery.status === 'FAILED', 30_000, 'the test to fail');
	assert.equal((await call('listDeliveries', { id: webhook.id, status: 'FAILED' })).deliveries[0].id, delivery.id);
	await call('redeliver', delivery.id);

	await call('getSettings');
	await call('editSettings', null, { optOutReply: 'Anda tidak akan menerima promo lagi.', auditDays: 400 });
	const person = (await call('createUser', null, { username: 'umar', role: 'ADMIN', password: 'correct horse battery' })).user;
	await call('editUser', person.id, { role: 'USER', outletId: outlet.id });
	await call('getUser', person.id);
	await call('listUsers', { q: 'umar' });
	const { apiToken } = await call('createToken', null, { name: 'n8n', scopes: ['status:read'], expiresInSeconds: 3600 });
	await call('listTokens');
	await call('listAudit', { action: 'create', from: '2020-01-01T00:00:00Z' });
	ids = { ...ids, blasts: failed.id, messages: got.id, media: media.id, templates: template.id, users: person.id, tokens: apiToken.id, webhooks: webhook.id, deliveries: delivery.id };
});

/* ---- as it is not meant ---- */

const fill = (path) => path.replace('{id}', ids[path.split('/')[2]] ?? 'nothing_here');

/* Something that is as the schema says, as far as what is needed goes. */
function sample(schema) {
	if (schema.const !== undefined || schema.enum)
		return schema.const ?? schema.enum[0];
	if ([schema.type].flat().includes('object'))
		return Object.fromEntries((schema.required ?? []).map((name) => [name, sample(schemaOf(schema.properties[name]))]));
	return { string: 'x', integer: schema.minimum ?? 0, number: schema.minimum ?? 0, boolean: true, array: [] }[[schema.type].flat()[0]];
}

/* For a value of the schema, values that it forbids: [value, what is wrong, where in it]; base: one that it allows. */
function* forbidden(schema, base = sample(schema)) {
	const types = [schema.type].flat();
	const either = schema.anyOf ?? schema.oneOf;

	if (schema.enum && !schema.enum.includes('no such word'))
		yield ['no such word', 'one of no list', ''];
	if (either && !schema.type && !either.some((s) => s.const !== undefined || s.type === 'string'))
		yield ['one', 'a string for none of them', ''];
	if (types.includes('string')) {
		yield [17, 'a number for a string', ''];
		if (schema.maxLength)
			yield ['x'.repeat(schema.maxLength + 1), 'too long', ''];
		if (schema.minLength)
			yield ['', 'empty', ''];
		if (schema.format === 'date-time')
			yield ['yesterday', 'no time', ''];
	} else if (types.includes('integer') || types.includes('number')) {
		yield ['many', 'a string for a number', ''];
		if (schema.minimum !== undefined)
			yield [schema.minimum - 1, 'too small', ''];
		if (schema.maximum !== undefined)
			yield [schema.maximum + 1, 'too large', ''];
		if (types.includes('integer'))
			yield [1.5, 'half a thing', ''];
	} else if (types.includes('boolean')) {
		yield ['yes', 'a string for a boolean', ''];
	} else if (types.includes('array')) {
		yield* forbiddenLists(schema);
	} else if (types.includes('object')) {
		yield* forbiddenObjects(schema, base);
	}
}

function* forbiddenLists(schema) {
	const items = schema.items ? schemaOf(schema.items) : {};

	yield ['one', 'a string for a list', ''];
	if (schema.minItems)
		yield [[], 'an empty list', ''];
	if (schema.maxItems && schema.maxItems <= 1000)
		yield [Array(schema.maxItems + 1).fill(items.type === 'string' ? 'x' : {}), 'a long list', ''];
	if (items.type === 'string')
		yield [[17], 'a number among strings', ''];
	if (items.type === 'object')
		for (const [value, why, where] of forbiddenObjects(items, sample(items)))
			yield [[value], why, `[0]${where}`];
}

function* forbiddenObjects(schema, base) {
	yield ['one', 'a string for an object', ''];
	if (schema.additionalProperties === false)
		yield [{ ...base, noSuchField: 1 }, 'an unknown field', '.noSuchField'];
	for (const name of schema.required ?? [])
		yield [{ ...base, [name]: undefined }, `no ${name}`, `.${name}`];
	for (const [name, of] of Object.entries(schema.properties ?? {}))
		for (const [value, why, where] of forbidden(schemaOf(of)))
			yield [{ ...base, [name]: value }, why, `.${name}${where}`];
}

/* Values at the edge of what the schema allows. */
function* allowed(schema) {
	const types = [schema.type].flat();

	if (schema.enum)
		yield* schema.enum;
	else if (types.includes('string') && !schema.format && !schema.pattern)
		yield* ['x'.repeat(schema.maxLength ?? 1), 'x'.repeat(schema.minLength ?? 0)];
	else if (types.includes('integer') || types.includes('number'))
		yield* [schema.minimum, schema.maximum].filter((n) => n !== undefined);
	else if (types.includes('boolean'))
		yield* [true, false];
	if (types.includes('null'))
		yield null;
}

/* The gateway reads all of a body before it says what is wrong: of these fields nothing but the one that there is not. */
async function accepted(method, path, { example, field, value }) {
	const answer = await world.admin.raw(method, fill(path).replace(/^\/api/, ''), { body: { ...example, [field]: value, noSuchField: 1 } });
	const errors = answer.status === 422 ? answer.json.errors : [{ field: `status ${answer.status}` }];

	if (errors.some((e) => e.field !== 'noSuchField'))
		wrong.push(`${method} ${path} ${field} ${String(JSON.stringify(value)).slice(0, 100)}: ${JSON.stringify(errors)}`);
}

async function refused(method, path, { body, query = '', field, why }) {
	const at = `${fill(path).replace(/^\/api/, '')}${query}`;
	const answer = await world.admin.raw(method, at, { body });
	const errors = answer.status === 422 ? answer.json.errors ?? [] : [];

	if (!errors.some((e) => e.field === field || e.field.replace(/\[\d+\]$/, '') === field))
		wrong.push(`${method} ${at} ${JSON.stringify(body)?.slice(0, 200)}: ${field}: ${why}: ${answer.status} ${answer.text.slice(0, 300)}`);
}

const wrong = [];
const inApi = operations.filter(({ path, op }) => path.startsWith('/api/') && op['x-role'] !== 'none');

scenario('each body is refused by the name of the field that its schema forbids, and not for what it allows', async () => {
	for (const { method, path, op } of inApi) {
		const media = op.requestBody?.content?.['application/json'];
		if (!media)
			continue;
		const schema = schemaOf(media.schema);

		for (const field of schema.required ?? []) {
			const { [field]: gone, ...body } = media.example;
			await refused(method, path, { body, field, why: 'is missing' });
		}
		for (const [field, of] of Object.entries(schema.properties))
			for (const [value, why, where] of forbidden(schemaOf(of), media.example[field]))
				await refused(method, path, { body: { ...media.example, [field]: value }, field: `${field}${where}`, why });
		for (const [field, of] of Object.entries(schema.properties))
			for (const value of allowed(schemaOf(of)))
				await accepted(method, path, { example: media.example, field, value });
	}
	assert.deepEqual(wrong.splice(0), []);
});

scenario('each parameter is refused by its name when its schema forbids it, or when there is none of the name', async () => {
	for (const { method, path, op, item } of inApi) {
		const body = op.requestBody?.content?.['application/json']?.example;
		const known = parametersOf(item, op).filter((p) => p.in === 'query');

		if (op.requestBody?.content?.['multipart/form-data'])
			continue; // read as it comes
		for (const { name, schema } of known) {
			for (const [value, why] of forbidden(schemaOf(schema)))
				if (typeof value !== 'number' || schemaOf(schema).type !== 'string')
					await refused(method, path, { body, query: `?${name}=${encodeURIComponent(value)}`, field: name, why });
		}
		if (known.some((p) => p.name === 'cursor') && path !== '/api/users') // that is a name there
			await refused(method, path, { body, query: '?cursor=none-of-ours', field: 'cursor', why: 'never answered' });
		await refused(method, path, { body, query: '?no_such=1', field: 'no_such', why: 'there is no such parameter' });
	}
	assert.deepEqual(wrong.splice(0), []);
});

scenario('what there was goes, by the client made from the description', async () => {
	const [friend, stranger, , out] = numbers(4, 901);

	await call('removeContacts', { id: ids.outlets, phone: friend });
	await call('removeContacts', { id: ids.outlets }, { phones: [stranger] });
	await call('removeOptOut', out);
	await call('removeOptOuts', null, { phones: [stranger] });
	await call('revokeToken', ids.tokens);
	await call('deleteUser', ids.users);
	await call('deleteTemplate', ids.templates);
	await call('deleteMedia', ids.media);
	await call('deleteWebhook', ids.webhooks);
	await call('disconnectOutlet', ids.outlets);
	await call('logoutOutlet', ids.outlets);
	await world.waitStatus(ids.outlets, 'DISCONNECTED');
	await call('deleteOutlet', ids.outlets);
	await call('changePassword', null, { currentPassword: world.adminUser.password, newPassword: 'another long password' });
	await call('logout');
	assert.deepEqual(operations.map(({ op }) => op.operationId).filter((id) => !walked.has(id)), [STREAM]);
	assert.equal(description.openapi, '3.1.0');
});
