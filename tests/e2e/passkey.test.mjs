/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Linking an account that demands a passkey: by QR and by code, through the API and waconnctl; what does not answer the request, what
 * WhatsApp does not accept, nobody answering, a request that cannot be read; who sees it, and that none of it is logged. REST and the
 * simulator, which verifies as the relying party does.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { startWorld } from './world.mjs';

const PASSWORD = 'correct horse battery';
const CODE = /^[1-9A-HJ-NP-TV-Z]{4}-[1-9A-HJ-NP-TV-Z]{4}$/;

let world;
let next = 0;
before(async () => { world = await startWorld(); });
after(() => world?.stop());

const path = (id) => `/outlets/${id}/passkey`;

async function outlet(name, passkey = 'demanded') {
	const number = `62831${String(++next).padStart(7, '0')}`;

	await world.sim.setPhone(number, { passkey });
	return { number, id: await world.addOutlet(name, number) };
}

/* Scanned, and WhatsApp asks. */
async function asked(id, number) {
	assert.deepEqual(await world.scan(id, number), { passkey: true });
	return world.passkey(id, 'assertion');
}

const sign = (...args) => world.sim.passkey(...args);

scenario('by QR: the request is shown, the assertion given, and it is linked', async () => {
	const { number, id } = await outlet('By QR');

	await world.admin.refused(404, 'no_passkey', 'GET', path(id));
	await world.admin.refused(404, 'no_passkey', 'POST', path(id), await sign(number, { challenge: 'AAAA', rpId: 'whatsapp.com' }));
	const request = await asked(id, number);
	assert.deepEqual(Object.keys(request).sort(), ['code', 'expiresAt', 'options', 'step', 'success']);
	assert.deepEqual([request.options.rpId, request.options.userVerification, request.code], ['whatsapp.com', 'required', null]);
	assert.ok(request.options.challenge.length > 20 && request.options.allowCredentials.length === 1);
	const left = Date.parse(request.expiresAt) - Date.now();
	assert.ok(left > 500_000 && left <= 601_000, `expires in ${left} ms`);
	assert.equal((await world.admin.raw('GET', path(id))).headers['cache-control'], 'no-store');
	const waiting = await world.waitStatus(id, 'CONNECTING');
	assert.deepEqual([waiting.session.lastError.code, waiting.session.lastError.until, waiting.liveStatus.qrCode],
		['passkey_required', request.expiresAt, null]);
	await world.admin.refused(404, 'no_qr', 'GET', `/outlets/${id}/qr`);
	await world.admin.refused(409, 'passkey_step', 'POST', `${path(id)}/confirm`);
	// Asking for it anew while it waits changes nothing.
	await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
	assert.deepEqual((await world.admin.get(path(id))).options, request.options);

	const given = await world.admin.raw('POST', path(id), { body: await sign(number, request.options) });
	assert.equal(given.status, 202, given.text);
	assert.deepEqual([given.json.step, given.json.options], ['checking', null]);
	const linked = await world.healthy(id, 30_000);
	assert.equal(linked.session.lastError, null);
	await world.admin.refused(404, 'no_passkey', 'GET', path(id));
	await world.admin.post(`/outlets/${id}/messages`, { to: '628320000001', text: 'with a passkey' });
	assert.equal((await world.sim.messages({ to: '628320000001', wait: 30, count: 1 }))[0].text, 'with a passkey');
	const { entries } = await world.admin.get(`/audit?subject=${id}`);
	assert.ok(entries.some((e) => e.action === 'outlet_passkey_answer'));
});

scenario('by code: both show a code, and a person says that they are the same', async () => {
	const { number, id } = await outlet('By code');

	await world.admin.post(`/outlets/${id}/connect`, { method: 'code' });
	assert.deepEqual(await world.sim.typeCode(number, (await world.pairingCode(id)).code), { passkey: true });
	const { options } = await world.passkey(id, 'assertion');
	await world.admin.refused(404, 'no_code', 'GET', `/outlets/${id}/pairing-code`);
	await world.admin.post(path(id), await sign(number, options));
	const shown = await world.passkey(id, 'confirm');
	assert.match(shown.code, CODE);
	assert.equal((await world.sim.phone(number)).passkeyCode, shown.code);
	await world.admin.refused(409, 'passkey_step', 'POST', path(id), await sign(number, options));
	const confirmed = await world.admin.raw('POST', `${path(id)}/confirm`);
	assert.equal(confirmed.status, 202, confirmed.text);
	assert.deepEqual([confirmed.json.step, confirmed.json.code], ['finishing', null]);
	assert.equal((await world.healthy(id, 30_000)).session.lastError, null);
});

scenario('an assertion that does not answer the request is refused here, and the request stays', async () => {
	const { number, id } = await outlet('Wrong answers');
	const { options } = await asked(id, number);
	const wrong = {
		type: ['response.clientDataJSON', 'other_type'],
		challenge: ['response.clientDataJSON', 'other_challenge'],
		origin: ['response.clientDataJSON', 'other_origin'],
		site: ['response.authenticatorData', 'other_site'],
		unverified: ['response.authenticatorData', 'not_verified'],
		credential: ['id', 'other_credential'],
	};

	for (const [fault, [field, code]] of Object.entries(wrong)) {
		const problem = await world.admin.refused(422, 'validation_failed', 'POST', path(id), await sign(number, options, fault));
		assert.deepEqual(problem.errors.map((e) => [e.field, e.code]), [[field, code]], fault);
	}
	const good = await sign(number, options);
	const bodies = [
		{ ...good, rawId: 'AAAA' }, { ...good, type: 'password' }, { ...good, more: 1 }, { ...good, id: `${good.id}=`, rawId: `${good.id}=` },
		{ ...good, response: 'x' }, { ...good, response: { ...good.response, signature: '' } },
		{ ...good, response: { ...good.response, signature: 'A'.repeat(9000) } },
		{ ...good, response: { ...good.response, userHandle: 'A'.repeat(200) } }, {},
	];
	for (const body of bodies)
		await world.admin.refused(422, 'validation_failed', 'POST', path(id), body);
	assert.deepEqual((await world.admin.get(path(id))).options, options);
	await world.admin.post(path(id), good);
	await world.healthy(id, 30_000);
});

scenario('WhatsApp does not accept it: FAILED, in words; then once more from the beginning', async () => {
	const { number, id } = await outlet('Refused');
	const { options } = await asked(id, number);

	await world.admin.post(path(id), await sign(number, options, 'signature'));
	const { session } = await world.waitStatus(id, 'FAILED', 30_000);
	assert.equal(session.lastError.code, 'passkey_refused');
	assert.ok(session.lastError.message.length > 0 && session.lastError.action.length > 0);
	await world.admin.refused(404, 'no_passkey', 'GET', path(id));
	const again = await asked(id, number);
	assert.notEqual(again.options.challenge, options.challenge);
	// The answer of before is of no use any more.
	const old = await world.admin.refused(422, 'validation_failed', 'POST', path(id), await sign(number, options));
	assert.equal(old.errors[0].code, 'other_challenge');
	await world.admin.post(path(id), await sign(number, again.options));
	await world.healthy(id, 30_000);
});

scenario('nobody gives it before the server closes: FAILED, and it says what was asked for', async () => {
	const { number, id } = await outlet('Too late');
	const { options } = await asked(id, number);

	await world.sim.fault('qr_expire');
	const { session } = await world.waitStatus(id, 'FAILED', 30_000);
	assert.equal(session.lastError.code, 'passkey_required');
	await world.admin.refused(404, 'no_passkey', 'POST', path(id), await sign(number, options));
});

scenario('disconnected while it is asked for', async () => {
	const { number, id } = await outlet('Given up');

	await asked(id, number);
	await world.admin.post(`/outlets/${id}/disconnect`);
	const { session } = await world.waitStatus(id, 'DISCONNECTED', 30_000);
	assert.equal(session.lastError, null);
	await world.admin.refused(404, 'no_passkey', 'GET', path(id));
});

scenario('a request that cannot be read is asked for once more', async () => {
	const { number, id } = await outlet('Unread', 'unread');
	const { options } = await asked(id, number);

	await world.admin.post(path(id), await sign(number, options));
	await world.healthy(id, 30_000);
});

scenario('it is in no event and no log; another outlet\'s user sees nothing of it', async () => {
	const { number, id } = await outlet('Secret');
	const other = await world.addOutlet('Not theirs', '628319999999');
	await world.addUser('ursula', 'USER', PASSWORD, other);
	await world.addUser('umar', 'USER', PASSWORD, id);
	const stranger = await world.login('ursula', PASSWORD);
	const user = await world.login('umar', PASSWORD);
	const stream = await world.admin.events();

	const { options } = await asked(id, number);
	const event = await stream.next((e) => e.kind === 'qr' && e.data.method === 'passkey', 30_000, 'a passkey event');
	assert.deepEqual(Object.keys(event.data).sort(), ['expiresAt', 'method', 'outletId']);
	const assertion = await sign(number, options);
	await stranger.refused(404, 'not_found', 'GET', path(id));
	await stranger.refused(404, 'not_found', 'POST', path(id), assertion);
	await stranger.refused(404, 'not_found', 'POST', `${path(id)}/confirm`);
	// Whoever may link the outlet may give it.
	assert.deepEqual((await user.get(path(id))).options, options);
	await user.post(path(id), assertion);
	await world.healthy(id, 30_000);
	const told = JSON.stringify(stream.events) + fs.readFileSync(world.waconnd.log, 'utf8') + fs.readFileSync(world.apigw.log, 'utf8');
	for (const secret of [options.challenge, assertion.response.signature, assertion.response.clientDataJSON])
		assert.ok(!told.includes(secret));
	stream.close();
});

scenario('waconnctl prints the request and takes the browser\'s answer', async () => {
	const { number, id } = await outlet('By hand');
	const connected = world.ctl(['connect', id, '--code']);

	await world.sim.typeCode(number, (await world.pairingCode(id)).code);
	await world.passkey(id, 'assertion');
	const shown = await world.ctl(['passkey', id, '--show']);
	const options = JSON.parse(/parseRequestOptionsFromJSON\((\{.*\})\)\}\)\)\)$/m.exec(shown)[1]);
	await assert.rejects(world.ctl(['passkey', id], { input: 'nothing of the kind' }), /status 2.*not the JSON/s);
	await assert.rejects(world.ctl(['passkey', id], { input: JSON.stringify(await sign(number, options, 'origin')) }), /status 1/);
	await world.ctl(['passkey', id], { input: `${JSON.stringify(await sign(number, options))}\n` });
	const { code } = await world.passkey(id, 'confirm');
	const compare = await world.ctl(['passkey', id, '--show']);
	assert.ok(compare.startsWith(`${code}\n`), compare);
	await world.ctl(['passkey', id, '--confirm']);
	const text = await connected;
	assert.match(text, /waconnctl passkey outlet_\w+ --show/);
	assert.match(text, /connected: /);
});

scenario('nothing was said that WhatsApp does not expect', async () => {
	assert.deepEqual(await world.sim.violations(), []);
});
