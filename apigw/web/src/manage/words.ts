/* SPDX-License-Identifier: GPL-3.0-or-later */
/* words: of failures that only the pages of contacts and settings meet, apart from the others so that the first page does not wait. */
import type { Lang } from '../i18n/index.ts';

interface ProblemWords {
	code: Record<string, string>;
	field: Record<string, string>;
}

export const problems: Record<Lang, ProblemWords> = {
	id: {
		code: {
			last_superadmin: 'Ini satu-satunya Super admin. Buat yang lain dahulu.',
			already_exists: 'Sudah ada yang bernama sama.',
			payload_too_large: 'Berkas terlalu besar. Bagi menjadi beberapa berkas.',
			scope_missing: 'Anda tidak berwenang melakukan ini.',
		},
		field: {
			wrong: 'Ini bukan kata sandi Anda.',
			invalid: 'Isian ini tidak sah.',
			too_long: 'Terlalu panjang.',
			out_of_range: 'Di luar rentang yang boleh.',
			not_found: 'Tidak ditemukan.',
			not_allowed: 'Tidak boleh di sini.',
		},
	},
	en: {
		code: {
			last_superadmin: 'This is the last super admin. Make another one first.',
			already_exists: 'There is one with this name already.',
			payload_too_large: 'The file is too big. Split it into several.',
			scope_missing: 'You may not do this.',
		},
		field: {
			wrong: 'This is not your password.',
			invalid: 'This is not valid.',
			too_long: 'Too long.',
			out_of_range: 'Outside what is allowed.',
			not_found: 'Not found.',
			not_allowed: 'Not allowed here.',
		},
	},
};
