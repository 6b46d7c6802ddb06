/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A server that says what nobody understands: stanzas like those of every day with attributes, children and bytes taken away, added and
 * exchanged, by a seed that is printed. The link stays up, and what is said properly afterwards arrives.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { begin } from './independent.mjs';
import { oddities, unreadable, write } from './server_send.mjs';

const STANZAS = 1000;
const AT_ONCE = 50;
const [WRITER, OTHER, LAST] = ['6281300000001', '6281300000002', '6281300000003'];

let server, world, id, account;
before(async () => { ({ server, world, id, account } = await begin({ usync: 'both', phash: true })); });
after(() => world?.stop());

/** A generator of numbers below n, the same for the same seed. */
function dice(seed) {
	let block = Buffer.alloc(0);
	let n = 0;

	return (below) => {
		if (block.length < 4)
			block = crypto.createHash('sha256').update(`${seed} ${n++}`).digest();
		const value = block.readUInt32BE(0);
		block = block.subarray(4);
		return value % below;
	};
}

/** Stanzas of every day, which the server does not wait to be answered. */
async function patterns() {
	const found = [];
	const { owe } = server;
	const now = String(Math.floor(Date.now() / 1000));
	const peer = server.account(WRITER);
	const from = 's.whatsapp.net';
	const leaf = (tag, attrs, bytes) => ({ tag, attrs, content: bytes });

	server.owe = (_, node) => found.push(structuredClone(node));
	for (const by of ['lid', 'pn', 'lid', 'pn'])
		await write(server, account, WRITER, 'halo', { by });
	oddities(server, account);
	unreadable(server, account, OTHER);
	server.owe = owe;
	const update = { data: { xwa2_notify_account_reachout_timelock: { is_active: true, time_enforcement_ends: '1800000000' } } };
	return [...found,
		{ tag: 'notification', attrs: { from: account.pnJid(), type: 'account_sync', id: 'n1', t: now }, content: [{ tag: 'devices', attrs: { dhash: '2:abc' },
			content: [leaf('device', { jid: account.pnJid(5), 'key-index': '2' }), leaf('key-index-list', { ts: now }, crypto.randomBytes(50))] }] },
		{ tag: 'notification', attrs: { from: peer.jid(), type: 'devices', id: 'n2', t: now }, content: [{ tag: 'add', attrs: { device_hash: '2:abc' },
			content: [leaf('device', { jid: peer.jid(9), 'key-index': '3' }), leaf('key-index-list', { ts: now }, crypto.randomBytes(50))] }] },
		{ tag: 'notification', attrs: { from: peer.pnJid(), type: 'privacy_token', id: 'n3', t: now, sender_lid: peer.jid() }, content: [{ tag: 'tokens', attrs: {},
			content: [leaf('token', { type: 'trusted_contact', t: now }, crypto.randomBytes(20))] }] },
		{ tag: 'notification', attrs: { from, type: 'mex', id: 'n4', t: now }, content: [
			leaf('update', { op_name: 'NotificationUserReachoutTimelockUpdate' }, Buffer.from(JSON.stringify(update)))] },
		{ tag: 'receipt', attrs: { id: 'ABC', from: peer.jid(3), type: 'retry', t: now }, content: [
			leaf('retry', { count: '1', id: 'ABC', t: now, v: '1' }), leaf('registration', {}, Buffer.from([0, 0, 1, 1]))] },
		{ tag: 'iq', attrs: { from, type: 'set', id: '77', xmlns: 'md' }, content: [{ tag: 'pair-device', attrs: {}, content: [leaf('ref', {}, Buffer.from('abc'))] }] },
		{ tag: 'iq', attrs: { from, type: 'result', id: '12.1-5' }, content: [{ tag: 'usync', attrs: {}, content: [{ tag: 'list', attrs: {}, content: [] }] }] },
		{ tag: 'ack', attrs: { class: 'message', id: 'ZZ', from: peer.jid(), error: '463' } },
		{ tag: 'chatstate', attrs: { from: peer.jid() }, content: [leaf('composing', {})] },
	];
}

const NAMES = ['id', 'from', 'type', 't', 'participant', 'recipient', 'sender_lid', 'sender_pn', 'offline', 'count', 'v', 'error', 'class', 'category', 'edit', 'jid'];
const VALUES = ['', '0', '-1', '9'.repeat(20), 'x'.repeat(300), '@', '@lid', '5@lid', '1:99999@lid', 'status@broadcast', '1@g.us', '1@newsletter', '\0', 'é🙂',
	's.whatsapp.net', 'pkmsg', 'msg', 'retry', 'set', 'error', '3'];
const TAGS = ['enc', 'retry', 'registration', 'keys', 'list', 'item', 'user', 'device', 'error', 'unavailable', 'identity', 'count', 'tokens', 'usync', 'meta', 'rmr'];

const everyNode = (node) => [node, ...(Array.isArray(node.content) ? node.content.flatMap(everyNode) : [])];

const CHANGES = [
	(x, roll, one) => { delete x.attrs[one(Object.keys(x.attrs))]; },
	(x, roll, one) => { x.attrs[one(Object.keys(x.attrs)) ?? 'id'] = one(VALUES); },
	(x, roll, one) => { x.attrs[one(NAMES)] = one(VALUES); },
	(x, roll, one) => { x.content = [...(Array.isArray(x.content) ? x.content : []), { tag: one(TAGS), attrs: {}, content: Buffer.alloc(roll(80), roll(256)) }]; },
	(x, roll) => { x.content = Array.isArray(x.content) ? x.content.toSpliced(roll(x.content.length + 1), 1) : undefined; },
	(x, roll) => { x.content = Buffer.alloc(roll(200), roll(256)); },
	(x, roll) => { if (ArrayBuffer.isView(x.content) && x.content.length > 0) x.content[roll(x.content.length)] ^= 1 << roll(8); },
	(x, roll, one) => { x.tag = one(TAGS); },
	(x) => { if (Array.isArray(x.content)) x.content = Array.from({ length: 40 }, () => x.content).flat(); },
];

function strange(pattern, roll) {
	const node = structuredClone(pattern);
	const one = (list) => list[roll(list.length || 1)];

	for (let left = 1 + roll(3); left > 0; left--)
		one(CHANGES)(one(everyNode(node)), roll, one);
	return node.tag === 'stream:error' ? { ...node, tag: 'meta' } : node;
}

scenario('strange stanzas: the link stays, and what is said properly arrives', async (t) => {
	await waitFor(() => account.companion.prekeys.size > 0, 20_000, 'pre-keys');
	const seed = process.env.SEED ?? crypto.randomInt(1e9);
	const roll = dice(seed);
	const { logins } = server;
	const all = await patterns();
	t.diagnostic(`SEED=${seed}`);

	for (let n = 0; n < STANZAS; n++) {
		account.client.send(strange(all[roll(all.length)], roll));
		if (n % AT_ONCE === 0)
			await world.status(id); // at its pace
	}
	await write(server, account, LAST, 'masih di sini?');
	const answer = () => world.admin.get(`/outlets/${id}/messages?limit=20`).then(({ messages }) => messages.some((m) => m.text === 'masih di sini?'));
	await waitFor(answer, 30_000, 'the message');
	assert.equal((await world.status(id)).healthy, true);
	assert.equal(server.logins, logins, 'the link was lost');
	// What it answered to all that is not held against it.
	server.violations.length = 0;
	server.owed.clear();
});
