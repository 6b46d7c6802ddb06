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
 * `message`: in place of a text. Answers the id, which the client must answer with a receipt.
 */
export async function write(server, account, pn, text, { by = 'lid', device = 0, spoil = false, message, mediatype } = {}) {
	const peer = server.account(pn);
	const id = `3EB0${crypto.randomBytes(9).toString('hex').toUpperCase()}`;
	const enc = await peer.phones.get(device).encrypt(account.jid(COMPANION), message ?? { conversation: text }, () => bundleOf(account.companion));

	if (mediatype)
		enc.attrs.mediatype = mediatype;
	if (spoil)
		enc.content[enc.content.length - 1] ^= 1;
	const known = server.options.usync !== 'none';
	const names = by === 'lid' && known ? { from: peer.jid(device), sender_pn: peer.pnJid() }
		: { from: peer.pnJid(device), ...(known ? { sender_lid: peer.jid() } : {}) };
	server.owe(account, { tag: 'message', attrs: { id, t: now(), type: mediatype ? 'media' : 'text', notify: 'Budi 🙂', addressing_mode: by, ...names }, content: [enc] });
	return id;
}

/** A device that could not read message `id` asks for it again. */
export function askAgain(server, account, pn, id, { device = 0, keys = false, count = 1 } = {}) {
	const peer = server.account(pn);
	const phone = peer.phones.get(device);
	const from = server.options.usync === 'none' ? peer.pnJid(device) : peer.jid(device);
	const registration = phone.keyNodes(false)[0];
	const content = [{ tag: 'retry', attrs: { count: String(count), id, t: now(), v: '1' } }, registration];

	if (keys)
		content.push({ tag: 'keys', attrs: {}, content: phone.keyNodes(true).slice(1) });
	server.owe(account, { tag: 'receipt', attrs: { id, from, type: 'retry', t: now() }, content });
}

/** Somebody has a new phone, with other keys and no sessions; `quiet`: the server does not say so. */
export function reinstall(server, account, pn, { quiet = false } = {}) {
	const peer = server.account(pn);
	const from = server.options.usync === 'none' ? peer.pnJid() : peer.jid();

	peer.phones.get(0).makeKeys();
	if (!quiet)
		server.owe(account, { tag: 'notification', attrs: { id: `ID${++server.serial}`, t: now(), type: 'encrypt', from }, content: [{ tag: 'identity', attrs: {} }] });
}

/** The account's own phone writes: to somebody, as the client must know, or to the client itself. */
export async function ownPhone(server, account, message, more) {
	const id = `3EB0${crypto.randomBytes(9).toString('hex').toUpperCase()}`;
	const enc = await account.phones.get(0).encrypt(account.jid(COMPANION), message, () => bundleOf(account.companion));

	server.owe(account, { tag: 'message', attrs: { id, t: now(), type: 'text', from: account.jid(), ...more }, content: [enc] });
	return id;
}

/** The phone of `pn` wrote this, and the account's own phone has it; the client is only told that there is something. */
export function withhold(server, account, pn, text) {
	const peer = server.account(pn);
	const id = `3EB0${crypto.randomBytes(9).toString('hex').toUpperCase()}`;

	server.kept.set(id, { key: { remoteJid: peer.jid(), fromMe: false, id }, message: { conversation: text }, messageTimestamp: Number(now()), pushName: 'Budi' });
	server.owe(account, { tag: 'message', attrs: { id, t: now(), type: 'text', from: peer.jid(), sender_pn: peer.pnJid() }, content: [{ tag: 'unavailable', attrs: {} }] });
	return id;
}

/** Messages that cannot be read, and receipts that are not of a peer. */
export function unreadable(server, account, pn) {
	const peer = server.account(pn);
	const attrs = () => ({ id: `AC${++server.serial}`, t: now(), type: 'text' });
	const junk = { tag: 'enc', attrs: { v: '2', type: 'skmsg' }, content: crypto.randomBytes(90) };

	server.owe(account, { tag: 'message', attrs: { ...attrs(), from: '120363000000000001@g.us', participant: peer.jid(), addressing_mode: 'lid' }, content: [junk] });
	server.owe(account, { tag: 'message', attrs: { ...attrs(), from: 'status@broadcast', participant: peer.jid() }, content: [junk] });
	server.owe(account, { tag: 'message', attrs: { ...attrs(), from: peer.jid() }, content: [{ tag: 'unavailable', attrs: { type: 'view_once' } }] });
	server.owe(account, { tag: 'receipt', attrs: { id: 'AC901', t: now(), type: 'sender', from: account.jid(5), recipient: peer.jid() } });
	server.owe(account, { tag: 'receipt', attrs: { id: 'AC902', t: now(), type: 'read-self', from: account.pnJid(), recipient: peer.pnJid() } });
	server.owe(account, { tag: 'receipt', attrs: { id: 'AC903', t: now(), type: 'never-seen', from: peer.jid() } });
	server.owe(account, { tag: 'receipt', attrs: { id: 'AC904', t: now(), type: 'read', from: '120363000000000001@g.us', participant: peer.jid() } });
	server.owe(account, { tag: 'notification', attrs: { id: 'AC905', t: now(), type: 'encrypt', from: peer.jid() }, content: [{ tag: 'identity', attrs: {} }] });
	server.owe(account, { tag: 'notification', attrs: { id: 'AC906', t: now(), type: 'devices', from: peer.jid() },
		content: [{ tag: 'remove', attrs: { device_hash: '2:xxxxxxxx' }, content: [{ tag: 'device', attrs: { jid: peer.jid(9) } }] }] });
	server.owe(account, { tag: 'notification', attrs: { id: 'AC907', t: now(), type: 'encrypt', from: 's.whatsapp.net' }, content: [{ tag: 'count', attrs: { value: '2' } }] });
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
