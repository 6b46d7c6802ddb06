/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Blasts: 200 messages to 200 new numbers, variables, preview, what is refused, idempotency, pause and resume and cancel, several outlets, pace,
 * schedules, counters. REST and the simulator, which decrypts.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { numbers, startWorld } from './world.mjs';

const ONE = '628310000001';
const TWO = '628310000002';

let world;
let one;
let two;
let lame; // never linked
before(async () => {
	world = await startWorld();
	[one, two] = await Promise.all([world.linkedOutlet('One', ONE), world.linkedOutlet('Two', TWO)]);
	lame = await world.addOutlet('Lame', '628310000003');
});
after(() => world?.stop());

const request = (outlets, list, text, more = {}) => ({
	name: 'Promo', outlets, audience: { type: 'numbers', numbers: list }, message: { text }, ...more,
});

scenario('200 messages to 200 new numbers arrive once each, decrypted right', async () => {
	const list = numbers(200, 1);
	const text = 'Halo {{name|Kakak}}, kode {{kode}} ☕ — promo!';
	const blast = await world.blast([one], list.map((phone, i) => ({ phone, name: i % 2 ? `Budi ${i}` : undefined, vars: { kode: `A${i}` } })), text);

	assert.equal(blast.status, 'RUNNING');
	assert.equal(blast.counts.total, 200);
	const done = await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === 200, 60_000);
	assert.deepEqual(done.counts, { total: 200, queued: 0, sending: 0, sent: 0, delivered: 200, read: 0, failed: 0, skipped: 0, cancelled: 0 });
	assert.ok(done.startedAt && done.finishedAt);
	const messages = (await world.sim.messages({ from: ONE })).filter((m) => list.includes(m.to));
	assert.equal(messages.length, 200);
	for (const [i, phone] of list.entries()) {
		const mine = messages.filter((m) => m.to === phone);
		assert.equal(mine.length, 1, phone);
		assert.equal(mine[0].text, `Halo ${i % 2 ? `Budi ${i}` : 'Kakak'}, kode A${i} ☕ — promo!`);
		assert.equal(mine[0].count, 1, phone);
		assert.equal(mine[0].encType, 'pkmsg');
	}
	assert.deepEqual(await world.sim.violations(), []);
	const recipients = await world.recipients(blast.id);
	assert.deepEqual(recipients.map((r) => r.phone), list);
	for (const r of recipients) {
		assert.deepEqual([r.status, r.reason, r.outletId], ['DELIVERED', null, one]);
		assert.match(r.messageId, /^msg_\d+$/);
		assert.ok(r.times.queuedAt <= r.times.sendingAt && r.times.sendingAt <= r.times.sentAt && r.times.deliveredAt);
	}
	assert.deepEqual(new Set(messages.map((m) => m.id)).size, 200);
});

scenario('a second blast goes over the sessions that there are now', async () => {
	const list = numbers(20, 1);
	const blast = await world.blast([one], list, 'again');

	await world.waitBlast(blast.id, 'COMPLETED');
	const messages = await waitFor(async () => {
		const found = (await world.sim.messages({ from: ONE })).filter((m) => m.text === 'again');
		return found.length === 20 && found;
	}, 10_000, '20 messages');
	assert.deepEqual([...new Set(messages.map((m) => m.count))], [1]);
});

scenario('preview: who gets what, and changes nothing', async () => {
	const before = (await world.admin.get('/blasts')).blasts.length;
	const preview = await world.admin.post('/blasts/preview', request([one, lame],
		['0812-7777-0001', { phone: '+62 812 7777 0002', name: 'Siti' }, '081277770001', 'not a number', '12'],
		'Halo {{name|Kakak}} {{phone}} {{unknown}}{{x|-}}'));

	assert.deepEqual(Object.keys(preview).sort(), ['estimate', 'outlets', 'recipients', 'samples', 'success', 'warnings']);
	const { total, valid, invalid, duplicates, optedOut } = preview.recipients;
	assert.deepEqual([total, valid, duplicates, optedOut], [5, 2, 1, 0]);
	assert.deepEqual(invalid.map((i) => i.phone), ['not a number', '12']);
	assert.ok(invalid.every((i) => i.reason));
	assert.deepEqual(preview.samples, ['Halo Kakak 6281277770001 -', 'Halo Siti 6281277770002 -']);
	const { startsAt, finishesAt, ...mine } = preview.outlets.find((o) => o.outletId === one);
	assert.deepEqual(mine, { outletId: one, healthy: true, reasons: [], recipients: 2, firstContacts: 2 });
	assert.ok(Date.parse(startsAt) && Date.parse(finishesAt));
	assert.deepEqual(preview.warnings.map((w) => [w.code, w.outletId]), [['outlet_unhealthy', lame]]);
	const much = await world.admin.post('/blasts/preview', request([one], numbers(150, 9), 'x', { pace: { dailyCap: 100 } }));
	assert.deepEqual(much.warnings.map((w) => w.code), ['over_daily_cap', 'many_first_contacts']);
	const bad = preview.outlets.find((o) => o.outletId === lame);
	assert.deepEqual([bad.healthy, bad.recipients], [false, 0]);
	assert.ok(bad.reasons.includes('live_status'));
	assert.ok(Date.parse(preview.estimate.startsAt) && Date.parse(preview.estimate.finishesAt));
	assert.equal((await world.admin.get('/blasts')).blasts.length, before);
});

scenario('what is not valid is refused, and nothing is kept', async () => {
	const list = ['6281277770003'];
	const before = (await world.admin.get('/blasts')).blasts.length;
	const cases = [
		[422, 'validation_failed', {}],
		[422, 'validation_failed', request([one], list, '')],
		[422, 'validation_failed', request([], list, 'x')],
		[422, 'validation_failed', request('some', list, 'x')],
		[422, 'validation_failed', request([one], [], 'x')],
		[422, 'validation_failed', request([one], list, 'x', { pace: { perMinute: -1 } })],
		[422, 'validation_failed', request([one], list, 'x', { pace: { window: 'always' } })],
		[422, 'validation_failed', request([one], list, 'x', { scheduleAt: 'tomorrow' })],
		[422, 'validation_failed', request([one], list, 'x', { colour: 'red' })],
		[422, 'validation_failed', request([one], [{ phone: list[0], vars: { kode: { deep: 1 } } }], 'x')],
		[422, 'unsupported_audience', { ...request([one], list, 'x'), audience: { type: 'everybody' } }],
		[422, 'no_valid_recipient', request([one], ['nobody', '12'], 'x')],
		[409, 'no_healthy_outlet', request([lame], list, 'x')],
	];

	for (const [status, code, body] of cases)
		await world.admin.refused(status, code, 'POST', '/blasts', body);
	const unknown = await world.admin.raw('POST', '/blasts', { body: request(['outlet_absent'], list, 'x') });
	assert.ok([404, 409, 422].includes(unknown.status), unknown.text);
	assert.equal((await world.admin.get('/blasts')).blasts.length, before);
	assert.deepEqual(await world.sim.messages({ to: list[0] }), []);
});

scenario('an Idempotency-Key: the same request is answered as the first; another one is refused', async () => {
	const body = request([one], ['6281277770004'], 'only once');
	const headers = { 'Idempotency-Key': 'key-1' };
	const first = await world.admin.raw('POST', '/blasts', { body, headers });
	const again = await world.admin.raw('POST', '/blasts', { body, headers });

	assert.equal(first.status, 202);
	assert.equal(again.status, 202);
	assert.equal(again.json.blast.id, first.json.blast.id);
	await world.admin.refused(422, 'idempotency_mismatch', 'POST', '/blasts', request([one], ['6281277770004'], 'another'), headers);
	const both = await Promise.all([1, 2, 3].map(() => world.admin.raw('POST', '/blasts', {
		body: request([one], ['6281277770005'], 'at once'), headers: { 'Idempotency-Key': 'key-2' },
	})));
	const ids = new Set(both.filter((a) => a.status === 202).map((a) => a.json.blast.id));
	assert.equal(ids.size, 1);
	assert.ok(both.every((a) => a.status === 202 || a.json.code === 'idempotency_in_progress'));
	await world.waitBlast([...ids][0], 'COMPLETED');
	const got = await world.sim.messages({ to: '6281277770004', wait: 5, count: 1 });
	assert.deepEqual(got.map((m) => m.text), ['only once']);
	assert.equal((await world.sim.messages({ to: '6281277770005', wait: 5, count: 1 })).length, 1);
});

scenario('several outlets share a blast; unhealthy ones are rejected', async () => {
	const list = numbers(40, 2);
	const answer = await world.admin.raw('POST', '/blasts', { body: request('all', list, 'shared') });
	const { blast, rejectedOutlets } = answer.json;

	assert.equal(answer.status, 202);
	assert.deepEqual(rejectedOutlets.map((r) => r.outletId), [lame]);
	assert.ok(rejectedOutlets[0].reasons.length > 0);
	assert.deepEqual([...blast.outlets].sort(), [one, two].sort());
	await world.waitBlast(blast.id, 'COMPLETED');
	const recipients = await world.recipients(blast.id);
	const by = (id) => recipients.filter((r) => r.outletId === id);
	assert.equal(by(one).length, 20);
	assert.equal(by(two).length, 20);
	const messages = await waitFor(async () => {
		const found = (await world.sim.messages({})).filter((m) => m.text === 'shared');
		return found.length === 40 && found;
	}, 10_000, '40 messages');
	for (const m of messages)
		assert.equal(m.from, by(one).some((r) => r.phone === m.to) ? ONE : TWO);
});

scenario('pause holds, resume goes on, cancel ends; each once per recipient', async () => {
	const list = numbers(60, 3);
	const blast = await world.blast([one], list, 'held', { pace: { perMinute: 600, jitter: 0 } });

	await world.waitBlast(blast.id, (b) => b.counts.sent + b.counts.delivered >= 5);
	await world.admin.refused(409, 'blast_state', 'POST', `/blasts/${blast.id}/resume`);
	const paused = (await world.admin.post(`/blasts/${blast.id}/pause`)).blast;
	assert.equal(paused.status, 'PAUSED');
	const still = await world.waitBlast(blast.id, (b) => b.counts.sending === 0);
	assert.ok(still.counts.queued > 0);
	await world.sim.messages({ to: list.at(-1), wait: 1, count: 1 }); // time for what should not come
	assert.equal((await world.waitBlast(blast.id, 'PAUSED')).counts.queued, still.counts.queued);

	assert.equal((await world.admin.post(`/blasts/${blast.id}/resume`)).blast.status, 'RUNNING');
	await world.waitBlast(blast.id, (b) => b.counts.queued < still.counts.queued);
	const cancelled = (await world.admin.post(`/blasts/${blast.id}/cancel`)).blast;
	assert.equal(cancelled.status, 'CANCELLED');
	const end = await world.waitBlast(blast.id, (b) => b.counts.sending === 0 && b.counts.queued === 0);
	assert.ok(end.counts.cancelled > 0);
	assert.equal(end.counts.sent + end.counts.delivered + end.counts.cancelled, 60);
	await world.admin.refused(409, 'blast_finished', 'POST', `/blasts/${blast.id}/pause`);

	const filtered = await world.admin.get(`/blasts/${blast.id}/recipients?status=CANCELLED`);
	assert.equal(filtered.recipients.length, end.counts.cancelled);
	const [found] = (await world.admin.get(`/blasts/${blast.id}/recipients?q=${list[7]}`)).recipients;
	assert.equal(found.phone, list[7]);
	const got = (await world.sim.messages({ from: ONE })).filter((m) => m.text === 'held');
	assert.equal(new Set(got.map((m) => m.to)).size, got.length);
	assert.ok(got.every((m) => m.count === 1));
});

scenario('a blast that waits for the next day says until when', async () => {
	const blast = await world.blast([one], numbers(3, 7), 'tomorrow', { pace: { dailyCap: 1 } });
	const { waitsUntil } = await waitFor(async () => {
		const now = await world.admin.get(`/blasts/${blast.id}`);
		return now.waitsUntil !== null && now;
	}, 10_000, 'that it waits');

	const ms = Date.parse(waitsUntil) - Date.now();
	assert.ok(ms > 0 && ms <= 25 * 3_600_000, waitsUntil);
	await world.admin.post(`/blasts/${blast.id}/cancel`);
	await waitFor(async () => (await world.admin.get(`/blasts/${blast.id}`)).waitsUntil === null, 10_000, 'that it waits no more');
});

scenario('the pace is kept', async () => {
	const list = numbers(5, 4);
	const blast = await world.blast([two], list, 'slowly', { pace: { perMinute: 120, jitter: 0 } });

	await world.waitBlast(blast.id, 'COMPLETED');
	const times = (await world.recipients(blast.id)).map((r) => Date.parse(r.times.sendingAt)).sort((a, b) => a - b);
	assert.ok(times.at(-1) - times[0] >= 4 * 500 - 300, String(times.map((t) => t - times[0])));
});

scenario('outside its window, and before its time, a blast waits', async () => {
	const hour = Number(new Intl.DateTimeFormat('en-GB', { hour: 'numeric', timeZone: 'Asia/Jakarta' }).format(new Date()));
	const at = (h) => `${String((h + 24) % 24).padStart(2, '0')}:00`;
	const waits = await world.blast([one], ['6281277770006'], 'x', { pace: { window: `${at(hour + 3)}-${at(hour + 5)}` } });
	const later = await world.blast([one], ['6281277770007'], 'x', { scheduleAt: new Date(Date.now() + 3600_000).toISOString() });
	const soon = await world.blast([one], ['6281277770008'], 'soon', { scheduleAt: new Date(Date.now() + 1500).toISOString() });

	assert.deepEqual([waits.status, later.status, soon.status], ['RUNNING', 'SCHEDULED', 'SCHEDULED']);
	await world.waitBlast(soon.id, 'COMPLETED', 15_000);
	assert.deepEqual(await world.sim.messages({ to: '6281277770006' }), []);
	assert.deepEqual(await world.sim.messages({ to: '6281277770007' }), []);
	assert.equal((await world.waitBlast(waits.id, 'RUNNING')).counts.queued, 1);
	for (const b of [waits, later])
		assert.equal((await world.admin.post(`/blasts/${b.id}/cancel`)).blast.status, 'CANCELLED');
	const listed = (await world.admin.all('/blasts', 'blasts', 3)).map((b) => b.id);
	assert.equal(new Set(listed).size, listed.length);
	assert.deepEqual(listed.slice(0, 3), [soon.id, later.id, waits.id]);
});

scenario('read receipts make READ; a number that is not on WhatsApp FAILED', async () => {
	const [reader, absent, silent] = numbers(3, 5);

	await world.sim.setPhone(reader, { receipts: 'read' });
	await world.sim.setPhone(absent, { registered: false });
	await world.sim.setPhone(silent, { receipts: 'none' });
	const blast = await world.blast([one], [reader, absent, silent], 'x');
	const done = await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.read === 1);
	const found = Object.fromEntries((await world.recipients(blast.id)).map((r) => [r.phone, [r.status, r.reason]]));
	assert.deepEqual(found, { [reader]: ['READ', null], [absent]: ['FAILED', 'not_on_whatsapp'], [silent]: ['SENT', null] });
	assert.deepEqual([done.counts.read, done.counts.failed, done.counts.sent], [1, 1, 1]);
});

scenario('waconnctl sends and shows a blast', async () => {
	const answer = JSON.parse(await world.ctl(['--json', 'blast', 'send', '--outlet', one, '--to', '6281277770009', '--text', 'by hand']));

	await world.waitBlast(answer.blast.id, 'COMPLETED');
	assert.match(await world.ctl(['blast', 'show', answer.blast.id]), /COMPLETED/);
	const [message] = await world.sim.messages({ to: '6281277770009', wait: 5, count: 1 });
	assert.equal(message.text, 'by hand');
});
