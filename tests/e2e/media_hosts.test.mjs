/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whom a daemon uploads to: media hosts whose certificate it was told to trust, and no others; and what a host may do wrong without a message
 * being lost. REST, the simulator's phones and its media hosts.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { startWorld } from './world.mjs';

const NUMBER = '628395000001';

let world;
let id;
let next = 0;
before(async () => {
	world = await startWorld();
	id = await world.linkedOutlet('Media', NUMBER);
});
after(() => world?.stop());

const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

/** The daemon again, with these lines in its [whatsapp]. */
async function withTrust(more) {
	const file = path.join(world.dir, 'waconnd.conf');
	const lines = fs.readFileSync(file, 'utf8').replace(/^media_.*\n/mg, '');

	fs.writeFileSync(file, lines.replace('[whatsapp]\n', `[whatsapp]\n${Object.entries(more).map(([k, v]) => `${k} = ${v}\n`).join('')}`));
	await world.restartDaemon();
	await world.healthy(id, 20_000);
}

async function sendFile(data) {
	const to = `62839500${String(++next).padStart(6, '0')}`;
	const body = new FormData();

	body.set('file', new Blob([data]), 'a.bin');
	const response = await fetch(`${world.base}/api/media`, { method: 'POST', body, headers: world.admin.headers });
	assert.equal(response.status, 201);
	const { media } = await response.json();
	const { message } = await world.admin.post(`/outlets/${id}/messages`, { to, media: { id: media.id } });
	return { to, id: message.id, hash: sha256(data) };
}

async function arrives({ to, id: message, hash }, deadline = 20_000) {
	await waitFor(async () => (await world.admin.get(`/messages/${message}`)).message.status === 'DELIVERED', deadline, `${message} to be delivered`);
	const [{ content }] = await world.sim.messages({ to, wait: 5, count: 1 });
	assert.equal(content.sha256, hash);
}

const hosts = async () => (await world.sim.media()).hosts;

scenario('refused once: hosts are asked for anew, and the file goes out', async () => {
	await world.sim.mediaFault('status', { method: 'post', status: 401 });
	await arrives(await sendFile(crypto.randomBytes(1000)));
});

scenario('the first host fails: the next one takes it', async () => {
	const [, before] = await hosts();

	await world.sim.mediaFault('status', { method: 'post', status: 507, host: 0, times: 1 });
	await arrives(await sendFile(crypto.randomBytes(70_000)));
	const [, after] = await hosts();
	assert.equal(after.uploads, before.uploads + 1);
});

scenario('a certificate that nobody vouches for gets nothing; with media_ca it does', async () => {
	await withTrust({});
	const before = await hosts();
	const file = await sendFile(crypto.randomBytes(2000));
	await waitFor(() => /media\.transfer .*direction=up .*result=unavailable/.test(fs.readFileSync(path.join(world.dir, 'waconnd.log'), 'utf8')), 20_000,
		'the upload to be given up');
	assert.deepEqual((await hosts()).map((h) => h.uploads), before.map((h) => h.uploads));
	assert.notEqual((await world.admin.get(`/messages/${file.id}`)).message.status, 'DELIVERED');

	const ca = path.join(world.dir, 'media.pem');
	fs.writeFileSync(ca, (await world.sim.media()).certificate);
	await withTrust({ media_ca: ca });
	await arrives(file, 60_000);
	await arrives(await sendFile(crypto.randomBytes(2000)));
});
