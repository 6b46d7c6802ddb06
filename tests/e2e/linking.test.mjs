/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Linking by QR and the operator's commands: the code as JSON, SVG and PNG, the status document in each state, the scan by a right and a
 * wrong phone, pause, resume, disconnect, logout, unlinking on the phone. REST and the simulator.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import zlib from 'node:zlib';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { startWorld } from './world.mjs';

let world;
let next = 0;
before(async () => { world = await startWorld(); });
after(() => world?.stop());

const phone = () => `62821${String(++next).padStart(7, '0')}`;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/* The status document as the contract has it; a value is a literal, a class to be of, a pattern, or null. */
function assertShape(actual, shape, where = '') {
	if (shape === TIME || shape instanceof RegExp) {
		assert.match(String(actual), shape, where);
	} else if (typeof shape === 'function') {
		assert.equal(typeof actual, shape.name.toLowerCase(), `${where}: ${actual}`);
	} else if (shape !== null && typeof shape === 'object' && !Array.isArray(shape)) {
		assert.deepEqual(Object.keys(actual ?? {}).sort(), Object.keys(shape).sort(), where);
		for (const [key, value] of Object.entries(shape))
			assertShape(actual[key], value, `${where}.${key}`);
	} else {
		assert.deepEqual(actual, shape, where);
	}
}

function statusShape(id, name, number, more) {
	return {
		outletId: id,
		outlet: { name, whatsappNumber: number, isActive: true },
		session: {
			status: 'DISCONNECTED', sessionName: null, connectedAt: null, lastSeen: null, qrCode: null, autoReconnect: true,
			retryCount: 0, lastError: null, nextRetryAt: null, ...more.session,
		},
		liveStatus: { status: 'DISCONNECTED', qrCode: null, name: null, instance: 'world', latencyMs: null, lastHeard: null, ...more.live },
		restriction: null,
		healthy: false,
		unhealthyReasons: ['db_status', 'live_status', 'socket_closed', 'no_user_id'],
		...more.top,
	};
}

scenario('the status document, never linked to linked', async () => {
	const number = phone();
	const id = await world.addOutlet('Shape', number);

	assertShape(await world.status(id), statusShape(id, 'Shape', number, {}));

	const command = await world.admin.raw('POST', `/outlets/${id}/connect`, { body: { method: 'qr' } });
	assert.equal(command.status, 202);
	assert.equal(command.json.status.outletId, id);
	const { qr } = await world.qr(id);
	const scanning = await world.waitStatus(id, (s) => s.session.qrCode !== null && s.liveStatus.qrCode !== null);
	assertShape(scanning, statusShape(id, 'Shape', number, {
		session: { status: 'CONNECTING', qrCode: 'Present', lastSeen: scanning.session.lastSeen },
		live: { status: 'CONNECTING', qrCode: 'Present', lastHeard: TIME, latencyMs: scanning.liveStatus.latencyMs, name: scanning.liveStatus.name },
	}));

	await world.sim.scan(qr, number, { pushName: 'iPhone 12' });
	const linked = await world.waitStatus(id, (s) => s.healthy && s.session.sessionName !== null);
	assertShape(linked, statusShape(id, 'Shape', number, {
		session: { status: 'CONNECTED', sessionName: String, connectedAt: TIME, lastSeen: TIME },
		live: { status: 'CONNECTED', name: String, lastHeard: TIME, latencyMs: linked.liveStatus.latencyMs === null ? null : Number },
		top: { healthy: true, unhealthyReasons: [] },
	}));

	const all = await world.admin.get('/outlets/status');
	assert.deepEqual(Object.keys(all).sort(), ['count', 'healthy', 'statuses', 'success']);
	assert.equal(all.count, all.statuses.length);
	assert.equal(all.healthy, all.statuses.filter((s) => s.healthy).length);
	assert.deepEqual(Object.keys(all.statuses.find((s) => s.outletId === id)), Object.keys(linked));
});

/* The pixels of an 8-bit or 1-bit PNG would need a decoder; its chunks, sizes and checksums say that it is one. */
function pngSize(png) {
	assert.equal(png.subarray(0, 8).toString('hex'), '89504e470d0a1a0a');
	const data = [];
	let size;

	for (let at = 8; at < png.length;) {
		const len = png.readUInt32BE(at);
		const type = png.toString('latin1', at + 4, at + 8);
		const body = png.subarray(at + 8, at + 8 + len);

		if (type === 'IHDR')
			size = [body.readUInt32BE(0), body.readUInt32BE(4)];
		if (type === 'IDAT')
			data.push(body);
		at += 12 + len;
	}
	assert.ok(zlib.inflateSync(Buffer.concat(data)).length >= size[1]);
	return size;
}

scenario('the QR code as JSON, SVG and PNG', async () => {
	const number = phone();
	const id = await world.addOutlet('Pictures', number);
	const path = `/outlets/${id}/qr`;

	await world.admin.refused(404, 'no_qr', 'GET', path);
	await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
	const qr = await world.qr(id);
	assert.match(qr.qr, /^https:\/\/wa\.me\/settings\/linked_devices#[^,]+,[A-Za-z0-9+/]{43}=,[A-Za-z0-9+/]{43}=,[A-Za-z0-9+/]{43}=,\w$/);
	assert.equal(qr.sequence, 1);
	const left = Date.parse(qr.expiresAt) - Date.now();
	assert.ok(left > 0 && left <= 61_000, `expires in ${left} ms`);

	const pictures = [
		['?format=svg', {}, 'image/svg+xml'],
		['', { Accept: 'image/svg+xml' }, 'image/svg+xml'],
		['?format=png', {}, 'image/png'],
		['', { Accept: 'image/png,*/*;q=0.1' }, 'image/png'],
		['', { Accept: 'application/json' }, 'application/json'],
		['?format=json', { Accept: 'image/png' }, 'application/json'],
	];
	for (const [query, headers, type] of pictures) {
		const answer = await world.admin.raw('GET', path + query, { headers });
		assert.equal(answer.status, 200);
		assert.equal(answer.headers['content-type'].split(';')[0], type);
		assert.equal(answer.headers['cache-control'], 'no-store');
		if (type === 'image/png') {
			const [width, height] = pngSize(answer.body);
			assert.ok(width === height && width > 100, `${width}x${height}`);
		} else if (type === 'image/svg+xml') {
			assert.match(answer.text, /^(<\?xml[^>]*>\s*)?<svg [\s\S]*<\/svg>\s*$/);
		}
	}
	await world.admin.refused(422, 'validation_failed', 'GET', `${path}?format=gif`);
	await world.admin.refused(406, 'not_acceptable', 'GET', path, undefined, { Accept: 'image/webp' });
	await world.admin.post(`/outlets/${id}/disconnect`);
	await world.waitStatus(id, 'DISCONNECTED');
	await world.admin.refused(404, 'no_qr', 'GET', path);
});

scenario('CONNECTED within 5 s of the scan', async () => {
	const number = phone();
	const id = await world.addOutlet('Quick', number);

	await world.scan(id, number);
	await world.waitStatus(id, 'CONNECTED', 5000);
	await world.admin.refused(404, 'no_qr', 'GET', `/outlets/${id}/qr`);
	await world.admin.refused(409, 'already_connected', 'POST', `/outlets/${id}/connect`, { method: 'qr' });
	await waitFor(async () => {
		const { devices } = await world.sim.phone(number);
		const companion = devices.find((d) => d.device !== 0);
		return companion.connected && companion.prekeys >= 5;
	}, 5000, 'pre-keys to be there');
});

scenario('a phone with another number is refused and unlinked again', async () => {
	const number = phone();
	const stranger = phone();
	const id = await world.addOutlet('Wrong', number);

	await world.scan(id, stranger);
	const status = await world.waitStatus(id, 'FAILED');
	assert.equal(status.session.lastError.code, 'wrong_number');
	assert.ok(status.session.lastError.message.length > 0 && status.session.lastError.action.length > 0);
	assert.ok(status.unhealthyReasons.includes('no_user_id'));
	// The right one can be linked after that.
	const linked = await world.link(id, number);
	assert.equal(linked.session.lastError, null);
});

scenario('an answer of the phone that does not verify links nothing', async () => {
	for (const fault of ['hmac', 'signature']) {
		const number = phone();
		const id = await world.addOutlet(`Forged ${fault}`, number);

		await world.scan(id, number, { fault });
		const status = await world.waitStatus(id, 'FAILED');
		assert.match(status.session.lastError.code, /^[a-z_]+$/);
		await world.link(id, number);
	}
});

scenario('codes that ran out are followed by fresh ones', async () => {
	const number = phone();
	const id = await world.addOutlet('Slow hands', number);

	await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
	const first = await world.qr(id);
	await world.sim.fault('qr_expire');
	const second = await waitFor(async () => {
		const qr = await world.admin.get(`/outlets/${id}/qr`);
		return qr.qr !== first.qr && qr;
	}, 15_000, 'another QR code');
	await world.sim.scan(second.qr, number);
	await world.healthy(id);
});

scenario('pause, resume, disconnect, connect', async () => {
	const number = phone();
	const id = await world.linkedOutlet('Commands', number);
	const command = async (name) => {
		const answer = await world.admin.raw('POST', `/outlets/${id}/${name}`);
		assert.equal(answer.status, 202, answer.text);
		assert.equal(answer.json.status.outletId, id);
	};

	await command('pause');
	const paused = await world.waitStatus(id, 'PAUSED');
	assert.equal(paused.healthy, false);
	await world.admin.refused(409, 'outlet_paused', 'POST', `/outlets/${id}/connect`, { method: 'qr' });
	await world.admin.refused(409, 'outlet_not_healthy', 'POST', `/outlets/${id}/messages`, { to: phone(), text: 'x' });
	await world.restartDaemon();
	await world.waitStatus(id, 'PAUSED');
	await command('resume');
	await world.healthy(id);
	await world.admin.refused(409, 'not_paused', 'POST', `/outlets/${id}/resume`);

	await command('disconnect');
	await world.waitStatus(id, 'DISCONNECTED');
	const { devices } = await world.sim.phone(number);
	assert.equal(devices.find((d) => d.device !== 0).connected, false);
	const connects = (await world.sim.state()).stats.pairings;
	await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
	await world.healthy(id);
	assert.equal((await world.sim.state()).stats.pairings, connects); // with the keys it had
});

scenario('logout unlinks the device and erases its keys; it can be linked anew', async () => {
	const number = phone();
	const id = await world.linkedOutlet('Leaving', number);

	assert.ok((await world.sim.phone(number)).devices.length === 2);
	assert.equal((await world.admin.raw('POST', `/outlets/${id}/logout`)).status, 202);
	await world.waitStatus(id, (s) => s.session.status === 'DISCONNECTED' && s.unhealthyReasons.includes('no_user_id'));
	const left = (await world.sim.phone(number)).devices.filter((d) => d.device !== 0 && !d.loggedOut);
	assert.deepEqual(left, []);
	await world.link(id, number);
});

scenario('unlinked on the phone: FAILED, logged_out; linked anew', async () => {
	const number = phone();
	const id = await world.linkedOutlet('Removed', number);

	await world.sim.unlink(number);
	const status = await world.waitStatus(id, 'FAILED');
	assert.equal(status.session.lastError.code, 'logged_out');
	assert.equal(status.healthy, false);
	const linked = await world.link(id, number);
	assert.equal(linked.session.lastError, null);
});

scenario('another number while a code is shown: a fresh code, for the new phone', async () => {
	const number = phone();
	const id = await world.addOutlet('Renumbered', phone());

	await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
	const { qr: old } = await world.qr(id);
	await world.admin.patch(`/outlets/${id}`, { whatsappNumber: number });
	const { qr } = await waitFor(async () => {
		const shown = (await world.admin.raw('GET', `/outlets/${id}/qr`)).json;
		return shown?.qr !== undefined && shown.qr !== old ? shown : undefined;
	}, 20_000, 'a fresh code');
	await world.sim.scan(qr, number);
	const { outlet, session } = await world.healthy(id);
	assert.equal(outlet.whatsappNumber, number);
	assert.equal(session.lastError, null);
});

scenario('logged out by mistake: keys that were given up come back by hand', async () => {
	const number = phone();
	const to = phone();
	const id = await world.linkedOutlet('Mistaken', number);
	const say = async (text, count) => {
		await world.admin.post(`/outlets/${id}/messages`, { to, text });
		const messages = await world.sim.messages({ to, wait: 20, count });
		assert.deepEqual(messages.map((m) => [m.text, m.count]).at(-1), [text, 1]);
	};

	await say('before', 1);
	await assert.rejects(world.ctl(['restore-keys', id]), /linked/);
	await world.sim.fault('failure', { phone: number, when: 'login', reason: 401 });
	await world.sim.fault('reset', { phone: number });
	const lost = await world.waitStatus(id, 'FAILED');
	assert.equal(lost.session.lastError.code, 'logged_out');
	assert.ok(lost.unhealthyReasons.includes('no_user_id'));
	assert.match(await world.ctl(['restore-keys', id]), /DISCONNECTED/);
	await assert.rejects(world.ctl(['restore-keys', id]), /linked/);
	assert.equal((await world.waitStatus(id, 'DISCONNECTED')).session.lastError, null);
	await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
	await world.healthy(id);
	await say('after', 2); // the session goes on where it was

	// Without a logout there is nothing to bring back.
	const fresh = await world.addOutlet('Never linked', phone());
	await assert.rejects(world.ctl(['restore-keys', fresh]), /kept/);
});

scenario('the number of a linked outlet stays; auto-reconnect off is unhealthy', async () => {
	const number = phone();
	const id = await world.linkedOutlet('Fixed', number);

	await world.admin.refused(422, 'validation_failed', 'PATCH', `/outlets/${id}`, { whatsappNumber: phone() });
	await world.admin.patch(`/outlets/${id}`, { autoReconnect: false });
	const status = await world.status(id);
	assert.deepEqual([status.healthy, status.unhealthyReasons], [false, ['auto_reconnect_off']]);
	await world.sim.fault('close', { phone: number });
	await world.waitStatus(id, 'DISCONNECTED');
	await world.admin.delete(`/outlets/${id}`);
	await world.admin.refused(404, 'not_found', 'GET', `/outlets/${id}/status`);
});

scenario('waconnctl: outlet, status, connect with a QR drawn in the terminal', async () => {
	const number = phone();
	const id = (await world.ctl(['outlet', 'add', '--name', 'By hand', '--number', number])).trim();

	assert.match(id, /^outlet_\w+$/);
	const drawn = world.ctl(['connect', id]);
	const { qr } = await world.qr(id);
	await world.sim.scan(qr, number);
	assert.match(await drawn, /[█▀▄]/);
	await world.healthy(id);
	assert.match(await world.ctl(['status', id]), /CONNECTED/);
	const { statuses } = JSON.parse(await world.ctl(['--json', 'status'], { status: 1 }));
	assert.ok(statuses.find((s) => s.outletId === id).healthy);
	await world.ctl(['pause', id]);
	await world.waitStatus(id, 'PAUSED');
	await world.ctl(['status', id], { status: 1 });
	await world.ctl(['resume', id]);
	await world.healthy(id);
	await world.ctl(['disconnect', id]);
	await world.waitStatus(id, 'DISCONNECTED');
	await world.ctl(['logout', id]);
	assert.match(await world.ctl(['outlet', 'list']), /By hand/);
});
