/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Outlets as rows: create, read, change, remove, lists by pages and filters, the ETag of the status list. REST; nothing is linked. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { startWorld } from './world.mjs';

let world;
before(async () => { world = await startWorld(); });
after(() => world?.stop());

const field = (problem) => problem.errors.map((e) => e.field);

scenario('an outlet is created, read, changed and removed', async () => {
	const answer = await world.admin.raw('POST', '/outlets', { body: { name: 'Toko Jakarta ☕', whatsappNumber: '0811-1000-001' } });
	const { outlet } = answer.json;

	assert.equal(answer.status, 201);
	assert.match(outlet.id, /^outlet_\w+$/);
	assert.deepEqual(outlet, { ...outlet, name: 'Toko Jakarta ☕', whatsappNumber: '628111000001', isActive: true, autoReconnect: true });
	assert.deepEqual((await world.admin.get(`/outlets/${outlet.id}`)).outlet, outlet);

	const changed = (await world.admin.patch(`/outlets/${outlet.id}`, { name: 'Toko Bandung', autoReconnect: false, pace: { perMinute: 7 } })).outlet;
	assert.deepEqual({ ...changed, pace: changed.pace.perMinute },
		{ ...outlet, name: 'Toko Bandung', autoReconnect: false, pace: 7 });
	const status = await world.status(outlet.id);
	assert.equal(status.outlet.name, 'Toko Bandung');
	assert.equal(status.session.autoReconnect, false);

	await world.admin.delete(`/outlets/${outlet.id}`);
	await world.admin.refused(404, 'not_found', 'GET', `/outlets/${outlet.id}`);
	await world.admin.refused(404, 'not_found', 'GET', `/outlets/${outlet.id}/status`);
	await world.admin.refused(404, 'not_found', 'DELETE', `/outlets/${outlet.id}`);
});

scenario('telephone numbers as people write them', async () => {
	const written = [
		['0812 3456 0001', '6281234560001'],
		['+62 812-3456-0002', '6281234560002'],
		['62 0812 3456 0003', '6281234560003'],
		['00 62 81234560004', '6281234560004'],
		['+1 (415) 555-2671', '14155552671'],
	];

	for (const [text, digits] of written) {
		const { outlet } = await world.admin.post('/outlets', { name: text, whatsappNumber: text });
		assert.equal(outlet.whatsappNumber, digits);
		await world.admin.delete(`/outlets/${outlet.id}`);
	}
});

scenario('what is not valid is refused with its field, and nothing is kept', async () => {
	const cases = [
		[{}, ['name', 'whatsappNumber']],
		[{ name: 'x' }, ['whatsappNumber']],
		[{ name: '', whatsappNumber: '62811' }, ['name']],
		[{ name: 'Toko\u0007\nSari', whatsappNumber: '62811000001' }, ['name']],
		[{ name: '  ', whatsappNumber: '62811000001' }, ['name']],
		[{ name: 'x', whatsappNumber: 'twelve' }, ['whatsappNumber']],
		[{ name: 'x', whatsappNumber: '12' }, ['whatsappNumber']],
		[{ name: 7, whatsappNumber: '62811000001' }, ['name']],
		[{ name: 'x', whatsappNumber: '62811000001', isActive: 'yes' }, ['isActive']],
		[{ name: 'x', whatsappNumber: '62811000001', colour: 'red' }, ['colour']],
		[{ name: 'x'.repeat(500), whatsappNumber: '62811000001' }, ['name']],
		[{ name: 'x', whatsappNumber: '62811000001', pace: { perMinute: -1 } }, ['pace.perMinute']],
		[{ name: 'x', whatsappNumber: '62811000001', pace: { window: '25:00-26:00' } }, ['pace.window']],
		[{ name: 'x', whatsappNumber: '62811000001', pace: { jitter: 2 } }, ['pace.jitter']],
	];

	for (const [body, fields] of cases) {
		const problem = await world.admin.refused(422, 'validation_failed', 'POST', '/outlets', body);
		for (const name of fields)
			assert.ok(field(problem).includes(name), `${JSON.stringify(body).slice(0, 100)}: ${JSON.stringify(problem.errors)}`);
	}
	await world.admin.refused(400, 'invalid_json', 'POST', '/outlets', '{"name": ');
	await world.admin.refused(400, 'invalid_json', 'POST', '/outlets', '');
	await world.admin.refused(415, 'unsupported_media_type', 'POST', '/outlets', 'name=x', { 'Content-Type': 'application/x-www-form-urlencoded' });
	await world.admin.refused(405, 'method_not_allowed', 'PUT', '/outlets', {});
	await world.admin.refused(404, 'not_found', 'GET', '/nothing/here');
	assert.deepEqual((await world.admin.get('/outlets')).outlets, []);
});

scenario('a number belongs to one outlet', async () => {
	const id = await world.addOutlet('First', '62811000010');

	await world.admin.refused(409, 'already_exists', 'POST', '/outlets', { name: 'Second', whatsappNumber: '0811000010' });
	await world.admin.delete(`/outlets/${id}`);
});

scenario('lists come in pages; the status list filters and has an ETag', async () => {
	const ids = [];
	for (let i = 0; i < 5; i++)
		ids.push(await world.addOutlet(`Page ${i}`, `6281200010${i}`));
	const wanted = [...ids].sort();

	assert.deepEqual((await world.admin.all('/outlets', 'outlets', 2)).map((o) => o.id).sort(), wanted);
	assert.deepEqual((await world.admin.all('/outlets/status', 'statuses', 2)).map((s) => s.outletId).sort(), wanted);
	for (const limit of ['0', '1001', 'x', '-1'])
		await world.admin.refused(422, 'validation_failed', 'GET', `/outlets?limit=${limit}`);

	const found = async (query) => (await world.admin.get(`/outlets/status?${query}`)).statuses.map((s) => s.outlet.name);
	assert.deepEqual(await found('q=page%203'), ['Page 3']);
	assert.deepEqual(await found('q=62812000104'), ['Page 4']);
	assert.deepEqual(await found('status=CONNECTED'), []);
	assert.equal((await found('status=DISCONNECTED')).length, 5);
	assert.deepEqual(await found('healthy=true'), []);
	assert.equal((await found('healthy=false')).length, 5);

	const first = await world.admin.raw('GET', '/outlets/status');
	const { etag } = first.headers;
	assert.ok(etag);
	const same = await world.admin.raw('GET', '/outlets/status', { headers: { 'If-None-Match': etag } });
	assert.equal(same.status, 304);
	assert.equal(same.body.length, 0);
	await world.admin.patch(`/outlets/${ids[0]}`, { name: 'Renamed' });
	const other = await world.admin.raw('GET', '/outlets/status', { headers: { 'If-None-Match': etag } });
	assert.equal(other.status, 200);
	assert.notEqual(other.headers.etag, etag);
	for (const id of ids)
		await world.admin.delete(`/outlets/${id}`);
});

scenario('a HEAD is a GET without its body', async () => {
	const answer = await world.admin.raw('HEAD', '/outlets/status');

	assert.equal(answer.status, 200);
	assert.equal(answer.body.length, 0);
});

scenario('a list goes on where it was, also when the row that a page ended with is gone', async () => {
	const lists = [
		['/outlets', 'outlets', (n) => ({ name: `Gone "${n}" é`, whatsappNumber: `62899000100${n}` })],
		['/templates', 'templates', (n) => ({ name: `gone ${n}`, text: 'x' })],
		['/webhooks', 'webhooks', (n) => ({ url: `https://hooks.example/${n}`, events: ['blast.status'] })],
		['/tokens', 'tokens', (n) => ({ name: `gone ${n}` })],
	];

	for (const [path, key, body] of lists) {
		for (let n = 1; n <= 4; n++)
			await world.admin.post(path, body(n));
		const whole = (await world.admin.get(`${path}?limit=1000`))[key].map((row) => row.id);
		assert.ok(whole.length >= 4, path);
		const seen = [];
		let cursor = '';
		do {
			const page = await world.admin.get(`${path}?limit=1${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
			assert.equal(page[key].length, 1, path);
			seen.push(page[key][0].id);
			if (seen.length === 2)
				await world.admin.delete(`${path}/${seen[1]}`);
			cursor = page.nextCursor;
		} while (cursor);
		assert.deepEqual(seen, whole, path);
	}
});
