/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The six outlets of the demo, and how each gets into the status that it is to show: by what its phone, the network or an operator does. */

const linked = (world, o) => world.link(o.id, o.number, { platform: o.device });

export const OUTLETS = [
	{
		name: 'Toko Sinar Jaya, Menteng', number: '6281210003001', device: 'iPhone 12', status: 'CONNECTED',
		reach: linked,
	},
	{
		name: 'Batik Laras, Solo', number: '6281210003002', device: 'Galaxy A54', status: 'CONNECTING',
		reach: (world, o) => world.admin.post(`/outlets/${o.id}/connect`, { method: 'qr' }),
	},
	{
		name: 'Warung Kopi Senja, Bandung', number: '6281210003003', device: 'Redmi Note 13', status: 'DISCONNECTED',
		reach: () => {},
	},
	{
		name: 'Apotek Sehat Sentosa, Surabaya', number: '6281210003004', device: 'iPhone 13', status: 'PAUSED',
		reach: async (world, o) => {
			await linked(world, o);
			await world.admin.post(`/outlets/${o.id}/pause`);
		},
	},
	{
		// Its owner removes the linked device on the phone.
		name: 'Toko Buku Cendekia, Yogyakarta', number: '6281210003005', device: 'Oppo A78', status: 'FAILED',
		reach: async (world, o) => {
			await linked(world, o);
			await world.sim.unlink(o.number);
		},
	},
	{
		// The connection breaks, and from then on no login is answered.
		name: 'Grosir Maju Bersama, Makassar', number: '6281210003006', device: 'Galaxy S23', status: 'TIMEOUT',
		reach: async (world, o) => {
			await linked(world, o);
			await world.sim.fault('silence', { phone: o.number, when: 'login', times: -1, ms: 0 });
			await world.sim.fault('reset', { phone: o.number });
		},
	},
];

/** Makes them all and drives each into its status; they get their ids. */
export async function makeOutlets(world) {
	for (const o of OUTLETS)
		o.id = await world.addOutlet(o.name, o.number);
	await Promise.all(OUTLETS.map(async (o) => {
		await o.reach(world, o);
		await world.waitStatus(o.id, o.status, 30_000);
	}));
}

/** The codes of an outlet that waits for a scan run out in the end: it is asked for new ones, so that there is one to scan. */
export async function renewCodes(world) {
	const o = OUTLETS.find((outlet) => outlet.status === 'CONNECTING');
	const { session } = await world.status(o.id);

	if (session.status === 'DISCONNECTED' && session.lastError !== null) // not by hand
		await o.reach(world, o);
}
