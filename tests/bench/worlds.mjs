/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Worlds to measure: fsync on, TLS where asked for, many linked outlets. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { startWorld } from '../e2e/world.mjs';
import { each } from './measure.mjs';

const SIDE_BY_SIDE = 16;
const DAY_MS = 24 * 3600 * 1000;

function certificate(dir) {
	const cert = path.join(dir, 'cert.pem'), key = path.join(dir, 'key.pem');

	execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
		'-subj', '/CN=bench', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'pipe' });
	return { cert, key };
}

/** A world whose database syncs. tls: wss:// with a certificate of its own, whose file is world.ca. */
export async function benchWorld({ tls = false, daemon = {} } = {}) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'wcn-bench-'));
	const pair = tls ? certificate(dir) : undefined;
	const whatsapp = { ...daemon.whatsapp, ...tls ? { tls_ca: pair.cert } : {} };
	const world = await startWorld({ dir, database: 'own', fast: false, tls: pair, daemon: { ...daemon, whatsapp, log: { level: 'warn' } } });

	world.ca = pair?.cert;
	world.throwAway = async () => {
		// At full speed the phones' receipts come faster than they are written down.
		await world.stop({ violations: ['ack_late', 'no_keepalive'] });
		fs.rmSync(dir, { recursive: true, force: true });
	};
	return world;
}

export const phoneOf = (i) => `62877${String(i).padStart(7, '0')}`;

/** Adds and links outlets until there are n; answers the ids of all. */
export async function linkOutlets(world, n) {
	world.ids ??= [];
	const from = world.ids.length;

	await each(Array.from({ length: n - from }, (_, i) => from + i), SIDE_BY_SIDE, async (i) => {
		const id = await world.addOutlet(`Outlet ${String(i).padStart(5, '0')}`, phoneOf(i));

		world.ids[i] = id;
		await world.scan(id, phoneOf(i));
	});
	await allConnected(world, n);
	return world.ids;
}

/** Waits until n outlets are healthy. */
export async function allConnected(world, n, deadline = DAY_MS) {
	const end = Date.now() + deadline;

	for (;;) {
		world.alive();
		if ((await world.admin.get('/outlets/status?limit=1')).healthy >= n)
			return;
		if (Date.now() > end)
			throw new Error(`not all of ${n} outlets are connected`);
		await new Promise((resolve) => { setTimeout(resolve, 20); });
	}
}

/** Sends to all numbers through the outlets, as fast as it goes; until the last is SENT. */
export async function sendAll(world, outlets, to, text) {
	const blast = await world.blast(outlets, to, text);

	return world.waitBlast(blast.id, (b) => b.status === 'COMPLETED', DAY_MS);
}

export const recipients = (n, block) => Array.from({ length: n }, (_, i) => `62${811 + block}${String(i).padStart(8, '0')}`);
