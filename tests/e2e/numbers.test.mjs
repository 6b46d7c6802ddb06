/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which numbers are on WhatsApp: asked once and kept, what is no number, what WhatsApp refuses, who may ask. REST and the simulator.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { numbers, startWorld } from './world.mjs';

const NUMBER = '628391000001';

let world;
let id;
before(async () => {
	world = await startWorld();
	id = await world.linkedOutlet('Asks', NUMBER);
});
after(() => world?.stop());

const check = async (numbers, outletId = id) => (await world.admin.post('/numbers/check', { outletId, numbers })).numbers;
const brief = (list) => list.map((n) => [n.input, n.phone, n.onWhatsapp]);

scenario('numbers in any writing: there or not; each once, in the order asked; asked once in seven days', async () => {
	const there = ['628391100001', '628391100002'];
	const absent = '628391100003';

	await world.sim.setPhone(absent, { registered: false });
	await world.sim.setPhone(there[1], { businessName: 'Kopi Ibu Sri ☕' });
	const inputs = ['+62 839-1100-001', '08391100002', absent, '628391100001', 'nobody', '12'];
	const first = await check(inputs);
	assert.deepEqual(brief(first), [[inputs[0], there[0], true], [inputs[1], there[1], true], [absent, absent, false], [inputs[3], there[0], true],
		['nobody', null, false], ['12', null, false]]);
	assert.deepEqual(first.map((n) => n.businessName), [null, 'Kopi Ibu Sri ☕', null, null, null, null]);
	assert.deepEqual(first.map((n) => n.checkedAt !== null), [true, true, true, true, false, false]);
	// What is known needs no link, and no question.
	await world.sim.fault('query_error', { xmlns: 'usync', error: 500, times: -1 });
	assert.deepEqual(await check(inputs), first);
	await world.admin.refused(502, 'whatsapp_refused', 'POST', '/numbers/check', { outletId: id, numbers: ['628391100009'] });
	await world.sim.forget();
	await world.restartDaemon();
	assert.deepEqual(await check(inputs.slice(0, 3)), first.slice(0, 3));
	await world.sql(`UPDATE number_checks SET checked_at = now() - interval '8 days'`);
	await world.healthy(id);
	const again = await check([there[0]]);
	assert.equal(again[0].onWhatsapp, true);
	assert.ok(again[0].checkedAt > first[0].checkedAt);
});

scenario('a blast leaves out those who were found not to be there', async () => {
	const [there, absent] = ['628391300001', '628391300002'];

	await world.sim.setPhone(absent, { registered: false });
	await check([there, absent]);
	const { blast } = await world.admin.post('/blasts', {
		outlets: [id], audience: { type: 'numbers', numbers: [there, absent] }, message: { text: 'x' }, skip: { notOnWhatsapp: true },
	});
	assert.deepEqual([blast.counts.total, blast.counts.skipped], [2, 1]);
	await world.waitBlast(blast.id, 'COMPLETED');
	const [skipped] = (await world.admin.get(`/blasts/${blast.id}/recipients?status=SKIPPED`)).recipients;
	assert.deepEqual([skipped.phone, skipped.reason], [absent, 'not_on_whatsapp']);
});

scenario('a blast asks before it sends, in several questions; too fast (429) holds it, and nothing else; a kill loses and doubles none', async () => {
	const number = '628391000004';
	const outlet = await world.linkedOutlet('Careful', number);
	const list = numbers(60, 92);
	const absent = [list[0], list[30], list[57]];

	for (const phone of absent)
		await world.sim.setPhone(phone, { registered: false });
	await world.sim.fault('query_error', { phone: number, xmlns: 'usync', error: 429 });
	const blast = await world.blast([outlet], list, 'if you are there', { skip: { notOnWhatsapp: true } });
	await waitFor(async () => (await world.sim.faults()).length === 0, 30_000, 'a question');
	const other = await world.blast([outlet], numbers(1, 93), 'not held up');
	await world.waitBlast(other.id, 'COMPLETED');
	assert.deepEqual((await world.admin.get(`/blasts/${blast.id}`)).blast.counts.queued, list.length);
	// A new start does not know of it, and asks.
	await world.restartDaemon({ kill: true });
	await world.waitBlast(blast.id, (b) => b.counts.sent + b.counts.delivered >= 10);
	await world.restartDaemon({ kill: true });
	const done = await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === list.length - absent.length);
	assert.deepEqual([done.counts.total, done.counts.skipped, done.counts.failed], [list.length, absent.length, 0]);
	const skipped = (await world.recipients(blast.id)).filter((r) => r.status === 'SKIPPED');
	assert.deepEqual(skipped.map((r) => [r.phone, r.reason]), absent.map((phone) => [phone, 'not_on_whatsapp']));
	const untouched = `SELECT count(*) FROM messages WHERE status = 'SKIPPED' AND blast_id = '${blast.id}' AND wa_id IS NULL AND sending_at IS NULL`;
	assert.deepEqual(await world.sql(untouched), [String(absent.length)]);
	const got = (await world.sim.messages({ from: number })).filter((m) => m.text === 'if you are there').map((m) => m.to).sort();
	assert.deepEqual(got, list.filter((phone) => !absent.includes(phone)));
});

scenario('many at once: in several questions', async () => {
	const many = numbers(120, 91);

	await world.sim.setPhone(many[77], { registered: false });
	const found = await check(many);
	assert.deepEqual(found.filter((n) => n.onWhatsapp !== true).map((n) => n.phone), [many[77]]);
	assert.equal(found.length, 120);
});

scenario('too fast (429): not asked again before WhatsApp wants to be', async () => {
	const number = '628391000002';
	const outlet = await world.linkedOutlet('Hasty', number);

	await world.sim.fault('query_error', { phone: number, xmlns: 'usync', error: 429 });
	await world.admin.refused(429, 'too_many_requests', 'POST', '/numbers/check', { outletId: outlet, numbers: ['628391100020'] });
	const again = await world.admin.raw('POST', '/numbers/check', { body: { outletId: outlet, numbers: ['628391100020'] } });
	assert.equal(again.status, 429);
	assert.ok(Number(again.headers['retry-after']) > 30, again.headers['retry-after']);
	assert.equal((await world.sim.faults()).length, 0);
	// Another outlet's link is another account.
	assert.deepEqual(brief(await check(['628391100020'])), [['628391100020', '628391100020', true]]);
});

scenario('what is refused', async () => {
	const lame = await world.addOutlet('Lame', '628391000003');
	const post = (status, code, body, api = world.admin) => api.refused(status, code, 'POST', '/numbers/check', body);

	await post(409, 'outlet_not_healthy', { outletId: lame, numbers: ['628391100030'] });
	await post(404, 'not_found', { outletId: 'outlet_absent', numbers: ['628391100030'] });
	await post(422, 'validation_failed', { outletId: id });
	await post(422, 'validation_failed', { outletId: id, numbers: [] });
	await post(422, 'validation_failed', { outletId: id, numbers: 'all' });
	await post(422, 'validation_failed', { outletId: id, numbers: [628391100030] });
	await post(422, 'validation_failed', { outletId: id, numbers: Array.from({ length: 201 }, () => '628391100030') });
	await world.addUser('lame', 'USER', 'the lame password', lame);
	await post(404, 'not_found', { outletId: id, numbers: ['628391100030'] }, await world.login('lame', 'the lame password'));
});
