/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first whole slice: an outlet is linked by QR, shown CONNECTED, and a blast arrives at a phone. waconnctl, REST, simulator. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { startWorld } from './world.mjs';

let world;
before(async () => { world = await startWorld(); });
after(() => world?.stop());

scenario('link, CONNECTED, one blast', async () => {
	const outlet = await world.linkedOutlet('Jakarta Store', '6287788987745');
	const blast = await world.blast([outlet], ['0812-3456-7890'], 'Halo');

	await world.waitBlast(blast.id, 'COMPLETED');
	const [message] = await world.sim.messages({ to: '6281234567890', wait: 5, count: 1 });
	assert.equal(message.text, 'Halo');
	assert.equal(message.from, '6287788987745');
	assert.equal(message.count, 1);
});
