/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Links to the independent server that end: a crash of waconnd, lost acks, errors, failures, logout. None lost, none twice, and back by itself. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { numbers } from '../e2e/world.mjs';
import { NUMBER, assertOnce, begin, clean } from './independent.mjs';

const MANY = 200;

describe('links that end', () => {
	let server, world, id, account;
	before(async () => { ({ server, world, id, account } = await begin({ usync: 'pn' })); });
	after(() => world?.stop());

	const back = (logins) => waitFor(async () => server.logins > logins && (await world.status(id)).healthy, 20_000, 'the outlet to be back');

	scenario('kill -9 in the middle of a blast: none lost, none twice', async () => {
		const list = numbers(MANY, 43);
		const blast = await world.blast([id], list, 'tepat sekali');
		await world.waitBlast(blast.id, (b) => b.counts.sent + b.counts.delivered >= 30, 30_000);
		await world.restartDaemon({ kill: true });
		await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === MANY, 60_000);
		assertOnce(server, list, 'tepat sekali');
		await clean(server);
	});

	scenario('acks lost with the link: sent again under the same id', async () => {
		const list = numbers(10, 44);
		const logins = server.logins;
		server.dropAcks = 3;
		const blast = await world.blast([id], list, 'lagi dan lagi');
		await waitFor(() => server.dropAcks === 0, 10_000, 'the acks to be lost');
		account.client.wire.cut();
		await back(logins);
		await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === 10, 30_000);
		assertOnce(server, list, 'lagi dan lagi');
		await clean(server);
	});

	const ENDS = [['515', { attrs: { code: '515' } }], ['503', { attrs: { code: '503' } }]]; // each further one would wait longer
	for (const [name, error] of ENDS) {
		scenario(`stream:error ${name}: back by itself`, async () => {
			const { logins } = server;
			account.client.send({ tag: 'stream:error', ...error });
			account.client.end();
			await back(logins);
			await clean(server);
		});
	}

	const FAILURES = [
		[{ reason: '402', code: '104', expire: '3600' }, 'temporarily_banned'], [{ reason: '409' }, null], [{ reason: '403', message: 'x' }, null],
	];
	for (const [attrs, code] of FAILURES) {
		scenario(`failure ${attrs.reason}: FAILED, with its reason`, async () => {
			const { logins } = server;
			server.refusals.push(attrs);
			account.client.wire.cut();
			const { session } = await world.waitStatus(id, 'FAILED', 15_000);
			assert.ok(code === null || session.lastError.code === code, JSON.stringify(session.lastError));
			assert.ok(session.lastError.action);
			await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
			await back(logins);
		});
	}

	scenario('logout, and linked again', async () => {
		await world.admin.post(`/outlets/${id}/logout`);
		await world.waitStatus(id, 'DISCONNECTED', 10_000);
		assert.equal(account.companion, null);
		await world.link(id, NUMBER);
		await clean(server);
	});
});
