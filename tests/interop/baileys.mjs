/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Baileys as it comes from npm, as a process of its own: node baileys.mjs URL NOISE_ROOT_HEX AUTH_DIR. The one thing that is replaced, at
 * run time, is the root key that it trusts. It says what happens as lines of JSON on stdout ({event, …}) and takes {to, text} or {pair:
 * NUMBER} (by code, said as {event: "code"}) on stdin. Its keys are files in AUTH_DIR, so that a later process goes on where this one ended.
 * It ends at the end of stdin.
 */
import readline from 'node:readline';

import makeWASocket, { DisconnectReason, WA_CERT_DETAILS, proto, useMultiFileAuthState } from 'baileys';
import pino from 'pino';

const [url, noiseRoot, authDir] = process.argv.slice(2);
const logger = pino({ level: process.env.BAILEYS_LOG ?? 'warn' }, pino.destination(2));
const sent = new Map(); // for devices that ask again

WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(noiseRoot, 'hex');

const say = (event, fields = {}) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
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

function onMessages({ messages }) {
	for (const m of messages) {
		const { id, remoteJid, remoteJidAlt, fromMe } = m.key;
		const stub = m.messageStubType ? proto.WebMessageInfo.StubType[m.messageStubType] : null;

		say('message', { id, from: remoteJid, alt: remoteJidAlt ?? null, fromMe, text: textOf(m.message), stub, why: m.messageStubParameters ?? null });
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

async function send({ to, text }) {
	const message = await socket.sendMessage(`${to}@s.whatsapp.net`, { text });

	sent.set(message.key.id, message.message);
	say('sent', { id: message.key.id, to });
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
