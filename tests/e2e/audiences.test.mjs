/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Blasts as operators need them: audiences from contacts and from a table, a hundred thousand recipients, failed ones again, a blast that
 * stops by itself, the report, replies. REST and the simulator.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { numbers, startWorld } from './world.mjs';

const ONE = '628370000001';
const TWO = '628370000002';
const MANY = 100_000;

let world;
let one;
let two;
let lame; // never linked
before(async () => {
	world = await startWorld();
	[one, two] = await Promise.all([world.linkedOutlet('One', ONE), world.linkedOutlet('Two', TWO)]);
	lame = await world.addOutlet('Lame', '628370000003');
});
after(() => world?.stop());

const later = () => {
	const hour = Number(new Intl.DateTimeFormat('en-GB', { hour: 'numeric', timeZone: 'Asia/Jakarta' }).format(new Date()));
	const at = (h) => `${String(h % 24).padStart(2, '0')}:00`;
	return { window: `${at(hour + 3)}-${at(hour + 5)}` }; // nothing leaves now
};

const request = (outlets, audience, text, more = {}) => ({ name: 'Promo', outlets, audience, message: { text }, ...more });

async function upload(table, api = world.admin) {
	const body = `--b\r\nContent-Disposition: form-data; name="file"; filename="people.csv"\r\nContent-Type: text/csv\r\n\r\n${table}\r\n--b--\r\n`;
	const answer = await api.raw('POST', '/media', { body, headers: { 'Content-Type': 'multipart/form-data; boundary=b' } });

	assert.ok(answer.status < 300, answer.text);
	return answer.json.media.id;
}

/* MiB: what it takes now, from when on the peak is counted; the peak since. */
const status = (program, field) => Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(fs.readFileSync(`/proc/${program.pid}/status`, 'utf8'))[1]) / 1024;
const memory = (program) => {
	fs.writeFileSync(`/proc/${program.pid}/clear_refs`, '5');
	return status(program, 'VmRSS');
};
const peak = (program) => status(program, 'VmHWM');
/* The sanitizer holds back what is freed. */
const limit = (program) => (fs.readFileSync(program.command).includes('__asan_init') ? 400 : 48);

scenario('contacts by tag: each outlet sends to its own, a number once', async () => {
	const [budi, siti, tuti, both] = numbers(4, 81);

	await world.admin.post(`/outlets/${one}/contacts`, { phone: budi, name: 'Budi', tags: ['vip', 'medan'], vars: { kode: 'A1' } });
	await world.admin.post(`/outlets/${one}/contacts`, { phone: siti, tags: ['medan'] });
	await world.admin.post(`/outlets/${two}/contacts`, { phone: tuti, name: 'Tuti', tags: ['vip'] });
	for (const id of [one, two])
		await world.admin.post(`/outlets/${id}/contacts`, { phone: both, tags: ['vip'] });
	await world.admin.post(`/outlets/${lame}/contacts`, { phone: numbers(5, 81)[4], tags: ['vip'] });
	const body = request([one, two, lame], { type: 'contacts', tags: ['vip'] }, 'Halo {{name|Kakak}} {{kode|-}}');
	const preview = await world.admin.post('/blasts/preview', body);
	const { total, valid, duplicates, optedOut, invalid } = preview.recipients;
	assert.deepEqual([total, valid, duplicates, optedOut, invalid], [4, 3, 1, 0, []]);
	assert.ok(preview.samples.includes('Halo Budi A1'), preview.samples.join());
	const share = (id) => preview.outlets.find((o) => o.outletId === id).recipients;
	assert.equal(share(one) + share(two), 3);
	assert.equal(share(lame), 0);

	const { blast, rejectedOutlets } = await world.admin.post('/blasts', body);
	assert.deepEqual(rejectedOutlets.map((r) => r.outletId), [lame]);
	await world.waitBlast(blast.id, 'COMPLETED');
	const found = await world.recipients(blast.id);
	assert.deepEqual(found.map((r) => r.phone).sort(), [budi, tuti, both].sort());
	assert.equal(found.find((r) => r.phone === budi).outletId, one);
	assert.equal(found.find((r) => r.phone === tuti).outletId, two);
	const [message] = await world.sim.messages({ to: tuti, wait: 10, count: 1 });
	assert.deepEqual([message.text, message.from], ['Halo Tuti -', TWO]);
	await world.admin.refused(422, 'no_valid_recipient', 'POST', '/blasts', request([one], { type: 'contacts', tags: ['nobody'] }, 'x'));
});

scenario('a table: any column a variable, bad rows by line, duplicates, opt-outs; spread over the outlets', async () => {
	const list = numbers(8, 82);
	const table = ['Nama,No. HP,Kode', ...list.map((phone, i) => `Orang ${i},${phone},K${i}`), 'Lagi,nobody,x', `Dua kali,${list[0]},x`].join('\n');
	const mediaId = await upload(table);
	const body = request([one, two], { type: 'csv', mediaId }, 'Halo {{nama|}}{{name}}, {{kode}}');

	await world.admin.post('/opt-outs', { phone: list[7] });
	const preview = await world.admin.post('/blasts/preview', body);
	const { total, valid, duplicates, optedOut, invalid } = preview.recipients;
	assert.deepEqual([total, valid, duplicates, optedOut], [10, 7, 1, 1]);
	assert.deepEqual(invalid, [{ line: 10, phone: 'nobody', reason: 'invalid_number' }]);
	assert.deepEqual(preview.samples, ['Halo Orang 0, K0', 'Halo Orang 1, K1', 'Halo Orang 2, K2']);
	assert.deepEqual(preview.outlets.map((o) => o.recipients).sort(), [3, 4]);
	assert.equal(Number((await world.sql('SELECT count(*) FROM blast_drafts'))[0]), 0);

	const headers = { 'Idempotency-Key': 'csv-1' };
	const { blast } = await world.admin.post('/blasts', body, headers);
	assert.equal((await world.admin.post('/blasts', body, headers)).blast.id, blast.id);
	assert.deepEqual([blast.counts.total, blast.counts.skipped], [8, 1]);
	await world.waitBlast(blast.id, 'COMPLETED');
	const found = await world.recipients(blast.id);
	assert.deepEqual(found.map((r) => r.phone), list);
	assert.deepEqual([found[7].status, found[7].reason], ['SKIPPED', 'opted_out']);
	for (const id of [one, two])
		assert.ok(found.filter((r) => r.outletId === id).length >= 3);
	const [message] = await world.sim.messages({ to: list[3], wait: 10, count: 1 });
	assert.equal(message.text, 'Halo Orang 3, K3');
	// Again: who wrote to them before does so now.
	const again = (await world.admin.post('/blasts', request([one, two], { type: 'csv', mediaId }, 'lagi'))).blast;
	await world.waitBlast(again.id, 'COMPLETED');
	const second = await world.recipients(again.id);
	for (const [i, r] of second.slice(0, 7).entries())
		assert.equal(r.outletId, found[i].outletId);
	// Several texts, of which each gets the one that the preview says.
	const several = { ...body, message: { variants: ['satu {{kode}}', 'dua {{kode}}', 'tiga {{kode}}'] } };
	const { samples } = await world.admin.post('/blasts/preview', several);
	const varied = (await world.admin.post('/blasts', several)).blast;
	await world.waitBlast(varied.id, 'COMPLETED');
	for (const [i, text] of samples.entries()) {
		const texts = (await world.sim.messages({ to: list[i], wait: 10, count: 3 })).map((m) => m.text);
		assert.match(text, new RegExp(`^(satu|dua|tiga) K${i}$`));
		assert.ok(texts.includes(text), `${text} is not among ${texts}`);
	}
});

scenario('audiences that are none', async () => {
	const refused = async (audience, code, field) => {
		const problem = await world.admin.refused(422, code, 'POST', '/blasts', request([one], audience, 'x'));
		assert.deepEqual(problem.errors.map((e) => e.field), [field]);
	};

	await refused({ type: 'csv', mediaId: 'media_absent' }, 'validation_failed', 'audience.mediaId');
	await refused({ type: 'csv' }, 'validation_failed', 'audience.mediaId');
	await refused({ type: 'contacts', tags: 'vip' }, 'validation_failed', 'audience.tags');
	await refused({ type: 'everybody' }, 'unsupported_audience', 'audience.type');
	// Another's file is not there.
	await world.addUser('umar', 'USER', 'correct horse battery', one);
	const mediaId = await upload('phone\n081234567890\n');
	const umar = await world.login('umar', 'correct horse battery');
	await umar.refused(422, 'validation_failed', 'POST', '/blasts', request([one], { type: 'csv', mediaId }, 'x'));
	await world.admin.refused(422, 'no_valid_recipient', 'POST', '/blasts',
		request([one], { type: 'csv', mediaId: await upload('nama,kota\nBudi,Medan\n') }, 'x'));
});

scenario('a hundred thousand recipients from a table: accepted in seconds, with flat memory in both programs', async () => {
	const row = (i) => `Orang ${i},0812${String(10_000_000 + i)},K${i}`;
	const table = ['Nama,Telepon,Kode', ...Array.from({ length: MANY }, (_, i) => row(i))].join('\n');
	const mediaId = await upload(table);
	const before = [memory(world.waconnd), memory(world.apigw)];
	const start = Date.now();
	const { blast } = await world.admin.post('/blasts', request([one, two], { type: 'csv', mediaId }, 'Halo {{name}} {{kode}}', { pace: later() }));
	const seconds = (Date.now() - start) / 1000;
	const grown = [peak(world.waconnd) - before[0], peak(world.apigw) - before[1]];

	console.log(`# ${MANY} recipients accepted in ${seconds.toFixed(1)} s; memory grew by ${grown.map((m) => m.toFixed(1)).join(' and ')} MiB`);
	assert.deepEqual([blast.counts.total, blast.counts.queued], [MANY, MANY]);
	assert.ok(grown[0] < limit(world.waconnd) && grown[1] < limit(world.apigw), `${grown}`);

	const report = await world.admin.raw('GET', `/blasts/${blast.id}/report.csv`);
	const lines = report.text.trimEnd().split('\r\n');
	assert.match(report.headers['content-type'], /^text\/csv/);
	assert.equal(lines.length, MANY + 1);
	assert.match(lines[0], /^phone,outletId,messageId,status,reason,/);
	assert.match(lines[MANY], /^62812\d+,outlet_\w+,msg_\d+,QUEUED,,20/);
	assert.ok(peak(world.apigw) - before[1] < limit(world.apigw));
	const cancelled = (await world.admin.post(`/blasts/${blast.id}/cancel`)).blast;
	assert.equal(cancelled.counts.cancelled, MANY);
});

scenario('failed ones again, by request; what had arrived is not sent twice', async () => {
	const [there, absent] = numbers(2, 83);

	await world.sim.setPhone(absent, { registered: false });
	const blast = await world.blast([one], [there, absent], 'once more');
	await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.failed === 1);
	const failed = (await world.admin.get(`/blasts/${blast.id}/recipients?status=FAILED&reason=not_on_whatsapp&outletId=${one}`)).recipients;
	assert.deepEqual(failed.map((r) => r.phone), [absent]);
	assert.deepEqual((await world.admin.get(`/blasts/${blast.id}/recipients?outletId=${two}`)).recipients, []);
	await world.sim.setPhone(absent, { registered: true });
	assert.match(await world.ctl(['blast', 'retry', blast.id]), /RUNNING/);
	await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === 2, 60_000);
	assert.equal((await world.sim.messages({ to: there })).filter((m) => m.text === 'once more').length, 1);
	await world.admin.refused(409, 'nothing_to_retry', 'POST', `/blasts/${blast.id}/retry`);
	await world.admin.refused(404, 'not_found', 'POST', '/blasts/blast_absent/retry');
	const waits = await world.blast([one], numbers(1, 84), 'x', { pace: later() });
	await world.admin.post(`/blasts/${waits.id}/cancel`);
	await world.admin.refused(409, 'blast_finished', 'POST', `/blasts/${waits.id}/retry`);
});

scenario('a blast that fails too often stops by itself, says why, and goes on when a person says so', async () => {
	const list = numbers(40, 85);

	await world.admin.patch('/settings', { autoPause: { failurePercent: 50, minimum: 10 } });
	await Promise.all(list.map((phone) => world.sim.setPhone(phone, { registered: false })));
	const blast = await world.blast([one], list, 'x', { pace: { perMinute: 240, jitter: 0 } });
	const paused = await world.waitBlast(blast.id, 'PAUSED', 20_000);
	assert.equal(paused.pauseReason, 'too_many_failures');
	assert.ok(paused.counts.failed >= 10 && paused.counts.queued > 0, JSON.stringify(paused.counts));
	// On: it takes as many again.
	await world.admin.post(`/blasts/${blast.id}/resume`);
	const further = await world.waitBlast(blast.id, (b) => b.status === 'PAUSED' && b.counts.failed >= paused.counts.failed + 10, 20_000);
	assert.ok(further.counts.queued < paused.counts.queued);
	const [line] = (await world.admin.get(`/audit?subject=${blast.id}&action=blast_resume`)).entries;
	assert.deepEqual([line.before.status, line.before.pauseReason, line.after.status, line.after.pauseReason],
		['PAUSED', 'too_many_failures', 'RUNNING', null]);
	await world.admin.patch('/settings', { autoPause: { failurePercent: 0, minimum: 10 } });
	await world.admin.post(`/blasts/${blast.id}/resume`);
	await world.waitBlast(blast.id, 'COMPLETED', 60_000);
});

scenario('replies to a blast are counted and listed', async () => {
	const [budi, siti] = numbers(2, 86);
	const blast = await world.blast([one], [budi, siti], 'promo');

	await world.waitBlast(blast.id, (b) => b.status === 'COMPLETED' && b.counts.delivered === 2);
	await world.sim.send(budi, ONE, 'berapa harganya?');
	await world.sim.send(budi, ONE, 'masih ada?');
	const [stranger] = numbers(1, 87);
	await world.sim.send(stranger, ONE, 'halo');
	const { replies } = await waitFor(async () => {
		const page = await world.admin.get(`/blasts/${blast.id}/replies`);
		return page.replies.length === 2 && page;
	}, 10_000, '2 replies');
	assert.deepEqual(replies.map((r) => [r.peer, r.text, r.direction]), [[budi, 'masih ada?', 'in'], [budi, 'berapa harganya?', 'in']]);
	assert.equal((await world.admin.get(`/blasts/${blast.id}`)).blast.replies, 1);
	assert.equal((await world.admin.all(`/blasts/${blast.id}/replies`, 'replies', 1)).length, 2);
	await world.admin.refused(404, 'not_found', 'GET', '/blasts/blast_absent/replies');
});
