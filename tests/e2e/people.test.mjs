/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Contacts and their import, opt-outs by hand and by word, templates, settings, the history of an outlet with its uptime, the dashboard's
 * figures. REST and the simulator.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { numbers, startWorld } from './world.mjs';

const ONE = '628360000001';
const PASSWORD = 'correct horse battery';

let world;
let one;
let other; // never linked
let umar; // of `one`
let ani; // ADMIN
before(async () => {
	world = await startWorld();
	one = await world.linkedOutlet('One', ONE);
	other = await world.addOutlet('Other', '628360000002');
	await world.addUser('umar', 'USER', PASSWORD, one);
	await world.addUser('ani', 'ADMIN', PASSWORD);
	[umar, ani] = [await world.login('umar', PASSWORD), await world.login('ani', PASSWORD)];
});
after(() => world?.stop());

const fields = (problem) => problem.errors.map((e) => e.field).sort();
const csv = (api, path, body, type = 'text/csv') => api.raw('POST', path, { body, headers: { 'Content-Type': type } });

scenario('contacts: added, replaced, found, removed', async () => {
	const path = `/outlets/${one}/contacts`;
	const { contact } = await umar.post(path, { phone: '0812-1111-0001', name: 'Budi', tags: ['vip', 'medan'], vars: { kode: 'A1', n: 7 } });

	assert.deepEqual([contact.phone, contact.name, contact.tags, contact.vars],
		['6281211110001', 'Budi', ['vip', 'medan'], { kode: 'A1', n: '7' }]);
	const replaced = (await umar.post(path, { phone: '+62 812 1111 0001', name: 'Budi B' })).contact;
	assert.deepEqual([replaced.name, replaced.tags, replaced.vars, replaced.createdAt], ['Budi B', [], {}, contact.createdAt]);
	const [line] = (await world.admin.get('/audit?subject=6281211110001')).entries;
	assert.deepEqual([line.actor, line.action, line.before.name, line.after.name], ['umar', 'contact_add', 'Budi', 'Budi B']);
	await umar.post(path, { phone: '081211110002', name: 'Siti', tags: ['vip'] });
	await umar.post(path, { phone: '081211110003' });
	const listed = async (query) => (await umar.get(`${path}?${query}`)).contacts.map((c) => c.phone);
	assert.deepEqual(await listed(''), ['6281211110001', '6281211110002', '6281211110003']);
	assert.deepEqual(await listed('tag=vip'), ['6281211110002']);
	assert.deepEqual(await listed('q=SITI'), ['6281211110002']);
	assert.deepEqual(await listed('q=0812-1111-0003'), ['6281211110003']);
	assert.equal((await umar.all(path, 'contacts', 1)).length, 3);
	assert.equal((await umar.delete(`${path}?phone=081211110001`)).removed, 1);
	assert.equal((await umar.call('DELETE', path, { phones: ['081211110002', '081211110003'] })).removed, 2);
	await umar.refused(404, 'not_found', 'DELETE', `${path}?phone=081211110001`);
	await umar.refused(404, 'not_found', 'GET', `/outlets/${other}/contacts`);
	await umar.refused(404, 'not_found', 'POST', `/outlets/${other}/contacts`, { phone: '081211110001' });
	for (const [body, field] of [[{}, 'phone'], [{ phone: 'nobody' }, 'phone'], [{ phone: '081211110001', tags: 'vip' }, 'tags'],
		[{ phone: '081211110001', vars: { a: {} } }, 'vars'], [{ phone: '081211110001', colour: 'red' }, 'colour']])
		assert.deepEqual(fields(await umar.refused(422, 'validation_failed', 'POST', path, body)), [field]);
	const headers = { 'Idempotency-Key': 'c-1' };
	await umar.post(path, { phone: '081211110004' }, headers);
	await umar.post(path, { phone: '081211110004' }, headers);
	await umar.refused(422, 'idempotency_mismatch', 'POST', path, { phone: '081211110005' }, headers);
});

scenario('import: columns by their names, any other one a variable; bad rows by line', async () => {
	const path = `/outlets/${one}/contacts/import`;
	const table = '\ufeffNama;No. HP;Kota;Tags\r\nBudi;0812-2222-0001;"Medan; Utara";vip|baru\r\n;nobody;x;\r\nSiti;+62 812 2222 0002;;\r\n'
		+ 'Budi Lagi;081222220001;Jakarta;lama\r\n';
	const answer = await csv(umar, path, table);

	assert.equal(answer.status, 200, answer.text);
	const { rows, imported, added, updated, invalid, errors } = answer.json;
	assert.deepEqual([rows, imported, added, updated, invalid], [4, 2, 2, 0, 1]);
	assert.deepEqual(errors.map((e) => [e.line, e.code, e.value]), [[3, 'invalid_number', 'nobody']]);
	const [budi] = (await umar.get(`/outlets/${one}/contacts?q=081222220001`)).contacts;
	assert.deepEqual([budi.name, budi.vars, budi.tags], ['Budi Lagi', { kota: 'Jakarta' }, ['lama']]);
	// Again: what is there is added to.
	const again = (await csv(umar, path, 'phone,kode,tags\n081222220001,A7,vip\n')).json;
	assert.deepEqual([again.added, again.updated], [0, 1]);
	const [more] = (await umar.get(`/outlets/${one}/contacts?q=081222220001`)).contacts;
	assert.deepEqual([more.name, more.vars, more.tags], ['Budi Lagi', { kota: 'Jakarta', kode: 'A7' }, ['lama', 'vip']]);
	const none = (await csv(umar, path, 'nama,kota\nBudi,Medan\n')).json;
	assert.deepEqual([none.imported, none.errors[0].code], [0, 'no_phone_column']);
	assert.equal((await csv(umar, path, '{}', 'application/json')).status, 415);
	assert.equal((await csv(umar, path, '')).status, 422);
	const form = (content) => `--b\r\nContent-Disposition: form-data; name="file"; filename="people.csv"\r\nContent-Type: text/csv\r\n\r\n`
		+ `${content}\r\n--b--\r\n`;
	const sent = await csv(umar, path, form('phone,name\n081222220003,Tuti\n'), 'multipart/form-data; boundary=b');
	assert.deepEqual([sent.json.added, sent.json.invalid], [1, 0]);
	assert.equal((await csv(umar, `/outlets/${other}/contacts/import`, table)).status, 404);
});

scenario('import of 20,000 rows', async () => {
	const path = `/outlets/${other}/contacts/import`;
	const table = ['phone,name,kode', ...numbers(20_000, 61).map((phone, i) => `${phone},Orang ${i},K${i}`)].join('\n');
	const answer = (await csv(ani, path, table)).json;

	assert.deepEqual([answer.added, answer.invalid], [20_000, 0]);
	const [last] = (await ani.get(`/outlets/${other}/contacts?q=${numbers(20_000, 61).at(-1)}`)).contacts;
	assert.deepEqual([last.name, last.vars], ['Orang 19999', { kode: 'K19999' }]);
});

scenario('opt-outs: by hand, seen by whom it was said to', async () => {
	assert.equal((await ani.post('/opt-outs', { phone: '0812-3333-0001', reason: 'by phone' })).added, 1);
	const again = await ani.post('/opt-outs', { phone: '081233330001' });
	assert.deepEqual([again.added, again.optOuts.map((o) => [o.phone, o.reason])], [0, [['6281233330001', 'by phone']]]);
	assert.equal((await umar.post('/opt-outs', { phones: ['081233330002', '+62 812 3333 0002', '081233330003'] })).added, 2);
	const of = async (api, query = '') => (await api.get(`/opt-outs${query}`)).optOuts.map((o) => o.phone);
	assert.deepEqual(await of(ani), ['6281233330001', '6281233330002', '6281233330003']);
	assert.deepEqual(await of(umar), ['6281233330002', '6281233330003']);
	assert.deepEqual(await of(ani, '?q=0812-3333-0001'), ['6281233330001']);
	assert.equal((await ani.all('/opt-outs', 'optOuts', 1)).length, 3);
	const [first] = (await ani.get('/opt-outs')).optOuts;
	assert.deepEqual([first.reason, first.outletId], ['by phone', null]);
	const preview = await ani.post('/blasts/preview', { name: 'x', outlets: [one], message: { text: 'x' },
		audience: { type: 'numbers', numbers: ['081233330001', '081233330004'] } });
	assert.deepEqual([preview.recipients.valid, preview.recipients.optedOut], [1, 1]);
	await umar.refused(404, 'not_found', 'DELETE', '/opt-outs/6281233330001');
	await ani.delete('/opt-outs/6281233330001');
	const lines = (await world.admin.get('/audit?subject=6281233330001')).entries;
	assert.deepEqual(lines.map((l) => [l.actor, l.action, l.before?.reason, l.after?.reason]),
		[['ani', 'opt_out_remove', 'by phone', undefined], ['ani', 'opt_out_add', undefined, 'by phone']]);
	await umar.call('DELETE', '/opt-outs', { phones: ['081233330002', '081233330003'] });
	assert.deepEqual(await of(ani), []);
	for (const body of [{}, { phone: 'nobody' }, { phones: [] }])
		await ani.refused(422, 'validation_failed', 'POST', '/opt-outs', body);
});

scenario('who says STOP is out, hears it, and is in again with START; other messages change nothing', async () => {
	const [budi, siti] = numbers(2, 62);
	const out = async (phone) => (await ani.get(`/opt-outs?q=${phone}`)).optOuts.length;
	const waitOut = (phone, n) => waitFor(async () => await out(phone) === n, 10_000, `${n} opt-outs of ${phone}`);

	await ani.patch('/settings', { optOutReply: 'Anda tidak akan menerima promo lagi.', optInReply: null });
	await world.sim.send(siti, ONE, 'please stop by tomorrow');
	await world.sim.send(budi, ONE, ' *Berhenti*! ');
	await waitOut(budi, 1);
	const [row] = (await umar.get(`/opt-outs?q=${budi}`)).optOuts; // said to the USER's outlet
	assert.deepEqual([row.reason, row.outletId], ['inbound_word', one]);
	const [reply] = await world.sim.messages({ to: budi, wait: 15, count: 1 });
	assert.equal(reply.text, 'Anda tidak akan menerima promo lagi.');
	await world.sim.send(budi, ONE, 'stop');
	assert.equal(await out(siti), 0);
	// Said while a blast waits for its turn: it is not sent.
	const blast = await world.blast([one], numbers(3, 63), 'promo', { pace: { perMinute: 60, jitter: 0 } });
	await world.sim.send(numbers(3, 63)[2], ONE, 'STOP');
	const done = await world.waitBlast(blast.id, 'COMPLETED');
	const last = (await world.recipients(blast.id)).at(-1);
	if (last.status === 'SKIPPED')
		assert.equal(last.reason, 'opted_out');
	assert.equal(done.counts.queued, 0);
	const skipped = await world.blast([one], [budi, siti], 'promo two');
	assert.equal(skipped.counts.skipped, 1);
	await world.sim.send(budi, ONE, 'Mulai');
	await waitOut(budi, 0);
	assert.ok((await world.admin.get('/audit?actor=whatsapp')).entries.some((e) => e.action === 'opt_out_remove'));
	// Words of one's own.
	await ani.patch('/settings', { optOutWords: ['JANGAN KIRIM'], optOutReply: '' });
	await world.sim.send(siti, ONE, 'jangan  kirim.');
	await waitOut(siti, 1);
});

scenario('settings: read, changed, refused', async () => {
	const { settings } = await ani.patch('/settings', { optOutWords: ['STOP'], autoPause: { failurePercent: 40, minimum: 10 } });

	assert.deepEqual([settings.optOutWords, settings.autoPause], [['STOP'], { failurePercent: 40, minimum: 10, restrictions: 3 }]);
	assert.deepEqual((await ani.get('/settings')).settings, settings);
	const [line] = (await world.admin.get('/audit?action=settings_edit')).entries;
	assert.deepEqual([line.actor, line.after.optOutWords], ['ani', ['STOP']]);
	for (const [body, field] of [[{ optOutWords: 'STOP' }, 'optOutWords'], [{ autoPause: { failurePercent: 101, minimum: 1 } },
		'autoPause.failurePercent'], [{ autoPause: { failurePercent: 1, minimum: 1, restrictions: 101 } }, 'autoPause.restrictions'], [{ auditDays: 7 }, 'auditDays'], [{ colour: 'red' }, 'colour'], [{ optInReply: 7 }, 'optInReply']])
		assert.deepEqual(fields(await ani.refused(422, 'validation_failed', 'PATCH', '/settings', body)), [field]);
	await umar.refused(403, 'forbidden', 'GET', '/settings');
	await umar.refused(403, 'forbidden', 'PATCH', '/settings', { optOutWords: [] });
});

scenario('templates: for all, or of an outlet', async () => {
	const all = (await ani.post('/templates', { name: 'Promo', text: 'Halo {{name}}' })).template;
	const own = (await umar.post('/templates', { name: 'Promo', text: 'Halo dari One' })).template;
	const theirs = (await ani.post('/templates', { name: 'Theirs', text: 'x', outletId: other })).template;

	assert.deepEqual([all.outletId, own.outletId, theirs.outletId], [null, one, other]);
	await ani.refused(409, 'already_exists', 'POST', '/templates', { name: 'PROMO', text: 'x' });
	assert.deepEqual((await umar.all('/templates', 'templates', 1)).map((t) => t.id).sort(), [all.id, own.id].sort());
	assert.equal((await ani.get('/templates?q=dari')).templates.length, 1);
	assert.equal((await umar.get(`/templates/${all.id}`)).template.text, 'Halo {{name}}');
	await umar.refused(404, 'not_found', 'GET', `/templates/${theirs.id}`);
	await umar.refused(404, 'not_found', 'DELETE', `/templates/${theirs.id}`);
	await umar.refused(403, 'forbidden', 'PATCH', `/templates/${all.id}`, { text: 'y' });
	assert.equal((await umar.patch(`/templates/${own.id}`, { text: 'baru' })).template.text, 'baru');
	await umar.delete(`/templates/${own.id}`);
	await ani.refused(404, 'not_found', 'GET', `/templates/${own.id}`);
	for (const body of [{ name: 'x' }, { text: 'x' }, { name: ' ', text: 'x' }, { name: 'x', text: ' ' }, { name: 'x', text: 'y'.repeat(5000) }])
		await ani.refused(422, 'validation_failed', 'POST', '/templates', body);
	const [line] = (await world.admin.get(`/audit?subject=${own.id}&action=template_edit`)).entries;
	assert.deepEqual([line.before.text, line.after.text], ['Halo dari One', 'baru']);
});

scenario('the history of an outlet, its uptime, and both as CSV', async () => {
	const { events, uptimePercent, nextCursor } = await umar.get(`/outlets/${one}/events`);

	assert.equal(nextCursor, null);
	assert.equal(events[0].to, 'CONNECTED');
	for (const e of events)
		assert.ok(Date.parse(e.at) && e.from && e.reason, JSON.stringify(e));
	for (const days of ['days1', 'days7', 'days30'])
		assert.ok(uptimePercent[days] > 0 && uptimePercent[days] <= 100, JSON.stringify(uptimePercent));
	assert.equal((await ani.get(`/outlets/${other}/events`)).uptimePercent.days7, 0);
	assert.deepEqual(await umar.all(`/outlets/${one}/events`, 'events', 1), events);
	const table = await umar.raw('GET', `/outlets/${one}/events`, { headers: { Accept: 'text/csv' } });
	assert.match(table.headers['content-type'], /^text\/csv/);
	const lines = table.text.trimEnd().split('\r\n');
	assert.equal(lines[0], 'at,from,to,reason');
	assert.equal(lines.length, events.length + 1);
	assert.ok(lines[1].startsWith(`${events[0].at},${events[0].from},CONNECTED,`));
	await umar.refused(404, 'not_found', 'GET', `/outlets/${other}/events`);
	// Half of its life connected, half not.
	await world.sql(`UPDATE outlets SET created_at = now() - interval '2 days' WHERE id = '${other}'`);
	await world.sql(`INSERT INTO outlet_events (outlet_id, at, from_status, to_status, reason) VALUES
		('${other}', now() - interval '2 days', 'CONNECTING', 'CONNECTED', 'x'), ('${other}', now() - interval '12 hours', 'CONNECTED', 'TIMEOUT', 'x')`);
	const half = (await ani.get(`/outlets/${other}/events`)).uptimePercent;
	assert.ok(Math.abs(half.days1 - 50) < 1 && Math.abs(half.days7 - 75) < 1, JSON.stringify(half));
});

scenario('the dashboard: outlets by state, blasts, messages by day', async () => {
	const { outlets, blasts, days } = await ani.get('/summary?days=3');
	const mine = await umar.get('/summary');

	assert.deepEqual([outlets.total, outlets.healthy, outlets.byStatus.CONNECTED, outlets.byStatus.DISCONNECTED], [2, 1, 1, 1]);
	assert.deepEqual(Object.keys(blasts).sort(), ['paused', 'running', 'scheduled']);
	assert.equal(days.length, 3);
	assert.match(days[2].date, /^\d{4}-\d\d-\d\d$/);
	assert.ok(days[2].sent >= days[2].delivered && days[2].delivered >= days[2].read && days[2].sent > 0, JSON.stringify(days));
	assert.deepEqual([mine.outlets.total, mine.days.length], [1, 7]);
	for (const n of ['0', '91', 'x'])
		assert.deepEqual(fields(await ani.refused(422, 'validation_failed', 'GET', `/summary?days=${n}`)), ['days']);
});
