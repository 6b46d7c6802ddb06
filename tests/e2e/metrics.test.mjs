/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Prometheus reads: that it is well formed, that it counts what happened, and who may read it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before } from 'node:test';

import { request } from './client.mjs';
import { scenario } from './scenario.mjs';
import { startWorld } from './world.mjs';

const TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const NAME = /^[a-z_][a-z0-9_]*$/;
const SAMPLE = /^([a-z_][a-z0-9_]*)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (\S+)$/;

let world;
before(async () => { world = await startWorld(); });
after(() => world?.stop());

/** The document as a map of series to numbers; its form is held against Prometheus' rules. */
function parse(text) {
	const types = new Map(), series = new Map();

	assert.ok(text.endsWith('\n'));
	for (const line of text.trimEnd().split('\n')) {
		if (line.startsWith('# HELP ')) {
			const [, , name, ...help] = line.split(' ');
			assert.match(name, NAME);
			assert.ok(help.length > 0, line);
			assert.ok(!types.has(name), `${name} twice`);
			types.set(name, null);
		} else if (line.startsWith('# TYPE ')) {
			const [, , name, type] = line.split(' ');
			assert.equal(types.get(name), null, `TYPE of ${name} without HELP before it`);
			types.set(name, type);
			assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
		} else {
			const [, name, labels = '', value] = SAMPLE.exec(line) ?? assert.fail(line);
			const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
			assert.ok(types.has(family), `${name} without HELP`);
			assert.ok(!series.has(name + labels), `${name}${labels} twice`);
			assert.ok(Number.isFinite(Number(value)), line);
			series.set(name + labels, Number(value));
		}
	}
	return series;
}

async function read(headers = {}) {
	const answer = await request(world.base, 'GET', '/metrics', { headers });

	assert.equal(answer.status, 200, answer.text);
	assert.equal(answer.headers['content-type'], TYPE);
	return answer.text;
}

scenario('the figures follow what happens', async () => {
	const outlet = await world.linkedOutlet('Jakarta Store', '6287788987745');
	const blast = await world.blast([outlet], ['0812-3456-7890', '0812-3456-7891'], 'Halo');
	await world.waitBlast(blast.id, 'COMPLETED');

	const m = parse(await read());
	assert.equal(m.get('waconn_outlets{status="CONNECTED"}'), 1);
	assert.equal(m.get('waconn_outlets{status="FAILED"}'), 0);
	assert.equal(m.get('waconn_outlets_healthy'), 1);
	assert.equal(m.get('waconn_sends_total{result="sent"}'), 2);
	assert.equal(m.get('waconn_queue_messages{state="queued"}'), 0);
	assert.equal(m.get('waconn_database_up'), 1);
	assert.equal(m.get('apigw_daemon_up'), 1);
	assert.ok(m.get('waconn_commit_seconds_count') > 0);
	assert.ok(m.get('waconn_commit_rows_sum') >= m.get('waconn_commit_rows_count'));
	assert.ok(m.get('waconn_ipc_request_seconds_count{operation="blast_create"}') >= 1);
	assert.ok(m.get('apigw_http_request_seconds_count{route="POST /api/blasts"}') >= 1);
	assert.ok(m.get('waconn_process_resident_memory_bytes') > 1e6);

	await world.admin.post(`/outlets/${outlet}/disconnect`);
	await world.waitStatus(outlet, (s) => s.liveStatus.status === 'DISCONNECTED');
	const after = parse(await read());
	assert.equal(after.get('waconn_outlets{status="DISCONNECTED"}'), 1);
	const ends = [...after].filter(([name]) => name.startsWith('waconn_link_ends_total')).reduce((n, [, v]) => n + v, 0);
	assert.ok(ends >= 2, `${ends} links have ended: after the pairing, and by hand`);
});

scenario('promtool takes it, where there is one', async () => {
	const check = spawnSync('promtool', ['check', 'metrics'], { input: await read(), encoding: 'utf8' });

	if (check.error?.code !== 'ENOENT')
		assert.equal(check.status, 0, check.stdout + check.stderr);
});

scenario('strangers need an administrator\'s token', async () => {
	const strange = { 'X-Forwarded-For': '203.0.113.9' };
	await world.addUser('umar', 'USER', 'a long password', await world.addOutlet('Bandung Store', '6287788987746'));
	const user = await world.login('umar', 'a long password');

	assert.equal((await request(world.base, 'GET', '/metrics', { headers: strange })).status, 401);
	assert.equal((await request(world.base, 'GET', '/metrics', { headers: { Authorization: 'Bearer nonsense' } })).status, 401);
	assert.equal((await request(world.base, 'GET', '/metrics', { headers: { ...strange, Authorization: `Bearer ${user.token}` } })).status, 403);
	parse(await read({ ...strange, Authorization: `Bearer ${world.admin.token}` }));
});
