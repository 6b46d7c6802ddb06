/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What grows with the work: blasts of a thousand to a million recipients, and sending beside millions of sessions of others. */
import { cost, cpu, forgetPeak, peak, round, rss, table } from './measure.mjs';
import { benchWorld, linkOutlets, recipients, sendAll } from './worlds.mjs';

const CALL_MAX = 100_000; // recipients of one request

async function creation(sizes) {
	const rows = [];

	for (const n of sizes) {
		const world = await benchWorld();
		const [id] = await linkOutlets(world, 1);
		const before = rss(world.waconnd.pid);

		forgetPeak(world.waconnd.pid);
		const pids = { waconnd: world.waconnd.pid, apigw: world.apigw.pid };
		const far = new Date(Date.now() + 30 * 24 * 3600 * 1000).toISOString();
		const c = await cost(pids, async () => {
			for (let at = 0; at < n; at += CALL_MAX) {
				const to = recipients(Math.min(CALL_MAX, n - at), 10 + at / CALL_MAX);

				await world.blast([id], to, 'Halo', { scheduleAt: far });
			}
		});
		rows.push([n, round(c.wall), round(c.cpu.waconnd / n * 1e6), round((peak(world.waconnd.pid) - before) / 1024), round(peak(world.apigw.pid) / 1024)]);
		await world.throwAway();
	}
	table('Creating blasts (at most 100,000 recipients a request)',
		['recipients', 'accepted after s', 'waconnd CPU µs each', 'waconnd\'s peak grew by MiB', 'apigw peak MiB'], rows);
}

async function dispatch(rowsBeside) {
	const world = await benchWorld();
	const rows = [];
	const [id] = await linkOutlets(world, 1);
	const n = 5000;
	let beside = 0;

	for (const [i, more] of rowsBeside.entries()) {
		await world.sql(`INSERT INTO outlets (id, name, whatsapp_number) VALUES ('outlet_filler', 'Filler', '62870000000') ON CONFLICT DO NOTHING;
			INSERT INTO keys (outlet_id, kind, name, value)
			SELECT 'outlet_filler', 1, 'filler' || i, decode(repeat('ab', 500), 'hex') FROM generate_series(${beside + 1}, ${more}) i;
			ANALYZE keys; CHECKPOINT`);
		beside = more;
		const at = cpu(world.waconnd.pid);
		const start = Date.now();
		await sendAll(world, [id], recipients(n, 30 + i), 'Halo');
		rows.push([beside, round(n / ((Date.now() - start) / 1000)), round((cpu(world.waconnd.pid) - at) / n * 1000)]);
	}
	await world.throwAway();
	table('Sending to new recipients beside other rows in the table of keys', ['rows beside', 'messages a second', 'waconnd CPU ms each'], rows);
}

export async function run({ full }) {
	await creation(full ? [1000, 10_000, 100_000, 1_000_000] : [1000, 10_000]);
	await dispatch(full ? [0, 100_000, 1_000_000, 5_000_000] : [0, 100_000]);
}
