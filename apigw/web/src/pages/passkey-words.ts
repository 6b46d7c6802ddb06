/* SPDX-License-Identifier: GPL-3.0-or-later */
/* passkey-words: of the passkey's panel, apart from the others so that the first page does not wait for them. */
import { useLang } from '../i18n/index.ts';

const id = {
	lead: 'WhatsApp baru menautkan perangkat setelah passkey akun diberikan. Passkey hanya menjawab halaman WhatsApp, jadi ambil jawabannya di sana:',
	step1: 'Di komputer ini, buka situs WhatsApp di peramban (passkey di ponsel dipakai lewat kode QR yang ditampilkan peramban):',
	step2: 'Tekan F12, pilih Console, tempel baris ini, lalu tekan Enter:',
	copy: 'Salin baris',
	copied: 'Baris disalin.',
	step3: 'Setujui dengan sidik jari, wajah, atau PIN. Jawabannya lalu ada di papan klip.',
	answer: 'Tempel jawabannya di sini',
	give: 'Berikan passkey',
	notJson: 'Ini bukan jawaban dari peramban. Salin lagi setelah menyetujui.',
	wrong: (code: string) =>
		({
			other_challenge: 'Jawaban ini untuk permintaan sebelumnya. Salin baris yang sekarang dan ulangi.',
			other_credential: 'Ini passkey lain. Pakai passkey akun WhatsApp outlet ini.',
			other_origin: 'Jawaban ini dibuat di situs lain. Buat di situs WhatsApp.',
			other_site: 'Jawaban ini dibuat untuk situs lain. Buat di situs WhatsApp.',
			not_verified: 'Passkey belum memastikan Anda (sidik jari, wajah, atau PIN). Ulangi.',
		})[code] ?? 'Jawaban tidak lengkap atau rusak. Salin lagi seluruhnya.',
	checking: 'WhatsApp dan ponsel memeriksanya. Setujui di ponsel bila diminta.',
	compare: 'Bandingkan dengan kode yang tampil di ponsel outlet:',
	same: 'Kodenya sama',
	differs: 'Berbeda: batalkan',
};

const en: typeof id = {
	lead: "WhatsApp links a device only after the account's passkey is given. A passkey answers pages of WhatsApp only, so get its answer there:",
	step1: "On this computer, open WhatsApp's site in a browser (a passkey on the phone is used through the QR code that the browser shows):",
	step2: 'Press F12, choose Console, paste this line and press Enter:',
	copy: 'Copy the line',
	copied: 'Line copied.',
	step3: 'Approve with fingerprint, face or PIN. The answer is in the clipboard then.',
	answer: 'Paste the answer here',
	give: 'Give the passkey',
	notJson: "This is not the browser's answer. Copy it again after you have approved.",
	wrong: (code) =>
		({
			other_challenge: 'This answers an earlier request. Copy the line as it is now and repeat.',
			other_credential: "This is another passkey. Use the one of this outlet's WhatsApp account.",
			other_origin: "This answer was made on another site. Make it on WhatsApp's site.",
			other_site: "This answer was made for another site. Make it on WhatsApp's site.",
			not_verified: 'The passkey did not verify you (fingerprint, face or PIN). Repeat it.',
		})[code] ?? 'The answer is incomplete or damaged. Copy all of it again.',
	checking: 'WhatsApp and the phone are checking it. Approve on the phone if it asks.',
	compare: "Compare with the code that the outlet's phone shows:",
	same: 'The codes are the same',
	differs: 'Different: cancel',
};

const words = { id, en };
export type Words = typeof id;

export function useWords(): Words {
	return words[useLang()];
}
