/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `make demo`: PostgreSQL, the simulator, waconnd and apigw with six outlets, one in each status, and a blast under way. It stays
 * in the foreground; Ctrl-C or SIGTERM stops everything that it started. Each start begins from nothing.
 *
 *	DEMO_PORT   where the pages are (3000)
 *	DEMO_DIR    where everything is kept (var/demo)
 */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

import { Cluster } from '../e2e/cluster.mjs';
import { startWorld } from '../e2e/world.mjs';
import { makeBlasts } from './blasts.mjs';
import { askedToStop, hold } from './hold.mjs';
import { OUTLETS, makeOutlets, renewCodes } from './outlets.mjs';

const port = Number(process.env.DEMO_PORT || 3000);
const dir = path.resolve(process.env.DEMO_DIR || 'var/demo');
const RENEW_MS = 5000;

const LOGINS = [
	{ role: 'SUPERADMIN', name: 'superadmin', password: 'demo-superadmin' },
	{ role: 'ADMIN', name: 'admin', password: 'demo-admin' },
	{ role: 'USER', name: 'kasir', password: 'demo-kasir' },
];

function portIsFree() {
	return new Promise((resolve) => {
		const server = net.createServer();

		server.on('error', () => resolve(false));
		server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
	});
}

/** The demo that runs in the directory, if one does: what it keeps there must not be taken from under it. */
function runningDemo() {
	try {
		const pid = Number(fs.readFileSync(path.join(dir, 'demo.pid'), 'utf8'));
		const command = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');

		return pid !== process.pid && command.some((word) => word.endsWith('demo.mjs')) ? pid : null;
	} catch {
		return null; // never written, or its process is gone
	}
}

/** What an earlier demo left in the directory, also one that was killed. Anything else there stays. */
async function clean() {
	if (fs.existsSync(path.join(dir, 'pg')))
		await new Cluster(path.join(dir, 'pg')).stop();
	for (const name of ['pg', 'd.sock', 'master.key', 'waconnd.conf', 'apigw.conf', 'demo.json', 'demo.pid', 'wasim.log', 'waconnd.log', 'apigw.log'])
		fs.rmSync(path.join(dir, name), { recursive: true, force: true });
}

async function load(world) {
	await makeOutlets(world);
	const shop = OUTLETS.find((o) => o.status === 'CONNECTED');

	for (const { role, name, password } of LOGINS.slice(1))
		await world.addUser(name, role, password, role === 'USER' ? shop.id : null);
	await makeBlasts(world, shop.id);
	// For scan.mjs. The password is no secret: it is printed below.
	fs.writeFileSync(path.join(dir, 'demo.json'), JSON.stringify({
		url: world.base, control: world.sim.base, login: LOGINS[0], phones: Object.fromEntries(OUTLETS.map((o) => [o.number, o.device])),
	}), { mode: 0o600 });
}

function tell(world) {
	const scan = path.relative('', path.resolve(import.meta.dirname, 'scan.mjs'));
	const row = (a, b, c) => console.log(`  ${a.padEnd(12)}${b.padEnd(14)}${c}`);

	console.log('\nLogins:');
	row('role', 'user', 'password');
	for (const { role, name, password } of LOGINS)
		row(role, name, password);
	console.log(`\nThe phone that scans a code:  node ${scan} "${OUTLETS.find((o) => o.status === 'CONNECTING').name}"`);
	console.log('  (without a name it scans every code that is shown)');
	console.log(`The simulator's control:      ${world.sim.base}   (docs/simulator.md)`);
	console.log(`Logs and configuration:       ${dir}`);
	console.log('Ctrl-C stops everything.\n');
	console.log(`ready: ${world.base}`);
}

async function main() {
	const stop = askedToStop();

	if (!await portIsFree()) {
		console.error(`demo: 127.0.0.1:${port} is taken: another demo? DEMO_PORT=N chooses another port, DEMO_DIR=DIR another place for a second one`);
		return 1;
	}
	if (runningDemo() !== null) {
		console.error(`demo: ${dir} is in use by another demo (process ${runningDemo()}): stop it, or choose with DEMO_DIR=DIR another place`);
		return 1;
	}
	fs.mkdirSync(dir, { recursive: true });
	await clean();
	fs.writeFileSync(path.join(dir, 'demo.pid'), String(process.pid));
	console.log('Starting PostgreSQL, the simulated WhatsApp, waconnd and apigw …');
	const starting = startWorld({
		dir,
		ports: { http: port },
		database: 'own',
		admin: LOGINS[0],
		daemon: { daemon: { instance: 'demo' }, blast: { per_minute: 20, daily_cap: 1000, window: '08:00-20:00' } },
	}).then(async (world) => {
		console.log('Linking six outlets, one for each status …');
		await load(world).catch((error) => world.end().then(() => { throw error; }));
		return world;
	});
	const world = await Promise.race([starting, stop]);

	if (typeof world === 'string') // asked to stop while it starts
		return (await starting.catch(() => null))?.end().then(() => 0) ?? 0;
	tell(world);

	let renewed = Date.now();
	await hold([world.waconnd, world.apigw], stop, () => {
		if (!world.wasim.running)
			throw new Error('the simulator ended');
		if (Date.now() - renewed < RENEW_MS)
			return null;
		renewed = Date.now();
		return renewCodes(world);
	}).finally(async () => {
		console.log('\nStopping …');
		await world.end();
		fs.rmSync(path.join(dir, 'demo.pid'), { force: true });
	});
	return 0;
}

main().then((status) => process.exit(status), (error) => {
	console.error(`demo: ${error.message}`);
	process.exit(1);
});
