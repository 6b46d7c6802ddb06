/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The passkey that an account of the independent server may demand before a companion is linked: what the server asks, what a browser with the
 * account's authenticator answers, and what server and phone do with that. Keys, signatures and ciphers are node's own.
 */
import crypto from 'node:crypto';

import { Curve, proto } from 'baileys';

import { child, contentBytes } from './server_rules.mjs';

const RP_ID = 'whatsapp.com';
const ORIGIN = 'https://web.whatsapp.com';
const USER_VERIFIED = 4;
const PLATFORM = 1; // as in the registration: Chrome

const sha256 = (...parts) => crypto.createHash('sha256').update(Buffer.concat(parts)).digest();
const hmac = (key, data) => crypto.createHmac('sha256', key).update(data).digest();
const hkdf = (key, salt, info) => Buffer.from(crypto.hkdfSync('sha256', key, salt, info, 32));
const base64url = (bytes) => Buffer.from(bytes).toString('base64url');

/** An account's passkey, and the browser that has it. */
export class Passkey {
	constructor() {
		this.id = crypto.randomBytes(20);
		this.keys = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
	}

	/** PublicKeyCredential.toJSON() */
	sign(options) {
		const client = Buffer.from(JSON.stringify({ type: 'webauthn.get', challenge: options.challenge, origin: ORIGIN, crossOrigin: false }));
		const data = Buffer.concat([sha256(Buffer.from(options.rpId)), Buffer.from([1 | USER_VERIFIED]), Buffer.from([0, 0, 0, 9])]);
		const signature = crypto.sign('sha256', Buffer.concat([data, sha256(client)]), this.keys.privateKey);

		return {
			id: base64url(this.id), rawId: base64url(this.id), type: 'public-key', clientExtensionResults: {}, authenticatorAttachment: 'platform',
			response: { clientDataJSON: base64url(client), authenticatorData: base64url(data), signature: base64url(signature), userHandle: base64url('user-1') },
		};
	}

	/** What a relying party checks; undefined when all of it is right. */
	wrong(assertion, challenge) {
		const { clientDataJSON, authenticatorData, signature } = assertion.response;
		const [client, data] = [clientDataJSON, authenticatorData].map((s) => Buffer.from(s, 'base64url'));
		const said = JSON.parse(client);

		if (assertion.id !== base64url(this.id) || assertion.rawId !== assertion.id || assertion.type !== 'public-key')
			return 'the credential';
		if (said.type !== 'webauthn.get' || said.challenge !== challenge || said.origin !== ORIGIN)
			return 'the client data';
		if (!data.subarray(0, 32).equals(sha256(Buffer.from(RP_ID))) || (data[32] & USER_VERIFIED) === 0)
			return 'the authenticator data';
		return crypto.verify('sha256', Buffer.concat([data, sha256(client)]), this.keys.publicKey, Buffer.from(signature, 'base64url')) ? undefined : 'the signature';
	}
}

/** To be acknowledged on this connection, which is no account's yet. */
function notify(client, account, type, id, child) {
	const node = { tag: 'notification', attrs: { from: 's.whatsapp.net', type, id, t: String(Math.floor(Date.now() / 1000)) }, content: [child] };

	client.server.owe(account, node);
	client.send(node);
}

/** After the scan: the server asks. `secret`: what the QR code had. */
export function demand(client, account, secret) {
	const options = {
		challenge: base64url(crypto.randomBytes(32)), rpId: RP_ID, timeout: 60_000, userVerification: 'required',
		allowCredentials: [{ type: 'public-key', id: base64url(account.passkey.id) }],
	};

	client.passkey = { account, secret, options, handoff: hkdf(secret, '', 'shortcake-passkey-handoff-v1') };
	notify(client, account, 'passkey_prologue_request', 'PK1',
		{ tag: 'passkey_request_options', attrs: {}, content: Buffer.from(JSON.stringify(options)) });
}

const answer = (client, node, content) => client.send({ tag: 'iq', attrs: { from: '@s.whatsapp.net', type: 'result', id: node.attrs.id }, ...(content ? { content } : {}) });

/** Only who is asked for a passkey says any of this, and in this order. */
function step(client, from, to) {
	if ((client.passkey?.step ?? 'asked') !== from || !client.passkey)
		client.server.violation('passkey', `${to} after ${client.passkey?.step}`);
	client.passkey.step = to;
	return client.passkey;
}

export function onRef(client, node) {
	const pairing = step(client, 'asked', 'ref');

	pairing.ref = `2@${crypto.randomBytes(16).toString('base64')}`;
	answer(client, node, [{ tag: 'ref', attrs: {}, content: Buffer.from(pairing.ref) }]);
}

export function onPrologue(client, node) {
	const { server } = client;
	const pairing = step(client, 'ref', 'prologue');
	const { passkey } = pairing.account;
	const [id, assertion, prologue, proof] = ['credential_id', 'webauthn_assertion', 'prologue_payload', 'pairing_handoff_proof']
		.map((tag) => contentBytes(child(child(node, 'passkey_prologue'), tag)));
	const wrong = passkey.wrong(JSON.parse(assertion), pairing.options.challenge);
	const said = proto.ProloguePayload.decode(prologue);
	const identity = proto.CompanionEphemeralIdentity.decode(said.companionEphemeralIdentity);

	if (wrong || !id.equals(passkey.id))
		server.violation('passkey', `assertion: ${wrong ?? 'another credential'}`);
	if (!proof.equals(hmac(pairing.handoff, prologue)))
		server.violation('passkey', 'the proof is not of the secret that was scanned');
	if (identity.ref !== pairing.ref || identity.deviceType !== PLATFORM || identity.publicKey.length !== 32)
		server.violation('passkey', JSON.stringify(identity));
	Object.assign(pairing, { identity: Buffer.from(said.companionEphemeralIdentity), companion: Buffer.from(identity.publicKey), commitment: Buffer.from(said.commitment.hash) });
	answer(client, node);
	// The phone has heard of it.
	pairing.keys = Curve.generateKeyPair();
	pairing.nonce = crypto.randomBytes(32);
	notify(client, pairing.account, 'crsc_continuation', 'PK2', { tag: 'primary_ephemeral_identity', attrs: {}, content:
		Buffer.from(proto.PrimaryEphemeralIdentity.encode({ publicKey: pairing.keys.public, nonce: pairing.nonce }).finish()) });
}

export function onNonce(client, node) {
	const pairing = step(client, 'prologue', 'nonce');
	const nonce = contentBytes(child(node, 'companion_nonce'));

	if (!sha256(pairing.identity, nonce).equals(pairing.commitment))
		client.server.violation('passkey', 'the nonce is not what was committed to');
	answer(client, node);
}

export function onRequest(client, node) {
	const { server, registration } = client;
	const pairing = step(client, 'nonce', 'request');
	const sealed = proto.EncryptedPairingRequest.decode(contentBytes(child(node, 'encrypted_pairing_request')));
	const payload = Buffer.from(sealed.encryptedPayload);
	const shared = Buffer.from(Curve.sharedKey(pairing.keys.private, pairing.companion));
	const key = hkdf(shared, `Companion Pairing ${PLATFORM} with ref ${pairing.ref}`, 'Pairing Information Encryption Key');
	const cipher = crypto.createDecipheriv('aes-256-gcm', key, sealed.iv).setAuthTag(payload.subarray(-16));
	const request = proto.PairingRequest.decode(Buffer.concat([cipher.update(payload.subarray(0, -16)), cipher.final()]));
	const secret = Buffer.from(request.advSecret);

	if (!Buffer.from(request.companionPublicKey).equals(registration.noise) || !Buffer.from(request.companionIdentityKey).equals(registration.identity))
		server.violation('passkey', 'other keys than the registration\'s');
	if (secret.length !== 32 || secret.equals(pairing.secret))
		server.violation('passkey', 'the secret is that of the QR code');
	answer(client, node);
	server.signed(client, pairing.account, registration.identity, secret);
}
