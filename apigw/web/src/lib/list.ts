/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list: rows that the server gives page by page, and again when something changed. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { addRefresher } from '../live/connection.ts';

export const LIST_PAGE = 50;
const LIMIT_MAX = 1000;

export interface ListPage<T> {
	rows: T[];
	next: string | null;
}

export interface List<T> {
	/** Null until the first page is there. */
	rows: T[] | null;
	failure: unknown;
	more: boolean;
	loading: boolean;
	readMore: () => void;
	/** Reads anew what is shown. */
	again: () => Promise<void>;
}

/** `key` says what is asked for: with another one the list begins anew, and late answers to the one before are dropped. */
export function useList<T>(key: string, load: (limit: number, cursor: string | null) => Promise<ListPage<T>>): List<T> {
	const [page, setPage] = useState<(ListPage<T> & { key: string }) | null>(null);
	const [failure, setFailure] = useState<unknown>(null);
	const [loading, setLoading] = useState(false);
	const now = useRef({ key, load, page });
	now.current = { key, load, page };
	const shown = page !== null && page.key === key ? page : null;

	const read = async (cursor: string | null): Promise<void> => {
		const asked = now.current;
		const before = asked.page !== null && asked.page.key === asked.key ? asked.page.rows : [];
		const limit = cursor === null ? Math.min(LIMIT_MAX, Math.max(LIST_PAGE, before.length)) : LIST_PAGE;
		try {
			const answer = await asked.load(limit, cursor);
			if (now.current.key !== asked.key) return;
			setPage({ ...answer, rows: cursor === null ? answer.rows : [...before, ...answer.rows], key: asked.key });
			setFailure(null);
		} catch (error) {
			if (now.current.key !== asked.key) return;
			setFailure(error);
			throw error;
		}
	};
	const again = (): Promise<void> => read(null);

	useEffect(() => addRefresher(again), [key]);
	return {
		rows: shown?.rows ?? null,
		failure,
		more: shown !== null && shown.next !== null,
		loading,
		readMore: () => {
			setLoading(true);
			read(shown?.next ?? null)
				.catch(() => {})
				.finally(() => setLoading(false));
		},
		again: () => again().catch(() => {}),
	};
}
