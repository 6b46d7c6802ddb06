/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An independent client (Baileys, unmodified but for its root key) pairs by code against the simulator: the code is typed wrongly, then
 * rightly; it logs in, and it and waconnd, which was linked by code as well, write to each other.
 */
import assert from 'node:assert/strict';
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
before(async () => {
	world = await startWorld();
	id = await world.addOutlet('By code', OURS);
	baileys = new Baileys(world);
	baileys.start();
});
after(async () => {
	try {
		await baileys?.stop();
	} finally {
		await world?.stop();
	}
});

scenario('it pairs by the code that it gives, and logs in', async () => {
	// What it shows first says that the connection is ready to be asked.
	await baileys.event((e) => e.event === 'qr', 20_000, 'to show a QR code');
	baileys.pair(THEIRS);
	const { code } = await baileys.event((e) => e.event === 'code', 20_000, 'to give a code');
	assert.match(code, /^[1-9A-HJ-NP-TV-Z]{8}$/);

	// It says the code as soon as it has asked; the simulator knows a little later.
	await waitFor(() => world.sim.typeCode(THEIRS, code === '11111111' ? '22222222' : '11111111').then(
		() => { throw new Error('a wrong code was taken'); },
		(error) => { assert.match(error.message, /the code is wrong/); return true; }), 10_000, 'the wrong code to be refused');
	await world.sim.typeCode(THEIRS, code);
	const { me } = await baileys.event((e) => e.event === 'open', 20_000, 'to be logged in');
	assert.match(me.id, new RegExp(`^${THEIRS}:\\d+@s\\.whatsapp\\.net$`));
	assert.match(me.lid, /^\d+:\d+@lid$/);
});

scenario('and waconnd, linked by code as well, writes to it and hears from it', async () => {
	await world.admin.post(`/outlets/${id}/connect`, { method: 'code' });
	await world.sim.typeCode(OURS, (await world.pairingCode(id)).code);
	await world.healthy(id);
	await world.admin.post(`/outlets/${id}/messages`, { to: THEIRS, text: 'halo' });
	await baileys.event((e) => e.event === 'message' && e.text === 'halo', 20_000, 'to decrypt "halo"');
	baileys.send(OURS, 'halo juga');
	await waitFor(async () => (await world.admin.all(`/outlets/${id}/messages`, 'messages')).find((m) => m.direction === 'in' && m.text === 'halo juga'),
		20_000, '"halo juga" to arrive in waconnd');
});
