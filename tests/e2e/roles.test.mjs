/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every call of the interface by everybody: nobody, the USER of another outlet, that outlet's USER, an ADMIN, a SUPERADMIN. What is not
 * valid is told only to who may ask.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { startWorld } from './world.mjs';

const PASSWORD = 'correct horse battery';
const HIDDEN = '404 not_found';
const NO = '403 forbidden';
const INVALID = '422 validation_failed';

let world;
let outlet; // of the USER
let other; // of the other USER
before(async () => {
	world = await startWorld();
	outlet = await world.addOutlet('Mine', '62811000001');
	other = await world.addOutlet('Other', '62811000002');
	await world.addUser('ani', 'ADMIN', PASSWORD);
	await world.addUser('umar', 'USER', PASSWORD, outlet);
	await world.addUser('usman', 'USER', PASSWORD, other);
});
after(() => world?.stop());

/* A status, or a status and a code; one for all, or for [the other USER, the USER, ADMIN, SUPERADMIN]. Bodies are not valid where the call
 * would change something that later rows need. {id}: the USER's outlet; {other}: the other's. */
const NOBODY_KNOWS = [HIDDEN, HIDDEN, HIDDEN, HIDDEN];
const own = (mine, all = mine) => [HIDDEN, mine, all, all];
const admins = (admin, superadmin = admin) => [NO, NO, admin, superadmin];
const supers = (superadmin) => [NO, NO, NO, superadmin];
const everybody = (status) => [status, status, status, status];
const ROWS = [
	['GET /auth/me', everybody(200)],
	['POST /auth/password', everybody(INVALID), {}],
	['GET /outlets/status', everybody(200)],
	['GET /outlets/{id}/status', own(200)],
	['GET /outlets', everybody(200)],
	['POST /outlets', admins(INVALID), {}],
	['GET /outlets/{id}', own(200)],
	['PATCH /outlets/{id}', admins(INVALID), { colour: 'red' }],
	['DELETE /outlets/{id}', admins(HIDDEN), undefined, '/outlets/outlet_absent'],
	['POST /outlets/{id}/connect', own(INVALID), { method: 'smoke' }],
	['GET /outlets/{id}/qr', own('404 no_qr')],
	['GET /outlets/{id}/pairing-code', own('404 no_code')],
	['GET /outlets/{id}/passkey', own('404 no_passkey')],
	['POST /outlets/{id}/passkey', own(INVALID), {}],
	['POST /outlets/{id}/passkey/confirm', own('404 no_passkey')],
	['POST /outlets/{id}/disconnect', own(202)],
	['POST /outlets/{id}/pause', [HIDDEN, 202, '409 outlet_paused', '409 outlet_paused']],
	['POST /outlets/{id}/resume', [HIDDEN, 202, '409 not_paused', '409 not_paused']],
	['POST /outlets/{id}/logout', own('409 outlet_not_linked')],
	['POST /outlets/{id}/messages', own(INVALID), {}],
	['GET /outlets/{id}/messages', own(200)],
	['GET /messages/{id}', NOBODY_KNOWS, undefined, '/messages/msg_1'],
	['POST /media', everybody('415 unsupported_media_type'), {}],
	['GET /media/{id}', NOBODY_KNOWS, undefined, '/media/media_absent'],
	['DELETE /media/{id}', NOBODY_KNOWS, undefined, '/media/media_absent'],
	['GET /media/{id}/content', NOBODY_KNOWS, undefined, '/media/media_absent/content'],
	['GET /messages/{id}/media', NOBODY_KNOWS, undefined, '/messages/msg_1/media'],
	['GET /outlets/{id}/events', own(200)],
	['GET /outlets/{id}/contacts', own(200)],
	['POST /outlets/{id}/contacts', own(INVALID), {}],
	['DELETE /outlets/{id}/contacts', own(INVALID)],
	['POST /outlets/{id}/contacts/import', everybody('415 unsupported_media_type'), {}],
	['GET /summary', everybody(200)],
	['GET /opt-outs', everybody(200)],
	['POST /opt-outs', everybody(INVALID), {}],
	['DELETE /opt-outs', everybody(INVALID)],
	['DELETE /opt-outs/{id}', NOBODY_KNOWS, undefined, '/opt-outs/628120000009'],
	['GET /templates', everybody(200)],
	['POST /templates', everybody(INVALID), {}],
	['GET /templates/{id}', NOBODY_KNOWS, undefined, '/templates/template_absent'],
	['PATCH /templates/{id}', NOBODY_KNOWS, { text: 'x' }, '/templates/template_absent'],
	['DELETE /templates/{id}', NOBODY_KNOWS, undefined, '/templates/template_absent'],
	['GET /webhooks', admins(200)],
	['POST /webhooks', admins(INVALID), {}],
	['GET /webhooks/{id}', admins(HIDDEN), undefined, '/webhooks/webhook_absent'],
	['PATCH /webhooks/{id}', admins(HIDDEN), { description: 'x' }, '/webhooks/webhook_absent'],
	['DELETE /webhooks/{id}', admins(HIDDEN), undefined, '/webhooks/webhook_absent'],
	['POST /webhooks/{id}/rotate-secret', admins(HIDDEN), undefined, '/webhooks/webhook_absent/rotate-secret'],
	['POST /webhooks/{id}/test', admins(HIDDEN), undefined, '/webhooks/webhook_absent/test'],
	['GET /webhooks/{id}/deliveries', admins(HIDDEN), undefined, '/webhooks/webhook_absent/deliveries'],
	['GET /deliveries/{id}', admins(HIDDEN), undefined, '/deliveries/delivery_1'],
	['POST /deliveries/{id}/redeliver', admins(HIDDEN), undefined, '/deliveries/delivery_1/redeliver'],
	['GET /settings', admins(200)],
	['PATCH /settings', admins(INVALID), { colour: 'red' }],
	['POST /blasts/preview', everybody(INVALID), {}],
	['POST /blasts', everybody(INVALID), {}],
	['GET /blasts', everybody(200)],
	['GET /blasts/{id}', NOBODY_KNOWS, undefined, '/blasts/blast_absent'],
	['GET /blasts/{id}/recipients', NOBODY_KNOWS, undefined, '/blasts/blast_absent/recipients'],
	['GET /blasts/{id}/report.csv', NOBODY_KNOWS, undefined, '/blasts/blast_absent/report.csv'],
	['GET /blasts/{id}/replies', NOBODY_KNOWS, undefined, '/blasts/blast_absent/replies'],
	['GET /blasts/{id}/outlets', NOBODY_KNOWS, undefined, '/blasts/blast_absent/outlets'],
	['POST /blasts/{id}/move', admins(INVALID), {}, '/blasts/blast_absent/move'],
	['POST /blasts/{id}/pause', NOBODY_KNOWS, undefined, '/blasts/blast_absent/pause'],
	['POST /blasts/{id}/resume', NOBODY_KNOWS, undefined, '/blasts/blast_absent/resume'],
	['POST /blasts/{id}/cancel', NOBODY_KNOWS, undefined, '/blasts/blast_absent/cancel'],
	['POST /blasts/{id}/retry', NOBODY_KNOWS, undefined, '/blasts/blast_absent/retry'],
	['GET /users', supers(200)],
	['POST /users', supers(INVALID), {}],
	['GET /users/{id}', supers(HIDDEN), undefined, '/users/user_absent'],
	['PATCH /users/{id}', supers(HIDDEN), { role: 'ADMIN' }, '/users/user_absent'],
	['DELETE /users/{id}', supers(HIDDEN), undefined, '/users/user_absent'],
	['GET /tokens', everybody(200)],
	['POST /tokens', everybody(INVALID), {}],
	['DELETE /tokens/{id}', NOBODY_KNOWS, undefined, '/tokens/token_absent'],
	['GET /audit', supers(200)],
	['POST /auth/logout', everybody(200)], // the last: their logins end here
];
/* Open to all; tested elsewhere. */
const OPEN = ['POST /auth/login', 'GET /openapi.json', 'GET /docs'];

/* All that the gateway's table has. */
function calls() {
	const source = fs.readFileSync(new URL('../../apigw/route_table.c', import.meta.url), 'utf8');
	return [...source.matchAll(/"(GET|POST|PATCH|DELETE|PUT)",\s+"\/api(\/[^"?]+)[^"]*"/g)].map(([, method, path]) => `${method} ${path}`);
}

scenario('every row here is a call of the gateway; a call that has none is closed to who shows no token', async () => {
	const known = calls();

	assert.ok(known.length > 60);
	assert.deepEqual(ROWS.filter(([call]) => !known.includes(call)).map(([call]) => call), []);
	for (const call of known.filter((c) => !OPEN.includes(c))) {
		const [method, path] = call.split(' ');
		await world.api().refused(401, 'unauthenticated', method, path.replace('{id}', outlet), method === 'GET' ? undefined : {});
	}
});

scenario('each call by everybody', async () => {
	const apis = [await world.login('usman', PASSWORD), await world.login('umar', PASSWORD), await world.login('ani', PASSWORD),
		await world.login('admin', 'the first password')];
	const names = ['the other USER', 'the USER', 'ADMIN', 'SUPERADMIN'];
	const wrong = [];

	for (const [call, expected, body, path = call.split(' ')[1].replace('{id}', outlet)] of ROWS) {
		const [method] = call.split(' ');

		await world.api().refused(401, 'unauthenticated', method, path, body);
		const forged = await world.api('wac_nobody-has-this').raw(method, path, { body });
		if (![401, 415].includes(forged.status))
			wrong.push(`${call} with a token that is none: ${forged.status}`);
		for (const [i, api] of apis.entries()) {
			const answer = await api.raw(method, path, { body });
			const got = answer.status < 400 ? answer.status : `${answer.status} ${answer.json.code}`;
			if (got !== expected[i])
				wrong.push(`${call} as ${names[i]}: ${got}, not ${expected[i]}`);
		}
	}
	assert.deepEqual(wrong, []);
});

scenario('who may not ask does not hear what is wrong with the question', async () => {
	const [umar, ani] = [await world.login('umar', PASSWORD), await world.login('ani', PASSWORD)];

	await umar.refused(403, 'forbidden', 'POST', '/users', { nothing: 'valid' });
	await ani.refused(403, 'forbidden', 'GET', '/audit?from=yesterday');
	await umar.refused(404, 'not_found', 'POST', `/outlets/${other}/messages`, { nothing: 'valid' });
	await umar.refused(404, 'not_found', 'GET', `/outlets/${other}/messages?limit=0`);
	await world.api('wac_nobody-has-this').refused(401, 'unauthenticated', 'POST', '/blasts', {});
	const reader = world.api((await world.admin.post('/tokens', { name: 'reader', scopes: ['status:read'] })).token);
	await reader.refused(403, 'scope_missing', 'POST', '/outlets', {});
});

scenario('lists take limit and cursor, all alike', async () => {
	for (const path of ['/outlets', '/blasts', '/users', '/tokens', '/audit', '/opt-outs', '/templates', '/webhooks', `/outlets/${outlet}/messages`,
		`/outlets/${outlet}/contacts`, `/outlets/${outlet}/events`]) {
		for (const limit of ['0', '1001', '-1', 'x', '1.5'])
			await world.admin.refused(422, 'validation_failed', 'GET', `${path}?limit=${limit}`);
		const page = await world.admin.get(`${path}?limit=1000`);
		assert.equal(page.nextCursor, null, path);
	}
});
