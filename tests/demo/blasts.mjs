/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the demo's connected outlet sends: one blast that is over, and one that goes on for some hours. */

const NAMES = [
	'Budi', 'Siti', 'Agus', 'Dewi', 'Eko', 'Fitri', 'Gunawan', 'Hesti', 'Indra', 'Joko', 'Kartika', 'Lestari', 'Made', 'Nur', 'Oki',
	'Putri', 'Rahmat', 'Sari', 'Teguh', 'Utami', 'Vina', 'Wahyu', 'Yanti', 'Zainal',
];

/* A demo is looked at in the evening, too. */
const ALL_DAY = '00:00-24:00';

/* block: recipients of one block differ from those of another */
const recipients = (n, block) => Array.from({ length: n }, (_, i) => ({
	phone: `62857${block}${String(10_000 + i * 37).padStart(6, '0')}`,
	name: NAMES[i % NAMES.length],
	vars: { kode: `SJ${String(100 + (i * 7) % 900)}` },
}));

/* Some read, most only receive, a few phones are off, and a number here and there is not on WhatsApp. */
async function givePhonesHabits(world, people) {
	for (const [i, { phone }] of people.entries()) {
		if (i % 3 === 0)
			await world.sim.setPhone(phone, { receipts: 'read' });
		else if (i % 11 === 1)
			await world.sim.setPhone(phone, { receipts: 'none' });
		else if (i % 17 === 5)
			await world.sim.setPhone(phone, { registered: false });
	}
}

const create = (world, outlet, name, people, text, pace) => world.admin.post('/blasts', {
	name, outlets: [outlet], audience: { type: 'numbers', numbers: people }, message: { text }, pace,
});

export async function makeBlasts(world, outlet) {
	const past = recipients(60, 1);
	const present = recipients(3000, 2);

	await givePhonesHabits(world, past);
	await givePhonesHabits(world, present.slice(0, 400));
	const { blast } = await create(world, outlet, 'Info jam buka Lebaran', past,
		'Halo {{name|Kakak}}, selama libur Lebaran kami buka pukul 09.00-15.00. Terima kasih!', { perMinute: 0, dailyCap: 0, window: ALL_DAY });
	await world.waitBlast(blast.id, 'COMPLETED', 60_000);
	await create(world, outlet, 'Promo akhir bulan', present,
		'Halo {{name|Kakak}}! Diskon 20% sampai Minggu dengan kode {{kode}}. Balas STOP bila tidak ingin menerima pesan.',
		{ perMinute: 20, jitter: 0.5, dailyCap: 0, window: ALL_DAY });
}
