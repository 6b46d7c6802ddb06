/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A device of somebody else, with the Signal side of npm's libsignal: it gives out bundles, decrypts what it gets, counts it by message id, and
 * writes back. The padding and the content are checked here, since only here they can be read.
 */
import crypto from 'node:crypto';

import { Curve, generateSignalPubKey, proto } from 'baileys';
import libsignal from 'libsignal';

export const COMPANION = 41; // the number that the client's device gets
export const OTHER = 5; // another device of the client's account

const { ProtocolAddress, SessionBuilder, SessionCipher, SessionRecord } = libsignal;
const pair = (keys) => ({ pubKey: generateSignalPubKey(keys.public), privKey: keys.private });
const bytes = (n, size) => Buffer.from([n >>> 24, n >>> 16, n >>> 8, n].slice(4 - size).map((b) => b & 255));
const leaf = (tag, content) => ({ tag, attrs: {}, content });

export const address = (jid) => {
	const [, user, device = '0', server] = /^(\d+)(?::(\d+))?@(.+)$/.exec(jid);
	return new ProtocolAddress(server === 'lid' ? `${user}_1` : user, Number(device));
};

function unpad(plain) {
	const n = plain.at(-1);

	if (n < 1 || n > 16 || n > plain.length || plain.subarray(-n).some((b) => b !== n))
		throw new Error(`padding ${plain.subarray(-Math.max(1, n)).toString('hex')}`);
	return plain.subarray(0, -n);
}

export class Device {
	constructor(id) {
		this.id = id;
		this.makeKeys();
		this.messages = []; // {id, from, message}
		this.broken = 0; // so many messages it will pretend not to be able to read
	}

	makeKeys() {
		this.identity = Curve.generateKeyPair();
		this.signed = Curve.generateKeyPair();
		this.signature = Curve.sign(this.identity.private, generateSignalPubKey(this.signed.public));
		this.registration = crypto.randomInt(1, 16381);
		this.sessions = new Map();
		this.prekeys = new Map();
		this.nextPrekey = crypto.randomInt(1, 1000);
		this.used = new Set();
	}

	// -- the store that libsignal asks for

	loadSession(name) {
		return this.sessions.has(name) ? SessionRecord.deserialize(this.sessions.get(name)) : null;
	}

	storeSession(name, record) {
		this.sessions.set(name, record.serialize());
	}

	isTrustedIdentity() {
		return true;
	}

	loadPreKey(id) {
		return this.prekeys.get(id);
	}

	removePreKey(id) {
		this.prekeys.delete(id);
	}

	loadSignedPreKey() {
		return pair(this.signed);
	}

	getOurRegistrationId() {
		return this.registration;
	}

	getOurIdentity() {
		return pair(this.identity);
	}

	// -- bundles

	oneTimeKey() {
		const keys = Curve.generateKeyPair();
		const id = this.nextPrekey++;

		this.prekeys.set(id, pair(keys));
		return { tag: 'key', attrs: {}, content: [leaf('id', bytes(id, 3)), leaf('value', keys.public)] };
	}

	keyNodes(withOneTime) {
		return [
			leaf('registration', bytes(this.registration, 4)), leaf('type', Buffer.from([5])), leaf('identity', this.identity.public),
			...(withOneTime ? [this.oneTimeKey()] : []),
			{ tag: 'skey', attrs: {}, content: [leaf('id', bytes(1, 3)), leaf('value', this.signed.public), leaf('signature', this.signature)] },
		];
	}

	// -- messages

	async decrypt(from, id, enc) {
		const cipher = new SessionCipher(this, address(from));
		const data = Buffer.from(enc.content);
		const plain = enc.attrs.type === 'pkmsg' ? await cipher.decryptPreKeyWhisperMessage(data) : await cipher.decryptWhisperMessage(data);
		const message = proto.Message.decode(unpad(Buffer.from(plain)));

		this.messages.push({ id, from, message, type: enc.attrs.type });
		return message;
	}

	async encrypt(to, message, bundle) {
		const name = address(to);
		const n = crypto.randomInt(1, 16);

		if (bundle && !this.sessions.has(name.toString()))
			await new SessionBuilder(this, name).initOutgoing(bundle());
		const padded = Buffer.concat([Buffer.from(proto.Message.encode(message).finish()), Buffer.alloc(n, n)]);
		const { type, body } = await new SessionCipher(this, name).encrypt(padded);
		return { tag: 'enc', attrs: { v: '2', type: type === 3 ? 'pkmsg' : 'msg' }, content: Buffer.from(body) };
	}
}
