/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * waconnd against a WhatsApp server that shares no line with it or with the simulator (server*.mjs): Baileys' codec, npm's libsignal, and a table
 * of what a client may say. Each world is a server with other habits; any violation that it saw fails the test.
 */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { numbers } from '../e2e/world.mjs';
import { assertOnce, begin, clean } from './independent.mjs';
import { OTHER } from './server_phone.mjs';
import { askAgain, oddities, ownPhone, reinstall, unreadable, withhold, write } from './server_send.mjs';

const MANY = 200;

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

		scenario('what came without its content is asked for from the own phone', async () => {
			const [pn] = numbers(1, 49);
			const waId = withhold(server, account, pn, 'dari HP sendiri');
			await waitFor(() => server.requests.some((key) => key.id === waId), 10_000, 'the request');
			const of = async () => (await world.admin.get(`/outlets/${id}/messages?limit=100`)).messages.filter((m) => m.peer === pn);
			await waitFor(async () => (await of()).some((m) => m.text === 'dari HP sendiri'), 10_000, 'the message');
			await clean(server);
			assert.equal((await of()).length, 1);
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

		scenario('somebody has a new phone: a fresh session, both ways', async () => {
			for (const [i, quiet] of [false, true].entries()) {
				const [pn] = numbers(1, 47 + i);
				const phone = server.account(pn).phones.get(0);
				const sends = async (text) => {
					const { message } = await world.admin.post(`/outlets/${id}/messages`, { to: pn, text });
					await waitFor(async () => (await world.admin.get(`/messages/${message.id}`)).message.status === 'DELIVERED', 20_000, `${text}: DELIVERED`);
					assertOnce(server, [pn], text);
					return phone.messages.at(-1).type;
				};
				const writes = async (text) => {
					await write(server, account, pn, text, { by: i ? 'pn' : 'lid' });
					await waitFor(async () => (await world.admin.get(`/outlets/${id}/messages?limit=5`)).messages.some((m) => m.text === text && m.peer === pn), 20_000, text);
				};

				await sends('HP lama');
				await writes('dari HP lama');
				assert.equal(await sends('HP lama lagi'), 'msg');
				reinstall(server, account, pn, { quiet });
				await clean(server);
				// One that nobody tells of makes itself known by writing.
				if (quiet)
					await writes('nomor sama, HP baru');
				assert.equal(await sends('HP baru'), quiet ? 'msg' : 'pkmsg');
				await writes('dari HP baru');
				assert.equal(await sends('HP baru lagi'), 'msg');
				await clean(server);
			}
		});
	});
}
