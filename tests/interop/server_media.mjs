/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The media host of the independent server: HTTP without TLS, on the loopback. Files are encrypted and decrypted with node's own crypto; what is
 * uploaded, and what messages say of it, is checked here.
 */
import crypto from 'node:crypto';
import http from 'node:http';

import { normalizeMessageContent, proto } from 'baileys';

import { child, contentBytes } from './server_rules.mjs';

const AUTH = 'A/b+c=';
const INFO = { image: 'Image', sticker: 'Image', video: 'Video', ptv: 'Video', audio: 'Audio', document: 'Document' };
const sha256 = (data) => crypto.createHash('sha256').update(data).digest();
const hkdf = (key, info, length) => Buffer.from(crypto.hkdfSync('sha256', key, '', info, length));

function keysOf(mediaKey, kind) {
	const okm = hkdf(mediaKey, `WhatsApp ${INFO[kind]} Keys`, 112);

	return { iv: okm.subarray(0, 16), cipher: okm.subarray(16, 48), mac: okm.subarray(48, 80) };
}

const macOf = ({ iv, mac }, ct) => crypto.createHmac('sha256', mac).update(iv).update(ct).digest().subarray(0, 10);

/** The part of a message that is a file: {kind, file}; or null. */
export function fileOf(message) {
	const inner = normalizeMessageContent(message?.deviceSentMessage?.message ?? message) ?? {};
	const [name] = Object.keys(inner).filter((key) => inner[key]?.mediaKey?.length > 0);

	return name ? { kind: name.replace('Message', ''), file: inner[name] } : null;
}

/* What the <enc> of a message says it is. */
function mediatypeOf(message) {
	const inner = normalizeMessageContent(message?.deviceSentMessage?.message ?? message) ?? {};
	const found = fileOf(message);

	if (inner.contactMessage)
		return 'vcard';
	return found && { audio: found.file.ptt ? 'ptt' : 'audio', video: found.file.gifPlayback ? 'gif' : 'video' }[found.kind] || found?.kind;
}

export class MediaHost {
	constructor(server) {
		this.server = server;
		this.files = new Map(); // path → {body, again}
		this.known = new Map(); // message id → {mediaKey, path}: what phones know
		this.lost = false; // phones do not
		this.statuses = []; // of the next answers
		this.uploads = 0;
		this.http = http.createServer((request, response) => this.answer(request, response));
	}

	async start() {
		await new Promise((resolve) => this.http.listen(0, '127.0.0.1', resolve));
		this.name = `127.0.0.1:${this.http.address().port}`;
	}

	async stop() {
		this.http.closeAllConnections();
		await new Promise((resolve) => this.http.close(resolve));
	}

	conn() {
		return { tag: 'media_conn', attrs: { auth: AUTH, ttl: '300', auth_ttl: '21600', max_buckets: '12' }, content: [
			{ tag: 'host', attrs: { hostname: this.name, class: 'fallback', type: 'primary' }, content: [{ tag: 'upload', attrs: {}, content: [{ tag: 'image', attrs: {} }] }] }] };
	}

	async answer(request, response) {
		const chunks = [];

		for await (const chunk of request)
			chunks.push(chunk);
		const status = this.statuses.shift();
		if (status)
			response.writeHead(status).end();
		else if (request.method === 'POST')
			this.take(request, Buffer.concat(chunks), response);
		else
			this.give(request, response);
	}

	take(request, body, response) {
		const url = new URL(request.url, 'http://host');
		const token = sha256(body).toString('base64url');
		const [, mms, type, last] = url.pathname.split('/');
		const faults = [
			[mms === 'mms' && Object.hasOwn(INFO, type), `path ${url.pathname}`],
			[last?.replace(/=$/, '') === token && url.searchParams.get('token')?.replace(/=$/, '') === token, 'token'],
			[url.searchParams.get('auth') === AUTH, `auth ${url.searchParams.get('auth')}`],
			[request.headers.origin === 'https://web.whatsapp.com', `Origin ${request.headers.origin}`],
			[Number(request.headers['content-length']) === body.length, 'Content-Length'],
			[body.length > 10 && (body.length - 10) % 16 === 0, `${body.length} bytes`],
		].filter(([ok]) => !ok).map(([, what]) => what);

		if (faults.length > 0) {
			this.server.violation('upload', faults.join('; '));
			response.writeHead(400).end();
			return;
		}
		this.uploads++;
		const path = this.put(body);
		response.writeHead(200, { 'Content-Type': 'application/json' })
			.end(JSON.stringify({ url: `https://mmg.whatsapp.net${path}`, direct_path: path, handle: 'h', object_id: '1' }));
	}

	put(body) {
		const path = `/o1/v/t24/${crypto.randomBytes(6).toString('hex')}?ccb=9-4&oh=x`;

		this.files.set(path, { body });
		return path;
	}

	give(request, response) {
		const found = [...this.files.entries()].find(([path]) => request.url.startsWith(`${path}&`));
		const { body } = found?.[1] ?? {};

		if (body && !request.url.includes(`&hash=${sha256(body).toString('base64url')}`))
			this.server.violation('download', request.url);
		response.writeHead(body ? 200 : 404).end(body);
	}

	/** What a file of this kind holds, put there by somebody else: the part of a message that tells of it. */
	write(kind, plain, more = {}) {
		const mediaKey = crypto.randomBytes(32);
		const keys = keysOf(mediaKey, kind);
		const cipher = crypto.createCipheriv('aes-256-cbc', keys.cipher, keys.iv);
		const ct = Buffer.concat([cipher.update(plain), cipher.final()]);
		const body = Buffer.concat([ct, macOf(keys, ct)]);
		const directPath = this.put(body);

		return { mediaKey, directPath, url: `https://mmg.whatsapp.net${directPath}`, fileSha256: sha256(plain), fileEncSha256: sha256(body),
			fileLength: plain.length, mediaKeyTimestamp: Math.floor(Date.now() / 1000), ...more };
	}

	/** What is in the file that a message tells of; thrown when it is not what the message says. */
	open(message) {
		const { kind, file } = fileOf(message);
		const { body } = this.files.get(file.directPath) ?? {};
		const keys = keysOf(file.mediaKey, kind);

		if (!body || !sha256(body).equals(file.fileEncSha256))
			throw new Error(`no such file: ${file.directPath}`);
		const ct = body.subarray(0, -10);
		if (!macOf(keys, ct).equals(body.subarray(-10)))
			throw new Error('the MAC is another');
		const decipher = crypto.createDecipheriv('aes-256-cbc', keys.cipher, keys.iv);
		const plain = Buffer.concat([decipher.update(ct), decipher.final()]);
		if (!sha256(plain).equals(file.fileSha256) || Number(file.fileLength) !== plain.length)
			throw new Error('the file is not what the message says');
		return plain;
	}

	/** A message came: its stanza must call it what it is, and its file must be there. */
	check(message, type, mediatype) {
		const wanted = mediatypeOf(message);

		if ((mediatype ?? null) !== (wanted ?? null) || (type === 'media') !== Boolean(wanted))
			this.server.violation('mediatype', `${type} ${mediatype} for ${wanted}`);
		if (!fileOf(message))
			return;
		try {
			this.open(message);
		} catch (error) {
			this.server.violation('media', error.message);
		}
	}

	/** Phones know the key of the file in message `id`; the host forgets it. */
	forget(id, { mediaKey, directPath }) {
		this.known.set(id, { mediaKey, body: this.files.get(directPath).body });
		this.files.delete(directPath);
	}

	/** The answer of the client's phone to <receipt type="server-error">. */
	asked(node, account) {
		const { id } = node.attrs;
		const known = this.known.get(id);
		const encrypt = child(node, 'encrypt');
		const attrs = { id, from: account.pnJid(), type: 'mediaretry', t: String(Math.floor(Date.now() / 1000)) };
		const rmr = child(node, 'rmr');

		if (!known)
			return { tag: 'notification', attrs, content: [{ tag: 'error', attrs: { code: '2' } }, rmr] };
		const key = hkdf(known.mediaKey, 'WhatsApp Media Retry Notification', 32);
		const sealed = contentBytes(child(encrypt, 'enc_p'));
		const decipher = crypto.createDecipheriv('aes-256-gcm', key, contentBytes(child(encrypt, 'enc_iv')));
		decipher.setAAD(Buffer.from(id));
		decipher.setAuthTag(sealed.subarray(-16));
		const { stanzaId } = proto.ServerErrorReceipt.decode(Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]));
		if (stanzaId !== id)
			this.server.violation('mediaretry', `${stanzaId} instead of ${id}`);

		const iv = crypto.randomBytes(12);
		const cipher = crypto.createCipheriv('aes-256-gcm', key, iv);
		cipher.setAAD(Buffer.from(id));
		const plain = proto.MediaRetryNotification.encode(this.lost ? { stanzaId: id, result: 2 } : { stanzaId: id, directPath: this.put(known.body), result: 1 }).finish();
		const enc = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
		return { tag: 'notification', attrs, content: [
			{ tag: 'encrypt', attrs: {}, content: [{ tag: 'enc_p', attrs: {}, content: enc }, { tag: 'enc_iv', attrs: {}, content: iv }] }, rmr] };
	}
}
