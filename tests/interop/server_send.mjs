/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What other people do to a client of the independent server: they write, and ask for a message again. */
import crypto from 'node:crypto';

import { generateSignalPubKey } from 'baileys';

import { COMPANION } from './server_phone.mjs';

const now = () => String(Math.floor(Date.now() / 1000));

/** A one-time key of the client's, given out once. */
function bundleOf(companion) {
	const [[id, value]] = companion.prekeys;

	companion.prekeys.delete(id);
	return {
		identityKey: generateSignalPubKey(companion.identity),
		registrationId: companion.id.readUInt32BE(0),
		preKey: { keyId: id, publicKey: generateSignalPubKey(value) },
		signedPreKey: {
			keyId: companion.skey.id.readUIntBE(0, 3), publicKey: generateSignalPubKey(companion.skey.value), signature: companion.signature,
		},
	};
}

/**
 * The phone of `pn` writes to the account. by: 'lid' (with sender_pn) or 'pn' (with sender_lid).
 * Answers the id, which the client must answer with a receipt.
 */
export async function write(server, account, pn, text, { by = 'lid', device = 0, spoil = false } = {}) {
	const peer = server.account(pn);
	const id = `3EB0${crypto.randomBytes(9).toString('hex').toUpperCase()}`;
	const enc = await peer.phones.get(device).encrypt(account.jid(COMPANION), { conversation: text }, () => bundleOf(account.companion));

	if (spoil)
		enc.content[enc.content.length - 1] ^= 1;
	const names = by === 'lid' ? { from: peer.jid(device), sender_pn: peer.pnJid() } : { from: peer.pnJid(device), sender_lid: peer.jid() };
	server.owe(account, { tag: 'message', attrs: { id, t: now(), type: 'text', notify: 'Budi 🙂', addressing_mode: by, ...names }, content: [enc] });
	return id;
}

/** A device that could not read message `id` asks for it again. */
export function askAgain(server, account, pn, id, { device = 0, keys = false, count = 1 } = {}) {
	const peer = server.account(pn);
	const phone = peer.phones.get(device);
	const registration = phone.keyNodes(false)[0];
	const content = [{ tag: 'retry', attrs: { count: String(count), id, t: now(), v: '1' } }, registration];

	if (keys)
		content.push({ tag: 'keys', attrs: {}, content: phone.keyNodes(true).slice(1) });
	server.owe(account, { tag: 'receipt', attrs: { id, from: peer.jid(device), type: 'retry', t: now() }, content });
}

/** Stanzas that a client may never have heard of. */
export function oddities(server, account) {
	const from = 's.whatsapp.net';
	const id = () => String(++server.serial + 5000);

	server.owe(account, { tag: 'notification', attrs: { from, id: id(), type: 'something_new', t: now() }, content: [{ tag: 'x', attrs: { y: 'z' } }] });
	server.owe(account, { tag: 'notification', attrs: { from, id: id(), type: 'server_sync', t: now() }, content: [{ tag: 'collection', attrs: { name: 'regular', version: '3' } }] });
	server.owe(account, { tag: 'notification', attrs: { from: account.pnJid(), id: id(), type: 'account_sync', t: now() } });
	server.owe(account, { tag: 'notification', attrs: { from, id: id(), type: 'mex', t: now() }, content: [{ tag: 'update', attrs: { op_name: 'X' }, content: Buffer.from('{]') }] });
	server.owe(account, { tag: 'call', attrs: { from: account.jid(), id: id(), t: now() }, content: [{ tag: 'offer', attrs: { 'call-id': 'A' } }] });
	server.owed.set('ping ping-1', { account, node: { attrs: {} } });
	account.client.send({ tag: 'iq', attrs: { from, type: 'get', xmlns: 'urn:xmpp:ping', id: 'ping-1' } });
	account.client.send({ tag: 'ib', attrs: { from }, content: [{ tag: 'thread_metadata', attrs: { a: 'b' } }, { tag: 'dirty', attrs: { type: 'groups', timestamp: '1' } }] });
	account.client.send({ tag: 'ib', attrs: { from }, content: [{ tag: 'edge_routing', attrs: {}, content: [{ tag: 'routing_info', attrs: {}, content: Buffer.from([8, 13, 8, 2]) }] }] });
	account.client.send({ tag: 'presence', attrs: { from: account.jid(), type: 'unavailable' } });
	account.client.send({ tag: 'iq', attrs: { from, type: 'result', id: 'nobody-asked' } });
	account.client.send({ tag: 'ack', attrs: { class: 'message', id: '3EB0FFFFFFFFFFFFFFFF', from: account.jid() } });
}
