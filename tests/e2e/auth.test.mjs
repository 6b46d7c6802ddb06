/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who may do what: login, cookie and Origin, throttling, logout, API tokens, and the three roles over all calls. REST, waconnctl.
 * No phone is linked here.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { Api, request } from './client.mjs';
import { scenario } from './scenario.mjs';
import { startWorld } from './world.mjs';

const PASSWORD = 'correct horse battery';

let world;
let mine; // the outlet of the USER
let other;

before(async () => {
	world = await startWorld();
	mine = await world.addOutlet('Mine', '62811000001');
	other = await world.addOutlet('Other', '62811000002');
	await world.addUser('ani', 'ADMIN', PASSWORD);
	await world.addUser('umar', 'USER', PASSWORD, mine);
});
after(() => world?.stop());

const login = (username, password) => world.api().raw('POST', '/auth/login', { body: { username, password } });

scenario('login answers a token, when it ends, the user, and the cookie', async () => {
	const answer = await login('umar', PASSWORD);
	const { token, expiresAt, user } = answer.json;

	assert.equal(answer.status, 200);
	assert.ok(Date.parse(expiresAt) > Date.now());
	assert.match(expiresAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
	assert.deepEqual({ ...user, id: undefined }, { id: undefined, username: 'umar', role: 'USER', outletId: mine });
	const [cookie] = answer.headers['set-cookie'];
	assert.match(cookie, /^waconn_session=[^;]+;/);
	assert.match(cookie, /; *HttpOnly/i);
	assert.match(cookie, /; *SameSite=Strict/i);
	assert.equal(answer.headers['cache-control'], 'no-store');
	const me = await world.api(token).get('/auth/me');
	assert.deepEqual(me.user, user);
});

scenario('a token counts in Authorization and in X-Api-Key, and nowhere else', async () => {
	const { token } = (await login('umar', PASSWORD)).json;

	assert.equal((await new Api(world.base, null, { 'X-Api-Key': token }).get('/auth/me')).user.username, 'umar');
	await world.api().refused(401, 'unauthenticated', 'GET', `/auth/me?token=${token}`);
	await world.api().refused(401, 'unauthenticated', 'GET', '/auth/me');
	await world.api('wac_this-is-not-one').refused(401, 'unauthenticated', 'GET', '/auth/me');
	await new Api(world.base, null, { Authorization: `Basic ${token}` }).refused(401, 'unauthenticated', 'GET', '/auth/me');
});

scenario('a wrong name and a wrong password are refused alike', async () => {
	const wrongName = await login('nobody', PASSWORD);
	const wrongPassword = await login('ani', 'wrong');
	const plain = (answer) => ({ ...answer.json, requestId: undefined });

	assert.equal(wrongName.status, 401);
	assert.equal(wrongName.json.code, 'login_failed');
	assert.deepEqual(plain(wrongName), plain(wrongPassword));
	assert.equal(wrongPassword.headers['set-cookie'], undefined);
});

scenario('after repeated failures an account has to wait; others do not', async () => {
	let answer;

	for (let i = 0; i < 8; i++) {
		answer = await login('victim', `guess ${i}`);
		if (answer.status === 429)
			break;
		assert.equal(answer.status, 401);
	}
	assert.equal(answer.status, 429);
	assert.equal(answer.json.code, 'login_throttled');
	assert.ok(Number(answer.headers['retry-after']) >= 1);
	assert.equal((await login('ani', PASSWORD)).status, 200);
});

scenario('with the cookie, changes are accepted from the same origin only', async () => {
	const [cookie] = (await login('ani', PASSWORD)).headers['set-cookie'];
	const headers = { Cookie: cookie.split(';')[0] };
	const api = new Api(world.base, null, headers);
	const change = ['PATCH', `/outlets/${other}`, { name: 'Other' }];

	assert.equal((await api.get('/auth/me')).user.username, 'ani');
	await api.refused(403, 'origin_mismatch', ...change);
	for (const origin of ['http://evil.example', 'null', `${world.base}.evil.example`, world.base.replace('http', 'https')])
		await api.refused(403, 'origin_mismatch', ...change, { Origin: origin });
	assert.equal((await api.raw(change[0], change[1], { body: change[2], headers: { Origin: world.base } })).status, 200);
});

scenario('logout ends this session, and only this one', async () => {
	const [first, second] = [(await login('ani', PASSWORD)).json.token, (await login('ani', PASSWORD)).json.token];
	const answer = await world.api(first).raw('POST', '/auth/logout');

	assert.equal(answer.status, 200);
	assert.match(answer.headers['set-cookie'][0], /^waconn_session=;.*(Max-Age=0|Expires=)/i);
	await world.api(first).refused(401, 'unauthenticated', 'GET', '/auth/me');
	assert.equal((await world.api(second).get('/auth/me')).user.username, 'ani');
});

scenario('waconnctl makes API tokens, which can be revoked', async () => {
	const token = (await world.ctl(['token', 'add', 'n8n', '--user', 'ani', '--expires', '90d'])).trim();
	const api = world.api(token);

	assert.match(token, /^\S{20,}$/);
	assert.equal((await api.get('/auth/me')).user.username, 'ani');
	const { tokens } = await world.admin.get('/tokens');
	const { id, ...rest } = tokens.find((t) => t.name === 'n8n');
	assert.ok(!JSON.stringify(rest).includes(token));
	await world.ctl(['token', 'revoke', id]);
	await api.refused(401, 'unauthenticated', 'GET', '/auth/me');
});

/* What each role gets: a status, or a status and a code. Every call with its least body; {mine} and {other} are outlets. */
const NOT_FOUND = '404 not_found';
const FORBIDDEN = '403 forbidden';
const ROLES = [
	// method, path, body, USER, ADMIN, SUPERADMIN
	['GET', '/outlets', undefined, 200, 200, 200],
	['GET', '/outlets/status', undefined, 200, 200, 200],
	['GET', '/outlets/{mine}', undefined, 200, 200, 200],
	['GET', '/outlets/{other}', undefined, NOT_FOUND, 200, 200],
	['GET', '/outlets/{other}/status', undefined, NOT_FOUND, 200, 200],
	['GET', '/outlets/{other}/qr', undefined, NOT_FOUND, '404 no_qr', '404 no_qr'],
	['GET', '/outlets/{mine}/qr', undefined, '404 no_qr', '404 no_qr', '404 no_qr'],
	['GET', '/outlets/{other}/messages', undefined, NOT_FOUND, 200, 200],
	['GET', '/outlets/outlet_absent', undefined, NOT_FOUND, NOT_FOUND, NOT_FOUND],
	['POST', '/outlets', { name: 'X', whatsappNumber: 'no number' }, FORBIDDEN, '422 validation_failed', '422 validation_failed'],
	['PATCH', '/outlets/{mine}', { name: 'Mine' }, FORBIDDEN, 200, 200],
	['PATCH', '/outlets/{other}', { name: 'Other' }, '40[34] (forbidden|not_found)', 200, 200],
	['DELETE', '/outlets/{other}', 'skip', '40[34] (forbidden|not_found)', null, null],
	['POST', '/outlets/{other}/connect', { method: 'qr' }, NOT_FOUND, null, null],
	['POST', '/outlets/{other}/pause', undefined, NOT_FOUND, null, null],
	['POST', '/outlets/{other}/messages', { to: '62812000001', text: 'x' }, NOT_FOUND, '409 outlet_not_healthy', '409 outlet_not_healthy'],
	['POST', '/outlets/{mine}/messages', { to: '62812000001', text: 'x' }, '409 outlet_not_healthy', '409 outlet_not_healthy',
		'409 outlet_not_healthy'],
	['GET', '/blasts', undefined, 200, 200, 200],
	['GET', '/blasts/blast_absent', undefined, NOT_FOUND, NOT_FOUND, NOT_FOUND],
	['GET', '/users', undefined, FORBIDDEN, FORBIDDEN, 200],
	['POST', '/users', { name: 'x', role: 'NONE', password: PASSWORD }, FORBIDDEN, FORBIDDEN, '422 validation_failed'],
	['GET', '/tokens', undefined, 200, 200, 200],
	['POST', '/tokens', { name: 'x', user: 'nobody-there' }, FORBIDDEN, FORBIDDEN, '(404|422) \\w+'],
];

scenario('each role may do what it may: a table of calls', async () => {
	const apis = [await world.login('umar', PASSWORD), await world.login('ani', PASSWORD), world.admin];
	const wrong = [];

	for (const [method, pattern, body, ...expected] of ROLES) {
		const path = pattern.replace('{mine}', mine).replace('{other}', other);

		await world.api().refused(401, 'unauthenticated', method, path, body === 'skip' ? undefined : body);
		for (const [i, api] of apis.entries()) {
			if (expected[i] === null)
				continue;
			const answer = await api.raw(method, path, { body: body === 'skip' ? undefined : body });
			const got = answer.status < 400 ? String(answer.status) : `${answer.status} ${answer.json.code}`;
			if (!new RegExp(`^${expected[i]}$`).test(got))
				wrong.push(`${method} ${pattern} as ${['USER', 'ADMIN', 'SUPERADMIN'][i]}: ${got}, not ${expected[i]}`);
		}
	}
	assert.deepEqual(wrong, []);
});

scenario('a USER sees its own outlet only, in lists too', async () => {
	const api = await world.login('umar', PASSWORD);
	const { statuses, count } = await api.get('/outlets/status');
	const { outlets } = await api.get('/outlets');

	assert.deepEqual(statuses.map((s) => s.outletId), [mine]);
	assert.equal(count, 1);
	assert.deepEqual(outlets.map((o) => o.id), [mine]);
	const preview = await api.post('/blasts/preview', {
		name: 'x', outlets: 'all', audience: { type: 'numbers', numbers: ['62812000001'] }, message: { text: 'x' },
	});
	assert.deepEqual(preview.outlets.map((o) => o.outletId), [mine]);
});

scenario('the programs say that they are there', async () => {
	const health = await request(world.base, 'GET', '/healthz');
	const ready = await request(world.base, 'GET', '/readyz');

	assert.equal(health.status, 200);
	assert.equal(health.json.daemon, true);
	assert.equal(ready.status, 200);
	assert.equal(ready.json.database, true);
	const root = await request(world.base, 'GET', '/');
	assert.ok([301, 302, 303, 307, 308].includes(root.status), String(root.status));
	assert.equal(new URL(root.headers.location, world.base).pathname, '/outlet-status');
});
