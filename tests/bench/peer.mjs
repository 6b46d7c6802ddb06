/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The peer: many sessions of unmodified Baileys in one process, each with its file store. node peer.mjs URL NOISE_ROOT_HEX DIR
 *
 * Orders are lines of JSON on stdin, each answered by one line: {link: N} (QR codes are said as {qr, session} meanwhile), {open: N} (log in
 * N that were linked before, in another process), {send: [numbers], sessions: N, text}, {memory: true} (collects garbage until that helps no
 * more; answers the bytes in use on the heap). It ends at the end of stdin.
 */
import path from 'node:path';
import readline from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

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
				if (connection === 'close')
					open();
			});
		};
		open();
	});
}

/* Sessions up to n, `width` of them at a time. */
async function sessionsUpTo(n, width) {
	const from = sessions.length;

	for (let i = from; i < n; i++)
		sessions.push({ index: i, auth: await useMultiFileAuthState(path.join(dir, `s${i}`)) });
	let next = from;
	await Promise.all(Array.from({ length: width }, async () => {
		while (next < n)
			await connect(sessions[next++]);
	}));
}

async function collected() {
	let before, now = Infinity;

	do {
		before = now;
		globalThis.gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
		await sleep(1000); // what is freed goes back to the kernel by and by
		now = process.memoryUsage.rss();
	} while (now < 0.99 * before);
}

const orders = {
	link: (n) => sessionsUpTo(n, 4),
	open: (n) => sessionsUpTo(n, 16),
	/* As its users do: one message after the other in a session, the sessions side by side. */
	async send(to, { sessions: n = 1, text }) {
		await Promise.all(sessions.slice(0, n).map(async (session, k) => {
			for (let i = k; i < to.length; i += n)
				await session.socket.sendMessage(`${to[i]}@s.whatsapp.net`, { text });
		}));
	},
	async memory() {
		await collected();
		const { heapUsed, external } = process.memoryUsage();
		return { heap: heapUsed + external };
	},
};

say({ ready: true });
for await (const line of readline.createInterface({ input: process.stdin })) {
	const order = JSON.parse(line);
	const name = Object.keys(order)[0];

	say({ done: name, ...await orders[name](order[name], order) });
}
process.exit(0);
