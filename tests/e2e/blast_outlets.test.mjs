/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A blast at each of its outlets: counters, a part that is paused and resumed, an outlet that fails too often, what waits at one and is
 * given to another while sending goes on; a warm-up. REST and the simulator, which decrypts.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { numbers, startWorld } from './world.mjs';

const ONE = '628310000011';
const TWO = '628310000012';

let world;
let one;
let two;
let lame; // never linked
before(async () => {
	world = await startWorld();
	[one, two] = await Promise.all([world.linkedOutlet('One', ONE), world.linkedOutlet('Two', TWO)]);
	lame = await world.addOutlet('Lame', '628310000013');
});
after(() => world?.stop());

/* A page an outlet, so that pages are tried, too. */
const parts = async (id) => Object.fromEntries((await world.admin.all(`/blasts/${id}/outlets`, 'outlets', 1)).map((o) => [o.outletId, o]));

async function assertOnceEach(text, list) {
	const got = await waitFor(async () => {
		const found = (await world.sim.messages({})).filter((m) => m.text === text);
		return found.length >= list.length && found;
	}, 30_000, `${list.length} messages`);
	assert.deepEqual(got.map((m) => m.to).sort(), [...list].sort());
	assert.ok(got.every((m) => m.count === 1));
	return got;
}

scenario('what waits at an outlet is given to another while sending goes on; each hears it once', async () => {
	const list = numbers(80, 61);
	const blast = await world.blast([one], list, 'given away', { pace: { perMinute: 600, jitter: 0 } });

	await world.waitBlast(blast.id, (b) => b.counts.queued < 75);
	const answer = await world.admin.post(`/blasts/${blast.id}/move`, { from: one, to: [two, lame] });
	assert.ok(answer.moved > 0, String(answer.moved));
	assert.deepEqual(answer.rejectedOutlets.map((r) => r.outletId), [lame]);
	assert.deepEqual(answer.blast.outlets, [one, two]);
	await world.waitBlast(blast.id, 'COMPLETED', 30_000);
	const got = await assertOnceEach('given away', list);
	assert.equal(got.filter((m) => m.from === TWO).length, answer.moved);
	const after = await parts(blast.id);
	assert.deepEqual([after[one].counts.total, after[two].counts.total], [80 - answer.moved, answer.moved]);
	assert.equal((await world.recipients(blast.id)).filter((r) => r.outletId === two).length, answer.moved);
	await world.admin.refused(409, 'blast_finished', 'POST', `/blasts/${blast.id}/move`, { from: one, to: [two] });
});

scenario('a move that is not valid is refused, with the field', async () => {
	const blast = await world.blast([one], numbers(3, 62), 'stays', { scheduleAt: new Date(Date.now() + 3600_000).toISOString() });
	const field = async (body) => (await world.admin.refused(422, 'validation_failed', 'POST', `/blasts/${blast.id}/move`, body)).errors[0].field;

	assert.equal(await field({}), 'from');
	assert.equal(await field({ from: one }), 'to');
	assert.equal(await field({ from: one, to: [] }), 'to');
	assert.equal(await field({ from: one, to: 'all' }), 'to');
	assert.equal(await field({ from: one, to: [one] }), 'to');
	assert.equal(await field({ from: one, to: [two], colour: 'red' }), 'colour');
	await world.admin.refused(409, 'no_healthy_outlet', 'POST', `/blasts/${blast.id}/move`, { from: one, to: [lame] });
	await world.admin.refused(409, 'nothing_to_move', 'POST', `/blasts/${blast.id}/move`, { from: two, to: [one] });
	await world.admin.post(`/blasts/${blast.id}/cancel`);
});

scenario('one part is paused and resumed; the other goes on meanwhile', async () => {
	const list = numbers(30, 63);
	const blast = await world.blast([one, two], list, 'in parts', { pace: { perMinute: 600, jitter: 0 } });

	const paused = (await world.admin.post(`/blasts/${blast.id}/pause`, { outletId: two })).blast;
	assert.equal(paused.status, 'RUNNING');
	assert.deepEqual(paused.pausedOutlets.map((p) => [p.outletId, p.reason]), [[two, 'paused_by_user']]);
	const page = await world.admin.get(`/blasts/${blast.id}/outlets?limit=1`);
	const rest = await world.admin.get(`/blasts/${blast.id}/outlets?limit=1&cursor=${page.nextCursor}`);
	assert.deepEqual([...page.outlets, ...rest.outlets].map((o) => o.outletId), [one, two].sort());
	assert.equal(rest.nextCursor, null);
	await waitFor(async () => (await parts(blast.id))[one].counts.queued === 0, 20_000, 'the other part to be through');
	const at = await parts(blast.id);
	assert.deepEqual([at[one].paused, at[two].paused], [false, true]);
	assert.ok(at[two].counts.queued > 0 && Date.parse(at[two].pausedAt));
	await world.admin.refused(409, 'blast_state', 'POST', `/blasts/${blast.id}/pause`, { outletId: two });
	await world.admin.refused(422, 'validation_failed', 'POST', `/blasts/${blast.id}/pause`, { outlet: two });
	// Whoever waits there may also go elsewhere; the rest goes on by itself.
	await world.admin.post(`/blasts/${blast.id}/resume`, { outletId: two });
	await world.waitBlast(blast.id, 'COMPLETED', 30_000);
	await assertOnceEach('in parts', list);
});

scenario('an outlet that fails too often stops, the other goes on, and a person resumes it', async () => {
	const list = numbers(40, 64);

	await world.admin.patch('/settings', { autoPause: { failurePercent: 50, minimum: 3 } });
	for (const [i, phone] of list.entries()) {
		await world.admin.post(`/outlets/${i % 2 ? one : two}/contacts`, { phone, tags: ['fails'] });
		if (i % 2 === 0)
			await world.sim.setPhone(phone, { registered: false });
	}
	const { blast } = await world.admin.post('/blasts', {
		outlets: [one, two], audience: { type: 'contacts', tags: ['fails'] }, message: { text: 'to some' }, pace: { perMinute: 300, jitter: 0 },
	});
	const stopped = await waitFor(async () => (await parts(blast.id))[two].pauseReason === 'too_many_failures' && parts(blast.id), 30_000,
		'the outlet to stop');
	assert.ok(stopped[two].counts.failed >= 3 && stopped[two].counts.queued > 0);
	const end = await world.waitBlast(blast.id, 'PAUSED', 30_000);
	assert.equal(end.pauseReason, 'outlets_paused');
	assert.ok((await parts(blast.id))[one].counts.queued === 0);
	// Moved away, they are the other outlet's.
	const { moved } = await world.admin.post(`/blasts/${blast.id}/move`, { from: two, to: [one] });
	assert.ok(moved > 0);
	await world.admin.post(`/blasts/${blast.id}/cancel`);
	await world.admin.patch('/settings', { autoPause: { failurePercent: 0, minimum: 3 } });
});

scenario('a fresh number warms up: a cap that grows by day, whatever restarts', async () => {
	const FRESH = '628310000014';
	const fresh = await world.linkedOutlet('Fresh', FRESH);
	const list = numbers(5, 65);
	const cap = async () => (await world.admin.get(`/outlets/${fresh}`)).outlet.dailyCapToday;
	const waiting = (id, sent) => waitFor(async () => {
		const now = await world.admin.get(`/blasts/${id}`);
		return now.waitsUntil !== null && now.blast.counts.queued === list.length - sent && now;
	}, 30_000, 'the rest to wait for tomorrow');

	assert.equal(await cap(), undefined);
	const { outlet } = await world.admin.patch(`/outlets/${fresh}`, { pace: { warmUp: { start: 3, growth: 2 } } });
	assert.deepEqual(outlet.pace, { warmUp: { start: 3, growth: 2 } });
	assert.equal(await cap(), 3);
	const preview = await world.admin.post('/blasts/preview', {
		outlets: [fresh], audience: { type: 'numbers', numbers: list }, message: { text: 'warm' }, pace: { dailyCap: 0 },
	});
	assert.deepEqual(preview.warnings.map((w) => [w.code, w.outletId]), [['over_daily_cap', fresh]]);
	assert.ok(Date.parse(preview.estimate.finishesAt) > Date.parse(preview.estimate.startsAt));

	// The blast's own cap does not go beyond it.
	const blast = await world.blast([fresh], list, 'warm', { pace: { dailyCap: 100 } });
	const { waitsUntil } = await waiting(blast.id, 3);
	const ms = Date.parse(waitsUntil) - Date.now();
	assert.ok(ms > 0 && ms <= 24 * 3_600_000, waitsUntil);
	await world.restartDaemon();
	await world.healthy(fresh, 30_000);
	await waiting(blast.id, 3);
	assert.equal((await world.sim.messages({ from: FRESH })).length, 3);

	// It was linked yesterday.
	await world.waconnd.stop();
	await world.sql(`UPDATE outlet_sessions SET linked_at = linked_at - interval '1 day' WHERE outlet_id = '${fresh}'`);
	await world.startDaemon();
	await world.healthy(fresh, 30_000);
	await world.waitBlast(blast.id, 'COMPLETED', 30_000);
	assert.equal(await cap(), 6);
	await assertOnceEach('warm', list);
});

scenario('a warm-up that is not valid is refused, with the field', async () => {
	const fields = async (method, path, body) => (await world.admin.refused(422, 'validation_failed', method, path, body)).errors.map((e) => e.field);
	const warmUp = (value) => fields('PATCH', `/outlets/${lame}`, { pace: { warmUp: value } });

	assert.deepEqual(await warmUp(3), ['pace.warmUp']);
	assert.deepEqual(await warmUp({}), ['pace.warmUp.start', 'pace.warmUp.growth']);
	assert.deepEqual(await warmUp({ start: 0, growth: 1 }), ['pace.warmUp.start', 'pace.warmUp.growth']);
	assert.deepEqual(await warmUp({ start: 5, growth: 1.5, days: 3 }), ['pace.warmUp.days']);
	// It is an outlet's, no blast's.
	assert.deepEqual(await fields('POST', '/blasts', {
		outlets: [one], audience: { type: 'numbers', numbers: numbers(1, 66) }, message: { text: 'x' }, pace: { warmUp: { start: 5, growth: 1.5 } },
	}), ['pace.warmUp']);
	assert.deepEqual((await world.admin.patch(`/outlets/${lame}`, { pace: { warmUp: null } })).outlet.pace, {});
});

scenario('recipients are spread by what each outlet may still send, as the preview says', async () => {
	const list = numbers(40, 69);
	const pace = (id, value) => world.admin.patch(`/outlets/${id}`, { pace: value });
	const body = { name: 'x', outlets: [one, two], audience: { type: 'numbers', numbers: list }, message: { text: 'by what they may' } };

	await pace(one, { perMinute: 20, window: '00:00-24:00', dailyCap: 0 });
	await pace(two, { perMinute: 60, window: '00:00-24:00', dailyCap: 0 });
	const preview = await world.admin.post('/blasts/preview', body);
	assert.deepEqual(preview.outlets.map((o) => [o.outletId, o.recipients]), [[one, 10], [two, 30]]);
	const [a, b] = preview.outlets.map((o) => Date.parse(o.finishesAt));
	assert.ok(Math.abs(a - b) <= 5000, `${a - b} ms apart`);
	const { blast } = await world.admin.post('/blasts', { ...body, scheduleAt: new Date(Date.now() + 3600_000).toISOString() });
	const after = await parts(blast.id);
	assert.deepEqual([after[one].counts.total, after[two].counts.total], [10, 30]);
	await world.admin.post(`/blasts/${blast.id}/cancel`);
	// The blast's own pace is everybody's; a cap that is nearly used up leaves little.
	const alike = await world.admin.post('/blasts/preview', { ...body, pace: { perMinute: 10 } });
	assert.deepEqual(alike.outlets.map((o) => o.recipients), [20, 20]);
	const sent = Number((await world.sql(`SELECT count(*) FROM messages WHERE outlet_id = '${one}' AND blast_id IS NOT NULL AND sending_at IS NOT NULL`))[0]);
	await pace(one, { perMinute: 20, window: '00:00-24:00', dailyCap: sent + 2 });
	const few = await world.admin.post('/blasts/preview', { ...body, pace: { perMinute: 60 } });
	assert.deepEqual(few.outlets.map((o) => o.recipients), [2, 38], JSON.stringify([sent, few.outlets]));
});
