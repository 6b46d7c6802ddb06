/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a connected outlet costs in memory, and a login in CPU, over TLS; beside Baileys' sessions in one process. Both are measured in the
 * same state: linked before, then a fresh process that logs all of them in, then calm. Baileys collects its garbage first (--expose-gc),
 * again and again until its resident size no longer falls.
 */
import { cost, cpu, round, rss, table, times } from './measure.mjs';
import { Peer } from './peer_process.mjs';
import { allConnected, benchWorld, linkOutlets } from './worlds.mjs';

const SETTLE_MS = 15_000; // buffers of links that went idle are given back
const PEER_SETTLE_MS = 45_000; // Baileys waits 20 s for a first history, and holds events back meanwhile

const PEER_MAX = 1000; // sessions of Baileys in one process; linking more takes it most of an hour

const settled = (ms = SETTLE_MS) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function ours(sizes) {
	const world = await benchWorld({ tls: true });
	const rows = [];

	await settled();
	const base = rss(world.waconnd.pid);
	for (const n of sizes) {
		await linkOutlets(world, n);
		await world.waconnd.stop();
		const start = Date.now();
		await world.startDaemon();
		await world.ready();
		await allConnected(world, n);
		const seconds = (Date.now() - start) / 1000;
		const login = cpu(world.waconnd.pid);
		await settled();
		rows.push({ n, base, memory: rss(world.waconnd.pid), seconds, login });
	}
	await world.throwAway();
	return rows;
}

async function theirs(sizes) {
	const world = await benchWorld({ tls: true });
	const linking = new Peer(world, { ca: world.ca });
	const rows = [];

	await linking.order({ link: Math.max(...sizes) });
	await linking.stop();
	for (const n of sizes) {
		const peer = new Peer(world, { ca: world.ca });

		const before = await peer.order({ memory: true });
		const base = rss(peer.pid);
		const login = await cost({ peer: peer.pid }, () => peer.order({ open: n }));
		await settled(PEER_SETTLE_MS);
		const after = await peer.order({ memory: true });
		rows.push({ n, base, memory: rss(peer.pid), heap: (after.heap - before.heap) / 1024, seconds: login.wall, login: login.cpu.peer });
		await peer.stop();
	}
	await world.throwAway();
	return rows;
}

/* What each costs that a row has more than the one above it, of the same program. */
function withMarginal(rows) {
	return rows.map((r, i) => ({ ...r, marginal: i === 0 ? NaN : (r.memory - rows[i - 1].memory) / (r.n - rows[i - 1].n) }));
}

export async function run({ full }) {
	const sizes = full ? [10, 100, 1000, 5000] : [10, 100];
	const mine = withMarginal(await ours(sizes)), peers = withMarginal(await theirs(full ? [10, 100, PEER_MAX] : [10, 40]));
	const all = [...mine.map((r) => ({ who: 'waconnd', ...r })), ...peers.map((r) => ({ who: 'Baileys, one process', ...r }))];
	const peerOf = (r) => peers.reduce((best, p) => (p.n <= r.n ? p : best));
	const each = (r) => (r.memory - r.base) / r.n;

	table('Connected idle outlets over TLS, after a restart',
		['program', 'outlets', 'base MiB', 'KiB an outlet', 'KiB each more than above', 'KiB of JavaScript heap each', 'all connected after s',
			'CPU ms a login', 'of Baileys\' memory', 'of Baileys\' CPU'],
		all.map((r) => [r.who, r.n, round(r.base / 1024), round(each(r)), round(r.marginal), r.heap ? round(r.heap / r.n) : '', round(r.seconds),
			round(r.login / r.n * 1000), times(each(peerOf(r)), each(r)), times(peerOf(r).login / peerOf(r).n, r.login / r.n)]));
}
