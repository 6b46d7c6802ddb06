/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls: the REST calls of one blast that only its own page makes. */
import { call, query } from '../api/client.ts';
import type { Blast, BlastPart, BlastReply, RejectedOutlet } from '../api/types.ts';
import type { ListPage } from '../lib/list.ts';

type Cursor = string | null;

const at = (id: string): string => `/blasts/${encodeURIComponent(id)}`;

export const blastReportUrl = (id: string): string => `/api${at(id)}/report.csv`;
export const blastOutlets = async (id: string, limit: number, cursor: Cursor): Promise<ListPage<BlastPart>> => {
	const page = await call<{ outlets: BlastPart[]; nextCursor: Cursor }>(
		`${at(id)}/outlets${query({ limit, cursor })}`,
	);
	return { rows: page.outlets, next: page.nextCursor };
};
export const blastReplies = async (id: string, limit: number, cursor: Cursor): Promise<ListPage<BlastReply>> => {
	const page = await call<{ replies: BlastReply[]; nextCursor: Cursor }>(
		`${at(id)}/replies${query({ limit, cursor })}`,
	);
	return { rows: page.replies, next: page.nextCursor };
};
export const blastPart = (id: string, command: 'pause' | 'resume', outletId: string) =>
	call<{ blast: Blast }>(`${at(id)}/${command}`, { method: 'POST', body: { outletId } });
export const blastMove = (id: string, from: string, to: string[]) =>
	call<{ blast: Blast; moved: number; rejectedOutlets: RejectedOutlet[] }>(`${at(id)}/move`, {
		method: 'POST',
		body: { from, to },
	});
