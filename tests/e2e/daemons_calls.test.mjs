/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any gateway for any outlet: what is asked of a daemon about an outlet of another one (connect, QR, pairing code, pause, messages,
 * blasts), while that one answers, is frozen, or cannot hear the database's notifications.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { owners, startDaemon } from './daemons.mjs';
import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { numbers, startWorld } from './world.mjs';

const PHONES = ['628340000001', '628340000002'];

let world;
let b;
let mine; // of the world's own daemon
let theirs; // of host-b
before(async () => {
	world = await startWorld();
	b = await startDaemon(world, 'host-b');
	const ids = [await world.addOutlet('One', PHONES[0]), await world.addOutlet('Two', PHONES[1])];
	await waitFor(async () => new Set((await owners(world)).values()).size === 2, 15_000, 'one outlet for each daemon');
	const of = await owners(world);
	mine = ids.find((id) => of.get(id) === 'world');
	theirs = ids.find((id) => of.get(id) === 'host-b');
});
after(async () => {
	await b?.stop();
	await world?.stop();
});

const phoneOf = async (id) => (await world.admin.get(`/outlets/${id}`)).outlet.whatsappNumber;

const at = (api, id, wanted, deadline = 10_000) => waitFor(async () => {
	const { status } = await api.get(`/outlets/${id}/status`);
	if (!wanted(status))
		throw new Error(JSON.stringify(status));
	return status;
}, deadline, `${id} to be as wanted`);

/* A command through the other gateway, its problem's code or null. */
async function code(api, path, body) {
	const answer = await api.raw('POST', path, { body: body ?? {} });
	return answer.status < 300 ? null : answer.json.code;
}

scenario('an outlet is there for every daemon as soon as it was made at one', async () => {
	const { outlet } = await b.admin.post('/outlets', { name: 'Fresh', whatsappNumber: '628340000009' });
	const { status } = await world.admin.get(`/outlets/${outlet.id}/status`);

	assert.equal(status.outlet.name, 'Fresh');
	await world.admin.patch(`/outlets/${outlet.id}`, { name: 'Renamed' });
	await at(b.admin, outlet.id, (s) => s.outlet.name === 'Renamed');
	await world.admin.delete(`/outlets/${outlet.id}`);
	await waitFor(async () => (await b.admin.raw('GET', `/outlets/${outlet.id}/status`)).status === 404, 5000, 'it to be gone everywhere');
});

scenario('each daemon links the other one\'s outlet: its QR is shown there, and nowhere kept', async () => {
	for (const [api, id] of [[world.admin, theirs], [b.admin, mine]]) {
		const { status } = await api.post(`/outlets/${id}/connect`, { method: 'qr' });
		assert.equal(status.outletId, id);
		const { qr } = await waitFor(() => api.get(`/outlets/${id}/qr`), 10_000, 'the QR');
		assert.match(qr, /2@/);
		await at(api, id, (s) => s.session.qrCode === 'Present' && s.liveStatus.qrCode === 'Present');
		const picture = await api.raw('GET', `/outlets/${id}/qr?format=svg`);
		assert.equal(picture.headers['content-type'], 'image/svg+xml');
		await world.sim.scan(qr, await phoneOf(id));
		const linked = await at(api, id, (s) => s.healthy);
		assert.equal(linked.liveStatus.instance, id === mine ? 'world' : 'host-b');
		assert.equal(linked.session.qrCode, null);
	}
	assert.deepEqual(await world.sql('SELECT count(*) FROM forwarded_calls'), ['0']);
});

scenario('commands go to the owner, and so do its refusals', async () => {
	const path = `/outlets/${theirs}`;

	assert.equal(await code(world.admin, `${path}/connect`, { method: 'qr' }), 'already_connected');
	assert.equal(await code(world.admin, `${path}/resume`), 'not_paused');
	const { status } = await world.admin.post(`${path}/pause`, {});
	assert.equal(status.session.status === 'PAUSED' || status.liveStatus.status === 'PAUSED', true);
	await at(world.admin, theirs, (s) => s.session.status === 'PAUSED' && s.liveStatus.status === 'PAUSED');
	assert.equal(await code(world.admin, `${path}/pause`), 'outlet_paused');
	await world.admin.post(`${path}/resume`, {});
	await at(world.admin, theirs, (s) => s.healthy);
	await world.admin.post(`${path}/disconnect`, {});
	await at(world.admin, theirs, (s) => s.liveStatus.status === 'DISCONNECTED');
	await world.admin.post(`${path}/connect`, {});
	await at(world.admin, theirs, (s) => s.healthy);
	assert.equal((await world.admin.raw('GET', `${path}/qr`)).json.code, 'no_qr');
	assert.deepEqual(await world.sql(`SELECT DISTINCT actor FROM audit WHERE subject = '${theirs}' AND action = 'outlet_pause'`), ['admin']);
});

scenario('keys that were given up come back through the other daemon; and not by a daemon whose lease was ended', async () => {
	const restore = (daemon) => world.ctl(['-s', daemon.socket, 'restore-keys', theirs]);
	const phone = await phoneOf(theirs);
	const lost = async () => {
		await world.sim.fault('failure', { phone, when: 'login', reason: 401 });
		await world.sim.fault('reset', { phone });
		await at(world.admin, theirs, (s) => s.session.lastError?.code === 'logged_out');
	};

	await lost();
	// Its lease is ended while the keys are asked for: the transaction that ends it is there first.
	const ended = world.sql(`DO $$ BEGIN
		UPDATE instances SET epoch = epoch + 1, boot = NULL WHERE name = 'host-b';
		FOR i IN 1..1000 LOOP
			PERFORM pg_stat_clear_snapshot();
			EXIT WHEN EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
				AND query LIKE '%keys_restore%');
			PERFORM pg_sleep(0.02);
		END LOOP;
	END $$`);
	await waitFor(async () => (await world.sql(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
		AND wait_event = 'PgSleep'`)).length === 1, 10_000, 'the lease to be held', 5);
	await assert.rejects(restore(b), /owner_unavailable/);
	await ended;
	assert.deepEqual(await world.sql(`SELECT count(*) FROM kept_links WHERE outlet_id = '${theirs}'`), ['1']);

	await waitFor(async () => (await owners(world)).has(theirs) && (await world.sql('SELECT 1 FROM instances WHERE boot IS NOT NULL')).length === 2,
		20_000, 'an owner, and the other daemon');
	const owner = (await owners(world)).get(theirs);
	await waitFor(() => restore(owner === 'world' ? b : world), 20_000, 'its owner to bring them back', 200);
	await at(world.admin, theirs, (s) => s.session.status === 'DISCONNECTED' && s.session.lastError === null);
	await world.admin.post(`/outlets/${theirs}/connect`, {});
	await at(world.admin, theirs, (s) => s.healthy, 20_000);
});

scenario('what one daemon takes is sent by the outlet\'s own at once', async () => {
	const [to] = numbers(1, 41);

	await world.admin.post(`/outlets/${theirs}/messages`, { to, text: 'through the other' });
	assert.equal((await world.sim.messages({ to, wait: 4, count: 1 })).length, 1);
});

scenario('a blast ordered at one is paused and resumed at the other', async () => {
	const list = numbers(60, 42);
	const blast = await world.blast([theirs], list, 'paused from afar', { pace: { perMinute: 600, jitter: 0 } });
	const got = async (api) => (await api.get(`/blasts/${blast.id}`)).blast;

	await waitFor(async () => (await got(world.admin)).counts.sent + (await got(world.admin)).counts.delivered >= 3, 10_000, 'it to begin');
	await world.admin.post(`/blasts/${blast.id}/pause`, {});
	await waitFor(async () => (await got(b.admin)).counts.sending === 0, 10_000, 'what was in flight');
	const still = (await got(b.admin)).counts.queued;
	assert.ok(still > 0);
	await b.admin.post(`/blasts/${blast.id}/resume`, {});
	await waitFor(async () => (await got(world.admin)).status === 'COMPLETED', 30_000, 'it to be completed', 200);
	const found = (await world.sim.messages({})).filter((m) => m.text === 'paused from afar');
	assert.equal(found.length, list.length);
});

scenario('what waits at the other daemon\'s outlet is given to ours: its owner does it, and each hears it once', async () => {
	const list = numbers(60, 45);
	const blast = await world.blast([theirs], list, 'given from afar', { pace: { perMinute: 600, jitter: 0 } });
	const got = async (api) => (await api.get(`/blasts/${blast.id}`)).blast;

	await waitFor(async () => (await got(world.admin)).counts.queued < 57, 10_000, 'it to begin');
	const { moved } = await world.admin.post(`/blasts/${blast.id}/move`, { from: theirs, to: [mine] });
	assert.ok(moved > 0);
	await waitFor(async () => (await got(b.admin)).status === 'COMPLETED', 30_000, 'it to be completed', 200);
	const found = await waitFor(async () => {
		const all = (await world.sim.messages({})).filter((m) => m.text === 'given from afar');
		return all.length >= list.length && all;
	}, 10_000, 'all messages');
	assert.deepEqual(found.map((m) => m.to).sort(), [...list].sort());
	const own = await phoneOf(mine);
	assert.equal(found.filter((m) => m.from === own).length, moved);
});

scenario('failed ones that one daemon is asked to retry are sent by the other', async () => {
	const [phone] = numbers(1, 46);

	await world.sim.setPhone(phone, { registered: false });
	const blast = await world.blast([theirs], [phone], 'at the second time');
	await world.waitBlast(blast.id, 'COMPLETED');
	assert.equal((await world.recipients(blast.id))[0].reason, 'not_on_whatsapp');
	await world.sim.setPhone(phone, { registered: true });
	await world.admin.post(`/blasts/${blast.id}/retry`, {});
	assert.equal((await world.sim.messages({ to: phone, wait: 20, count: 1 })).length, 1);
});

scenario('a token revoked at one daemon is refused by the other at once', async () => {
	const { token } = await world.admin.post('/tokens', { name: 'short-lived' });
	const { id } = (await world.admin.get('/tokens')).tokens.find((t) => t.name === 'short-lived');
	const api = new b.admin.constructor(b.base, token);

	await api.get('/auth/me');
	await world.admin.delete(`/tokens/${id}`);
	await waitFor(async () => (await api.raw('GET', '/auth/me')).status === 401, 2000, 'the token to be refused', 20);
});

/* It may take longer than other commands may: WhatsApp is asked slowly. */
scenario('many numbers are checked through the other one\'s outlet', async () => {
	const list = Array.from({ length: 200 }, (_, i) => `62834120${String(i).padStart(4, '0')}`);

	await world.sim.setPhone(list[133], { registered: false });
	const { numbers: found } = await world.admin.post('/numbers/check', { outletId: theirs, numbers: list });
	assert.deepEqual(found.filter((n) => n.onWhatsapp !== true).map((n) => n.phone), [list[133]]);
	assert.equal(found.length, 200);
});

scenario('the listening connections are killed: commands are still answered, soon', async () => {
	await world.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name LIKE 'waconnd@%'`);
	await waitFor(async () => await code(world.admin, `/outlets/${theirs}/connect`, { method: 'qr' }) === 'already_connected', 15_000,
		'the owner to answer');
	await at(world.admin, theirs, (s) => s.healthy, 15_000);
});

scenario('an owner that is frozen: commands say so, then another has it', { timeout: 180_000 }, async () => {
	b.waconnd.signal('SIGSTOP');
	const answer = await world.admin.raw('POST', `/outlets/${theirs}/pause`, { body: {} });
	assert.ok([503, 504].includes(answer.status), `${answer.status}`);
	assert.ok(['daemon_timeout', 'owner_unavailable'].includes(answer.json.code));
	await waitFor(async () => (await owners(world)).get(theirs) === 'world', 20_000, 'the takeover');
	await at(world.admin, theirs, (s) => s.healthy);
	// A request that was put down for the frozen one is not done when it goes on.
	b.waconnd.signal('SIGCONT');
	await waitFor(async () => (await world.sql("SELECT boot IS NOT NULL FROM instances WHERE name = 'host-b'"))[0] === 't', 20_000, 'it to be back');
	await at(world.admin, theirs, (s) => s.healthy);
});

scenario('logout through the other daemon unlinks and erases', async () => {
	await waitFor(async () => new Set((await owners(world)).values()).size === 2, 60_000, 'one outlet for each daemon');
	const of = await owners(world);
	const [id] = [...of].find(([, owner]) => owner === 'host-b');

	await at(world.admin, id, (s) => s.healthy, 20_000);
	await world.admin.post(`/outlets/${id}/logout`, {});
	await at(world.admin, id, (s) => s.session.status === 'DISCONNECTED' && s.unhealthyReasons.includes('no_user_id'));
	await world.admin.post(`/outlets/${id}/connect`, { method: 'code' });
	const { code: typed } = await waitFor(() => world.admin.get(`/outlets/${id}/pairing-code`), 10_000, 'a pairing code');
	assert.match(typed, /^[A-Z0-9]{4}-[A-Z0-9]{4}$/);

	// With a passkey: each step of it.
	const phone = await phoneOf(id);
	await world.sim.setPhone(phone, { passkey: 'demanded' });
	await world.sim.typeCode(phone, typed);
	const { options } = await world.passkey(id, 'assertion');
	const wrong = await world.admin.raw('POST', `/outlets/${id}/passkey`, { body: await world.sim.passkey(phone, options, 'origin') });
	assert.deepEqual([wrong.status, wrong.json.errors[0].code], [422, 'other_origin']);
	await world.admin.post(`/outlets/${id}/passkey`, await world.sim.passkey(phone, options));
	await world.passkey(id, 'confirm');
	await world.admin.post(`/outlets/${id}/passkey/confirm`, {});
	await at(world.admin, id, (s) => s.healthy, 30_000);
});
