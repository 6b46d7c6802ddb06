/* SPDX-License-Identifier: GPL-3.0-or-later */
/* words: of one blast's page, apart from the others so that the first page does not wait for them. */
import { useLang } from '../i18n/index.ts';

const id = {
	outlets: 'Per outlet',
	outlet: 'Outlet',
	progress: 'Kemajuan',
	queued: 'Antre',
	failed: 'Gagal',
	state: 'Keadaan',
	actions: 'Tindakan',
	goesOn: 'Mengirim',
	useTemplate: 'Pakai templat…',
	waits: 'Menunggu outlet sehat: periksa',
	turn: 'Menunggu giliran kirim',
	outside: 'Menunggu jam kirim atau batas harian',
	through: 'Selesai',
	stands: 'Berhenti bersama blast',
	pause: 'Jeda',
	resume: 'Lanjutkan',
	pauseOf: (name: string) => `Jeda ${name}`,
	resumeOf: (name: string) => `Lanjutkan ${name}`,
	paused: (name: string) => `${name} dijeda dalam blast ini.`,
	resumed: (name: string) => `${name} dilanjutkan.`,
	pauseReason: {
		paused_by_user: 'Dijeda oleh operator',
		too_many_failures: 'Dijeda otomatis: terlalu banyak gagal. Periksa yang gagal, lalu lanjutkan.',
		restricted: 'Dijeda otomatis: WhatsApp membatasi nomornya. Tunggu, atau pindahkan antreannya.',
	} as Record<string, string>,
	move: 'Pindahkan antrean',
	moveOf: (name: string) => `Pindahkan antrean ${name}`,
	moveTitle: (name: string) => `Pindahkan antrean ${name}`,
	moveText: (n: string) =>
		`${n} penerima menunggu di sini. Yang sudah mulai dikirim tetap di outlet ini, jadi tidak ada yang menerima dua kali.`,
	moveTo: 'Ke outlet',
	moveNeeded: 'Pilih sedikitnya satu outlet.',
	moveNone: 'Tidak ada outlet lain yang sehat. Hubungkan satu dahulu.',
	moved: (n: string) => `${n} penerima dipindahkan.`,
	moveRejected: (names: string) => `Tidak dapat mengirim, jadi dilewati: ${names}.`,
	retry: 'Kirim ulang yang gagal',
	retryTitle: 'Kirim ulang yang gagal?',
	retryText: (n: string) =>
		`${n} penerima yang gagal diantrekan lagi dengan pesan yang sama. Yang ternyata sudah menerima tidak melihatnya dua kali.`,
	retried: 'Yang gagal diantrekan lagi.',
	report: 'Unduh laporan',
	replies: 'Balasan',
	repliesLead: 'Yang dibalas penerima dalam tujuh hari sejak pesannya.',
	from: 'Dari',
	said: 'Isi',
	at: 'Waktu',
	kind: {
		image: 'Gambar',
		video: 'Video',
		gif: 'GIF',
		audio: 'Audio',
		voice: 'Pesan suara',
		document: 'Dokumen',
		sticker: 'Stiker',
		location: 'Lokasi',
		contact: 'Kontak',
		reaction: 'Reaksi',
		edit: 'Diubah',
		revoke: 'Ditarik',
		poll: 'Polling',
	} as Record<string, string>,
	otherKind: 'Bukan teks',
	problem: {
		nothing_to_move: 'Tidak ada yang menunggu di outlet itu.',
		nothing_to_retry: 'Tidak ada yang gagal, atau waktunya sudah habis.',
	} as Record<string, string>,
};

function counted(n: string, word: string): string {
	return `${n} ${word}${n === '1' ? '' : 's'}`;
}

const en: typeof id = {
	outlets: 'At each outlet',
	outlet: 'Outlet',
	progress: 'Progress',
	queued: 'Queued',
	failed: 'Failed',
	state: 'State',
	actions: 'Actions',
	goesOn: 'Sending',
	useTemplate: 'Use a template…',
	waits: 'Waits for a healthy outlet: look at it',
	turn: 'Waits for its turn',
	outside: 'Waits for the sending hours or the next day',
	through: 'Done',
	stands: 'Stands still with the blast',
	pause: 'Pause',
	resume: 'Resume',
	pauseOf: (name) => `Pause ${name}`,
	resumeOf: (name) => `Resume ${name}`,
	paused: (name) => `${name} is paused in this blast.`,
	resumed: (name) => `${name} goes on.`,
	pauseReason: {
		paused_by_user: 'Paused by an operator',
		too_many_failures: 'Paused by itself: too much failed. Look at what failed, then resume.',
		restricted: 'Paused by itself: WhatsApp restricts its number. Wait, or move its queue.',
	},
	move: 'Move its queue',
	moveOf: (name) => `Move its queue: ${name}`,
	moveTitle: (name) => `Move the queue of ${name}`,
	moveText: (n) =>
		`${counted(n, 'recipient')} waiting here. What was begun to be sent stays at this outlet, so nobody gets it twice.`,
	moveTo: 'To outlets',
	moveNeeded: 'Choose at least one outlet.',
	moveNone: 'No other outlet is healthy. Connect one first.',
	moved: (n) => `${counted(n, 'recipient')} moved.`,
	moveRejected: (names) => `Cannot send, so left out: ${names}.`,
	retry: 'Send the failed again',
	retryTitle: 'Send the failed again?',
	retryText: (n) =>
		`${counted(n, 'failed recipient')} queued again with the same message. Who got it after all does not see it twice.`,
	retried: 'The failed ones are queued again.',
	report: 'Download report',
	replies: 'Replies',
	repliesLead: 'What recipients answered within seven days of their message.',
	from: 'From',
	said: 'Content',
	at: 'Time',
	kind: {
		image: 'Picture',
		video: 'Video',
		gif: 'GIF',
		audio: 'Audio',
		voice: 'Voice message',
		document: 'Document',
		sticker: 'Sticker',
		location: 'Location',
		contact: 'Contact',
		reaction: 'Reaction',
		edit: 'Edited',
		revoke: 'Taken back',
		poll: 'Poll',
	},
	otherKind: 'Not text',
	problem: {
		nothing_to_move: 'Nobody waits at that outlet.',
		nothing_to_retry: 'Nothing has failed, or its time is over.',
	},
};

const words = { id, en };
export type Words = typeof id;

export function useWords(): Words {
	return words[useLang()];
}
