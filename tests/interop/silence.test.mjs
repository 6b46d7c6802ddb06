/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The independent server falls silent on an open socket: the outlet shows TIMEOUT within 40 s and comes back by itself. Apart, since it takes so long. */
import assert from 'node:assert/strict';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { startWorld } from '../e2e/world.mjs';
import { Server } from './server.mjs';

const NUMBER = '628770001113';

scenario('silence', async () => {
	const server = new Server({ quiet: true });
	const world = await startWorld({ server });

	try {
		const id = await world.linkedOutlet('Shop', NUMBER);
		const { logins } = server;
		server.account(NUMBER).client.silent = true;
		await world.waitStatus(id, (s) => s.liveStatus.status === 'TIMEOUT' && s.session.status === 'TIMEOUT', 45_000);
		await waitFor(async () => server.logins > logins && (await world.status(id)).healthy, 20_000, 'the outlet to be back');
		assert.deepEqual(server.violations, []);
	} finally {
		await world.stop();
	}
});
