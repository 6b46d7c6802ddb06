/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a connected outlet costs in memory, and a login in CPU, over TLS; beside Baileys' sessions in one process. */
import { cost, cpu, round, rss, table, times } from './measure.mjs';
import { Peer } from './peer_process.mjs';
import { allConnected, benchWorld, linkOutlets } from './worlds.mjs';

const SETTLE_MS = 15_000; // buffers of links that went idle are given back

const PEER_MAX = 1000; // sessions of Baileys in one process; linking more takes it most of an hour

const settled = () => new Promise((resolve) => { setTimeout(resolve, SETTLE_MS); });

async function ours(sizes) {
	const world = await benchWorld({ tls: true });
	const rows = [];

	await settled();
	const base = rss(world.waconnd.pid);
	for (const n of sizes) {
		const link = await cost({ waconnd: world.waconnd.pid, wasim: world.wasim.pid }, () => linkOutlets(world, n));

		await world.waconnd.stop();
		const start = Date.now();
		await world.startDaemon();
		await world.ready();
		await allConnected(world, n);
		const seconds = (Date.now() - start) / 1000;
		const login = cpu(world.waconnd.pid);
		await settled();
		rows.push({ n, base, memory: rss(world.waconnd.pid), seconds, login, link });
	}
	await world.throwAway();
	return rows;
}

async function theirs(n) {
	const world = await benchWorld({ tls: true });
	const peer = new Peer(world, { ca: world.ca });

	await peer.order({ memory: true });
	const base = rss(peer.pid);
	await peer.order({ link: n });
	const login = await cost({ peer: peer.pid }, () => peer.order({ restart: true }));
	await settled();
	await peer.order({ memory: true });
	const memory = rss(peer.pid);
	await peer.stop();
	await world.throwAway();
	return { n, base, memory, seconds: login.wall, login: login.cpu.peer };
}

export async function run({ full }) {
	const sizes = full ? [100, 1000, 5000] : [100, 300];
	const all = (await ours(sizes)).map((r) => ({ who: 'waconnd', ...r }));

	for (const n of sizes.filter((size) => size <= PEER_MAX))
		all.push({ who: 'Baileys', ...await theirs(n) });
	const peerOf = (r) => all.filter((p) => p.who === 'Baileys').reduce((best, p) => (p.n <= r.n ? p : best));
	const each = (r) => (r.memory - r.base) / r.n;

	table('Connected idle outlets over TLS, after a restart',
		['program', 'outlets', 'base MiB', 'KiB an outlet', 'all connected after s', 'CPU ms a login', 'Baileys: memory', 'Baileys: CPU a login'],
		all.map((r) => [r.who, r.n, round(r.base / 1024), round(each(r)), round(r.seconds), round(r.login / r.n * 1000),
			times(each(peerOf(r)), each(r)), times(peerOf(r).login / peerOf(r).n, r.login / r.n)]));
}
