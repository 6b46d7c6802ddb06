/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The peer: many sessions of unmodified Baileys in one process, each with its file store. node peer.mjs URL NOISE_ROOT_HEX DIR
 *
 * Orders are lines of JSON on stdin, each answered by one line: {link: N} (QR codes are said as {qr, session} meanwhile), {send: [numbers],
 * sessions: N, text}, {restart: true} (all log in again), {memory: true}. It ends at the end of stdin.
 */
import path from 'node:path';
import readline from 'node:readline';

import makeWASocket, { WA_CERT_DETAILS, proto, useMultiFileAuthState } from 'baileys';
import pino from 'pino';

const [url, noiseRoot, dir] = process.argv.slice(2);
const logger = pino({ level: 'silent' });
const sessions = [];

WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(noiseRoot, 'hex');
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/* Resolves when the session is open. */
function connect(session) {
	return new Promise((resolve) => {
		const open = () => {
			session.socket = makeWASocket({
				waWebSocketUrl: url,
				auth: session.auth.state,
				logger,
				shouldSyncHistoryMessage: ({ syncType }) => syncType !== proto.HistorySync.HistorySyncType.RECENT,
			});
			session.socket.ev.on('creds.update', session.auth.saveCreds);
			session.socket.ev.on('connection.update', ({ connection, qr }) => {
				if (qr)
					say({ qr, session: session.index });
				if (connection === 'open')
					resolve();
				if (connection === 'close' && session.ending)
					session.ending();
				else if (connection === 'close')
					open();
			});
		};
		open();
	});
}

const orders = {
	async link(n) {
		while (sessions.length < n) {
			const index = sessions.length;
			const session = { index, auth: await useMultiFileAuthState(path.join(dir, `s${index}`)), ending: null };

			sessions.push(session);
			await connect(session);
		}
	},
	/* As its users do: one message after the other in a session, the sessions side by side. */
	async send(to, { sessions: n = 1, text }) {
		await Promise.all(sessions.slice(0, n).map(async (session, k) => {
			for (let i = k; i < to.length; i += n)
				await session.socket.sendMessage(`${to[i]}@s.whatsapp.net`, { text });
		}));
	},
	async restart() {
		await Promise.all(sessions.map((session) => new Promise((resolve) => {
			session.ending = resolve;
			session.socket.end(undefined);
		})));
		await Promise.all(sessions.map((session) => {
			session.ending = null;
			return connect(session);
		}));
	},
	memory() {
		globalThis.gc?.();
	},
};

say({ ready: true });
for await (const line of readline.createInterface({ input: process.stdin })) {
	const order = JSON.parse(line);
	const name = Object.keys(order)[0];

	await orders[name](order[name], order);
	say({ done: name });
}
process.exit(0);
