/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What WhatsApp may answer to a login, and the errors it may end a stream with: the status and the code of each. A table; every row has an
 * outlet of its own, all at once. Simulator faults, REST.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { startWorld } from './world.mjs';

const HOUR = 3600;

/* name, fault, status, lastError.code, more: keys (are they kept?), until (is a time shown?) */
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
	['failure 500', { action: 'failure', reason: 500 }, 'TIMEOUT', 'server_unavailable', { keys: true }],
	['failure 503', { action: 'failure', reason: 503 }, 'TIMEOUT', 'server_unavailable', { keys: true }],
	['replaced', { action: 'stream_error', conflict: 'replaced' }, 'FAILED', 'replaced', { keys: true }],
	['device_removed', { action: 'stream_error', code: 401, conflict: 'device_removed' }, 'FAILED', 'logged_out', { keys: false }],
	['stream error 500', { action: 'stream_error', code: 500 }, 'TIMEOUT', 'server_unavailable', { keys: true }],
	['stream error 503', { action: 'stream_error', code: 503 }, 'TIMEOUT', 'server_unavailable', { keys: true }],
	['stream error 429', { action: 'stream_error', code: 429 }, 'TIMEOUT', 'rate_limited', { keys: true }],
	['stream error 599', { action: 'stream_error', code: 599 }, 'TIMEOUT', 'server_unavailable', { keys: true }],
];

let world;
before(async () => { world = await startWorld(); });
after(() => world?.stop());

async function row([name, fault, wanted, code, { keys, until = false }], number) {
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
	return id;
}

scenario('failures and stream errors: a table', { concurrency: true }, async (t) => {
	await Promise.all(ROWS.map((r, i) => t.test(r[0], () => row(r, `62823${String(i).padStart(7, '0')}`))));
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
