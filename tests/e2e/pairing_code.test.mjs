/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Linking by a code that is typed into the phone: rightly, wrongly, too late, refused by the server; renewed, given up, changed for a QR;
 * what events and who sees of it; waconnctl. REST and the simulator.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { startWorld } from './world.mjs';

const PASSWORD = 'correct horse battery';
const CODE = /^[1-9A-HJ-NP-TV-Z]{4}-[1-9A-HJ-NP-TV-Z]{4}$/;

let world;
let next = 0;
before(async () => { world = await startWorld(); });
after(() => world?.stop());

const phone = () => `62829${String(++next).padStart(7, '0')}`;
const byCode = (id, more = {}) => world.admin.post(`/outlets/${id}/connect`, { method: 'code', ...more });
const wrong = (code) => (code.startsWith('1') ? '2222-2222' : '1111-1111');

async function outlet(name) {
	const number = phone();

	return { number, id: await world.addOutlet(name, number) };
}

scenario('typed rightly: linked, logged in, and the device works', async () => {
	const { number, id } = await outlet('By code');
	const path = `/outlets/${id}/pairing-code`;

	await world.admin.refused(404, 'no_code', 'GET', path);
	const command = await world.admin.raw('POST', `/outlets/${id}/connect`, { body: { method: 'code', phoneNumber: `+62 ${number.slice(2)}` } });
	assert.equal(command.status, 202, command.text);
	const shown = await world.pairingCode(id);
	assert.match(shown.code, CODE);
	assert.deepEqual(Object.keys(shown).sort(), ['code', 'expiresAt', 'success']);
	const left = Date.parse(shown.expiresAt) - Date.now();
	assert.ok(left > 170_000 && left <= 181_000, `expires in ${left} ms`);
	assert.equal((await world.admin.raw('GET', path)).headers['cache-control'], 'no-store');
	const waiting = await world.waitStatus(id, 'CONNECTING');
	assert.deepEqual([waiting.session.qrCode, waiting.liveStatus.qrCode], [null, null]);
	await world.admin.refused(404, 'no_qr', 'GET', `/outlets/${id}/qr`);

	// As people type: in small letters, without the dash.
	const { jid, device } = await world.sim.typeCode(number, shown.code.toLowerCase().replace('-', ''), { platform: 'iphone' });
	assert.equal(jid, `${number}:${device}@s.whatsapp.net`);
	const linked = await world.healthy(id);
	assert.equal(linked.session.lastError, null);
	await world.admin.refused(404, 'no_code', 'GET', path);
	await world.admin.refused(409, 'already_connected', 'POST', `/outlets/${id}/connect`, { method: 'code' });
	const to = phone();
	await world.admin.post(`/outlets/${id}/messages`, { to, text: 'linked by code' });
	assert.equal((await world.sim.messages({ to, wait: 10, count: 1 }))[0].text, 'linked by code');
	// With its keys it logs in, whatever way of linking is named.
	await world.admin.post(`/outlets/${id}/disconnect`);
	await world.waitStatus(id, 'DISCONNECTED');
	await byCode(id);
	await world.healthy(id);
});

scenario('typed wrongly: the code stays and may be typed again', async () => {
	const { number, id } = await outlet('Typing error');

	await byCode(id);
	const { code } = await world.pairingCode(id);
	for (let i = 0; i < 2; i++)
		await assert.rejects(world.sim.typeCode(number, wrong(code)), /409.*the code is wrong/);
	assert.equal((await world.admin.get(`/outlets/${id}/pairing-code`)).code, code);
	assert.equal((await world.status(id)).liveStatus.status, 'CONNECTING');
	await world.sim.typeCode(number, code);
	await world.healthy(id);
});

scenario('typed wrongly three times: over', async () => {
	const { number, id } = await outlet('Guessing');

	await byCode(id);
	const { code } = await world.pairingCode(id);
	for (let i = 0; i < 3; i++)
		await assert.rejects(world.sim.typeCode(number, wrong(code)), /the code is wrong/);
	await assert.rejects(world.sim.typeCode(number, code), /409.*too often/);
	assert.deepEqual((await world.sim.phone(number)).devices.filter((d) => d.device !== 0), []);
	await world.admin.post(`/outlets/${id}/disconnect`);
	await world.waitStatus(id, 'DISCONNECTED');
});

scenario('a code is for the outlet\'s own phone', async () => {
	const { number, id } = await outlet('Own phone');

	const problem = await world.admin.refused(422, 'validation_failed', 'POST', `/outlets/${id}/connect`, { method: 'code', phoneNumber: phone() });
	assert.deepEqual(problem.errors.map((e) => [e.field, e.code]), [['phoneNumber', 'other_number']]);
	await world.admin.refused(422, 'validation_failed', 'POST', `/outlets/${id}/connect`, { method: 'code', phoneNumber: 'x' });
	assert.equal((await world.status(id)).liveStatus.status, 'DISCONNECTED');
	await byCode(id, { phoneNumber: number });
	const { code } = await world.pairingCode(id);
	await assert.rejects(world.sim.typeCode(phone(), code), /404/);
	await world.sim.typeCode(number, code);
	await world.healthy(id);
});

scenario('the server retires a code: another one on the same connection', async () => {
	const { number, id } = await outlet('Refreshed');

	await byCode(id);
	const first = await world.pairingCode(id);
	const { connects } = (await world.sim.state()).stats;
	await world.sim.fault('code_refresh');
	const second = await world.pairingCode(id, 10_000, first.code);
	assert.equal((await world.sim.state()).stats.connects, connects);
	await assert.rejects(world.sim.typeCode(number, first.code), /the code is wrong/);
	await world.sim.typeCode(number, second.code);
	await world.healthy(id);
});

scenario('expired: a new connection and a new code; nobody types in all rounds: it stops and says so', async () => {
	const { id } = await outlet('Nobody types');
	let last = null;

	await byCode(id);
	for (let round = 0; round < 3; round++) {
		last = (await world.pairingCode(id, 20_000, last)).code;
		await world.sim.fault('qr_expire');
	}
	const status = await world.waitStatus(id, 'DISCONNECTED', 20_000);
	assert.equal(status.session.lastError.code, 'code_expired');
	assert.ok(status.session.lastError.message.length > 0 && status.session.lastError.action.length > 0);
	await world.admin.refused(404, 'no_code', 'GET', `/outlets/${id}/pairing-code`);
});

scenario('refused by the server: FAILED, each with its own words, and not asked again', async () => {
	const codes = { 400: 'code_refused', 403: 'code_forbidden', 429: 'code_throttled', 452: 'code_unavailable', 500: 'code_refused' };
	const said = new Set();

	for (const [error, code] of Object.entries(codes)) {
		const { number, id } = await outlet(`Refused ${error}`);

		await world.sim.fault('code_error', { phone: number, error: Number(error) });
		await byCode(id);
		const status = await world.waitStatus(id, 'FAILED');
		assert.equal(status.session.lastError.code, code);
		said.add(status.session.lastError.message);
		// The QR is another way; and a code may be had later.
		await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
		await world.qr(id);
		await byCode(id);
		const again = await world.pairingCode(id);
		await world.sim.typeCode(number, again.code);
		assert.equal((await world.healthy(id)).session.lastError, null);
	}
	assert.equal(said.size, 4);
});

scenario('a phone that is not on WhatsApp gets no code', async () => {
	const { number, id } = await outlet('No account');

	await world.sim.setPhone(number, { registered: false });
	await byCode(id);
	assert.equal((await world.waitStatus(id, 'FAILED')).session.lastError.code, 'code_refused');
});


scenario('an answer of the phone that does not verify links nothing', async () => {
	for (const fault of ['hmac', 'signature']) {
		const { number, id } = await outlet(`Forged ${fault}`);

		await byCode(id);
		await world.sim.typeCode(number, (await world.pairingCode(id)).code, { fault });
		assert.equal((await world.waitStatus(id, 'FAILED')).session.lastError.code, 'pairing_failed');
		await byCode(id);
		await world.sim.typeCode(number, (await world.pairingCode(id)).code);
		await world.healthy(id);
	}
});

scenario('from QR to code and back, while either is shown', async () => {
	const { number, id } = await outlet('Changing ways');

	await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
	const old = await world.qr(id);
	await byCode(id);
	const { code } = await world.pairingCode(id);
	await world.admin.refused(404, 'no_qr', 'GET', `/outlets/${id}/qr`);
	await assert.rejects(world.sim.scan(old.qr, number), /404/);
	await byCode(id); // once more is the same
	assert.equal((await world.admin.get(`/outlets/${id}/pairing-code`)).code, code);
	await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
	await world.admin.refused(404, 'no_code', 'GET', `/outlets/${id}/pairing-code`);
	const { qr } = await world.qr(id);
	await assert.rejects(world.sim.typeCode(number, code), /404/);
	await world.sim.scan(qr, number);
	await world.healthy(id);
});

scenario('after a restart of the daemon a code must be asked for anew', async () => {
	const { number, id } = await outlet('Restarted');

	await byCode(id);
	const { code } = await world.pairingCode(id);
	await world.restartDaemon({ kill: true });
	await world.admin.refused(404, 'no_code', 'GET', `/outlets/${id}/pairing-code`);
	await byCode(id);
	const fresh = await world.pairingCode(id, 10_000, code);
	await world.sim.typeCode(number, fresh.code);
	await world.healthy(id);
});

scenario('the code is in no event and no log; another outlet\'s user does not see it', async () => {
	const { number, id } = await outlet('Secret');
	const other = await world.addOutlet('Not theirs', phone());
	await world.addUser('ursula', 'USER', PASSWORD, other);
	const user = await world.login('ursula', PASSWORD);
	const stream = await world.admin.events();

	await byCode(id);
	const event = await stream.next((e) => e.kind === 'qr' && e.data.outletId === id, 10_000, 'a qr event');
	assert.deepEqual(Object.keys(event.data).sort(), ['expiresAt', 'method', 'outletId']);
	assert.equal(event.data.method, 'code');
	const { code, expiresAt } = await world.pairingCode(id);
	assert.equal(event.data.expiresAt, expiresAt);
	await user.refused(404, 'not_found', 'GET', `/outlets/${id}/pairing-code`);
	await user.refused(404, 'not_found', 'POST', `/outlets/${id}/connect`, { method: 'code' });
	await world.sim.typeCode(number, code);
	await world.healthy(id);
	const told = JSON.stringify(stream.events) + fs.readFileSync(world.waconnd.log, 'utf8') + fs.readFileSync(world.apigw.log, 'utf8');
	for (const secret of [code, code.replace('-', '')])
		assert.ok(!told.includes(secret));
	stream.close();
});

scenario('waconnctl connect --code prints each code until it is linked', async () => {
	const { number, id } = await outlet('By hand');
	const printed = world.ctl(['connect', id, '--code']);
	const first = await world.pairingCode(id);

	await world.sim.fault('code_refresh');
	const second = await world.pairingCode(id, 10_000, first.code);
	await world.sim.typeCode(number, second.code);
	const text = await printed;
	const codes = text.split('\n').filter((line) => CODE.test(line));
	assert.deepEqual(codes, [first.code, second.code]);
	assert.match(text, /connected: /);
	await waitFor(async () => (await world.status(id)).healthy, 5000, 'the outlet to be healthy');
});
