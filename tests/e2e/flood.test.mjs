/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * More comes in than the database takes: the link stops reading and goes on, and of 1500 messages that arrive while the database is away none is
 * lost and none is there twice. REST, simulator, a database of its own.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { numbers, startWorld } from './world.mjs';

const OURS = '628750000001';
const PHONES = numbers(30, 75);
const ROUNDS = 50;

let world;
let id;
before(async () => {
	world = await startWorld({ database: 'own' });
	id = await world.linkedOutlet('Flood', OURS);
});
after(() => world?.stop());

const count = async (where) => Number((await world.sql(`SELECT count(*) FROM messages WHERE outlet_id = '${id}' AND NOT outgoing ${where}`))[0]);

scenario('1500 messages while the database is away: all of them, each once, and the outlet goes on', async () => {
	await Promise.all(PHONES.map((phone) => world.sim.send(phone, OURS, 'to begin with')));
	await waitFor(async () => await count('') === PHONES.length, 20_000, 'the first ones');
	await world.stopDatabase();
	for (let round = 0; round < ROUNDS; round++)
		await Promise.all(PHONES.map((phone) => world.sim.send(phone, OURS, `${phone} ${round}`)));
	await world.startDatabase();
	await waitFor(async () => await count('') === PHONES.length * (ROUNDS + 1), 60_000, 'all of them');
	assert.equal(await count("AND text <> 'to begin with' AND text = phone || ' ' || split_part(text, ' ', 2)"), PHONES.length * ROUNDS);
	await waitFor(async () => (await world.sim.phone(OURS)).devices.every((d) => d.offline === 0), 30_000, 'all to be acknowledged');
	await world.healthy(id, 30_000);
	await world.admin.post(`/outlets/${id}/messages`, { to: PHONES[0], text: 'still here' });
	await waitFor(async () => (await world.sim.messages({ to: PHONES[0] })).some((m) => m.text === 'still here'), 20_000, 'a message out');
});
