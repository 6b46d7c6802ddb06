/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the independent server does with each stanza: it is held against the table of shapes, then against what the server knows (ids, devices,
 * who waits for which answer), and answered.
 */
import { Curve, proto } from 'baileys';

import { onNonce, onPrologue, onRef, onRequest } from './server_passkey.mjs';
import { COMPANION } from './server_phone.mjs';
import { child, childrenOf, contentBytes, shapeOf } from './server_rules.mjs';
import { ownPhone } from './server_send.mjs';

const result = (node, content) => ({ tag: 'iq', attrs: { from: '@s.whatsapp.net', type: 'result', id: node.attrs.id }, ...(content ? { content } : {}) });
const isLid = (jid) => jid.endsWith('@lid');
const bare = (jid) => jid.replace(/:\d+@/, '@');
const deviceOf = (jid) => Number(/:(\d+)@/.exec(jid)?.[1] ?? 0);
const number = (bytes) => Buffer.from(bytes).readUIntBE(0, bytes.length);

/* -- queries -- */

function onCount(client, node) {
	client.send(result(node, [{ tag: 'count', attrs: { value: String(client.account.companion.prekeys.size) } }]));
}

/** The signed pre-key of an upload or a rotation: its identity signed it, and it is none that was given up. */
function takeSigned(client, skey) {
	const { companion } = client.account;
	const [id, value, signature] = ['id', 'value', 'signature'].map((tag) => contentBytes(child(skey, tag)));
	const same = value.equals(companion.skey.value);

	if (same !== id.equals(companion.skey.id) || (!same && companion.retired.has(value.toString('hex'))) ||
	    !Curve.verify(companion.identity, Buffer.concat([Buffer.from([5]), value]), signature))
		client.server.violation('skey', `${id.toString('hex')} ${value.toString('hex')}`);
	if (!same)
		companion.retired.add(Buffer.from(companion.skey.value).toString('hex'));
	Object.assign(companion, { skey: { id, value }, signature });
}

function onRotate(client, node) {
	takeSigned(client, child(child(node, 'rotate'), 'skey'));
	client.server.rotations++;
	client.send(result(node));
}

function onUpload(client, node) {
	const { companion } = client.account;

	if (!contentBytes(child(node, 'identity')).equals(Buffer.from(companion.identity)) || !contentBytes(child(node, 'registration')).equals(companion.id))
		client.server.violation('upload', 'other keys than those of the registration');
	takeSigned(client, child(node, 'skey'));
	for (const key of childrenOf(child(node, 'list'))) {
		const id = number(contentBytes(child(key, 'id')));
		const value = contentBytes(child(key, 'value'));
		if (id === 0 || (companion.everUsed.has(id) && !companion.prekeys.get(id)?.equals(value)))
			client.server.violation('prekey', `id ${id} is ${id === 0 ? 'no id' : 'used again'}`);
		companion.prekeys.set(id, value);
		companion.everUsed.add(id);
	}
	client.send(result(node));
}

function optional(content) {
	return (client, node) => {
		if (!client.server.options.quiet)
			client.send(content === null ? { ...result(node, [{ tag: 'error', attrs: { code: '404', text: 'item-not-found' } }]),
				attrs: { ...result(node).attrs, type: 'error' } } : result(node));
	};
}

function deviceList(account) {
	return { tag: 'devices', attrs: {}, content: [{
		tag: 'device-list', attrs: { hash: '2:abcdefgh' },
		content: account.deviceIds().map((id) => ({ tag: 'device', attrs: { id: String(id), ...(id ? { 'key-index': String(id) } : {}) } })),
	}, { tag: 'key-index-list', attrs: { ts: '1700000000' }, content: Buffer.alloc(20, 1) }] };
}

function onDevices(client, node) {
	const { usync } = client.server.options;
	const users = childrenOf(child(child(node, 'usync'), 'list')).map(({ attrs: { jid } }) => {
		const account = client.server.byJid(jid);
		if (!account)
			return { tag: 'user', attrs: { jid }, content: [] };
		if (bare(jid) !== jid)
			client.server.violation('usync', `a device was asked for: ${jid}`);
		const lid = { tag: 'lid', attrs: { val: account.jid() } };
		if (isLid(jid) || usync === 'lid')
			return { tag: 'user', attrs: { jid: account.jid() }, content: [deviceList(account)] };
		if (usync === 'none')
			return { tag: 'user', attrs: { jid }, content: [deviceList(account)] };
		if (usync === 'pn')
			return { tag: 'user', attrs: { jid }, content: [lid, deviceList(account)] };
		return { tag: 'user', attrs: { jid: account.jid(), pn_jid: account.pnJid() }, content: [deviceList(account), lid] };
	});

	client.send(result(node, [{ tag: 'usync', attrs: { sid: child(node, 'usync').attrs.sid, index: '0', last: 'true' }, content: [
		{ tag: 'result', attrs: {}, content: [{ tag: 'devices', attrs: {} }] }, { tag: 'list', attrs: {}, content: users }] }]));
}

function onContact(client, node) {
	const users = childrenOf(child(child(node, 'usync'), 'list')).map((user) => {
		const text = contentBytes(child(user, 'contact')).toString();
		const account = client.server.account(/\d+/.exec(text)[0]);
		const jids = client.server.options.usync === 'none' ? { jid: account.pnJid() } : { jid: account.jid(), pn_jid: account.pnJid() };
		return { tag: 'user', attrs: jids,
			content: [{ tag: 'contact', attrs: { type: 'in' }, content: Buffer.from(text) }] };
	});

	client.send(result(node, [{ tag: 'usync', attrs: {}, content: [{ tag: 'list', attrs: {}, content: users }] }]));
}

function onBundles(client, node) {
	const { server } = client;
	const users = childrenOf(child(node, 'key')).map(({ attrs: { jid } }) => {
		const phone = server.byJid(jid)?.phones.get(deviceOf(jid));
		if (!phone) {
			server.violation('bundle', `no such device: ${jid}`);
			return { tag: 'user', attrs: { jid }, content: [{ tag: 'error', attrs: { code: '404', text: 'item-not-found' } }] };
		}
		const keys = phone.keyNodes(server.options.oneTime);
		return { tag: 'user', attrs: { jid, t: '1700000000' }, content: server.options.wrapKeys ? [{ tag: 'keys', attrs: {}, content: keys }] : keys };
	});

	client.send(result(node, [{ tag: 'list', attrs: {}, content: users.reverse() }]));
}

function onRemove(client, node) {
	if (child(node, 'remove-companion-device').attrs.jid !== client.account.pnJid(COMPANION))
		client.server.violation('logout', 'another device');
	client.account.companion = null;
	client.send(result(node));
	client.send({ tag: 'stream:error', attrs: { code: '401' }, content: [{ tag: 'conflict', attrs: { type: 'device_removed' } }] });
	client.end();
}

function onResult(client, node) {
	if (!['1001', '1002'].includes(node.attrs.id) && !node.attrs.id?.startsWith('ping'))
		client.server.violation('result', `of no query: ${node.attrs.id}`);
	if (node.attrs.id?.startsWith('ping'))
		settle(client, [`ping ${node.attrs.id}`]);
}

/* -- acknowledgements -- */

function settle(client, keys) {
	const { server } = client;
	const key = keys.find((k) => server.owed.has(k));

	if (key) {
		server.owed.delete(key);
		server.settled.add(key);
	} else {
		server.violation('ack', keys.some((k) => server.settled.has(k)) ? `a second one: ${keys[0]}` : `of nothing: ${keys[0]}`);
	}
}

function onAck(client, node) {
	const type = node.attrs.class === 'receipt' ? ` ${node.attrs.type}` : '';
	const key = `${node.attrs.class} ${node.attrs.id} ${node.attrs.to}${type}`;
	const owed = client.server.owed.get(key)?.node;

	if (owed && node.attrs.class !== 'message' && owed.attrs.type !== node.attrs.type)
		client.server.violation('ack', `type ${node.attrs.type} for ${owed.attrs.type}`);
	if (node.attrs.error)
		client.server.violation('refused', JSON.stringify(node.attrs));
	settle(client, [key]);
}

/** Of all the messages that a receipt is for. */
const idsOf = (node) => [node.attrs.id, ...[node.content ?? []].flat().flatMap((c) => (c.tag === 'list' ? c.content.map((item) => item.attrs.id) : []))];

function onReceipt(client, node) {
	client.server.receipts.push(node);
	client.send({ tag: 'ack', attrs: { class: 'receipt', id: node.attrs.id, from: node.attrs.to, ...(node.attrs.type ? { type: node.attrs.type } : {}) } });
	if (node.attrs.type !== 'hist_sync')
		for (const id of idsOf(node))
			settle(client, [`message ${id} ${node.attrs.to}`]);
}

function onHosts(client, node) {
	client.send(result(node, [client.server.media.conn()]));
}

/** The client misses a file: its phone puts it there again, or does not have it any more. */
function onMissing(client, node) {
	const { server, account } = client;

	client.send({ tag: 'ack', attrs: { class: 'receipt', id: node.attrs.id, from: node.attrs.to, type: 'server-error' } });
	server.owe(account, server.media.asked(node, account));
}

function onRetry(client, node) {
	client.server.retries.push(node);
	client.send({ tag: 'ack', attrs: { class: 'receipt', id: node.attrs.id, from: node.attrs.to, type: 'retry' } });
}

/* -- messages -- */

function checkIdentity(client, node, encs) {
	const identity = child(node, 'device-identity');
	const { account, server } = client;

	if (!identity !== !encs.some((e) => e.attrs.type === 'pkmsg'))
		server.violation('device-identity', `${identity ? 'without' : 'missing with'} a pkmsg in ${node.attrs.id}`);
	if (identity) {
		const signed = proto.ADVSignedDeviceIdentity.decode(contentBytes(identity));
		if (!Buffer.from(signed.accountSignatureKey).equals(account.key.public) ||
		    !account.companion.deviceSignature.equals(signed.deviceSignature))
			server.violation('device-identity', 'not as it was signed');
	}
}

/** Who must be in <participants>: all devices of the peer, and ours but for the one that sends. */
function checkDevices(client, node, peer, jids) {
	const own = client.account;
	const lid = isLid(node.attrs.to);
	const jid = (account, id) => (lid ? account.jid(id) : account.pnJid(id));
	const wanted = [...new Set([...peer.deviceIds().map((id) => jid(peer, id)),
		...own.deviceIds().filter((id) => id !== COMPANION).map((id) => jid(own, id))])];

	if (jids.toSorted().join() !== wanted.toSorted().join())
		client.server.violation('participants', `${jids} instead of ${wanted}`);
	if (lid && node.attrs.peer_recipient_pn !== peer.pnJid())
		client.server.violation('address', `peer_recipient_pn ${node.attrs.peer_recipient_pn}`);
	if (!lid && client.server.options.usync !== 'none')
		client.server.violation('address', `to ${node.attrs.to} though its LID is known`);
}

async function deliver(client, node, jid, enc) {
	const { server, account } = client;
	const phone = server.byJid(jid)?.phones.get(deviceOf(jid));
	const from = account.jid(COMPANION);
	const own = server.byJid(jid) === account;

	if (!phone || (phone.broken > 0 && phone.broken--))
		return phone ? 'unread' : 'unknown';
	if (phone.messages.some((m) => m.id === node.attrs.id))
		return 'repeated';
	try {
		const message = await phone.decrypt(from, node.attrs.id, enc);
		const dsm = message.deviceSentMessage;
		server.media.check(message, node.attrs.type, enc.attrs.mediatype);
		if (own !== Boolean(dsm) || (own && dsm.destinationJid !== node.attrs.to && !node.attrs.recipient))
			server.violation('dsm', `${jid}: ${JSON.stringify(message)}`);
		return 'read';
	} catch (error) {
		server.violation('signal', `${jid} ${enc.attrs.type}: ${error.message}`);
		return 'unread';
	}
}

/** Receipts of a device that has read a message, in the forms that servers use. */
function receiptFor(server, peer, device, id) {
	const kind = server.options.receipts;
	const from = kind === 'pn' ? peer.pnJid() : kind === 'device' ? peer.jid(device) : peer.jid();
	const attrs = { id, from, t: String(Math.floor(Date.now() / 1000)) };

	if (kind === 'pn')
		Object.assign(attrs, server.options.usync === 'none' ? {} : { sender_lid: peer.jid() });
	if (kind === 'list')
		return { tag: 'receipt', attrs: { ...attrs, id: `R${++server.serial}` }, content: [{ tag: 'list', attrs: {}, content: [{ tag: 'item', attrs: { id } }] }] };
	return { tag: 'receipt', attrs };
}

function answerMessage(client, node, peer, readers) {
	const { server, account } = client;
	const { options } = server;

	if (server.dropAcks > 0) {
		server.dropAcks--;
		return;
	}
	const answer = () => {
		client.send({ tag: 'ack', attrs: { class: 'message', id: node.attrs.id, from: node.attrs.to, t: String(Math.floor(Date.now() / 1000)),
			...(options.phash ? { phash: '2:ABCDEFGH' } : {}) } });
		const device = options.receipts === 'device' ? readers.at(-1) : readers[0];
		if (device !== undefined)
			server.owe(account, receiptFor(server, peer, device, node.attrs.id));
	};
	if (options.ackDelay)
		setTimeout(answer, options.ackDelay);
	else
		answer();
}

async function onMessage(client, node) {
	const { server } = client;
	const { id, to } = node.attrs;
	const peer = server.byJid(to);
	const tos = childrenOf(child(node, 'participants')).map((n) => ({ jid: n.attrs.jid, enc: child(n, 'enc') }));
	const readers = [];

	if (server.sentIds.get(id) === client)
		server.violation('id', `${id} twice on one connection`);
	server.sentIds.set(id, client);
	checkDevices(client, node, peer, tos.map((t) => t.jid));
	checkIdentity(client, node, tos.map((t) => t.enc));
	for (const { jid, enc } of tos) {
		const outcome = await deliver(client, node, jid, enc);
		if (server.byJid(jid) === peer && outcome !== 'unread')
			readers.push(deviceOf(jid));
	}
	answerMessage(client, node, peer, readers);
}

async function onResend(client, node) {
	const { server } = client;
	const enc = child(node, 'enc');

	checkIdentity(client, node, [enc]);
	if (!server.sentIds.has(node.attrs.id) || !enc.attrs.count)
		server.violation('resend', JSON.stringify(node.attrs));
	const outcome = await deliver(client, node, node.attrs.to, enc);
	client.send({ tag: 'ack', attrs: { class: 'message', id: node.attrs.id, from: node.attrs.to, t: node.attrs.t } });
	if (outcome !== 'read')
		server.violation('resend', `${outcome} by ${node.attrs.to}`);
}

/** The client asks its own phone for a message that it did not get, or could not read. */
async function onPeer(client, node) {
	const { server, account } = client;
	const enc = child(node, 'enc');

	checkIdentity(client, node, [enc]);
	client.send({ tag: 'ack', attrs: { class: 'message', id: node.attrs.id, from: node.attrs.to, t: String(Math.floor(Date.now() / 1000)) } });
	if (server.byJid(node.attrs.to) !== account) {
		server.violation('peer', `to ${node.attrs.to}`);
		return;
	}
	const message = await account.phones.get(0).decrypt(account.jid(COMPANION), node.attrs.id, enc);
	const { type, peerDataOperationRequestMessage: request } = message.protocolMessage ?? {};
	const keys = request?.placeholderMessageResendRequest ?? [];
	if (type !== 16 || request.peerDataOperationRequestType !== 4 || keys.length !== 1 || !keys[0].messageKey?.id || !keys[0].messageKey.remoteJid) {
		server.violation('peer', JSON.stringify(message));
		return;
	}
	server.requests.push(keys[0].messageKey);
	const info = server.kept.get(keys[0].messageKey.id);
	const result = info ? [{ placeholderMessageResendResponse: { webMessageInfoBytes: proto.WebMessageInfo.encode(info).finish() } }] : [];
	await ownPhone(server, account, { protocolMessage: { type: 17, peerDataOperationRequestResponseMessage: {
		peerDataOperationRequestType: 4, stanzaId: node.attrs.id, peerDataOperationResult: result } } }, { category: 'peer' });
}

const nothing = () => {};
const HANDLERS = {
	ping: (client, node) => client.send(result(node)), count: onCount, upload: onUpload, rotate: onRotate,
	digest: optional(), active: (client, node) => client.send(result(node)), devices: onDevices, contact: onContact, bundles: onBundles,
	mex: optional(), token: optional(), clean: optional(), remove: onRemove, result: onResult, signed: (client, node) => client.server.paired(client, node),
	session: nothing, batch: nothing, presence: nothing, message: onMessage, resend: onResend, peer: onPeer, receipt: onReceipt, retry: onRetry,
	hosts: onHosts, missing: onMissing, passkeyRef: onRef, passkeyPrologue: onPrologue, passkeyNonce: onNonce, passkeyRequest: onRequest,
	ackMessage: onAck, ackReceipt: onAck, ackNotification: onAck, ackCall: onAck,
};
const BEFORE_LOGIN = new Set(['ping', 'result', 'signed', 'session', 'ackNotification', 'passkeyRef', 'passkeyPrologue', 'passkeyNonce', 'passkeyRequest']);

export async function onStanza(client, node) {
	const { server } = client;
	const { name, faults } = shapeOf(node);

	if (client.silent)
		return;
	if (faults) {
		server.violation('shape', `${name}: ${faults.join('; ')}`);
		return;
	}
	if (client.state !== 'open' && !BEFORE_LOGIN.has(name))
		server.violation('phase', `${name} while ${client.state}`);
	if (node.tag === 'iq' && ['get', 'set'].includes(node.attrs.type)) {
		if (client.ids.has(node.attrs.id))
			server.violation('id', `of an iq, again: ${node.attrs.id}`);
		client.ids.add(node.attrs.id);
	}
	if (client.account?.companion || client.state === 'pairing' || name === 'result')
		await HANDLERS[name](client, node);
}
