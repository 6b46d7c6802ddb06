/* SPDX-License-Identifier: GPL-3.0-or-later */
/* draft: what the blast form holds, whether it is complete, and the request that it makes. */
import type { BlastRequest, Pace } from '../api/types.ts';
import type { ColumnChoice, RecipientList } from '../lib/recipients.ts';
import { fromLocalField } from '../lib/time.ts';

export interface BlastDraft {
	name: string;
	allOutlets: boolean;
	outlets: string[];
	source: 'paste' | 'file';
	pasted: string;
	fileName: string;
	fileText: string;
	columns: ColumnChoice;
	text: string;
	perMinute: string;
	jitter: string;
	dailyCap: string;
	windowFrom: string;
	windowUntil: string;
	scheduleAt: string;
	skipSame: boolean;
}

export const EMPTY_DRAFT: BlastDraft = {
	name: '',
	allOutlets: false,
	outlets: [],
	source: 'paste',
	pasted: '',
	fileName: '',
	fileText: '',
	columns: {},
	text: '',
	perMinute: '',
	jitter: '',
	dailyCap: '',
	windowFrom: '',
	windowUntil: '',
	scheduleAt: '',
	skipSame: true,
};

export const LIMITS = { perMinute: 6000, jitter: 100, dailyCap: 1_000_000 } as const;
export type DraftProblem =
	| 'chooseOutlet'
	| 'needRecipients'
	| 'needMessage'
	| 'perMinute'
	| 'jitter'
	| 'dailyCap'
	| 'windowBoth'
	| 'schedulePast';

export function recipientsText(draft: BlastDraft): string {
	return draft.source === 'file' ? draft.fileText : draft.pasted;
}

function isCount(text: string, max: number): boolean {
	const trimmed = text.trim();
	return trimmed === '' || (/^\d{1,9}$/.test(trimmed) && Number(trimmed) <= max);
}

export function draftProblems(
	draft: BlastDraft,
	list: RecipientList,
	healthyOutlets: readonly string[],
	now: number,
): Set<DraftProblem> {
	const problems = new Set<DraftProblem>();
	const chosen = draft.allOutlets
		? healthyOutlets
		: draft.outlets.filter((outlet) => healthyOutlets.includes(outlet));
	const schedule = draft.scheduleAt === '' ? null : fromLocalField(draft.scheduleAt);

	if (chosen.length === 0) problems.add('chooseOutlet');
	if (list.recipients.length === 0) problems.add('needRecipients');
	if (draft.text.trim() === '') problems.add('needMessage');
	for (const field of ['perMinute', 'jitter', 'dailyCap'] as const)
		if (!isCount(draft[field], LIMITS[field])) problems.add(field);
	if ((draft.windowFrom === '') !== (draft.windowUntil === '')) problems.add('windowBoth');
	if (draft.scheduleAt !== '' && (schedule === null || Date.parse(schedule) < now)) problems.add('schedulePast');
	return problems;
}

function paceOf(draft: BlastDraft): Pace {
	const pace: Pace = {};
	if (draft.perMinute.trim() !== '') pace.perMinute = Number(draft.perMinute);
	if (draft.jitter.trim() !== '') pace.jitter = Number(draft.jitter) / 100;
	if (draft.dailyCap.trim() !== '') pace.dailyCap = Number(draft.dailyCap);
	if (draft.windowFrom !== '' && draft.windowUntil !== '') pace.window = `${draft.windowFrom}-${draft.windowUntil}`;
	return pace;
}

export function requestOf(
	draft: BlastDraft,
	list: RecipientList,
	healthyOutlets: readonly string[],
	untitled: string,
): BlastRequest {
	const pace = paceOf(draft);
	return {
		name: draft.name.trim() || untitled,
		outlets: draft.allOutlets ? 'all' : draft.outlets.filter((outlet) => healthyOutlets.includes(outlet)),
		audience: { type: 'numbers', numbers: list.recipients },
		message: { text: draft.text },
		...(Object.keys(pace).length > 0 ? { pace } : {}),
		skip: { sameMessage: draft.skipSame },
		...(draft.scheduleAt !== '' ? { scheduleAt: fromLocalField(draft.scheduleAt) } : {}),
	};
}

/** One for each request, kept over its repeats. randomUUID is missing where the page came over plain HTTP. */
export function newIdempotencyKey(): string {
	const bytes = crypto.getRandomValues(new Uint8Array(16));
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
