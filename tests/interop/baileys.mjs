/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Baileys as it comes from npm, as a process of its own: node baileys.mjs URL NOISE_ROOT_HEX AUTH_DIR. The one thing that is replaced, at
 * run time, is the root key that it trusts. It says what happens as lines of JSON on stdout ({event, …}) and takes {to, text}, {to,
 * content, options} (of sendMessage; {base64} stands for bytes) or {pair: NUMBER} (by code, said as {event: "code"}) on stdin. Files that
 * come are downloaded and said as {event: "media"}, with the hash of what they hold. Its keys are files in AUTH_DIR, so that a later process goes on where this one ended.
 * It ends at the end of stdin.
 */
import { createHash } from 'node:crypto';
import readline from 'node:readline';

import makeWASocket, {
	DisconnectReason, WA_CERT_DETAILS, downloadMediaMessage, generateMessageIDV2, getContentType, normalizeMessageContent, proto, useMultiFileAuthState,
} from 'baileys';
import pino from 'pino';

const [url, noiseRoot, authDir] = process.argv.slice(2);
const logger = pino({ level: process.env.BAILEYS_LOG ?? 'warn' }, pino.destination(2));
const sent = new Map(); // of ids: promises of messages, for devices that ask again, be it before the client says that it has sent

WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(noiseRoot, 'hex');

const say = (event, fields = {}) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
/** Of kinds that are no file: what a person would see. */
const contentOf = (message) => {
	const inner = normalizeMessageContent(message) ?? {};
	const { locationMessage: place, contactMessage: card, extendedTextMessage: text } = inner;
	const context = inner[getContentType(inner)]?.contextInfo;

	return {
		place: place ? { latitude: place.degreesLatitude, longitude: place.degreesLongitude, name: place.name ?? null } : null,
		card: card ? { name: card.displayName, vcard: card.vcard } : null,
		link: text?.matchedText ? { matched: text.matchedText, title: text.title } : null,
		quoted: context?.stanzaId ? { id: context.stanzaId, text: textOf(context.quotedMessage) } : null,
		expiration: context?.expiration ?? 0,
	};
};
const textOf = (message) => message?.conversation ?? message?.extendedTextMessage?.text ?? null;

const { state, saveCreds } = await useMultiFileAuthState(authDir);
let socket;
let ending = false;

function onConnection({ connection, lastDisconnect, qr }) {
	if (qr)
		say('qr', { qr });
	if (connection === 'open')
		say('open', { me: state.creds.me });
	if (connection === 'close' && !ending) {
		const code = lastDisconnect?.error?.output?.statusCode;

		say('close', { code, error: lastDisconnect?.error?.message });
		if (code !== DisconnectReason.loggedOut)
			connect(); // 515 after pairing asks for this
	}
}

const fileOf = (message) => {
	const inner = normalizeMessageContent(message);
	const type = inner && getContentType(inner);

	return type && inner[type]?.mediaKey?.length > 0 ? { type, ...inner[type] } : null;
};

/** Downloads and decrypts what comes with a message; what the hosts have forgotten is asked for at the phone. */
async function fetchFile(m, host) {
	try {
		return await downloadMediaMessage(m, 'buffer', { host });
	} catch (error) {
		if (error?.output?.statusCode !== 404)
			throw error;
		return downloadMediaMessage(await socket.updateMediaMessage(m), 'buffer', { host });
	}
}

async function takeFile(m, file) {
	const { id } = m.key;

	try {
		const bytes = await fetchFile(m, new URL(file.url).host);

		say('media', {
			id, type: file.type, mimetype: file.mimetype, caption: file.caption ?? null, fileName: file.fileName ?? null, ptt: file.ptt ?? false,
			gif: file.gifPlayback ?? false, width: file.width ?? null, height: file.height ?? null, seconds: file.seconds ?? null,
			thumbnail: file.jpegThumbnail?.length ?? 0, length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'),
		});
	} catch (error) {
		say('media', { id, error: String(error?.stack ?? error) });
	}
}

function onMessages({ messages }) {
	for (const m of messages) {
		const file = fileOf(m.message);

		if (file && !m.key.fromMe)
			takeFile(m, file);
		const { id, remoteJid, remoteJidAlt, fromMe } = m.key;
		const stub = m.messageStubType ? proto.WebMessageInfo.StubType[m.messageStubType] : null;

		say('message', { id, from: remoteJid, alt: remoteJidAlt ?? null, fromMe, text: textOf(m.message), content: contentOf(m.message), stub, why: m.messageStubParameters ?? null });
	}
}

function connect() {
	socket = makeWASocket({
		waWebSocketUrl: url,
		auth: state,
		logger,
		// There is no history to wait for.
		shouldSyncHistoryMessage: ({ syncType }) => syncType !== proto.HistorySync.HistorySyncType.RECENT,
		getMessage: async ({ id }) => sent.get(id),
	});
	socket.ev.on('creds.update', saveCreds);
	socket.ev.on('connection.update', onConnection);
	socket.ev.on('messages.upsert', onMessages);
	socket.ev.on('messages.update', (updates) => {
		for (const { key, update } of updates)
			say('update', { id: key.id, status: update.status ?? null });
	});
}

const bytesIn = (value) => (value?.base64 !== undefined ? Buffer.from(value.base64, 'base64')
	: value !== null && typeof value === 'object' && !Array.isArray(value)
		? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, bytesIn(v)])) : value);

async function send({ to, text, content, options }) {
	const messageId = generateMessageIDV2(state.creds.me.id);
	const sending = socket.sendMessage(`${to}@s.whatsapp.net`, content ? bytesIn(content) : { text }, { ...options, messageId });

	sent.set(messageId, sending.then(({ message }) => message, () => undefined));
	await sending;
	say('sent', { id: messageId, to });
}

async function pair(number) {
	say('code', { code: await socket.requestPairingCode(number) });
}

connect();
for await (const line of readline.createInterface({ input: process.stdin })) {
	try {
		const order = JSON.parse(line);

		await (order.pair ? pair(order.pair) : send(order));
	} catch (error) {
		say('failed', { error: String(error?.stack ?? error) });
	}
}
ending = true;
await saveCreds();
socket.end(undefined);
process.exit(0);
