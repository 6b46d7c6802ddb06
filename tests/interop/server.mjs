/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An independent WhatsApp server for tests: Baileys' codec and protobufs, npm's libsignal. Accounts and their devices, pairing, logins, and the
 * account of what has to be acknowledged. What a client does wrong is collected in `violations`; how the server behaves where servers may
 * differ is in `options`. The handlers of the stanzas are in server_stanzas.mjs.
 */
import crypto from 'node:crypto';
import http from 'node:http';

import { Curve, proto } from 'baileys';
import { WebSocketServer } from 'ws';

import { MediaHost } from './server_media.mjs';
import { Wire, makeIdentity } from './server_noise.mjs';
import { demand } from './server_passkey.mjs';
import { COMPANION, Device, OTHER } from './server_phone.mjs';
import { child, contentBytes } from './server_rules.mjs';
import { onStanza } from './server_stanzas.mjs';

const REFS = 6;

/** @typedef {{
 *   usync?: 'pn' | 'lid' | 'both' | 'none',   how the queries for devices are answered; none: there are no LIDs of others
 *   wrapKeys?: boolean, oneTime?: boolean,   bundles: in <keys>; with a one-time key
 *   quiet?: boolean,     optional queries are not answered, no backlog is announced
 *   phash?: boolean,     acks carry one
 *   ackDelay?: number,   milliseconds
 *   receipts?: 'lid' | 'pn' | 'device' | 'list',
 *   compress?: boolean, merge?: boolean, split?: boolean,
 * }} Options */

class Account {
	constructor(pn) {
		this.pn = pn;
		this.lid = `9${crypto.createHash('sha256').update(pn).digest().readUIntBE(0, 6) % 10 ** 13}`;
		this.key = null; // of the primary device; made when it links one
		this.passkey = null; // a Passkey: demanded before one is linked
		this.phones = new Map([[0, new Device(0)]]);
		this.companion = null; // what the client under test is
		this.refusals = []; // attributes of <failure> for its next logins
		this.logins = 0;
	}

	jid(device = 0) {
		return `${this.lid}${device ? `:${device}` : ''}@lid`;
	}

	pnJid(device = 0) {
		return `${this.pn}${device ? `:${device}` : ''}@s.whatsapp.net`;
	}

	deviceIds() {
		return [...this.phones.keys(), ...(this.companion ? [COMPANION] : [])];
	}
}

/** One socket of a client. */
class Client {
	constructor(server, socket) {
		this.server = server;
		this.account = null;
		this.state = 'handshake';
		this.ids = new Set();
		this.wire = new Wire(socket, server.identity, server.options, {
			hello: (payload, noise) => this.hello(payload, noise),
			stanza: (node) => onStanza(this, node),
			failed: (why) => server.violation('transport', why),
			closed: () => this.closed(),
		});
	}

	send(node) {
		if (this.state !== 'closed' && !this.silent)
			this.wire.send(node);
	}

	closed() {
		this.state = 'closed';
		if (this.account?.client === this)
			this.account.client = null;
		this.server.clients.delete(this);
	}

	hello(payload, noise) {
		if (payload.devicePairingData)
			this.register(payload, noise);
		else
			this.login(payload, noise);
	}

	register(payload, noise) {
		const d = payload.devicePairingData;
		const signed = Buffer.concat([Buffer.from([5]), d.eSkeyVal]);

		if (payload.passive || payload.username || !Curve.verify(d.eIdent, signed, d.eSkeySig) || d.eSkeyId.length !== 3 || d.eRegid.length !== 4)
			this.server.violation('registration', JSON.stringify(payload));
		this.registration = { identity: d.eIdent, noise, id: Buffer.from(d.eRegid), skey: { id: Buffer.from(d.eSkeyId), value: Buffer.from(d.eSkeyVal) } };
		this.state = 'pairing';
		this.refs = Array.from({ length: REFS }, () => crypto.randomBytes(24).toString('base64'));
		this.send({
			tag: 'iq', attrs: { from: 's.whatsapp.net', type: 'set', id: '1001', xmlns: 'md' },
			content: [{ tag: 'pair-device', attrs: {}, content: this.refs.map((ref) => ({ tag: 'ref', attrs: {}, content: Buffer.from(ref) })) }],
		});
	}

	login(payload, noise) {
		const account = this.server.accounts.get(String(payload.username));
		const refusal = this.server.refusals.shift() ?? account?.refusals.shift();

		if (refusal) {
			this.send({ tag: 'failure', attrs: { location: 'abc', ...refusal } });
			this.end();
			return;
		}
		if (!account?.companion || payload.device !== COMPANION || !account.companion.noise.equals(noise)) {
			this.send({ tag: 'failure', attrs: { reason: '401', location: 'xyz' } });
			this.end();
			return;
		}
		if (!payload.passive || !payload.pull || payload.devicePairingData)
			this.server.violation('login', JSON.stringify(payload));
		if (account.client) {
			account.client.send({ tag: 'stream:error', attrs: {}, content: [{ tag: 'conflict', attrs: { type: 'replaced' } }] });
			account.client.end();
		}
		Object.assign(this, { account, state: 'open' });
		account.client = this;
		this.server.logins++;
		account.logins++;
		this.send({
			tag: 'success',
			attrs: {
				t: String(Math.floor(Date.now() / 1000) + this.server.ahead), lid: account.jid(COMPANION), companion_enc_static: 'AbC/+9=', location: 'frc', props: '27',
				abprops: '2', group_abprops: '1', display_name: 'A Shop @ home', creation: '1500000000',
			},
		});
		this.send({ tag: 'ib', attrs: { from: 's.whatsapp.net' }, content: [{ tag: 'gpia_request', attrs: { nonce: 'x' } }] });
		this.backlog();
	}

	backlog() {
		const pending = [...this.server.owed.values()].filter((o) => o.account === this.account);

		if (!this.server.options.quiet) {
			this.send({ tag: 'ib', attrs: { from: 's.whatsapp.net' }, content: [{ tag: 'offline_preview',
				attrs: { count: String(pending.length), message: '0', receipt: '0', notification: '0', appdata: '0' } }] });
		}
		for (const { node } of pending)
			this.send({ ...node, attrs: { ...node.attrs, offline: '0' } });
		if (!this.server.options.quiet)
			this.send({ tag: 'ib', attrs: { from: 's.whatsapp.net' }, content: [{ tag: 'offline', attrs: { count: String(pending.length) } }] });
	}

	/** Says goodbye, and closes when that is out. */
	end() {
		setTimeout(() => this.wire.socket.close(), 20);
	}
}

export class Server {
	/** @param {Options} options */
	constructor(options = {}) {
		this.options = { usync: 'both', oneTime: true, receipts: 'lid', ...options };
		this.identity = makeIdentity();
		this.accounts = new Map();
		this.lids = new Map();
		this.clients = new Set();
		this.violations = [];
		this.owed = new Map(); // what a client has not acknowledged yet
		this.settled = new Set();
		this.kept = new Map(); // message id → WebMessageInfo: what the account's own phone has
		this.requests = []; // the keys of messages that were asked for from it
		this.sentIds = new Map(); // message id → the client that sent it
		this.refusals = []; // attributes of <failure> for the next logins
		this.logins = 0;
		this.serial = 0;
		this.ahead = 0; // seconds of the clock that logins tell
		this.rotations = 0;
		this.dropAcks = 0;
		this.receipts = []; // of what phones sent
		this.retries = [];
		this.media = new MediaHost(this);
	}

	async start() {
		this.http = http.createServer();
		this.sockets = new WebSocketServer({ server: this.http, perMessageDeflate: false, path: '/ws/chat' });
		this.sockets.on('connection', (socket, request) => {
			if (request.headers.origin !== 'https://web.whatsapp.com')
				this.violation('upgrade', `Origin ${request.headers.origin}`);
			this.clients.add(new Client(this, socket));
		});
		await Promise.all([new Promise((resolve) => this.http.listen(0, '127.0.0.1', resolve)), this.media.start()]);
		return { simUrl: `ws://127.0.0.1:${this.http.address().port}/ws/chat`, noiseRoot: this.identity.root.toString('hex') };
	}

	async stop() {
		for (const client of this.clients)
			client.wire.cut();
		await Promise.all([new Promise((resolve) => this.http.close(resolve)), this.media.stop()]);
	}

	violation(rule, what) {
		this.violations.push({ rule, what });
	}

	account(pn) {
		let account = this.accounts.get(pn);

		if (!account) {
			account = new Account(pn);
			if (Number(pn.at(-1)) % 3 === 0)
				account.phones.set(7, new Device(7));
			this.accounts.set(pn, account);
			this.lids.set(account.lid, account);
		}
		return account;
	}

	byJid(jid) {
		const [, user, server] = /^(\d+)(?::\d+)?@(.+)$/.exec(jid) ?? [];

		return server === 'lid' ? this.lids.get(user) : /^\d{7,15}$/.test(user) ? this.account(user) : undefined;
	}

	/** A stanza that must be acknowledged, exactly once. */
	owe(account, node) {
		// Of one message there may be several receipts.
		const type = node.tag === 'receipt' ? ` ${node.attrs.type}` : '';
		const key = `${node.tag} ${node.attrs.id} ${node.attrs.from.replace(/^s\./, '@s.')}${type}`;

		this.owed.set(key, { account, node });
		account.client?.send(node);
		return key;
	}

	/** The phone of this number scans. */
	async scan(text, pn) {
		const [ref, noise, identity, secret] = /#(.*)$/.exec(text)[1].split(',');
		const client = [...this.clients].find((c) => c.state === 'pairing' && c.refs.includes(ref));
		const account = this.account(pn);

		if (!client || !client.registration.noise.equals(Buffer.from(noise, 'base64')))
			throw new Error('nobody shows this QR code');
		if (account.passkey)
			demand(client, account, Buffer.from(secret, 'base64'));
		else
			this.signed(client, account, Buffer.from(identity, 'base64'), Buffer.from(secret, 'base64'));
		return account.passkey ? { passkey: true } : {};
	}

	/** The phone has signed the identity of this client, with the secret that it has of it. */
	signed(client, account, identity, secret) {
		account.key ??= account.phones.get(0).identity;
		if (!account.phones.has(OTHER))
			account.phones.set(OTHER, new Device(OTHER));
		const details = proto.ADVDeviceIdentity.encode({ rawId: 1234, timestamp: 1700000000, keyIndex: 3, accountType: 0, deviceType: 0 }).finish();
		const signature = Curve.sign(account.key.private, Buffer.concat([Buffer.from([6, 0]), details, identity]));
		const signed = proto.ADVSignedDeviceIdentity.encode({ details, accountSignatureKey: account.key.public, accountSignature: signature }).finish();
		const hmac = crypto.createHmac('sha256', secret).update(signed).digest();
		const container = proto.ADVSignedDeviceIdentityHMAC.encode({ details: signed, hmac }).finish();

		client.pairing = { account, details };
		client.send({
			tag: 'iq', attrs: { from: 's.whatsapp.net', type: 'set', id: '1002', xmlns: 'md', t: '1700000000' },
			content: [{
				tag: 'pair-success', attrs: {}, content: [
					{ tag: 'device-identity', attrs: {}, content: Buffer.from(container) }, { tag: 'biz', attrs: { name: 'Shop' } },
					{ tag: 'device', attrs: { jid: account.pnJid(COMPANION), lid: account.jid(COMPANION) } },
					{ tag: 'platform', attrs: { name: 'smba' } },
				],
			}],
		});
	}

	/** The client's answer to pair-success. */
	paired(client, node) {
		const { account, details } = client.pairing;
		const bytes = contentBytes(child(child(node, 'pair-device-sign'), 'device-identity'));
		const signed = proto.ADVSignedDeviceIdentity.decode(bytes);
		const { identity } = client.registration;
		const message = Buffer.concat([Buffer.from([6, 1]), details, identity, account.key.public]);

		if (!Curve.verify(identity, message, signed.deviceSignature) || signed.accountSignatureKey?.length > 0 || !Buffer.from(signed.details).equals(Buffer.from(details)))
			this.violation('adv', bytes.toString('hex'));
		account.companion = { ...client.registration, deviceSignature: Buffer.from(signed.deviceSignature), prekeys: new Map(), everUsed: new Set(), retired: new Set() };
		client.send({ tag: 'stream:error', attrs: { code: '515' } });
		client.end();
	}
}
