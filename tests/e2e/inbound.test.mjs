/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What comes in, much of it and through crashes: none lost, none twice, pre-keys made anew as they are used up; two outlets that write to each
 * other; a crash while linking. REST, simulator, kill -9.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { numbers, startWorld } from './world.mjs';

const ONE = '628710000001';
const TWO = '628710000002';

let world;
let one;
let two;
before(async () => {
	world = await startWorld();
	[one, two] = await Promise.all([world.linkedOutlet('One', ONE), world.linkedOutlet('Two', TWO)]);
});
after(() => world?.stop());

const inbox = async (id) => (await world.admin.all(`/outlets/${id}/messages`, 'messages')).filter((m) => m.direction === 'in');

scenario('200 messages of 40 phones, with two crashes among them: each arrives once', async () => {
	const phones = numbers(40, 71);
	const wanted = [];

	for (let round = 0; round < 5; round++) {
		for (const phone of phones) {
			await world.sim.send(phone, ONE, `${phone} says ${round}`);
			wanted.push(`${phone} says ${round}`);
		}
		if (round === 1 || round === 3) {
			await world.waconnd.kill();
			await world.startDaemon();
			await world.ready();
		}
	}
	const found = await waitFor(async () => {
		const all = await inbox(one);
		return all.length >= wanted.length && all;
	}, 30_000, `${wanted.length} messages`);
	assert.deepEqual(found.map((m) => m.text).sort(), wanted.sort());
	for (const m of found)
		assert.ok(m.text.startsWith(m.peer), `${m.peer}: ${m.text}`);
	await waitFor(async () => {
		const { devices } = await world.sim.phone(ONE);
		const { offline } = devices.find((d) => d.device !== 0);
		return offline === 0;
	}, 10_000, 'all to be acknowledged');
});

scenario('hundreds of first messages while it was away: all arrive, and pre-keys are made anew', async () => {
	const prekeys = async () => (await world.sim.phone(TWO)).devices.find((d) => d.device !== 0).prekeys;

	await waitFor(async () => await prekeys() >= 5, 10_000, 'pre-keys');
	await world.admin.post(`/outlets/${two}/disconnect`);
	await world.waitStatus(two, 'DISCONNECTED');
	// Each phone that writes for the first time takes one; the last ones find none.
	const phones = numbers(await prekeys() + 8, 72);
	for (let at = 0; at < phones.length; at += 20)
		await Promise.all(phones.slice(at, at + 20).map((phone) => world.sim.send(phone, TWO, 'hello')));
	assert.equal(await prekeys(), 0);
	await world.admin.post(`/outlets/${two}/connect`, { method: 'qr' });
	const found = await waitFor(async () => {
		const all = await inbox(two);
		return all.length >= phones.length && all;
	}, 40_000, `${phones.length} messages`);
	assert.deepEqual(found.map((m) => m.peer).sort(), phones);
	await waitFor(async () => await prekeys() >= 5, 15_000, 'new pre-keys');
	await world.healthy(two);
});

scenario('two outlets write to each other', async () => {
	for (const [from, to, number, text] of [[one, two, TWO, 'from one'], [two, one, ONE, 'from two'], [one, two, TWO, 'from one again']]) {
		const { message } = await world.admin.post(`/outlets/${from}/messages`, { to: number, text });
		await waitFor(async () => (await inbox(to)).filter((m) => m.text === text).length === 1, 10_000, `"${text}"`);
		await waitFor(async () => (await world.admin.get(`/messages/${message.id}`)).message.status === 'DELIVERED', 10_000, 'DELIVERED');
	}
});

scenario('kill -9 around a scan: linked, or ready to be linked again', async () => {
	for (const [i, moment] of ['before', 'after'].entries()) {
		const number = `62872000000${i}`;
		const id = await world.addOutlet(`Crash ${moment} the scan`, number);

		await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
		const { qr } = await world.qr(id);
		if (moment === 'after')
			await world.sim.scan(qr, number);
		await world.waconnd.kill();
		await world.startDaemon();
		await world.ready();
		const settled = await world.waitStatus(id, (s) => s.healthy || ['DISCONNECTED', 'FAILED'].includes(s.session.status), 20_000);
		if (!settled.healthy)
			await world.link(id, number);
		const to = `62873000000${i}`;
		await world.admin.post(`/outlets/${id}/messages`, { to, text: 'after all' });
		assert.equal((await world.sim.messages({ to, wait: 10, count: 1 })).length, 1);
	}
});
