/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an outlet does with messages in groups (read, acknowledged, shown to nobody), and with those that come without their content. REST
 * and the simulator, which holds receipts and acks against what was sent.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { startWorld } from './world.mjs';

const NUMBER = '628720000001';
const ANA = '628720000002';
const BUDI = '628720000003';
const GROUP = '120363023456789012@g.us';

let world;
let id;
let last = 0;
before(async () => {
	world = await startWorld();
	id = await world.linkedOutlet('Member', NUMBER);
});
after(() => world?.stop());

const messageId = () => `3EB0${String(++last).padStart(18, '0')}`;
const write = (phone, text, more = {}) => world.sim.call('POST', `/phones/${phone}/group`, { group: GROUP, to: NUMBER, text, id: messageId(), ...more });
const bare = (phone, what, more = {}) => world.sim.call('POST', `/phones/${phone}/bare`, { to: NUMBER, what, id: messageId(), ...more });
const receipts = (message, count = 1) => world.sim.receipts({ id: message, wait: 30, count });
const types = (list) => list.map((r) => r.type);
const inbox = async () => (await world.admin.all(`/outlets/${id}/messages`, 'messages')).filter((m) => m.direction === 'in');
const acknowledged = () => waitFor(async () => {
	const { devices } = await world.sim.phone(NUMBER);
	return devices.find((d) => d.device !== 0).offline === 0;
}, 30_000, 'all to be acknowledged');

scenario('with their sender key, then without: read, and receipts go to who wrote', async () => {
	for (const phone of [ANA, BUDI]) {
		const first = await write(phone, 'to all, with the key');
		const second = await write(phone, 'to all', { key: false });

		for (const message of [first, second]) {
			const [receipt] = await receipts(message.id);
			assert.deepEqual([receipt.type, receipt.from, receipt.to], ['inactive', NUMBER, phone]);
		}
	}
	await acknowledged();
	assert.deepEqual(await inbox(), []);
});

scenario('a key that never came is asked for, and is known from then on; also after a restart', async () => {
	const phone = '628720000004';
	const first = await write(phone, 'under a key that nobody gave', { key: false });

	assert.deepEqual(types(await receipts(first.id, 2)).sort(), ['inactive', 'retry']);
	const second = await write(phone, 'under the same', { key: false });
	assert.deepEqual(types(await receipts(second.id)), ['inactive']);
	await world.restartDaemon({ kill: true });
	await world.healthy(id, 30_000);
	const third = await write(phone, 'and after a crash', { key: false });
	assert.deepEqual(types(await receipts(third.id)), ['inactive']);
	await acknowledged();
	assert.deepEqual(await inbox(), []);
});

scenario('much in groups does not hold up what customers write', async () => {
	for (let i = 0; i < 100; i++)
		await write(i % 2 === 0 ? ANA : BUDI, `chatter ${i}`, { key: i % 10 < 2 });
	await world.sim.send('628720000005', NUMBER, 'halo');
	const [found] = await waitFor(async () => {
		const all = await inbox();
		return all.length > 0 && all;
	}, 30_000, 'the customer to be heard');
	assert.equal(found.text, 'halo');
	await acknowledged();
});

scenario('without content: acknowledged, or refused by its number; what only the phone shows has a line', async () => {
	const before = (await inbox()).length;
	const phone = '628720000006';
	const shown = [];

	for (const what of ['unavailable', 'view_once', 'hosted'])
		shown.push((await bare(phone, what)).id);
	for (const what of ['msmsg', 'empty'])
		await bare(phone, what);
	for (const what of ['unavailable', 'msmsg'])
		await bare(phone, what, { group: GROUP });
	await acknowledged();
	const found = await waitFor(async () => {
		const all = await inbox();
		return all.length >= before + shown.length && all;
	}, 30_000, 'a line for each');
	assert.equal(found.length, before + shown.length);
	assert.deepEqual([...new Set(found.filter((m) => m.peer === phone).map((m) => m.kind))], ['unavailable']);
	// None of it comes again.
	await world.admin.post(`/outlets/${id}/disconnect`);
	await world.waitStatus(id, 'DISCONNECTED');
	await world.admin.post(`/outlets/${id}/connect`);
	await world.healthy(id, 30_000);
	assert.equal((await inbox()).length, found.length);
});

scenario('nothing was said that WhatsApp does not expect', async () => {
	assert.deepEqual(await world.sim.violations(), []);
});
