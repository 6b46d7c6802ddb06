/* SPDX-License-Identifier: GPL-3.0-or-later */
/* problem: a failure in words that say what to do; the server's own sentence where we know none better. */
import { Problem } from '../api/client.ts';
import { duration } from '../lib/time.ts';
import { currentLang, type Messages } from './index.ts';

function byStatus(problem: Problem, t: Messages): string | null {
	const p = t.problem;
	switch (problem.status) {
		case 0:
			return problem.code === 'timeout' ? p.timeout : p.network;
		case 401:
			return p.unauthorized;
		case 403:
			return p.forbidden;
		case 404:
			return p.not_found;
		case 413:
			return p.too_large;
		case 429:
			return problem.retryAfter ? p.too_many_wait(duration(problem.retryAfter, currentLang())) : p.too_many;
		case 503:
			return p.byCode.daemon_unavailable ?? null;
		default:
			return problem.status >= 500 ? p.server : null;
	}
}

/** What is wrong with one field, if the answer said so. */
export function fieldText(error: unknown, field: string, t: Messages): string | null {
	if (!(error instanceof Problem)) return null;
	const found = error.errors.find((each) => each.field === field);
	return found === undefined ? null : (t.problem.field[found.code] ?? found.detail);
}

export function problemText(error: unknown, t: Messages): string {
	if (!(error instanceof Problem)) return t.problem.unknown;
	const known = t.problem.byCode[error.code];
	if (known !== undefined) return known;
	return byStatus(error, t) ?? (error.detail || t.problem.unknown);
}

/** A reason that WhatsApp numbers ("rejected_421") reads like its kind, with the number. */
export function recipientReasonText(reason: string, t: Messages): string {
	const known = t.recipientReason[reason];
	if (known !== undefined) return known;
	const [, kind = '', code = ''] = /^(.+)_(\d+)$/.exec(reason) ?? [];
	const words = t.recipientReason[kind];
	return words === undefined ? reason : `${words} (${code})`;
}
