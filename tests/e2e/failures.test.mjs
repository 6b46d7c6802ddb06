/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What WhatsApp may answer to a login, and the errors it may end a stream with: the status and the code of each. A table; every row has an
 * outlet of its own, some at once. Simulator faults, REST.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { startWorld } from './world.mjs';

const HOUR = 3600;
const AT_ONCE = 8; /* rows: linking writes many keys */

/* name, fault, status, lastError.code, more: keys (are they kept?), until (is a time shown?), later (is the next attempt far away?) */
const ROWS = [
	['failure 401', { action: 'failure', reason: 401 }, 'FAILED', 'logged_out', { keys: false }],
	['failure 402', { action: 'failure', reason: 402, code: 101, expire: HOUR }, 'FAILED', 'temporarily_banned', { keys: true, until: true }],
	['failure 403', { action: 'failure', reason: 403 }, 'FAILED', 'account_locked', { keys: true }],
	['failure 405', { action: 'failure', reason: 405 }, 'FAILED', 'client_outdated', { keys: true }],
	['failure 406', { action: 'failure', reason: 406 }, 'FAILED', 'banned', { keys: false }],
	['failure 400', { action: 'failure', reason: 400 }, 'FAILED', 'rejected', { keys: true }],
	['failure 409', { action: 'failure', reason: 409 }, 'FAILED', 'rejected', { keys: true }],
	['failure 411', { action: 'failure', reason: 411 }, 'FAILED', 'rejected', { keys: true }],
	['failure 418', { action: 'failure', reason: 418 }, 'FAILED', 'rejected', { keys: true }],
	['failure 501', { action: 'failure', reason: 501 }, 'TIMEOUT', 'login_postponed', { keys: true, later: true }],
	['failure 429', { action: 'failure', reason: 429 }, 'TIMEOUT', 'rate_limited', { keys: true, later: true }],
	['failure 412', { action: 'failure', reason: 412 }, 'FAILED', 'rejected', { keys: true }],
	['failure 413', { action: 'failure', reason: 413 }, 'FAILED', 'rejected', { keys: true }],
	['failure 414', { action: 'failure', reason: 414 }, 'FAILED', 'rejected', { keys: true }],
	['failure 415', { action: 'failure', reason: 415 }, 'FAILED', 'rejected', { keys: true }],
	['failure 419', { action: 'failure', reason: 419 }, 'FAILED', 'rejected', { keys: true }],
	['failure 777', { action: 'failure', reason: 777 }, 'FAILED', 'rejected', { keys: true }],
	['failure 500', { action: 'failure', reason: 500 }, 'TIMEOUT', 'server_unavailable', { keys: true }],
	['failure 503', { action: 'failure', reason: 503 }, 'TIMEOUT', 'server_unavailable', { keys: true }],
	['replaced', { action: 'stream_error', conflict: 'replaced' }, 'FAILED', 'replaced', { keys: true }],
	['device_removed', { action: 'stream_error', code: 401, conflict: 'device_removed' }, 'FAILED', 'logged_out', { keys: false }],
	['stream error 500', { action: 'stream_error', code: 500 }, 'TIMEOUT', 'server_unavailable', { keys: true }],
	['stream error 503', { action: 'stream_error', code: 503 }, 'TIMEOUT', 'server_unavailable', { keys: true }],
	['stream error 429', { action: 'stream_error', code: 429 }, 'TIMEOUT', 'rate_limited', { keys: true, later: true }],
	['stream error 409', { action: 'stream_error', code: 409 }, 'FAILED', 'replaced', { keys: true }],
	['stream error 516, twice', { action: 'stream_error', code: 516 }, 'FAILED', 'logged_out', { keys: false }],
	['stream error 401, twice', { action: 'stream_error', code: 401 }, 'FAILED', 'logged_out', { keys: false }],
	['stream error 515, again and again', { action: 'stream_error', code: 515 }, 'TIMEOUT', 'restart', { keys: true }],
	['stream error: a stanza of ours', { action: 'stream_error', child: 'xml-not-well-formed' }, 'TIMEOUT', 'malformed_stanza', { keys: true }],
	['stream error: an ack of ours', { action: 'stream_error', child: 'ack' }, 'TIMEOUT', 'missed_ack', { keys: true }],
	['stream error: nobody knows', { action: 'stream_error', child: 'mystery' }, 'TIMEOUT', 'server_unavailable', { keys: true }],
	['xmlstreamend', { action: 'stream_end' }, 'TIMEOUT', 'connection_lost', { keys: true }],
	['stream error 599', { action: 'stream_error', code: 599 }, 'TIMEOUT', 'server_unavailable', { keys: true }],
];

let world;
before(async () => { world = await startWorld(); });
after(() => world?.stop());

async function row([name, fault, wanted, code, { keys, until = false, later = false }], number) {
	const id = await world.linkedOutlet(name, number);

	// The same at every login from now on: what comes back by itself must not stop at the first.
	const { action, ...fields } = fault;
	await world.sim.fault(action, { ...fields, phone: number, when: 'login', times: -1 });
	await world.sim.fault('reset', { phone: number });
	const s = await world.waitStatus(id,
		(status) => status.session.status === wanted && status.session.lastError?.code === code, 20_000);
	const error = s.session.lastError;
	assert.equal(s.healthy, false);
	assert.ok(error.message.length > 10 && error.action.length > 5, JSON.stringify(error));
	assert.equal(error.until !== null, until || error.until !== null && wanted === 'TIMEOUT', JSON.stringify(error));
	if (until)
		assert.ok(Math.abs(Date.parse(error.until) - Date.now() - HOUR * 1000) < 60_000, error.until);
	assert.equal(s.unhealthyReasons.includes('no_user_id'), !keys, s.unhealthyReasons.join());
	if (wanted === 'TIMEOUT') {
		const wait = (status) => status.session.nextRetryAt !== null;
		const { session } = await world.waitStatus(id, wait);
		assert.equal(Date.parse(session.nextRetryAt) > Date.now() + 20 * 60_000, later, session.nextRetryAt);
	} else if (!until) {
		assert.equal(s.session.nextRetryAt, null);
	}
	return id;
}

scenario('failures and stream errors: a table', { concurrency: true }, async (t) => {
	for (let i = 0; i < ROWS.length; i += AT_ONCE)
		await Promise.all(ROWS.slice(i, i + AT_ONCE).map((r, k) => t.test(r[0], () => row(r, `62823${String(i + k).padStart(7, '0')}`))));
});

scenario('removed, perhaps: one login tells that it is not', async () => {
	const number = '628240000002';
	const id = await world.linkedOutlet('Perhaps removed', number);

	for (const code of [516, 401]) {
		const stream = await world.admin.events({ kinds: 'status' });
		await world.sim.fault('stream_error', { phone: number, code });
		await stream.next((e) => e.data.outletId === id && e.data.liveStatus.status !== 'CONNECTED', 10_000, `the end by ${code}`);
		await world.healthy(id, 20_000);
		stream.close();
	}
});

scenario('locked: the keys stay until it is said a second time', async () => {
	const number = '628240000003';
	const id = await row(['locked', { action: 'failure', reason: 403 }, 'FAILED', 'account_locked', { keys: true }], number);

	await world.restartDaemon();
	await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
	const lost = await world.waitStatus(id, (s) => s.session.lastError?.code === 'account_lost', 20_000);
	assert.equal(lost.session.status, 'FAILED');
	assert.ok(lost.unhealthyReasons.includes('no_user_id'));
});

scenario('a ban that ends: not before, then by itself', async () => {
	const number = '628240000004';
	const id = await world.linkedOutlet('Short ban', number);

	await world.sim.fault('failure', { phone: number, when: 'login', reason: 402, code: 104, expire: 2 });
	const logins = async () => (await world.sim.state()).stats.logins;
	await world.sim.fault('reset', { phone: number });
	const banned = await world.waitStatus(id, (s) => s.session.lastError?.code === 'temporarily_banned', 20_000);
	assert.equal(banned.session.status, 'FAILED');
	assert.ok(Date.parse(banned.session.nextRetryAt) >= Date.parse(banned.session.lastError.until));
	const before = await logins();
	const { session } = await world.healthy(id, 30_000);
	assert.ok(Date.parse(session.connectedAt) >= Date.parse(banned.session.lastError.until));
	assert.equal(await logins(), before + 1);
});

scenario('a FAILED that kept its keys connects again when it is told to', async () => {
	const number = '628240000001';
	const id = await row(['replaced', { action: 'stream_error', conflict: 'replaced' }, 'FAILED', 'replaced', { keys: true }], number);

	await world.sim.forget();
	await world.restartDaemon();
	const still = await world.waitStatus(id, 'FAILED'); // a restart does not try
	assert.equal(still.session.lastError.code, 'replaced');
	await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
	const healthy = await world.healthy(id);
	assert.equal(healthy.session.lastError, null);
});
