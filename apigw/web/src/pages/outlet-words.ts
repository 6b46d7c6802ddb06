/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outlet-words: of the outlet's form, apart from the others so that the first page does not wait for them. */
import { useLang } from '../i18n/index.ts';

const id = {
	addTitle: 'Tambah outlet',
	editTitle: 'Ubah outlet',
	name: 'Nama outlet',
	nameHint: 'Misalnya: Toko Jakarta',
	number: 'Nomor WhatsApp',
	numberHint: 'Misalnya: 0812 3456 7890',
	numberBad: 'Ini bukan nomor telepon.',
	isActive: 'Outlet aktif',
	isActiveHint: 'Outlet nonaktif tidak dihubungkan dan tidak mengirim.',
	autoHint: 'Koneksi yang putus disambung lagi dengan sendirinya.',
	perMinute: 'Pesan per menit',
	perMinuteHint: 'Kosongkan untuk bawaan. 0 berarti tanpa batas.',
	warmUp: 'Pemanasan nomor baru',
	warmUpHint: 'Batas harian blast mulai kecil pada hari penautan, lalu naik tiap hari sampai batas biasa.',
	warmUpStart: 'Pesan pada hari pertama',
	warmUpGrowth: 'Naik tiap hari (kali)',
	warmUpGrowthHint: '1,1 sampai 10; misalnya 1,5.',
	warmUpToday: (n: string) => `Batas hari ini: ${n} pesan.`,
	warmUpOver: 'Pemanasan selesai: batas hari ini tidak ada lagi.',
	warmUpDays: (days: string) => `Hari demi hari: ${days} …`,
	added: (name: string) => `${name} ditambahkan.`,
	saved: (name: string) => `${name} disimpan.`,
};

const en: typeof id = {
	addTitle: 'Add outlet',
	editTitle: 'Edit outlet',
	name: 'Outlet name',
	nameHint: 'For example: Jakarta Store',
	number: 'WhatsApp number',
	numberHint: 'For example: 0812 3456 7890',
	numberBad: 'This is not a phone number.',
	isActive: 'Outlet is active',
	isActiveHint: 'An inactive outlet is not connected and does not send.',
	autoHint: 'A lost connection is opened again by itself.',
	perMinute: 'Messages per minute',
	perMinuteHint: 'Leave empty for the default. 0 means no limit.',
	warmUp: 'Warm up a new number',
	warmUpHint: 'The daily cap of its blasts begins small on the day of linking and grows each day up to the usual one.',
	warmUpStart: 'Messages on the first day',
	warmUpGrowth: 'Growth each day (times)',
	warmUpGrowthHint: '1.1 to 10; for example 1.5.',
	warmUpToday: (n) => `Cap of today: ${n} message${n === '1' ? '' : 's'}.`,
	warmUpOver: 'The warm-up is over: there is no cap today.',
	warmUpDays: (days) => `Day by day: ${days} …`,
	added: (name) => `${name} added.`,
	saved: (name) => `${name} saved.`,
};

const words = { id, en };

export function useWords(): typeof id {
	return words[useLang()];
}
