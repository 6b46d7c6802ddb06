/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Webhooks with two daemons on one database: each event is sent by one of them, in order; what a killed one had in hand goes out through the other. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { owners, startDaemon } from './daemons.mjs';
import { Receiver } from './receiver.mjs';
import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { numbers, startWorld } from './world.mjs';

const PHONES = ['628450000001', '628450000002'];

let world;
let b;
let receiver;
let ids;
before(async () => {
	receiver = await new Receiver().start();
	world = await startWorld({ daemon: { webhooks: { allow_networks: '127.0.0.1/32', allow_http: 'yes', backoff_ms: 50 } } });
	ids = await Promise.all(PHONES.map((phone, i) => world.linkedOutlet(`Shared ${i}`, phone)));
	b = await startDaemon(world, 'host-b');
});
after(async () => {
	await receiver?.stop();
	await b?.stop();
	await world?.stop();
});

const texts = (path, outlet) => receiver.taken(path).filter((e) => e.data.message.outletId === outlet).map((e) => e.data.message.text);

async function say(words, from, until) {
	const [peer] = numbers(1, 53);

	for (let i = from; i < until; i++)
		for (const phone of PHONES)
			await world.sim.send(peer, phone, `${words} ${i}`);
}

scenario('both at work: each event is sent once, in the order of its outlet', async () => {
	const hook = await receiver.hook(world, '/both', { events: ['message.received'] });

	receiver.answer = () => 200;
	await say('both', 0, 50);
	await waitFor(() => ids.every((id) => texts('/both', id).length === 50), 60_000, 'all of it');
	for (const id of ids)
		assert.deepEqual(texts('/both', id), Array.from({ length: 50 }, (_, i) => `both ${i}`));
	assert.equal(receiver.received.filter((e) => e.path === '/both').length, 100);
	await b.admin.delete(`/webhooks/${hook.id}`);
});

scenario('what a daemon had in hand when it was killed is sent by the other, and nothing is lost', async () => {
	const hook = await receiver.hook(world, '/takeover', { events: ['message.received'] });
	let release;
	const asked = () => receiver.received.filter((e) => e.path === '/takeover').length;
	const held = new Promise((resolve) => { release = resolve; });

	await b.stop();
	await waitFor(async () => [...(await owners(world)).values()].every((name) => name === 'world'), 30_000, 'the outlets to be of one daemon');
	for (const id of ids)
		await world.healthy(id, 30_000);
	receiver.answer = () => held.then(() => 200);
	await say('held', 0, 10);
	await waitFor(() => asked() === 2, 30_000, 'the first of each outlet');
	await b.start();
	await waitFor(async () => (await b.admin.get(`/webhooks/${hook.id}/deliveries`)).deliveries.length === 20, 30_000, 'all to be queued');
	assert.equal(asked(), 2, 'the other one sent what was on its way');
	await world.waconnd.kill();
	receiver.answer = () => 200;
	release();
	await waitFor(() => ids.every((id) => texts('/takeover', id).length === 10), 60_000, 'all of it');
	for (const id of ids)
		assert.deepEqual(texts('/takeover', id), Array.from({ length: 10 }, (_, i) => `held ${i}`));
	assert.deepEqual(receiver.wrong, []);
	await b.admin.delete(`/webhooks/${hook.id}`);
});
