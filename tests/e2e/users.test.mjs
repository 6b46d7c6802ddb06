/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Users, API tokens with scopes, sessions, passwords, the throttle under many logins at once, and the audit log. REST, waconnctl, SQL.
 * No phone is linked here.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { startWorld } from './world.mjs';

const PASSWORD = 'correct horse battery';

let world;
let mine;
let other;
before(async () => {
	world = await startWorld();
	mine = await world.addOutlet('Mine', '62811000001');
	other = await world.addOutlet('Other', '62811000002');
});
after(() => world?.stop());

const fields = (problem) => problem.errors.map((e) => e.field).sort();
const audit = async (query) => (await world.admin.get(`/audit?${query}`)).entries;

scenario('users: made, read, changed, listed, removed; never with a password', async () => {
	const { user } = await world.admin.post('/users', { username: 'umar', role: 'USER', outletId: mine, password: PASSWORD });

	assert.deepEqual(Object.keys(user).sort(), ['createdAt', 'id', 'outletId', 'role', 'username']);
	assert.deepEqual((await world.admin.get(`/users/${user.id}`)).user, user);
	const session = await world.login('umar', PASSWORD);
	const changed = (await world.admin.patch(`/users/${user.id}`, { outletId: other, username: 'umar2' })).user;
	assert.deepEqual(changed, { ...user, username: 'umar2', outletId: other });
	assert.equal((await session.get('/auth/me')).user.outletId, other); // at once
	const admin = (await world.admin.patch(`/users/${user.id}`, { role: 'ADMIN' })).user;
	assert.deepEqual([admin.role, admin.outletId], ['ADMIN', null]);
	assert.ok((await world.admin.all('/users', 'users', 1)).some((u) => u.id === user.id));
	assert.deepEqual((await world.admin.get('/users?q=UMAR')).users.map((u) => u.id), [user.id]);
	await world.admin.delete(`/users/${user.id}`);
	await session.refused(401, 'unauthenticated', 'GET', '/auth/me');
	for (const method of ['GET', 'DELETE'])
		await world.admin.refused(404, 'not_found', method, `/users/${user.id}`);
	await world.admin.refused(404, 'not_found', 'PATCH', `/users/${user.id}`, { role: 'ADMIN' });
});

scenario('what is not valid of a user is named, field by field', async () => {
	const refused = async (body, ...names) => assert.deepEqual(
		fields(await world.admin.refused(422, 'validation_failed', 'POST', '/users', body)), names);

	await refused({}, 'password', 'role');
	await refused({ role: 'ADMIN', password: PASSWORD }, 'username');
	await refused({ username: 'x', role: 'KING', password: 'short' }, 'password', 'role');
	await refused({ username: 'x', role: 'USER', password: PASSWORD }, 'outletId');
	await refused({ username: 'x', role: 'ADMIN', outletId: mine, password: PASSWORD }, 'outletId');
	await refused({ username: 7, role: 'ADMIN', password: PASSWORD, colour: 'red' }, 'colour', 'username');
	await world.admin.post('/users', { username: 'twice', role: 'ADMIN', password: PASSWORD });
	await world.admin.refused(409, 'already_exists', 'POST', '/users', { username: 'twice', role: 'ADMIN', password: PASSWORD });
	await world.admin.refused(409, 'already_exists', 'PATCH',
		`/users/${(await world.admin.get('/users?q=twice')).users[0].id}`, { username: 'admin' });
});

scenario('the last SUPERADMIN stays one', async () => {
	const { id } = (await world.admin.get('/auth/me')).user;

	await world.admin.refused(409, 'last_superadmin', 'DELETE', `/users/${id}`);
	await world.admin.refused(409, 'last_superadmin', 'PATCH', `/users/${id}`, { role: 'ADMIN' });
	const { user } = await world.admin.post('/users', { username: 'second', role: 'SUPERADMIN', password: PASSWORD });
	await world.admin.delete(`/users/${user.id}`);
});

scenario('a password: the old one is asked for; other logins end, this one and API tokens stay', async () => {
	await world.addUser('ani', 'ADMIN', PASSWORD);
	const [here, there] = [await world.login('ani', PASSWORD), await world.login('ani', PASSWORD)];
	const token = world.api((await here.post('/tokens', { name: 'n8n' })).token);

	const wrong = await here.refused(422, 'validation_failed', 'POST', '/auth/password', { currentPassword: 'no', newPassword: `${PASSWORD}!` });
	assert.deepEqual(fields(wrong), ['currentPassword']);
	assert.deepEqual(fields(await here.refused(422, 'validation_failed', 'POST', '/auth/password',
		{ currentPassword: PASSWORD, newPassword: 'short' })), ['newPassword']);
	await here.post('/auth/password', { currentPassword: PASSWORD, newPassword: `${PASSWORD}!` });
	assert.equal((await here.get('/auth/me')).user.username, 'ani');
	assert.equal((await token.get('/auth/me')).user.username, 'ani');
	await there.refused(401, 'unauthenticated', 'GET', '/auth/me');
	await world.api().refused(401, 'login_failed', 'POST', '/auth/login', { username: 'ani', password: PASSWORD });
	await world.login('ani', `${PASSWORD}!`);
	// By the SUPERADMIN, all of them end.
	const { id } = (await here.get('/auth/me')).user;
	await world.admin.patch(`/users/${id}`, { password: PASSWORD });
	await here.refused(401, 'unauthenticated', 'GET', '/auth/me');
	await world.login('ani', PASSWORD);
});

scenario('a login goes on while it is used, and ends when it was not', async () => {
	const api = await world.login('ani', PASSWORD);
	const { id } = (await api.get('/auth/me')).user;
	const of = `user_id = '${id}' AND is_session`;

	await world.sql(`UPDATE tokens SET expires_at = now() + interval '1 minute', last_used_at = NULL WHERE ${of}`);
	await world.restartDaemon(); // what it remembers of tokens goes
	await api.get('/auth/me');
	assert.deepEqual(await world.sql(`SELECT bool_or(expires_at > now() + interval '11 hours') FROM tokens WHERE ${of}`), ['t']);
	// Not for ever.
	await world.sql(`UPDATE tokens SET created_at = now() - interval '40 days', last_used_at = NULL,
		expires_at = now() + interval '1 minute' WHERE ${of}`);
	await world.restartDaemon();
	await api.get('/auth/me');
	assert.deepEqual(await world.sql(`SELECT bool_or(expires_at > now() + interval '2 minutes') FROM tokens WHERE ${of}`), ['f']);
	await world.sql(`UPDATE tokens SET expires_at = now() - interval '1 second' WHERE ${of}`);
	await world.restartDaemon();
	await api.refused(401, 'unauthenticated', 'GET', '/auth/me');
});

scenario('tokens: name, end, scopes, one outlet, last use', async () => {
	const made = await world.admin.post('/tokens', { name: 'reader', scopes: ['status:read'], expiresAt: '2099-01-01T00:00:00Z' });
	const reader = world.api(made.token);

	assert.deepEqual(made.apiToken.scopes, ['status:read']);
	assert.equal(made.apiToken.expiresAt, '2099-01-01T00:00:00Z');
	assert.equal(made.apiToken.lastUsedAt, null);
	await reader.get('/outlets/status');
	await reader.get('/auth/me');
	for (const [method, path, body] of [
		['GET', '/outlets'], ['GET', '/users'], ['GET', '/audit'], ['POST', `/outlets/${mine}/pause`], ['GET', '/events'],
		['POST', '/tokens', { name: 'more' }], ['POST', '/auth/password', { currentPassword: 'x', newPassword: 'yyyyyyyyyy' }],
		['DELETE', `/tokens/${made.apiToken.id}`]])
		await reader.refused(403, 'scope_missing', method, path, body);
	const { tokens } = await world.admin.get('/tokens');
	assert.ok(tokens.find((t) => t.id === made.apiToken.id).lastUsedAt);

	const one = await world.admin.post('/tokens', { name: 'one outlet', outletId: mine });
	const narrow = world.api(one.token);
	assert.deepEqual((await narrow.get('/outlets')).outlets.map((o) => o.id), [mine]);
	await narrow.refused(404, 'not_found', 'GET', `/outlets/${other}`);
	await narrow.refused(403, 'forbidden', 'POST', '/outlets', { name: 'x', whatsappNumber: '62811000009' });
	await narrow.refused(403, 'scope_missing', 'POST', '/tokens', { name: 'more' });

	const refused = async (body, field) => assert.deepEqual(
		fields(await world.admin.refused(422, 'validation_failed', 'POST', '/tokens', body)), [field]);
	await refused({ name: 'x', scopes: ['everything'] }, 'scopes');
	await refused({ name: 'x', scopes: [] }, 'scopes');
	await refused({ name: 'x', scopes: 'status:read' }, 'scopes');
	await refused({ name: 'x', outletId: 'outlet_absent' }, 'outletId');
	await refused({ name: 'x', expiresAt: '2001-01-01T00:00:00Z' }, 'expiresAt');
	await refused({ scopes: ['status:read'] }, 'name');
	await world.admin.delete(`/tokens/${one.apiToken.id}`);
	await narrow.refused(401, 'unauthenticated', 'GET', '/outlets');
});

scenario('an Idempotency-Key with users, outlets and tokens: once, and a token is shown once only', async () => {
	const key = (k) => ({ 'Idempotency-Key': k });
	const user = { username: 'once', role: 'ADMIN', password: PASSWORD };
	const [first, again] = [await world.admin.post('/users', user, key('u')), await world.admin.post('/users', user, key('u'))];

	assert.deepEqual(again.user, first.user);
	await world.admin.refused(422, 'idempotency_mismatch', 'POST', '/users', { ...user, username: 'other' }, key('u'));
	const outlet = { name: 'Once', whatsappNumber: '62811000005' };
	const both = await Promise.all([1, 2, 3, 4].map(() => world.admin.raw('POST', '/outlets', { body: outlet, headers: key('o') })));
	const made = new Set(both.filter((a) => a.status === 201).map((a) => a.json.outlet.id));
	assert.equal(made.size, 1);
	assert.ok(both.every((a) => a.status === 201 || a.json.code === 'idempotency_in_progress'), both.map((a) => a.text).join());
	assert.equal((await world.admin.post('/outlets', outlet, key('o'))).outlet.id, [...made][0]);
	const token = await world.admin.post('/tokens', { name: 'once' }, key('t'));
	const repeat = await world.admin.post('/tokens', { name: 'once' }, key('t'));
	assert.ok(token.token);
	assert.equal(repeat.token, null);
	assert.deepEqual(repeat.apiToken, token.apiToken);
	// Another user's key is another key.
	const ani = await world.login('ani', PASSWORD);
	assert.ok((await ani.post('/tokens', { name: 'once' }, key('t'))).token);
});

scenario('many logins at once are no more than many in turn', async () => {
	await world.addUser('victim', 'ADMIN', PASSWORD);
	const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => world.api().raw('POST', '/auth/login', {
		body: { username: 'victim', password: `guess ${i}` } })));
	const tried = answers.filter((a) => a.status === 401);

	assert.ok(tried.length <= 5, `${tried.length} were looked at`);
	assert.ok(answers.every((a) => [401, 429, 503].includes(a.status)));
	assert.ok(answers.filter((a) => a.status === 429).every((a) => Number(a.headers['retry-after']) >= 1));
});

scenario('every change stands in the audit log: who, from where, what, before and after', async () => {
	const { outlet } = await world.admin.post('/outlets', { name: 'Audited', whatsappNumber: '62811000006' });
	await world.admin.raw('PATCH', `/outlets/${outlet.id}`, { body: { name: 'Audited twice' }, headers: { 'X-Request-Id': 'my-request-1' } });
	await world.admin.patch(`/outlets/${outlet.id}`, { name: 'Audited twice' }); // changes nothing: no line
	await world.admin.delete(`/outlets/${outlet.id}`);

	const lines = await audit(`subject=${outlet.id}`);
	assert.deepEqual(lines.map((l) => l.action), ['outlet_remove', 'outlet_edit', 'outlet_add']);
	const [removed, edited, added] = lines;
	assert.deepEqual([added.before, added.after.name], [null, 'Audited']);
	assert.deepEqual([edited.before.name, edited.after.name], ['Audited', 'Audited twice']);
	assert.deepEqual([removed.before.name, removed.after], ['Audited twice', null]);
	assert.deepEqual([edited.actor, edited.remote, edited.requestId], ['admin', '127.0.0.1', 'my-request-1']);
	assert.ok(Date.parse(edited.at));
	await world.admin.post(`/outlets/${mine}/pause`);
	await world.admin.post(`/outlets/${mine}/resume`);
	const [paused] = await audit(`subject=${mine}&action=outlet_pause`);
	assert.deepEqual([paused.before, paused.after], [{ status: 'DISCONNECTED' }, { status: 'PAUSED' }]);
	// Nothing secret.
	const { user } = await world.admin.post('/users', { username: 'hidden', role: 'ADMIN', password: PASSWORD });
	await world.admin.patch(`/users/${user.id}`, { password: `${PASSWORD}2` });
	const { token } = await world.admin.post('/tokens', { name: 'hidden', user: 'hidden' });
	await world.admin.delete(`/users/${user.id}`);
	const all = JSON.stringify(await audit('limit=1000'));
	for (const secret of [PASSWORD, token, 'argon2'])
		assert.ok(!all.includes(secret), secret);
	assert.deepEqual((await audit(`subject=${user.id}&action=user_edit`))[0].detail, { passwordChanged: true });

	const from = encodeURIComponent(edited.at);
	assert.ok((await audit(`from=${from}&action=outlet_edit`)).some((l) => l.id === edited.id));
	assert.deepEqual(await audit(`to=2001-01-01T00:00:00Z`), []);
	assert.deepEqual((await audit(`q=${encodeURIComponent('audited TWICE')}&action=outlet_edit`)).map((l) => l.id), [edited.id]);
	assert.ok((await audit('actor=nobody')).length === 0);
	const paged = await world.admin.all('/audit', 'entries', 3);
	assert.deepEqual(paged.map((l) => Number(l.id)), paged.map((l) => Number(l.id)).sort((a, b) => b - a));
	assert.deepEqual(fields(await world.admin.refused(422, 'validation_failed', 'GET', '/audit?from=yesterday')), ['from']);
	assert.deepEqual(fields(await world.admin.refused(422, 'validation_failed', 'GET', '/audit?cursor=x')), ['cursor']);
});

scenario('the audit log is only added to, whoever asks the database', async () => {
	const count = async () => Number((await world.sql('SELECT count(*) FROM audit'))[0]);
	const before = await count();

	for (const change of ["UPDATE audit SET actor = 'nobody'", 'DELETE FROM audit', 'TRUNCATE audit', "SELECT audit_purge('1 day')"])
		await assert.rejects(async () => world.sql(change), change);
	assert.equal(await count(), before);
	await world.sql("INSERT INTO audit (at, actor, action) VALUES (now() - interval '100 days', 'old', 'x')");
	await world.sql("SELECT audit_purge('90 days')");
	assert.deepEqual(await audit('actor=old'), []);
	assert.equal((await audit('action=audit_purge'))[0].detail.lines, 1);
});

scenario('answers that may be kept have an ETag; others are not to be stored', async () => {
	for (const path of [`/outlets/${mine}`, '/users', '/outlets', '/tokens', '/auth/me', '/outlets/status']) {
		const first = await world.admin.raw('GET', path);
		const tag = first.headers.etag;

		assert.match(tag ?? '', /^"[^"]+"$/, path);
		const again = await world.admin.raw('GET', path, { headers: { 'If-None-Match': tag } });
		assert.deepEqual([again.status, again.text, again.headers.etag], [304, '', tag], path);
		assert.equal((await world.admin.raw('GET', path, { headers: { 'If-None-Match': '"other"' } })).status, 200, path);
	}
	assert.equal((await world.api().raw('POST', '/auth/login', { body: { username: 'admin', password: 'the first password' } }))
		.headers['cache-control'], 'no-store');
});

scenario('waconnctl: users, tokens, outlets and the audit log', async () => {
	await world.addUser('ctl', 'ADMIN', PASSWORD);
	await world.ctl(['user', 'passwd', 'ctl', '--password-stdin'], { input: `${PASSWORD} new\n` });
	const api = await world.login('ctl', `${PASSWORD} new`);
	const token = (await world.ctl(['token', 'add', 'scoped', '--user', 'ctl', '--scope', 'status:read', '--scope', 'blast:read'])).trim();

	await world.api(token).get('/blasts');
	await world.api(token).refused(403, 'scope_missing', 'GET', '/outlets');
	assert.match(await world.ctl(['token', 'list']), /status:read blast:read/);
	await world.ctl(['user', 'remove', 'ctl']);
	await api.refused(401, 'unauthenticated', 'GET', '/auth/me');
	await world.ctl(['user', 'remove', 'ctl'], { status: 1 });
	const id = (await world.ctl(['outlet', 'add', '--name', 'Gone', '--number', '62811000007'])).trim();
	await world.ctl(['outlet', 'remove', id]);
	await world.admin.refused(404, 'not_found', 'GET', `/outlets/${id}`);
	const lines = await world.ctl(['audit', '--query', id, '--since', '1h']);
	assert.match(lines, /outlet_remove/);
	assert.match(lines, /local:/);
	assert.ok(JSON.parse(await world.ctl(['--json', 'audit', '--user', 'admin'])).entries.length > 0);
});
