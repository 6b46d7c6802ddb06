/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A long life with the independent server: its links are ended in every way that it knows, 200 times, while both sides write; it pings, loses
 * pre-keys, and its clock goes on by four weeks at a time. At the end every outlet is CONNECTED and every message is there once.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { startWorld } from '../e2e/world.mjs';
import { assertOnce, clean } from './independent.mjs';
import { Server } from './server.mjs';
import { write } from './server_send.mjs';

const OUTLETS = 8;
const WEEKS_S = 29 * 86_400;
const KEPT = 6; // of the pre-keys

const says = (tag, attrs, children = []) => (client) => {
	client.send({ tag, attrs, content: children.map((name) => ({ tag: name, attrs: {} })) });
	client.end();
};
const error = (code) => says('stream:error', { code });
/* What ends a link, now; and the attributes of the failure that the next login meets. After each the outlet comes back, some by a person's hand. */
const ENDS = [
	(client) => client.wire.cut(), (client) => client.wire.socket.close(1000), (client) => client.wire.socket.close(1011, 'x'),
	(client) => client.wire.socket.send(Buffer.from([0, 0, 20, ...Buffer.alloc(20, 7)])), says('xmlstreamend', {}),
	error('500'), error('503'), error('515'), error('516'), error('429'), error('599'),
	says('stream:error', {}, ['ack']), says('stream:error', {}, ['xml-not-well-formed']), says('stream:error', {}, ['mystery']), says('stream:error', {}),
	error('401'), error('403'),
];
const FAILURES = [
	{ reason: '500' }, { reason: '501' }, { reason: '503' }, { reason: '429' }, { reason: '599' }, { reason: '402', code: '101', expire: '1' },
	{ reason: '403' }, { reason: '409' },
];
const CYCLES = ENDS.length + FAILURES.length;

let server, world;
before(async () => {
	server = new Server({ usync: 'both', phash: true });
	world = await startWorld({ server });
});
after(() => world?.stop());

async function comesBack({ id, account }, logins) {
	await waitFor(async () => {
		const { healthy, liveStatus } = await world.status(id);

		if (healthy && account.logins > logins)
			return true;
		if (['TIMEOUT', 'FAILED', 'DISCONNECTED'].includes(liveStatus.status))
			await world.admin.raw('POST', `/outlets/${id}/connect`, { body: { method: 'qr' } });
		return false;
	}, 30_000, 'the outlet to be back');
}

function ping(account, n) {
	server.owed.set(`ping ping-${account.pn}-${n}`, { account, node: { attrs: {} } });
	account.client.send({ tag: 'iq', attrs: { from: 's.whatsapp.net', type: 'get', xmlns: 'urn:xmpp:ping', id: `ping-${account.pn}-${n}` } });
}

/** Strangers have used up what it has: the server says so. */
function drain(account) {
	const { prekeys } = account.companion;

	for (const key of [...prekeys.keys()].slice(KEPT))
		prekeys.delete(key);
	server.owe(account, { tag: 'notification', attrs: { id: `DRAIN${++server.serial}`, t: String(Math.floor(Date.now() / 1000)), type: 'encrypt', from: 's.whatsapp.net' },
		content: [{ tag: 'count', attrs: { value: String(KEPT) } }] });
}

async function cycle(outlet, n) {
	const { id, account, peer, sent, written } = outlet;
	const { logins } = account;

	sent.push(`keluar ${n}`);
	await world.admin.post(`/outlets/${id}/messages`, { to: peer, text: sent.at(-1) });
	if (n >= ENDS.length)
		account.refusals.push(FAILURES[n - ENDS.length]);
	ENDS[n % ENDS.length](account.client);
	written.push(`masuk ${n}`);
	await write(server, account, peer, written.at(-1), { by: n % 2 ? 'pn' : 'lid' });
	await comesBack(outlet, logins);
	ping(account, n);
	if (n % 5 === 0)
		drain(account);
}

async function eachOnce({ id, account, peer, sent, written }) {
	await waitFor(() => sent.every((text) => server.account(peer).phones.get(0).messages.some((m) => m.message.conversation === text)), 30_000, 'what it sent');
	for (const text of sent)
		assertOnce(server, [peer], text);
	const inbound = await waitFor(async () => {
		const all = (await world.admin.all(`/outlets/${id}/messages`, 'messages')).filter((m) => m.direction === 'in');
		return all.length >= written.length ? all : undefined;
	}, 30_000, 'what was written to it');
	assert.deepEqual(inbound.map((m) => m.text).toSorted(), [...written].toSorted());
	assert.ok(account.companion.prekeys.size > KEPT);
}

scenario('200 ends: CONNECTED, each message once, nothing against the rules', async (t) => {
	const outlets = await Promise.all(Array.from({ length: OUTLETS }, async (_, i) => {
		const number = `62835${String(i).padStart(7, '0')}`;
		return { id: await world.linkedOutlet(`Life ${i}`, number), account: server.account(number), peer: `62836${String(i).padStart(7, '0')}`, sent: [], written: [] };
	}));

	await waitFor(() => outlets.every((o) => o.account.companion.prekeys.size > KEPT), 20_000, 'pre-keys');
	for (let n = 0; n < CYCLES; n++) {
		if (n % 6 === 0)
			server.ahead += WEEKS_S;
		await Promise.all(outlets.map((outlet) => cycle(outlet, n)));
	}
	assert.ok(OUTLETS * CYCLES >= 200);
	await Promise.all(outlets.map(eachOnce));
	await clean(server);
	for (const { id } of outlets)
		assert.equal((await world.status(id)).healthy, true);
	t.diagnostic(`${OUTLETS * CYCLES} ends, ${server.logins} logins, ${server.rotations} rotations`);
	assert.ok(server.rotations >= OUTLETS * 3, `${server.rotations} rotations`);
});
