/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * PostgreSQL in trouble in the middle of a blast: restarted, crashed, away, its connections ended, its commits slow, no connection left, its
 * disk full.
 * Meanwhile the links stay, statuses come from memory and say so, what needs the database is refused; then all goes on by itself.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before } from 'node:test';

import { request } from '../e2e/client.mjs';
import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { numbers, startWorld } from '../e2e/world.mjs';
import { SmallDisk } from './disk.mjs';
import { LONG, assertBlast, assertConverses, assertNoneSending, countAt, sample, sleep, timed } from './faults.mjs';

const NUMBER = '628830000001';
const RECIPIENTS = LONG ? 2000 : 60;
const AWAY_MS = LONG ? 60_000 : 1000;
const HELD_MS = LONG ? 30_000 : 500;

let world;
let id;
let block = 300;
before(async () => {
	world = await startWorld({ database: 'own' });
	id = await world.linkedOutlet('Database', NUMBER);
});
const disks = [];
after(async () => {
	await world?.stop({ violations: LONG ? ['ack_late'] : [] }); // nothing is acknowledged that is not written down
	for (const disk of disks)
		disk.unmount();
});

const part = (n) => waitFor(async () => await countAt(world, NUMBER) >= n, 30_000, `${n} messages`, 5);
const logins = async () => (await world.sim.state()).stats.logins;

/* A blast; the trouble when a fifth of it has arrived; all of it, once, by the same link. */
async function through(t, name, trouble, { pace, links = true, meanwhile } = {}) {
	const list = numbers(RECIPIENTS, ++block);
	const before = await countAt(world, NUMBER);

	await world.healthy(id, 20_000);
	const linked = await logins();
	const blast = await world.blast([id], list, name, { pace });
	await part(before + RECIPIENTS / 5);
	await trouble(before);
	await timed(t, 'from the end of the trouble to the end of the blast', async () => {
		await world.ready(30_000);
		await assertBlast(world, blast, list, name);
	}, meanwhile);
	await assertNoneSending(world);
	await assertConverses(world, id, sample(list, 3));
	if (links)
		assert.equal(await logins(), linked, 'the link was lost');
}

const PACE = { perMinute: LONG ? 1200 : 3000, jitter: 0 };

const STOPS = [['crashed', () => world.killDatabase()], ...LONG ? [['shut down', () => world.stopDatabase()]] : []];
for (const [name, stop] of STOPS)
	scenario(`PostgreSQL ${name} during a blast, and started again`, async (t) => {
		await through(t, name, async (begun) => {
			for (const share of LONG ? [0.2, 0.4, 0.6, 0.8] : [0.2]) {
				await part(begun + RECIPIENTS * share);
				await stop();
				await world.startDatabase();
			}
		}, { pace: PACE });
	});

scenario(`PostgreSQL away for ${AWAY_MS / 1000} s: the links stay, nothing leaves, everything says so, and goes on`, { timeout: 240_000 }, async (t) => {
	const phone = '628831000001';
	const retrying = '628831000002';

	await through(t, 'while it is away', async () => {
		// The receipt of this one asks for the text again while nobody can read it.
		await world.sim.setPhone(retrying, { retries: 1 });
		await world.sim.fault('delay', { phone: NUMBER, ms: 700 });
		await world.admin.post(`/outlets/${id}/messages`, { to: retrying, text: 'asked for again' });
		await waitFor(async () => (await world.sim.phone(retrying)).retries === 0, 10_000, 'the retry', 5);
		// Connections that were lost just before do not make it forget who may ask.
		const mark = world.waconnd.mark();
		await world.admin.get('/outlets/status');
		await world.sql('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE \'waconnd@%\'');
		await waitFor(() => /db\.connected role=urgent/.test(world.waconnd.logSince(mark)), 10_000, 'its connections to be back');
		await world.stopDatabase();
		try {
			await world.sim.fault('delay', { phone: NUMBER, ms: 0 });
			await world.sim.send(phone, NUMBER, 'while it was away');
			const stale = await waitFor(async () => {
				const list = await world.admin.get('/outlets/status');
				return list.databaseStale && list;
			}, 10_000, 'databaseStale');
			assert.equal(stale.statuses[0].liveStatus.status, 'CONNECTED');
			await sleep(500);
			const left = await countAt(world, NUMBER);
			await sleep(AWAY_MS);
			assert.equal(await countAt(world, NUMBER), left, 'something was sent that nobody has written down');
			const status = await world.admin.get(`/outlets/${id}/status`);
			assert.deepEqual([status.databaseStale, status.status.liveStatus.status], [true, 'CONNECTED']);
			await world.admin.refused(503, 'database_unavailable', 'POST', '/outlets', { name: 'x', whatsappNumber: '62811999999' });
			await world.admin.refused(503, 'database_unavailable', 'GET', '/blasts');
			await world.admin.refused(503, 'database_unavailable', 'POST', `/outlets/${id}/messages`, { to: phone, text: 'no' });
			assert.equal((await request(world.base, 'GET', '/readyz')).status, 503);
		} finally {
			await world.startDatabase();
		}
	}, { pace: PACE, meanwhile: 'CONNECTED, databaseStale; 503 database_unavailable' });
	await waitFor(async () => (await world.sql('SELECT phone FROM messages WHERE text = \'while it was away\'')).join() === phone, 20_000,
		'what came in');
	await waitFor(async () => (await world.sim.messages({ to: retrying })).filter((m) => m.text === 'asked for again').length === 1, 20_000,
		'what was asked for again');
	assert.equal((await world.admin.get('/outlets/status')).databaseStale, undefined);
});

scenario('its connections ended again and again', async (t) => {
	let ended = 0;

	await through(t, 'connections ended', async () => {
		for (let n = 0; n < (LONG ? 40 : 6); n++) {
			ended += (await world.sql('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE \'waconnd@%\''))
				.length;
			await sleep(150);
		}
	}, { pace: PACE });
	assert.ok(ended > 0);
});

scenario('slow commits', async (t) => {
	await world.sql(`CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END $$;
		CREATE TRIGGER slowly AFTER UPDATE ON messages FOR EACH STATEMENT EXECUTE FUNCTION slowly()`);
	await through(t, 'slow commits', () => waitFor(async () => (await world.admin.get('/outlets/status')).healthy === 1, 5000, 'the status'),
		{ meanwhile: 'CONNECTED' });
	await world.sql('DROP TRIGGER slowly ON messages; DROP FUNCTION slowly()');
});

/* A session of PostgreSQL that does nothing: trusted, so it needs no answer. */
function occupy() {
	const run = /host=(\S+)/.exec(world.dsn)[1];
	const text = Buffer.from('user\0waconn\0database\0waconn\0\0');
	const head = Buffer.alloc(8);

	head.writeInt32BE(8 + text.length, 0);
	head.writeInt32BE(196608, 4);
	return new Promise((resolve) => {
		const socket = net.connect(path.join(run, '.s.PGSQL.5432'), () => socket.write(Buffer.concat([head, text])));
		socket.on('error', () => {});
		// 'R': let in; 'E': refused.
		socket.once('data', (data) => resolve(data[0] === 0x52 ? socket : null));
		socket.once('close', () => resolve(null));
	});
}

scenario('no connection left for it', async (t) => {
	await through(t, 'no connection left', async () => {
		const pids = (await world.sql('SELECT pid FROM pg_stat_activity WHERE application_name LIKE \'waconnd@%\'')).map(Number);
		const held = [];
		const fill = async () => {
			for (let socket; (socket = await occupy()) !== null;)
				held.push(socket);
		};

		assert.ok(pids.length > 0);
		await fill();
		assert.ok(held.length > 20, `only ${held.length} connections were free`);
		world.waconnd.signal('SIGSTOP'); // what it loses is taken before it comes back for it
		try {
			for (const pid of pids)
				process.kill(pid, 'SIGTERM');
			await waitFor(async () => {
				await fill();
				return pids.every((pid) => !fs.existsSync(`/proc/${pid}`));
			}, 10_000, 'its sessions to end');
			await fill();
		} finally {
			world.waconnd.signal('SIGCONT');
		}
		await waitFor(async () => (await world.admin.raw('GET', '/blasts')).status === 503, 10_000, 'a refusal');
		assert.equal((await world.admin.get('/outlets/status')).databaseStale, true);
		await sleep(HELD_MS);
		for (const socket of held)
			socket.destroy();
	}, { pace: PACE, meanwhile: 'CONNECTED, databaseStale; 503 database_unavailable' });
});

const data = () => path.join(world.dir, 'pg', 'data');
const skipped = SmallDisk.possible ? false : 'only root may mount a small file system';

function smallDisk(mib) {
	const disk = new SmallDisk(mib, data());

	disks.push(disk);
	return disk;
}

scenario('no room for its tables', { skip: skipped }, async (t) => {
	const disk = smallDisk(64);
	const many = { name: 'too many', outlets: [id], audience: { type: 'numbers', numbers: numbers(3000, 399) }, message: { text: 'too many' } };

	await world.sql(`CREATE TABLESPACE small LOCATION '${disk.dir}'`);
	await world.sql('ALTER TABLE messages SET TABLESPACE small');
	await through(t, 'no room for tables', async () => {
		disk.fill();
		await world.admin.refused(503, 'database_unavailable', 'POST', '/blasts', many);
		const { statuses } = await world.admin.get('/outlets/status');
		assert.deepEqual([statuses[0].liveStatus.status, statuses[0].healthy], ['CONNECTED', true]);
		await sleep(HELD_MS);
		disk.free();
	}, { pace: PACE, meanwhile: 'CONNECTED; 503 database_unavailable' });
	assert.deepEqual(await world.sql('SELECT id FROM blasts WHERE text = \'too many\''), [], 'a blast is kept that was refused');
	await world.sql('ALTER TABLE messages SET TABLESPACE pg_default');
});

scenario('no room for its log', { skip: skipped || !LONG }, async (t) => {
	await world.stopDatabase();
	const disk = smallDisk(128);
	fs.cpSync(path.join(data(), 'pg_wal'), path.join(disk.dir, 'pg_wal'), { recursive: true });
	spawnSync('chown', ['-R', `--reference=${data()}`, disk.dir]);
	fs.rmSync(path.join(data(), 'pg_wal'), { recursive: true });
	fs.symlinkSync(path.join(disk.dir, 'pg_wal'), path.join(data(), 'pg_wal'));
	await world.startDatabase();
	await world.ready(30_000);
	await through(t, 'no room for the log', async () => {
		disk.fill();
		await waitFor(async () => {
			await world.sql('SELECT pg_switch_wal(), pg_logical_emit_message(true, \'\', \'x\')').catch(() => {});
			return (await world.admin.get('/outlets/status')).databaseStale;
		}, 30_000, 'databaseStale');
		await world.admin.refused(503, 'database_unavailable', 'GET', '/blasts');
		await sleep(HELD_MS);
		disk.free();
		await world.startDatabase(); // it gave up, or has recovered by itself
	}, { pace: PACE, meanwhile: 'CONNECTED, databaseStale; 503 database_unavailable' });
});
