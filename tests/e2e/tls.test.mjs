/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wss:// to the simulator: a server whose certificate verifies is used; one that does not verify gets nothing, and the status page says why. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { startWorld } from './world.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'wcn-tls-'));
let world;
let servers;

/* A certificate that is its own authority, for the loopback address or another name. */
function certificate(name, subject) {
	const cert = path.join(dir, `${name}.pem`), key = path.join(dir, `${name}.key`);

	execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
		'-subj', `/CN=${name}`, '-addext', `subjectAltName=${subject}`, '-keyout', key, '-out', cert], { stdio: 'pipe' });
	return { cert, key };
}

before(async () => {
	const bundle = path.join(dir, 'trusted.pem');

	servers = {
		ours: certificate('ours', 'IP:127.0.0.1'),
		elsewhere: certificate('elsewhere', 'DNS:elsewhere.example'),
		unknown: certificate('unknown', 'IP:127.0.0.1'),
	};
	// What belongs to another name is trusted, but not for this address.
	fs.writeFileSync(bundle, fs.readFileSync(servers.ours.cert) + fs.readFileSync(servers.elsewhere.cert));
	world = await startWorld({ tls: servers.ours, daemon: { whatsapp: { tls_ca: bundle } } });
});
after(async () => {
	await world?.stop();
	fs.rmSync(dir, { recursive: true });
});

/* Another server takes the simulator's place on the same port; the outlet meets it at its next attempt. */
async function meet(tls) {
	await world.wasim.stop();
	world.options.tls = tls;
	await world.startSim();
}

scenario('an outlet links and sends over TLS', async () => {
	const id = await world.linkedOutlet('Jakarta Store', '6287788987745');
	const blast = await world.blast([id], ['0812-3456-7890'], 'Halo');

	assert.match(world.simUrl, /^wss:/);
	await world.waitBlast(blast.id, 'COMPLETED');
	const [message] = await world.sim.messages({ to: '6281234567890', wait: 5, count: 1 });
	assert.equal(message.text, 'Halo');
});

scenario('a connection that comes back resumes the TLS session, however the last one ended', async () => {
	const phone = '6287788987746';
	const id = await world.linkedOutlet('Bandung Store', phone);

	for (const action of ['reset', 'close', 'reset']) {
		const { logins, resumed } = (await world.sim.state()).stats;

		await world.sim.fault(action, { phone });
		await waitFor(async () => (await world.sim.state()).stats.logins > logins, 30_000, `back after ${action}`);
		await world.waitStatus(id, (s) => s.healthy, 30_000);
		assert.ok((await world.sim.state()).stats.resumed > resumed, action);
	}
});

for (const name of ['unknown', 'elsewhere']) {
	scenario(`a certificate that does not verify (${name}) is not spoken to`, async () => {
		await meet(servers[name]);
		const id = await world.addOutlet(name, `6281900000${name.length}`);
		await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
		const status = await world.waitStatus(id, (s) => s.session.lastError !== null, 20_000);
		assert.equal(status.session.lastError.code, 'untrusted_server');
		assert.equal(status.liveStatus.qrCode, null);
		await world.admin.post(`/outlets/${id}/disconnect`);
	});
}
