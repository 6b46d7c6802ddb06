/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The phone that scans a code that the running demo shows: node tests/demo/scan.mjs [NAME|NUMBER]. It is the phone with the
 * outlet's own number. A part of the outlet's name will do; without one, all that wait are scanned.
 */
import fs from 'node:fs';
import path from 'node:path';

import { Api, Sim } from '../e2e/client.mjs';

async function main(wanted) {
	const file = path.resolve(process.env.DEMO_DIR || 'var/demo', 'demo.json');

	if (!fs.existsSync(file))
		throw new Error(`${file} is not there: is the demo running? (make demo)`);
	const demo = JSON.parse(fs.readFileSync(file));
	const { token } = await new Api(demo.url).post('/auth/login', { username: demo.login.name, password: demo.login.password });
	const api = new Api(demo.url, token);
	const { statuses } = await api.get('/outlets/status?limit=1000');
	const matches = (s) => !wanted || s.outlet.name.toLowerCase().includes(wanted) || s.outlet.whatsappNumber === wanted || s.outletId === wanted;
	const showing = statuses.filter((s) => s.liveStatus.qrCode && matches(s));

	if (showing.length === 0)
		throw new Error('no such outlet shows a code: press "Koneksikan" on the outlets page first');
	for (const { outletId, outlet } of showing) {
		const { qr } = await api.get(`/outlets/${outletId}/qr`);
		const phone = outlet.whatsappNumber;
		const { jid } = await new Sim(demo.control).scan(qr, phone, { platform: demo.phones[phone] ?? 'Android' });
		console.log(`${outlet.name}: scanned by ${phone}, linked as ${jid}`);
	}
}

main(process.argv[2]?.toLowerCase()).catch((error) => {
	console.error(`scan: ${error.message}`);
	process.exit(1);
});
