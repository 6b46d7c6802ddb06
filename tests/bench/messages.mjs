/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages to people never written to (bundle fetch and X3DH each) and to known ones, end to end: accepted, persisted with fsync, encrypted,
 * sent, acknowledged. From one outlet and from many; beside Baileys with its file store. The simulator takes its share of the same cores.
 */
import { cost, round, table, times } from './measure.mjs';
import { Peer } from './peer_process.mjs';
import { benchWorld, linkOutlets, recipients, sendAll } from './worlds.mjs';

async function ours(outlets, n, block) {
	const world = await benchWorld();
	const pids = { waconnd: world.waconnd.pid, wasim: world.wasim.pid };

	await linkOutlets(world, outlets);
	const to = recipients(n, block);
	const fresh = await cost(pids, () => sendAll(world, world.ids, to, 'Halo'));
	const known = await cost(pids, () => sendAll(world, world.ids, to, 'Halo lagi'));
	await world.throwAway();
	return [['new', fresh], ['known', known]].map(([kind, c]) => ({ who: 'waconnd', outlets, kind, n, ...c, own: c.cpu.waconnd }));
}

async function theirs(outlets, n, block) {
	const world = await benchWorld();
	const peer = new Peer(world);
	const to = recipients(n, block);

	await peer.order({ link: outlets });
	const pids = { peer: peer.pid, wasim: world.wasim.pid };
	const fresh = await cost(pids, () => peer.order({ send: to, sessions: outlets, text: 'Halo' }));
	const known = await cost(pids, () => peer.order({ send: to, sessions: outlets, text: 'Halo lagi' }));
	await peer.stop();
	await world.throwAway();
	return [['new', fresh], ['known', known]].map(([kind, c]) => ({ who: 'Baileys', outlets, kind, n, ...c, own: c.cpu.peer }));
}

export async function run({ full }) {
	const many = full ? 100 : 10;
	const rows = [
		...await ours(1, full ? 20_000 : 2000, 0), ...await ours(many, full ? 20_000 : 2000, 1),
		...await theirs(1, full ? 1000 : 200, 2), ...await theirs(many, full ? 2000 : 200, 3),
	];
	const rate = (r) => r.n / r.own;
	const peer = (r) => rows.find((p) => p.who === 'Baileys' && p.kind === r.kind && p.outlets === r.outlets);

	table('Messages end to end, persisted before they are sent',
		['program', 'outlets', 'recipients', 'messages', 'a second', 'CPU ms each', 'simulator CPU ms each', 'a CPU second', 'Baileys'],
		rows.map((r) => [r.who, r.outlets, r.kind, r.n, round(r.n / r.wall), round(r.own / r.n * 1000), round(r.cpu.wasim / r.n * 1000),
			round(rate(r)), times(rate(r), rate(peer(r)))]));
}
