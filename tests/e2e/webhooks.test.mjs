/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Webhooks by a real receiver that checks with the specification's own library: made, changed and removed; tests and events in order; a
 * receiver that is down, answers 500, 429 or 410; kill -9; secrets that are rotated; addresses that may not be asked.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Webhook } from 'standardwebhooks';

import { Receiver } from './receiver.mjs';
import { scenario } from './scenario.mjs';
import { freePort, waitFor } from './wait.mjs';
import { numbers, startWorld } from './world.mjs';

const NUMBER = '628440000001';
const EVENTS = ['outlet.status', 'message.received', 'message.status', 'recipient.status', 'blast.status', 'blast.progress', 'webhook.disabled'];

const OPEN = { allow_networks: '127.0.0.1/32', allow_http: 'yes', backoff_ms: 50 };

let world;
let receiver;
let id;
before(async () => {
	receiver = await new Receiver().start();
	world = await startWorld({ daemon: { webhooks: OPEN } });
	id = await world.linkedOutlet('Hooked', NUMBER);
});
after(async () => {
	await receiver?.stop();
	await world?.stop();
});

const remove = (hook) => world.admin.delete(`/webhooks/${hook.id}`);
const deliveries = (hook, query = '') => world.admin.get(`/webhooks/${hook.id}/deliveries${query}`).then((page) => page.deliveries);
const texts = (path) => receiver.taken(path).filter((e) => e.type === 'message.received').map((e) => e.data.message.text);

/** The delivery once it has been tried so often, or is over. */
const tried = (delivery, n) => waitFor(async () => {
	const { delivery: now } = await world.admin.get(`/deliveries/${delivery}`);
	if (now.attempts < n)
		throw new Error(JSON.stringify(now));
	return now;
}, 30_000, `attempt ${n} of ${delivery}`);

async function reconfigure(webhooks) {
	world.options.daemon = { webhooks: { ...OPEN, ...webhooks } };
	await world.waconnd.stop();
	world.writeConfiguration();
	await world.startDaemon();
	await world.ready();
	await world.healthy(id, 30_000);
}

scenario('made, listed, changed, removed; the secret is shown once and kept sealed', async () => {
	const before = world.mark();
	const made = await world.admin.post('/webhooks', { url: receiver.url('/crud'), description: 'CRM', outletIds: [id] });
	const { webhook, secret } = made;

	assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
	assert.match(webhook.id, /^webhook_/);
	assert.deepEqual([webhook.url, webhook.description, webhook.outletIds, webhook.isActive, webhook.pending],
		[receiver.url('/crud'), 'CRM', [id], true, 0]);
	assert.deepEqual([...webhook.events].sort(), EVENTS.filter((e) => e !== 'recipient.status').sort());
	assert.deepEqual((await world.admin.get('/webhooks')).webhooks.map((w) => w.id), [webhook.id]);
	assert.deepEqual((await world.admin.get(`/webhooks/${webhook.id}`)).webhook, webhook);

	const { webhook: changed } = await world.admin.patch(`/webhooks/${webhook.id}`,
		{ events: ['blast.status'], outletIds: null, description: null, isActive: false });
	assert.deepEqual([changed.events, changed.outletIds, changed.description, changed.isActive, changed.url],
		[['blast.status'], null, null, false, webhook.url]);

	const lines = (await world.admin.get(`/audit?subject=${webhook.id}`)).entries;
	assert.deepEqual(lines.map((l) => l.action), ['webhook_edit', 'webhook_add']);
	assert.deepEqual([lines[0].before.isActive, lines[0].after.isActive], [true, false]);
	const kept = JSON.stringify(lines) + (await world.sql(`SELECT w, encode(sealed_secret, 'escape') FROM webhooks w`)).join('\n') + world.logs(before);
	assert.ok(!kept.includes(secret.slice(6)), 'the secret is shown elsewhere');

	await remove(webhook);
	await world.admin.refused(404, 'not_found', 'GET', `/webhooks/${webhook.id}`);
	await world.admin.refused(404, 'not_found', 'GET', `/webhooks/${webhook.id}/deliveries`);
	await world.admin.refused(404, 'not_found', 'DELETE', `/webhooks/${webhook.id}`);
});

scenario('what is not valid is named', async () => {
	const cases = [
		[{}, 'url', 'required'],
		[{ url: 'hook' }, 'url', 'not_a_url'],
		[{ url: 'ftp://example.com/' }, 'url', 'scheme'],
		[{ url: 'https://user:pw@example.com/' }, 'url', 'credentials'],
		[{ url: 'https://example.com/#part' }, 'url', 'fragment'],
		[{ url: 'https://example.com:22/' }, 'url', 'port'],
		[{ url: 'https://10.0.0.1/' }, 'url', 'address'],
		[{ url: 'https://169.254.169.254/latest/meta-data' }, 'url', 'address'],
		[{ url: 'https://[::1]/' }, 'url', 'address'],
		[{ url: 'https://[::ffff:10.0.0.1]/' }, 'url', 'address'],
		[{ url: 'https://2130706434/' }, 'url', 'address'],
		[{ url: 'https://0x7f.2/' }, 'url', 'address'],
		[{ url: `https://example.com/${'x'.repeat(2000)}` }, 'url', 'too_long'],
		[{ url: 'https://example.com/', events: ['everything'] }, 'events', 'unknown'],
		[{ url: 'https://example.com/', events: ['blast.status', 'blast.status'] }, 'events', 'unknown'],
		[{ url: 'https://example.com/', events: [] }, 'events', 'too_short'],
		[{ url: 'https://example.com/', outletIds: ['outlet_absent'] }, 'outletIds', 'not_found'],
		[{ url: 'https://example.com/', colour: 'red' }, 'colour', 'unknown_field'],
	];

	for (const [body, field, code] of cases) {
		const problem = await world.admin.refused(422, 'validation_failed', 'POST', '/webhooks', body);
		assert.deepEqual(problem.errors.map((e) => [e.field, e.code]), [[field, code]], JSON.stringify(body));
	}
	const hook = await receiver.hook(world, '/valid');
	await world.admin.refused(422, 'validation_failed', 'PATCH', `/webhooks/${hook.id}`, { url: 'http://10.1.2.3/' });
	await world.admin.refused(422, 'validation_failed', 'POST', `/webhooks/${hook.id}/rotate-secret`, { keepOldSeconds: 604801 });
	await world.admin.refused(422, 'validation_failed', 'GET', `/webhooks/${hook.id}/deliveries?status=LOST`);
	await world.admin.refused(422, 'validation_failed', 'GET', `/webhooks/${hook.id}/deliveries?cursor=x`);
	await world.admin.refused(404, 'not_found', 'POST', '/webhooks/webhook_absent/test');
	await world.admin.refused(404, 'not_found', 'POST', '/webhooks/webhook_absent/rotate-secret');
	await world.admin.refused(404, 'not_found', 'POST', '/deliveries/delivery_999999999/redeliver');
	await world.admin.refused(404, 'not_found', 'GET', '/deliveries/nonsense');
	await remove(hook);
});

scenario('an Idempotency-Key makes one webhook, and shows its secret once', async () => {
	const key = { 'Idempotency-Key': 'hook-1' };
	const body = { url: receiver.url('/once') };
	const first = await world.admin.post('/webhooks', body, key);
	const again = await world.admin.post('/webhooks', body, key);

	assert.equal(again.webhook.id, first.webhook.id);
	assert.equal(again.secret, null);
	await world.admin.refused(422, 'idempotency_mismatch', 'POST', '/webhooks', { url: receiver.url('/other') }, key);
	assert.equal((await world.admin.get('/webhooks')).webhooks.length, 1);
	await remove(first.webhook);
});

scenario('the test button: signed as the library wants it, and in the log', async () => {
	const hook = await receiver.hook(world, '/test');

	receiver.answer = () => ({ status: 200, body: 'x'.repeat(5000) });
	const { delivery } = await world.admin.post(`/webhooks/${hook.id}/test`);
	assert.deepEqual([delivery.status, delivery.attempts, delivery.type], ['PENDING', 0, 'webhook.test']);
	const done = await tried(delivery.id, 1);
	const event = await receiver.wait('/test', (e) => e.type === 'webhook.test', 'the test');
	assert.deepEqual(event.data, { webhookId: hook.id });
	assert.match(event.headers['content-type'], /^application\/json/);
	assert.deepEqual([done.status, done.eventId, done.log[0].status, done.log[0].error], ['DELIVERED', event.id, 200, null]);
	assert.equal(done.responseBody, 'x'.repeat(1024));
	assert.deepEqual(done.payload, JSON.parse(event.body));
	/* The library can tell: another body, another secret. */
	assert.throws(() => new Webhook(hook.secret).verify(event.body.replace('webhook.test', 'webhook.tost'), event.headers));
	assert.throws(() => new Webhook(`whsec_${Buffer.alloc(32).toString('base64')}`).verify(event.body, event.headers));

	assert.match(await world.ctl(['webhook', 'list']), new RegExp(`${hook.id} +ok +0 `));
	assert.equal((await tried((await world.ctl(['webhook', 'test', hook.id])).trim(), 1)).status, 'DELIVERED');

	/* One that fails is not tried again, and counts for nothing; one that is switched off can be tested. */
	receiver.answer = () => 500;
	await world.admin.patch(`/webhooks/${hook.id}`, { isActive: false });
	const failed = await tried((await world.admin.post(`/webhooks/${hook.id}/test`)).delivery.id, 1);
	assert.deepEqual([failed.status, failed.log[0].status], ['FAILED', 500]);
	assert.equal((await world.admin.get(`/webhooks/${hook.id}`)).webhook.failingSince, null);

	/* Once more, by hand, under the same id. */
	receiver.answer = () => 204;
	await world.admin.post(`/deliveries/${failed.id}/redeliver`);
	const redelivered = await tried(failed.id, 2);
	assert.deepEqual([redelivered.status, redelivered.eventId], ['DELIVERED', failed.eventId]);
	assert.deepEqual(receiver.wrong, []);
	const page = await world.admin.get(`/webhooks/${hook.id}/deliveries?limit=1`);
	assert.equal(page.deliveries[0].id, failed.id);
	const rest = await world.admin.get(`/webhooks/${hook.id}/deliveries?limit=1&cursor=${page.nextCursor}`);
	assert.equal(rest.deliveries.length, 1);
	assert.equal((await world.admin.all(`/webhooks/${hook.id}/deliveries`, 'deliveries', 1)).at(-1).id, delivery.id);
	await remove(hook);
});

scenario('what happens is told, in order within an outlet; filters hold', async () => {
	const all = await receiver.hook(world, '/all', { events: EVENTS });
	const received = await receiver.hook(world, '/received', { events: ['message.received'] });
	const other = await world.addOutlet('Other', '628440000002');
	const others = await receiver.hook(world, '/others', { outletIds: [other], events: EVENTS });
	const [peer] = numbers(1, 44);

	receiver.answer = () => 204;
	await world.admin.post(`/outlets/${id}/disconnect`);
	await receiver.wait('/all', (e) => e.type === 'outlet.status' && e.data.status === 'DISCONNECTED', 'DISCONNECTED');
	await world.admin.post(`/outlets/${id}/connect`, {});
	await world.healthy(id);
	await receiver.wait('/all', (e) => e.type === 'outlet.status' && e.data.status === 'CONNECTED', 'CONNECTED');
	const statuses = receiver.taken('/all').filter((e) => e.type === 'outlet.status');
	assert.ok(statuses.every((e, i) => i === 0 || e.data.from === statuses[i - 1].data.status), JSON.stringify(statuses.map((e) => e.data)));
	assert.deepEqual(statuses.at(-1).data.outlet, { name: 'Hooked', whatsappNumber: NUMBER });

	const said = Array.from({ length: 40 }, (_, i) => `line ${i}`);
	for (const text of said)
		await world.sim.send(peer, NUMBER, text);
	await waitFor(() => texts('/all').length === said.length && texts('/received').length === said.length, 30_000, 'all lines');
	assert.deepEqual(texts('/all'), said);
	assert.deepEqual(texts('/received'), said);
	const { message } = receiver.taken('/received')[0].data;
	assert.deepEqual((await world.admin.get(`/messages/${message.id}`)).message, message);

	const { message: sent } = await world.admin.post(`/outlets/${id}/messages`, { to: peer, text: 'hello' });
	await receiver.wait('/all', (e) => e.type === 'message.status' && e.data.message.id === sent.id && e.data.message.status === 'DELIVERED',
		'the message to be DELIVERED');

	const blast = await world.blast([id], numbers(5, 45), 'promo');
	await receiver.wait('/all', (e) => e.type === 'blast.status' && e.data.blast.id === blast.id && e.data.blast.status === 'COMPLETED', 'COMPLETED');
	await receiver.wait('/all', (e) => e.type === 'blast.progress' && e.data.blast.counts.delivered === 5, 'the last progress');
	const steps = receiver.taken('/all').filter((e) => e.type === 'blast.status' && e.data.blast.id === blast.id);
	assert.deepEqual(steps.map((e) => e.data.blast.status), ['RUNNING', 'COMPLETED']);
	assert.equal(steps[0].data.blast.counts.total, 5);
	await waitFor(() => receiver.taken('/all').filter((e) => e.type === 'recipient.status' && e.data.message.status === 'DELIVERED').length === 5,
		30_000, 'five recipients');

	await world.admin.post(`/outlets/${other}/connect`, { method: 'qr' });
	await receiver.wait('/others', (e) => e.data.outletId === other, 'the other outlet');
	assert.ok(receiver.taken('/others').every((e) => e.data.outletId === other));
	assert.ok(receiver.taken('/received').every((e) => e.type === 'message.received'));
	assert.deepEqual(receiver.wrong, []);
	await Promise.all([all, received, others].map(remove));
	await world.admin.delete(`/outlets/${other}`);
});

scenario('a receiver that is down, then answers 500, then takes all: none lost, in order', async () => {
	const hook = await receiver.hook(world, '/down', { events: ['message.received'] });
	const [peer] = numbers(1, 46);
	const said = ['one', 'two', 'three'];

	await receiver.stop();
	for (const text of said)
		await world.sim.send(peer, NUMBER, text);
	const [first] = await waitFor(async () => {
		const list = (await deliveries(hook)).reverse();
		return list.length === 3 && list[0].attempts >= 2 && list;
	}, 30_000, 'attempts on a closed port');
	assert.match(first.log[0].error, /connect/i);
	assert.ok((await world.admin.get(`/webhooks/${hook.id}`)).webhook.failingSince);
	assert.deepEqual((await deliveries(hook)).map((d) => d.attempts > 0), [false, false, true], 'only the first of a lane is tried');
	let fails = 2;
	receiver.answer = () => (fails-- > 0 ? 500 : 200);
	await receiver.start();
	await waitFor(() => texts('/down').length === 3, 30_000, 'all three');
	assert.deepEqual(texts('/down'), said);
	const attempts = receiver.received.filter((e) => e.path === '/down');
	assert.deepEqual(attempts.slice(0, 3).map((e) => [e.id, e.answered]), [[first.eventId, 500], [first.eventId, 500], [first.eventId, 200]]);
	await waitFor(async () => (await world.admin.get(`/webhooks/${hook.id}`)).webhook.failingSince === null, 30_000, 'it to be well again');
	await remove(hook);
});

scenario('Retry-After is kept; redirects are not followed; a change lets it go on', async () => {
	const hook = await receiver.hook(world, '/later', { events: ['message.received'] });
	const [peer] = numbers(1, 47);

	receiver.answer = () => ({ status: 503, headers: { 'Retry-After': '3600' } });
	await world.sim.send(peer, NUMBER, 'later');
	const held = await waitFor(async () => (await deliveries(hook)).find((d) => d.attempts === 1), 30_000, 'an attempt');
	const wait = Date.parse(held.nextAttemptAt) - Date.parse(held.log[0].at);
	assert.ok(wait >= 3_599_000 && wait < 3_700_000, `${wait} ms`);

	receiver.answer = (e) => (e.path === '/later' ? { status: 302, headers: { Location: receiver.url('/elsewhere') } } : 200);
	await world.admin.patch(`/webhooks/${hook.id}`, { isActive: true });
	const moved = await tried(held.id, 2);
	assert.deepEqual([moved.log[1].status, /redirect/.test(moved.log[1].error)], [302, true]);
	receiver.answer = () => 200;
	await tried(held.id, 3);
	assert.deepEqual(receiver.received.filter((e) => e.path === '/elsewhere').length, 0);
	assert.deepEqual(receiver.wrong, []);
	await remove(hook);
});

scenario('kill -9 in the middle, twice: none lost; what comes twice bears the same id', async (t) => {
	const hook = await receiver.hook(world, '/kill', { events: ['message.received'] });
	const [peer] = numbers(1, 48);
	const said = Array.from({ length: 60 }, (_, i) => `kill ${i}`);
	let release;

	for (const at of [10, 30]) {
		const held = new Promise((resolve) => { release = resolve; });
		const reached = new Promise((resolve) => {
			receiver.answer = async (e) => {
				if (texts('/kill').length < at)
					return 200;
				resolve(e);
				await held; // it was received, and no answer will be read
				return 200;
			};
		});

		for (const text of said.slice(at === 10 ? 0 : 30, at === 10 ? 30 : 60))
			await world.sim.send(peer, NUMBER, text);
		await reached;
		await world.waconnd.kill();
		receiver.answer = () => 200;
		release();
		await world.startDaemon();
		await world.ready();
	}
	await waitFor(() => new Set(texts('/kill')).size === said.length, 60_000, 'all that was said');
	assert.deepEqual(texts('/kill'), said);
	const ids = receiver.received.filter((e) => e.path === '/kill').map((e) => e.id);
	t.diagnostic(`${ids.length} requests for ${said.length} events`);
	assert.ok(ids.length > said.length, 'nothing came twice: the kill hit nothing');
	assert.deepEqual(receiver.wrong, []);
	await world.healthy(id, 30_000);
	await remove(hook);
});

scenario('another secret: for a while both sign, then the new one alone', async () => {
	const hook = await receiver.hook(world, '/rotate');
	const send = async () => {
		const { delivery } = await world.admin.post(`/webhooks/${hook.id}/test`);
		const { eventId } = await tried(delivery.id, 1);
		return receiver.received.find((e) => e.id === eventId);
	};
	const verifies = (secret, e) => {
		try {
			return Boolean(new Webhook(secret).verify(e.body, e.headers));
		} catch {
			return false;
		}
	};

	receiver.answer = () => 200;
	const { secret, webhook } = await world.admin.post(`/webhooks/${hook.id}/rotate-secret`, { keepOldSeconds: 3600 });
	assert.notEqual(secret, hook.secret);
	assert.ok(webhook.oldSecretUntil);
	const both = await send();
	assert.equal(both.headers['webhook-signature'].split(' ').length, 2);
	assert.deepEqual([verifies(hook.secret, both), verifies(secret, both)], [true, true]);

	const { secret: third } = await world.admin.post(`/webhooks/${hook.id}/rotate-secret`, { keepOldSeconds: 0 });
	receiver.secrets.set('/rotate', third);
	const alone = await send();
	assert.deepEqual([verifies(hook.secret, alone), verifies(secret, alone), verifies(third, alone)], [false, false, true]);
	await remove(hook);
});

scenario('410 and long failure switch it off, and say so', async () => {
	const watch = await receiver.hook(world, '/watch', { events: ['webhook.disabled'] });
	const gone = await receiver.hook(world, '/gone', { events: ['message.received'] });
	const [peer] = numbers(1, 49);
	const stream = await world.admin.events();

	receiver.answer = (e) => (e.path === '/gone' ? 410 : 200);
	await world.sim.send(peer, NUMBER, 'gone');
	const { data } = await receiver.wait('/watch', (e) => e.data.webhook?.id === gone.id, 'the notice');
	assert.deepEqual([data.webhook.isActive, data.webhook.disabledReason], [false, 'gone']);
	await stream.next((e) => e.kind === 'webhook' && e.data.id === gone.id, 30_000, 'an event of the notice');
	const { webhook } = await world.admin.get(`/webhooks/${gone.id}`);
	assert.ok(webhook.disabledAt);
	assert.equal((await deliveries(gone))[0].status, 'FAILED');
	stream.close();
	assert.ok((await world.admin.get(`/audit?subject=${gone.id}`)).entries.some((l) => l.action === 'webhook_disable' && l.actor === 'waconnd'));

	await reconfigure({ retry_seconds: 1, backoff_ms: 20 });
	receiver.answer = (e) => (e.path === '/gone' ? 500 : 200);
	await world.admin.patch(`/webhooks/${gone.id}`, { isActive: true });
	await world.sim.send(peer, NUMBER, 'never');
	await receiver.wait('/watch', (e) => e.data.webhook?.id === gone.id && e.data.webhook.disabledReason === 'failing', 'the second notice');
	const [last] = await deliveries(gone);
	assert.equal(last.status, 'FAILED');
	assert.ok(last.attempts >= 2, JSON.stringify(last));

	/* While it is off nothing is queued; on again it hears what is new. */
	await world.sim.send(peer, NUMBER, 'unheard');
	await waitFor(async () => (await world.admin.get(`/outlets/${id}/messages`)).messages.some((m) => m.text === 'unheard'), 30_000, 'the message');
	receiver.answer = () => 200;
	await world.admin.patch(`/webhooks/${gone.id}`, { isActive: true });
	await world.sim.send(peer, NUMBER, 'heard');
	await waitFor(() => texts('/gone').includes('heard'), 30_000, 'what is new');
	assert.ok(!texts('/gone').includes('unheard'));
	await Promise.all([watch, gone].map(remove));
	await reconfigure({});
});

scenario('a name that leads to an address that may not be asked: nothing is connected to', async () => {
	let connections = 0;
	const server = net.createServer((socket) => {
		connections++;
		socket.destroy();
	});

	await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
	await reconfigure({ allow_networks: '', allow_http: 'no' });
	await world.admin.refused(422, 'validation_failed', 'POST', '/webhooks', { url: receiver.url() });
	const { webhook } = await world.admin.post('/webhooks', { url: `https://localhost:${server.address().port}/` });
	const { log: [{ error, status }] } = await tried((await world.admin.post(`/webhooks/${webhook.id}/test`)).delivery.id, 1);
	assert.deepEqual([status, error], [null, 'the address is not one that may be asked']);
	assert.equal(connections, 0);
	/* Of a webhook that was made under another configuration, too. */
	await world.sql(`UPDATE webhooks SET url = 'https://127.0.0.1:${server.address().port}/' WHERE id = '${webhook.id}'`);
	const literal = await tried((await world.admin.post(`/webhooks/${webhook.id}/test`)).delivery.id, 1);
	assert.equal(literal.log[0].error, 'the address is not one that may be asked');
	assert.equal(connections, 0);
	await remove(webhook);
	await new Promise((resolve) => { server.close(resolve); });
	await reconfigure({});
});

scenario('the receiver that docs/http.md prints takes what is sent, and nothing else', async () => {
	const guide = fs.readFileSync(new URL('../../docs/http.md', import.meta.url), 'utf8');
	const [, example] = /^```js\n(import http.*?)^```$/ms.exec(guide);
	const dir = path.join(world.dir, 'example');
	const port = await freePort();
	const { webhook, secret } = await world.admin.post('/webhooks', { url: `http://127.0.0.1:${port}/`, events: ['message.received'] });

	fs.mkdirSync(dir);
	fs.writeFileSync(path.join(dir, 'receiver.mjs'), example);
	fs.symlinkSync(fileURLToPath(new URL('../node_modules', import.meta.url)), path.join(dir, 'node_modules'));
	const child = spawn(process.execPath, [path.join(dir, 'receiver.mjs')], { env: { ...process.env, PORT: String(port), WEBHOOK_SECRET: secret } });
	let printed = '';
	child.stdout.on('data', (text) => { printed += text; });
	const ended = new Promise((resolve) => { child.on('close', resolve); });
	try {
		await waitFor(() => fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}' }).then((r) => r.status === 401), 30_000, 'it to listen');
		const { delivery } = await world.admin.post(`/webhooks/${webhook.id}/test`);
		const done = await tried(delivery.id, 1);
		assert.deepEqual([done.status, done.log[0].status], ['DELIVERED', 204]);
		await waitFor(() => printed.includes(`${done.eventId} webhook.test`), 30_000, 'its line');
	} finally {
		child.kill();
		await ended;
	}
	await remove(webhook);
});

scenario('no secret, URL or payload is in a log', () => {
	const logs = fs.readFileSync(world.waconnd.log, 'utf8') + fs.readFileSync(world.apigw.log, 'utf8');

	for (const word of ['whsec_', '/kill', 'kill 1', 'line 1'])
		assert.ok(!logs.includes(word), word);
});
