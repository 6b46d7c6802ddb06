/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sessions that are lost, and devices that are others now, between waconnd and an independent client (Baileys): both ask again and both are
 * answered, and each message is there once; the client links anew; its owner has a new phone.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { startWorld } from '../e2e/world.mjs';
import { Baileys } from './baileys_process.mjs';

const OURS = '628420000001';
const THEIRS = '628420000002';

let world;
let id;
let baileys;

async function pair(name) {
	baileys = new Baileys(world, name);
	baileys.start();
	const { qr } = await baileys.event((e) => e.event === 'qr', 20_000, 'to show a QR code');
	await world.sim.scan(qr, THEIRS);
	await opened();
}

const opened = () => baileys.event((e) => e.event === 'open', 20_000, 'to be logged in');

before(async () => {
	world = await startWorld();
	id = await world.linkedOutlet('Sessions', OURS);
	await pair('first');
});
after(async () => {
	try {
		await baileys?.stop();
	} finally {
		await world?.stop();
	}
});

const all = () => world.admin.all(`/outlets/${id}/messages`, 'messages');

async function arrivesAtIt(text) {
	const { message } = await world.admin.post(`/outlets/${id}/messages`, { to: THEIRS, text });

	await baileys.event((e) => e.event === 'message' && e.text === text, 30_000, `to decrypt "${text}"; it has ${JSON.stringify(baileys.since.slice(-5))}`);
	await waitFor(async () => (await world.admin.get(`/messages/${message.id}`)).message.status === 'DELIVERED', 10_000, 'DELIVERED');
	assert.equal(baileys.messages(text).length, 1);
}

async function arrivesHere(text) {
	baileys.send(OURS, text);
	await waitFor(async () => (await all()).some((m) => m.direction === 'in' && m.text === text), 30_000, `"${text}" to arrive in waconnd`);
	assert.equal((await all()).filter((m) => m.text === text).length, 1);
}

async function talk(what) {
	await arrivesAtIt(`to it, ${what}`);
	await arrivesHere(`to us, ${what}`);
}

scenario('a conversation to begin with', () => talk('first'));

scenario('it has lost its sessions: it asks for the message again, and gets it', async () => {
	await baileys.stop();
	const dropped = fs.readdirSync(baileys.dir).filter((file) => file.startsWith('session-'));
	assert.ok(dropped.length > 0);
	for (const file of dropped)
		fs.unlinkSync(path.join(baileys.dir, file));
	baileys.start();
	await opened();
	await arrivesAtIt('read at the second try');
	const { stats } = await world.sim.call('GET', '/');
	assert.ok(stats.retries > 0);
	await talk('after its loss');
});

scenario('waconnd has lost its sessions: it asks for the message again, and gets it', async () => {
	const { stats: { retries } } = await world.sim.call('GET', '/');

	await world.waconnd.stop();
	await world.sql(`DELETE FROM keys WHERE outlet_id = '${id}' AND kind = 2`);
	await world.startDaemon();
	await world.healthy(id, 20_000);
	await arrivesHere('read by us at the second try');
	const { stats } = await world.sim.call('GET', '/');
	assert.ok(stats.retries > retries);
	await talk('after our loss');
});

scenario('it is removed and links anew: another device, another identity', async () => {
	await baileys.stop();
	await world.sim.unlink(THEIRS);
	await pair('second');
	await talk('with the second');
});

scenario('its owner has a new phone, and links it again', async () => {
	await baileys.stop();
	await world.sim.call('POST', `/phones/${THEIRS}/reinstall`, {});
	await pair('third');
	await talk('with the third');
	const [phone] = (await world.sim.messages({ to: THEIRS })).filter((m) => m.text === 'to it, with the third');
	assert.equal(phone.count, 1);
});
