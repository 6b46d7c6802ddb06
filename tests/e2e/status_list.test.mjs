/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The status list asked for again and again: nobody gets what was written for another, nobody something old. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { startWorld } from './world.mjs';

const PASSWORD = 'a long password';
let world;
const ids = [];
before(async () => {
	world = await startWorld();
	for (let i = 0; i < 5; i++)
		ids.push(await world.addOutlet(`Outlet ${i}`, `628778898774${i}`));
	await world.addUser('umar', 'USER', PASSWORD, ids[0]);
	await world.addUser('ulfa', 'USER', PASSWORD, ids[1]);
});
after(() => world?.stop());

const names = (answer) => answer.json.statuses.map((s) => s.outletId).sort();

scenario('each role gets its own, however often and in whatever order it is asked', async () => {
	const [umar, ulfa] = [await world.login('umar', PASSWORD), await world.login('ulfa', PASSWORD)];

	for (let round = 0; round < 3; round++) {
		for (const [who, expected] of [[world.admin, ids], [umar, [ids[0]]], [ulfa, [ids[1]]]]) {
			const answer = await who.raw('GET', '/outlets/status');
			assert.equal(answer.status, 200);
			assert.deepEqual(names(answer), [...expected].sort());
			const again = await who.raw('GET', '/outlets/status', { headers: { 'If-None-Match': answer.headers.etag } });
			assert.equal(again.status, 304);
			assert.equal(again.body.length, 0);
		}
	}
});

scenario('another query is another document', async () => {
	for (let round = 0; round < 2; round++) {
		assert.equal(names(await world.admin.raw('GET', '/outlets/status?limit=4')).length, 4);
		assert.equal(names(await world.admin.raw('GET', '/outlets/status')).length, 5);
		assert.deepEqual(names(await world.admin.raw('GET', '/outlets/status?q=Outlet%203')), [ids[3]]);
	}
});

scenario('a change is in the next answer', async () => {
	for (let round = 0; round < 3; round++) {
		const before = await world.admin.raw('GET', '/outlets/status');
		await world.admin.patch(`/outlets/${ids[2]}`, { name: `Renamed ${round}` });
		const after = await world.admin.raw('GET', '/outlets/status', { headers: { 'If-None-Match': before.headers.etag } });

		assert.equal(after.status, 200);
		assert.notEqual(after.headers.etag, before.headers.etag);
		assert.ok(after.json.statuses.some((s) => s.outlet.name === `Renamed ${round}`));
		assert.equal((await world.admin.raw('GET', '/outlets/status')).text, after.text);
	}
});

scenario('a new daemon\'s document is not the old one\'s', async () => {
	const before = await world.admin.raw('GET', '/outlets/status');

	await world.restartDaemon();
	const after = await world.admin.raw('GET', '/outlets/status', { headers: { 'If-None-Match': before.headers.etag } });
	assert.equal(after.status, 200);
	assert.notEqual(after.headers.etag, before.headers.etag);
	assert.deepEqual(names(after), names(before));
});
