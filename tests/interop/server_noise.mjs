/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server's end of one WebSocket: frames out of any cut of the stream, the responder's side of Noise XX with node's own ciphers and a chain of
 * certificates under a root of its own, then binary XML by Baileys' codec. It knows nothing of what the stanzas mean.
 */
import crypto from 'node:crypto';
import zlib from 'node:zlib';

import { Curve, decodeBinaryNode, encodeBinaryNode, proto } from 'baileys';

const INTRO = Buffer.from([0x57, 0x41, 6, 3]);
const PROTOCOL = Buffer.from('Noise_XX_25519_AESGCM_SHA256\0\0\0\0');
const TAG = 16;
const EMPTY = Buffer.alloc(0);
const SPLIT_AT = 2; // bytes: within the header of a frame

const hkdf = (ikm, salt) => {
	const okm = Buffer.from(crypto.hkdfSync('sha256', ikm, salt, EMPTY, 64));
	return [okm.subarray(0, 32), okm.subarray(32)];
};
const iv = (n) => {
	const bytes = Buffer.alloc(12);
	bytes.writeUInt32BE(n, 8);
	return bytes;
};

function seal(key, n, plain, aad = EMPTY) {
	const cipher = crypto.createCipheriv('aes-256-gcm', key, iv(n)).setAAD(aad);
	return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function open(key, n, sealed, aad = EMPTY) {
	const decipher = crypto.createDecipheriv('aes-256-gcm', key, iv(n)).setAAD(aad).setAuthTag(sealed.subarray(-TAG));
	return Buffer.concat([decipher.update(sealed.subarray(0, -TAG)), decipher.final()]);
}

function certificate(signer, fields) {
	const type = proto.CertChain.NoiseCertificate;
	const details = type.Details.encode(fields).finish();
	return { details, signature: Curve.sign(signer.private, details) };
}

/** Keys and certificates of a server; what a client must trust is `root.public`. */
export function makeIdentity() {
	const [root, middle, leaf] = [0, 1, 2].map(() => Curve.generateKeyPair());
	const now = Math.floor(Date.now() / 1000);
	const dates = { notBefore: now - 3600, notAfter: now + 3600 };
	const chain = proto.CertChain.encode({
		intermediate: certificate(root, { serial: 7, issuerSerial: 0, key: middle.public, ...dates }),
		leaf: certificate(middle, { serial: 9, issuerSerial: 7, key: leaf.public, ...dates }),
	}).finish();

	return { root: root.public, leaf, chain };
}

class Handshake {
	constructor() {
		this.hash = this.salt = this.key = PROTOCOL;
		this.n = 0;
		this.mixHash(INTRO);
	}

	mixHash(data) {
		this.hash = crypto.createHash('sha256').update(this.hash).update(data).digest();
	}

	mixKey(ikm) {
		[this.salt, this.key] = hkdf(ikm, this.salt);
		this.n = 0;
	}

	encrypt(plain) {
		const sealed = seal(this.key, this.n++, plain, this.hash);
		this.mixHash(sealed);
		return sealed;
	}

	decrypt(sealed) {
		const plain = open(this.key, this.n++, Buffer.from(sealed), this.hash);
		this.mixHash(sealed);
		return plain;
	}
}

/** hello(payload), stanza(node) and failed(why) are called in the order of the wire. */
export class Wire {
	constructor(socket, identity, options, { hello, stanza, failed, closed }) {
		Object.assign(this, { socket, identity, options, hello, stanza, failed });
		this.bytes = EMPTY;
		this.phase = 'intro';
		this.waiting = []; // documents for the next flush
		this.work = Promise.resolve();
		socket.on('message', (data, binary) => {
			if (!binary)
				this.failed('a WebSocket message that is text');
			this.bytes = Buffer.concat([this.bytes, data]);
			this.work = this.work.then(() => this.take()).catch((error) => {
				this.failed(error.stack);
				this.cut();
			});
		});
		socket.on('error', () => {});
		socket.on('close', closed);
	}

	async take() {
		if (this.phase === 'intro')
			this.takeIntro();
		while (this.phase !== 'intro' && this.bytes.length >= 3) {
			const end = 3 + this.bytes.readUIntBE(0, 3);
			if (this.bytes.length < end)
				return;
			const body = this.bytes.subarray(3, end);
			this.bytes = this.bytes.subarray(end);
			await this.frame(body);
		}
	}

	takeIntro() {
		if (this.bytes.length < 4)
			return;
		let at = 0;
		if (this.bytes.subarray(0, 4).equals(Buffer.from([0x45, 0x44, 0, 1])))
			at = 7 + this.bytes.readUIntBE(4, 3);
		if (!this.bytes.subarray(at, at + 4).equals(INTRO))
			throw new Error(`intro ${this.bytes.subarray(at, at + 4).toString('hex')}`);
		this.bytes = this.bytes.subarray(at + 4);
		this.phase = 'hello';
	}

	async frame(body) {
		if (this.phase === 'hello')
			this.takeHello(body);
		else if (this.phase === 'finish')
			this.takeFinish(body);
		else
			await this.takeDocument(body);
	}

	takeHello(body) {
		const { clientHello } = proto.HandshakeMessage.decode(body);
		const ephemeral = Curve.generateKeyPair();
		const shake = new Handshake();

		shake.mixHash(clientHello.ephemeral);
		shake.mixHash(ephemeral.public);
		shake.mixKey(Curve.sharedKey(ephemeral.private, clientHello.ephemeral));
		const sealedStatic = shake.encrypt(this.identity.leaf.public);
		shake.mixKey(Curve.sharedKey(this.identity.leaf.private, clientHello.ephemeral));
		const payload = shake.encrypt(this.identity.chain);
		Object.assign(this, { shake, ephemeral, phase: 'finish' });
		this.frameOut(proto.HandshakeMessage.encode({ serverHello: { ephemeral: ephemeral.public, static: sealedStatic, payload } }).finish());
	}

	takeFinish(body) {
		const { clientFinish } = proto.HandshakeMessage.decode(body);
		const { shake } = this;

		this.clientStatic = shake.decrypt(clientFinish.static);
		shake.mixKey(Curve.sharedKey(this.ephemeral.private, this.clientStatic));
		const payload = shake.decrypt(clientFinish.payload);
		[this.readKey, this.writeKey] = hkdf(EMPTY, shake.salt);
		this.reads = this.writes = 0;
		this.phase = 'open';
		this.hello(proto.ClientPayload.decode(payload), this.clientStatic);
	}

	async takeDocument(body) {
		const plain = open(this.readKey, this.reads++, body);

		if (plain[0] !== 0)
			this.failed(`flags ${plain[0]} in front of a document`);
		await this.stanza(await decodeBinaryNode(plain));
	}

	frameOut(body) {
		const header = Buffer.alloc(3);
		header.writeUIntBE(body.length, 0, 3);
		const frame = Buffer.concat([header, body]);

		if (this.options.split && frame.length > SPLIT_AT) {
			this.socket.send(frame.subarray(0, SPLIT_AT));
			this.socket.send(frame.subarray(SPLIT_AT));
		} else {
			this.socket.send(frame);
		}
	}

	/** With options.merge, what is sent in one turn of the loop goes as one WebSocket message. */
	send(node) {
		const plain = encodeBinaryNode(node);
		const document = this.options.compress && plain.length > 64
			? Buffer.concat([Buffer.from([2]), zlib.deflateSync(plain.subarray(1))]) : plain;
		const body = seal(this.writeKey, this.writes++, document);
		const header = Buffer.alloc(3);

		if (!this.options.merge) {
			this.frameOut(body);
			return;
		}
		header.writeUIntBE(body.length, 0, 3);
		if (this.waiting.push(header, body) === 2)
			setImmediate(() => this.socket.send(Buffer.concat(this.waiting.splice(0))));
	}

	cut() {
		this.socket.terminate();
	}
}
