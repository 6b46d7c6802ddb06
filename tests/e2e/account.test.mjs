/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What WhatsApp restricts an account in: the time lock on new chats and the quota of them, as told, as asked for and as found out by a
 * refusal; what is shown of it, and what goes on and what waits. Across a restart. REST, waconnctl and the simulator.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { numbers, startWorld } from './world.mjs';

const HOUR = 3600;
const PACED = { pace: { perMinute: 40, jitter: 0 } }; // one after the other's answer

let world;
let next = 0;
before(async () => { world = await startWorld(); });
after(() => world?.stop());

/** A linked outlet whose phone has these settings before it is linked. */
async function outlet(name, settings = {}) {
	const number = `62838${String(++next).padStart(7, '0')}`;

	await world.sim.setPhone(number, settings);
	return { number, id: await world.linkedOutlet(name, number) };
}

const account = async (id) => (await world.admin.get(`/outlets/${id}/account`)).account;

function becomes(id, matches, what) {
	return waitFor(async () => {
		const found = await account(id);
		if (!matches(found))
			throw new Error(JSON.stringify(found));
		return found;
	}, 15_000, what);
}

const restricted = (id, kind) => becomes(id, (a) => (a.restriction?.kind ?? null) === kind, `restriction ${kind}`);

scenario('nothing is restricted: both are asked for once the outlet is linked', async () => {
	const { id } = await outlet('Free');

	const found = await becomes(id, (a) => a.timelock !== null && a.newChats !== null, 'both to be known');
	assert.deepEqual([found.outletId, found.restriction, found.hold], [id, null, null]);
	assert.deepEqual([found.timelock.active, found.timelock.until], [false, null]);
	assert.deepEqual([found.newChats.quota, found.newChats.used, found.newChats.status, found.newChats.resetsAt], [null, 0, 'NONE', null]);
	assert.ok(Date.parse(found.timelock.checkedAt) && Date.parse(found.newChats.checkedAt));
	assert.match(await world.ctl(['account', id]), /restriction: +none\ntime lock: +none, as of .*\nnew chats: +no quota, as of /);
	assert.deepEqual(JSON.parse(await world.ctl(['--json', 'account', id])).account, found);
	await world.addUser('other', 'USER', 'the other password', await world.addOutlet('Other', '628390000001'));
	const other = await world.login('other', 'the other password');
	await other.refused(404, 'not_found', 'GET', `/outlets/${id}/account`);
});

scenario('a time lock: chats that there are go on, new ones wait, over a restart, until it ends', async () => {
	const { number, id } = await outlet('Locked');
	const known = '628381000001';
	const list = numbers(4, 20);

	await world.sim.send(known, number, 'a question');
	await waitFor(async () => (await world.admin.get(`/outlets/${id}/messages`)).messages.some((m) => m.direction === 'in'), 10_000,
		'the question');
	await world.sim.setPhone(number, { timelock: HOUR, timelockType: 'WEB_COMPANION_ONLY' });
	const status = await world.waitStatus(id, (s) => s.restriction !== null);
	assert.deepEqual(Object.keys(status.restriction), ['kind', 'until', 'used', 'quota']);
	assert.deepEqual([status.restriction.kind, status.restriction.used, status.restriction.quota], ['reachout_timelock', null, null]);
	assert.ok(Math.abs(Date.parse(status.restriction.until) - Date.now() - HOUR * 1000) < 60_000, status.restriction.until);
	assert.equal(status.healthy, true);
	assert.match(await world.ctl(['account', id]), /new chats are locked, until .*\ntime lock: +active \(WEB_COMPANION_ONLY\)/);

	const blast = await world.blast([id], [...list, known], 'Promo');
	await world.sim.messages({ to: known, wait: 10, count: 1 });
	const waiting = await world.waitBlast(blast.id, (b) => b.counts.delivered === 1);
	assert.deepEqual([waiting.status, waiting.counts.queued, waiting.counts.failed], ['RUNNING', 4, 0]);
	assert.deepEqual(waiting.restrictions.map((r) => [r.outletId, r.kind]), [[id, 'reachout_timelock']]);

	await world.restartDaemon({ kill: true });
	assert.equal((await account(id)).restriction?.kind, 'reachout_timelock'); // before anybody was asked again
	await world.healthy(id);
	assert.deepEqual((await world.admin.get(`/blasts/${blast.id}`)).blast.counts, waiting.counts);
	assert.deepEqual((await world.sim.messages({ from: number })).map((m) => m.to), [known]);

	await world.sim.setPhone(number, { timelock: 0 });
	await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === 5);
	assert.equal((await world.status(id)).restriction, null);
});

scenario('a time lock that nobody told of: one refusal, and the rest waits', async () => {
	const { number, id } = await outlet('Untold', { tell: false });
	const list = numbers(5, 21);

	await becomes(id, (a) => a.timelock !== null, 'the time lock to be known');
	await world.sim.setPhone(number, { timelock: HOUR });
	const blast = await world.blast([id], list, 'Promo', PACED);
	await restricted(id, 'reachout_timelock');
	const { blast: now } = await world.admin.get(`/blasts/${blast.id}`);
	assert.equal(now.status, 'RUNNING');
	assert.ok(now.counts.failed >= 1 && now.counts.failed <= 2, JSON.stringify(now.counts));
	const reasons = (await world.recipients(blast.id)).filter((r) => r.status === 'FAILED').map((r) => r.reason);
	assert.ok(reasons.every((r) => r === 'rejected_463'), reasons.join());
	assert.equal((await account(id)).hold, null); // it is no guess any more
	assert.deepEqual(await world.sim.messages({ from: number }), []);
});

scenario('a lock that ends by itself is over without anybody', async () => {
	const { id, number } = await outlet('Short', { timelock: 3, tell: false });

	await restricted(id, 'reachout_timelock');
	const blast = await world.blast([id], numbers(2, 22), 'Promo');
	await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === 2);
	assert.equal((await account(id)).restriction, null);
	assert.equal((await world.sim.messages({ from: number })).length, 2);
});

scenario('the quota of new chats: counted, stopped at before it is refused, freed', async () => {
	const { number, id } = await outlet('Quota', { quota: 5, quotaUsed: 2, quotaEnds: HOUR });
	const list = numbers(6, 23);

	const before = await becomes(id, (a) => a.newChats?.quota === 5, 'the quota');
	assert.deepEqual([before.newChats.used, before.restriction], [2, null]);
	const blast = await world.blast([id], list, 'Promo');
	const { restriction } = await restricted(id, 'new_chat_cap');
	assert.deepEqual([restriction.used, restriction.quota], [5, 5]);
	assert.ok(Math.abs(Date.parse(restriction.until) - Date.now() - HOUR * 1000) < 60_000, restriction.until);
	const waiting = await world.waitBlast(blast.id, (b) => b.counts.delivered === 3);
	assert.deepEqual([waiting.status, waiting.counts.queued, waiting.counts.failed], ['RUNNING', 3, 0]);
	assert.match(await world.ctl(['account', id]), /the quota of new chats is used up, until .*\n.*\nnew chats: +5 of 5/);
	await world.sim.setPhone(number, { quota: null });
	await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === 6);
});

scenario('one 475, and two 463 in a row, hold the blasts where WhatsApp says nothing; over a restart, too', async () => {
	const [capped, refused] = await Promise.all([outlet('Held 475', { mex: 'errors' }), outlet('Held 463', { mex: 'silent' })]);

	await world.sim.fault('ack_error', { phone: capped.number, when: 'message', error: 475 });
	await world.sim.fault('ack_error', { phone: refused.number, when: 'message', error: 463, times: -1 });
	const blasts = [await world.blast([capped.id], numbers(3, 24), 'Promo', PACED), await world.blast([refused.id], numbers(5, 25), 'Promo', PACED)];
	const held = (id, reason) => becomes(id, (a) => a.hold?.reason === reason, `the hold ${reason}`);
	const check = async () => {
		for (const [i, [o, reason, failed]] of [[capped, 'rejected_475', 1], [refused, 'rejected_463', 2]].entries()) {
			const { hold, restriction } = await held(o.id, reason);
			const left = Date.parse(hold.until) - Date.now();

			assert.ok(left > 50 * 60_000 && left <= 61 * 60_000, hold.until);
			assert.equal(restriction, null);
			// The hold is there with the answer, the count when that is on disk.
			const { counts } = await world.waitBlast(blasts[i].id, (b) => b.counts.sending === 0 && b.counts.failed >= failed);
			assert.deepEqual([counts.failed, counts.queued, counts.sending], [failed, counts.total - failed, 0]);
			assert.match(await world.ctl(['account', o.id]), new RegExp(`blasts held: +${reason}, until `));
		}
	};

	await check();
	await world.restartDaemon();
	await Promise.all([world.healthy(capped.id), world.healthy(refused.id)]);
	await check();
});
