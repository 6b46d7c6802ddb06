/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An account that demands its passkey before a companion is linked, played by the independent server: the assertion is checked as a relying
 * party does, the commitment, the proof and what is sealed for the phone with node's own ciphers.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { startWorld } from '../e2e/world.mjs';
import { clean } from './independent.mjs';
import { Server } from './server.mjs';
import { Passkey } from './server_passkey.mjs';
import { write } from './server_send.mjs';

const NUMBER = '628770001199';

let server;
let world;
before(async () => {
	server = new Server({});
	world = await startWorld({ server });
});
after(() => world?.stop());

scenario('the assertion of the account\'s passkey links it, and it works', async () => {
	const account = server.account(NUMBER);
	const path = (id) => `/outlets/${id}/passkey`;
	account.passkey = new Passkey();
	const id = await world.addOutlet('Passkey', NUMBER);

	assert.deepEqual(await world.scan(id, NUMBER), { passkey: true });
	const { options } = await world.passkey(id, 'assertion');
	// One that somebody else signed does not get as far as the server.
	const other = await world.admin.refused(422, 'validation_failed', 'POST', path(id), new Passkey().sign(options));
	assert.equal(other.errors[0].code, 'other_credential');
	await world.admin.post(path(id), account.passkey.sign(options));
	await world.healthy(id, 30_000);
	await waitFor(() => account.companion.prekeys.size > 0, 30_000, 'pre-keys');
	await write(server, account, '628770001188', 'setelah passkey');
	await waitFor(async () => (await world.admin.get(`/outlets/${id}/messages?limit=5`)).messages.some((m) => m.text === 'setelah passkey'), 30_000, 'the message');
	await clean(server);
});
