/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * waconnd against a WhatsApp server that shares no line with it or with the simulator (server*.mjs): Baileys' codec, npm's libsignal, and a table
 * of what a client may say. Each world is a server with other habits; any violation that it saw fails the test.
 */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { numbers, startWorld } from '../e2e/world.mjs';
import { Server } from './server.mjs';
import { OTHER } from './server_phone.mjs';
import { askAgain, oddities, ownPhone, unreadable, write } from './server_send.mjs';

const NUMBER = '628770001112';
const MANY = 200;

/* Everything is acknowledged, and nothing was wrong. */
async function clean(server) {
	await waitFor(() => server.owed.size === 0 || server.violations.length > 0, 10_000, 'all to be acknowledged')
		.catch((error) => { throw new Error(`${error.message}: ${[...server.owed.keys()].slice(0, 9)}`); });
	assert.deepEqual(server.violations.slice(0, 5), []);
}

/* What a recipient's devices read, each of it once. */
function readBy(server, pn, text) {
	return [...server.account(pn).phones.values()].map((phone) => phone.messages.filter((m) => m.message.conversation === text));
}

function assertOnce(server, list, text) {
	for (const pn of list) {
		for (const read of readBy(server, pn, text))
			assert.equal(read.length, 1, `${pn}: ${read.map((m) => m.id)}`);
	}
}

async function begin(options, more) {
	const server = new Server(options);
	const world = await startWorld({ server, ...more });
	const id = await world.linkedOutlet('Shop', NUMBER);

	return { server, world, id, account: server.account(NUMBER) };
}

const HABITS = [
	{ usync: 'pn', receipts: 'device', split: true, phash: true },
	{ usync: 'lid', wrapKeys: true, oneTime: false, quiet: true, receipts: 'pn', merge: true },
	{ usync: 'both', compress: true, receipts: 'list', ackDelay: 30 },
	{ usync: 'none', receipts: 'pn' },
];

for (const habits of HABITS) {
	describe(`a server with ${JSON.stringify(habits)}`, () => {
		let server, world, id, account;
		before(async () => { ({ server, world, id, account } = await begin(habits)); });
		after(() => world?.stop());

		scenario('a blast to new numbers, and again to those that answered', async () => {
			const list = numbers(MANY, 41);
			const first = await world.blast([id], list, 'Halo, ini kabar 🙂');
			await world.waitBlast(first.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === MANY, 60_000);
			assertOnce(server, list, 'Halo, ini kabar 🙂');
			const other = account.phones.get(OTHER).messages;
			assert.equal(other.length, MANY);
			assert.ok(other.every((m) => m.message.deviceSentMessage.message.conversation === 'Halo, ini kabar 🙂'));
			await clean(server);

			const some = list.slice(0, 20);
			for (const [i, pn] of some.entries())
				await write(server, account, pn, `jawab ${i}`, { by: i % 2 ? 'pn' : 'lid' });
			await clean(server);
			const { messages } = await world.admin.get(`/outlets/${id}/messages?limit=1000`);
			assert.deepEqual(messages.filter((m) => m.direction !== 'out' && /^jawab/.test(m.text)).map((m) => m.peer).toSorted(), some.toSorted());
			const second = await world.blast([id], some, 'lagi');
			await world.waitBlast(second.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === some.length, 30_000);
			assertOnce(server, some, 'lagi');
			for (const pn of some)
				assert.equal(server.account(pn).phones.get(0).messages.at(-1).type, 'msg');
			await clean(server);
		});

		scenario('what it has never heard of does it no harm', async () => {
			const [pn] = numbers(1, 45);
			const keys = account.companion.everUsed.size;
			oddities(server, account);
			unreadable(server, account, pn);
			await clean(server);
			await waitFor(() => account.companion.everUsed.size > keys, 10_000, 'more pre-keys');
			assert.equal((await world.status(id)).healthy, true);
		});

		scenario('its own phone writes elsewhere, and to it', async () => {
			const [pn] = numbers(1, 46);
			const peer = server.account(pn);
			const dsm = { deviceSentMessage: { destinationJid: peer.jid(), message: { conversation: 'dari HP' } } };
			await ownPhone(server, account, dsm, { recipient: peer.jid(), peer_recipient_pn: peer.pnJid() });
			const peerMessage = { protocolMessage: { type: 5, historySyncNotification: { syncType: 4 } } };
			await ownPhone(server, account, peerMessage, { category: 'peer', from: account.pnJid(), sender_lid: account.jid() });
			await clean(server);
			const { messages } = await world.admin.get(`/outlets/${id}/messages?limit=5`);
			assert.ok(messages.some((m) => m.text === 'dari HP' && m.peer === pn), JSON.stringify(messages));
		});

		scenario('a device that cannot read asks again, with keys and without', async () => {
			const [a, b, stranger] = numbers(3, 42);
			for (const [pn, keys] of [[a, false], [b, true]]) {
				const phone = server.account(pn).phones.get(0);
				phone.broken = 1;
				await world.admin.post(`/outlets/${id}/messages`, { to: pn, text: 'sekali lagi' });
				await waitFor(() => phone.broken === 0, 10_000, 'the message');
				if (keys)
					phone.makeKeys();
				askAgain(server, account, pn, [...server.sentIds.keys()].at(-1), { keys });
				await waitFor(() => phone.messages.length === 1, 10_000, 'the message again');
				assert.equal(phone.messages[0].message.conversation, 'sekali lagi');
			}
			await write(server, account, stranger, 'rusak', { spoil: true });
			await waitFor(() => server.retries.length === 1, 10_000, 'a retry receipt');
			await clean(server);
		});
	});
}

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
