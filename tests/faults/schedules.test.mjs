/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Troubles that come together, or at a bad moment: the database and waconnd killed at once; waconnd up before its database; everything restarted
 * again and again; killed while it hands over, while it is linked by code, while it makes its tables; another name after a crash, one name
 * for two; the gateway frozen; a backup put back. Each recipient has its message once, each conversation goes on.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { after, before } from 'node:test';

import { overlaps, owners, startDaemon } from '../e2e/daemons.mjs';
import { scenario } from '../e2e/scenario.mjs';
import { waitFor, within } from '../e2e/wait.mjs';
import { numbers, startWorld } from '../e2e/world.mjs';
import { LONG, SEED, assertBlast, assertConverses, assertNoneSending, assertOnceEach, chances, countAt, sample, sleep, timed } from './faults.mjs';

const PHONES = ['628850000001', '628850000002'];
const PACE = { perMinute: 1200, jitter: 0 };
const TAKEOVER_MS = 20_000;
const chance = chances();

let world;
let ids;
let block = 820;
before(async () => {
	world = await startWorld({ database: 'own', daemon: { daemon: { instance: 'world' } } }); // a name that changes
	ids = await Promise.all(PHONES.map((phone, n) => world.linkedOutlet(`Schedule ${n}`, phone)));
});
after(() => world?.stop());

const arrived = async () => (await Promise.all(PHONES.map((phone) => countAt(world, phone)))).reduce((a, b) => a + b);
const allHealthy = () => waitFor(async () => (await world.admin.get('/outlets/status?limit=1')).healthy === PHONES.length, 60_000,
	'every outlet to be healthy');

/* A blast; the trouble when a fifth has arrived; then everything as promised. */
async function through(t, name, trouble, { size = LONG ? 600 : 100, pace = PACE } = {}) {
	const list = numbers(size, ++block);
	const begun = await arrived();
	const blast = await world.blast(ids, list, name, { pace });

	await waitFor(async () => await arrived() >= begun + size / 5, 30_000, 'a fifth of the messages', 5);
	await trouble();
	await timed(t, 'from the end of the trouble to the end of the blast', async () => {
		await world.ready();
		await assertBlast(world, blast, list, name, 120_000);
	});
	await assertNoneSending(world);
	for (const id of ids)
		await assertConverses(world, id, sample(await world.sql(
			`SELECT phone FROM messages WHERE blast_id = '${blast.id}' AND outlet_id = '${id}' ORDER BY id`), 2));
}

scenario('PostgreSQL and waconnd killed together', async (t) => {
	await through(t, 'both killed', async () => {
		for (let n = 0; n < (LONG ? 10 : 2); n++) {
			await Promise.all([world.killDatabase(), world.waconnd.kill()]);
			await world.startDatabase();
			await world.startDaemon();
			await world.ready();
			await allHealthy();
			await sleep(chance.below(500));
		}
	});
});

scenario('waconnd started before its database: it says so, and is started again until it is there', async (t) => {
	await through(t, 'before its database', async () => {
		await Promise.all([world.killDatabase(), world.waconnd.kill()]);
		for (let n = 0; n < (LONG ? 20 : 3); n++) {
			const mark = world.waconnd.mark();

			world.waconnd.start();
			assert.equal(await world.waconnd.ends(), 1);
			assert.match(world.waconnd.logSince(mark), /database/);
			assert.equal((await world.admin.raw('GET', '/outlets/status')).status, 503);
		}
		await Promise.all([world.startDatabase(), (async () => {
			for (let running = false; !running;) {
				world.waconnd.start();
				const ended = world.waconnd.ends();
				running = await within(ended, 1000, 'its end').then(() => false, () => true);
			}
		})()]);
		await world.ready();
		await allHealthy();
	});
});

scenario('both restarted again and again, by SIGTERM and by kill -9', async (t) => {
	await through(t, 'again and again', async () => {
		for (let n = 0; n < (LONG ? 60 : 4); n++) {
			const how = chance.pick(['kill', 'stop']);

			await Promise.all([world.waconnd, world.apigw].map((program) => program[how]()));
			world.waconnd.start();
			world.apigw.start();
			await sleep(1000);
		}
	}, { size: LONG ? 1500 : 200 });
});

scenario('the gateway frozen: what waited is answered, nothing else notices', async (t) => {
	await through(t, 'a frozen gateway', async () => {
		world.apigw.signal('SIGSTOP');
		const waits = world.admin.raw('GET', '/outlets/status', { timeout: 60_000 });
		await sleep(LONG ? 30_000 : 1500);
		world.apigw.signal('SIGCONT');
		assert.equal((await waits).status, 200);
	});
});

scenario(`killed while it hands over (FAULTS_SEED=${SEED})`, async (t) => {
	const b = await startDaemon(world, 'host-b');
	const spread = () => waitFor(async () => new Set((await owners(world)).values()).size === 2, 60_000, 'an even spread');

	try {
		for (let n = 0; n < (LONG ? 4 : 1); n++) {
			await spread();
			await allHealthy();
			const before = overlaps(world);
			await through(t, `handing over, ${n}`, async () => {
				void b.waconnd.ends();
				b.waconnd.signal('SIGTERM');
				await sleep(chance.below(n % 2 ? 30 : 300));
				await b.waconnd.kill();
				await waitFor(async () => [...(await owners(world)).values()].filter((name) => name === 'world').length === PHONES.length,
					TAKEOVER_MS, 'the other one to have them');
				await allHealthy();
			});
			assert.equal(overlaps(world), before);
			await b.startDaemon();
			await b.ready();
		}
	} finally {
		await b.stop();
	}
	await allHealthy();
});

scenario('one name for two that are started in turns: one of them works, none of them twice', async (t) => {
	const replaced = async (daemon) => {
		assert.equal(await within(daemon.waconnd.ends(), TAKEOVER_MS, 'the older one to end'), 1);
	};
	let twin;

	try {
		await through(t, 'one name for two', async () => {
			const first = replaced(world);

			twin = await startDaemon(world, 'twin', { instance: 'world' });
			await first;
			for (let n = 0; n < (LONG ? 9 : 3); n++) {
				const [next, last] = n % 2 ? [twin, world] : [world, twin];
				const gone = replaced(last);

				await next.startDaemon();
				await gone;
				await next.ready();
				await sleep(chance.below(1000));
			}
		});
	} finally {
		await twin?.stop();
	}
	await allHealthy();
});

scenario('another name after a crash: it has the outlets within 20 s', { skip: !LONG }, async (t) => {
	const rename = (name) => {
		world.options.daemon.daemon.instance = name;
		world.writeConfiguration();
	};

	await through(t, 'another name', async () => {
		await world.waconnd.kill();
		rename('renamed');
		await world.startDaemon();
		await timed(t, 'until it has them', () => waitFor(async () => [...(await owners(world)).values()].filter((name) => name === 'renamed')
			.length === PHONES.length, TAKEOVER_MS, 'the new name to have them'));
		await allHealthy();
	});
});

scenario('killed while it is linked by code, at any moment', async () => {
	for (let n = 0; n < (LONG ? 20 : 2); n++) {
		const phone = `62885001${String(n).padStart(4, '0')}`;
		const id = await world.addOutlet(`By code ${n}`, phone);

		await world.admin.post(`/outlets/${id}/connect`, { method: 'code' });
		const { code } = await world.pairingCode(id);
		const typed = world.sim.typeCode(phone, code).catch(() => {});
		await sleep(chance.below(150));
		await world.waconnd.kill();
		await typed;
		await world.startDaemon();
		await world.ready();
		const settled = await world.waitStatus(id, (s) => s.healthy || ['DISCONNECTED', 'FAILED'].includes(s.session.status), 20_000);
		if (!settled.healthy)
			await world.link(id, phone);
		const [peer] = numbers(1, ++block);
		await world.admin.post(`/outlets/${id}/messages`, { to: peer, text: `by code ${n}` });
		await assertOnceEach(world, [peer], `by code ${n}`);
		await assertConverses(world, id, [peer]);
		await world.admin.delete(`/outlets/${id}`);
	}
});

scenario('killed while it makes its tables, again and again; then two make them at once', async () => {
	const query = (text) => world.cluster.query(text, 'empty');
	const empty = () => query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');

	await world.sql('CREATE DATABASE empty');
	const daemons = await Promise.all(['empty-a', 'empty-b'].map((name) => startDaemon(world, name, { dsn: world.cluster.dsnOf('empty') })));
	const tables = () => query('SELECT count(*) FROM pg_tables WHERE schemaname = \'public\'');
	const all = await tables();
	const [a] = daemons;

	try {
		await Promise.all(daemons.map((daemon) => daemon.waconnd.stop()));
		await empty();
		for (let n = 0; n < (LONG ? 60 : 8); n++) {
			a.waconnd.start();
			await sleep(chance.below(300));
			await a.waconnd.kill();
			if (n % 3 === 0)
				await empty();
		}
		await empty();
		await Promise.all(daemons.map((daemon) => daemon.startDaemon()));
		await Promise.all(daemons.map((daemon) => daemon.ready()));
		assert.deepEqual(await tables(), all);
	} finally {
		await Promise.all(daemons.map((daemon) => daemon.stop()));
	}
});

scenario('a backup of the middle of a blast is put back: what was sent since is not sent again', async () => {
	const [id] = ids;
	const list = numbers(60, ++block);
	const run = /host=(\S+)/.exec(world.dsn)[1];
	const dump = path.join(world.dir, 'dump');
	const as = (program, ...args) => execFileSync(program, ['-h', run, '-U', 'waconn', ...args], { stdio: 'pipe' });
	const blast = await world.blast([id], list, 'put back', { pace: PACE });

	await world.waitBlast(blast.id, (b) => b.counts.delivered >= list.length / 4);
	as('pg_dump', '-Fc', '-f', dump, 'waconn');
	await world.waitBlast(blast.id, (b) => b.counts.delivered === list.length);
	await world.waconnd.stop();
	as('psql', '-d', 'postgres', '-qc', 'DROP DATABASE waconn WITH (FORCE)');
	as('psql', '-d', 'postgres', '-qc', 'CREATE DATABASE waconn');
	as('pg_restore', '-d', 'waconn', dump);
	await world.startDaemon();
	await world.ready();
	const { status, pauseReason } = await world.waitBlast(blast.id, (b) => b.counts.sending === 0);
	assert.deepEqual([status, pauseReason], ['PAUSED', 'database_restored']);
	await allHealthy();
	await assertOnceEach(world, list, 'put back');
	await assertConverses(world, id, sample(list, 3));
	await world.admin.post(`/blasts/${blast.id}/cancel`);
	// The next start knows where it is.
	await world.restartDaemon();
	assert.equal((await world.admin.get(`/blasts/${blast.id}`)).blast.status, 'CANCELLED');
});
