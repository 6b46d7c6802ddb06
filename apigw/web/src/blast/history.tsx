/* SPDX-License-Identifier: GPL-3.0-or-later */
/* history: the blasts so far, newest first, page by page. */
import { useEffect, useState } from 'preact/hooks';
import { blastList } from '../api/calls.ts';
import type { Blast } from '../api/types.ts';
import { formatNumber, useT } from '../i18n/index.ts';
import { problemText } from '../i18n/problem.ts';
import { addRefresher, listen } from '../live/connection.ts';
import { Button, Empty, Notice, ShortTime, Skeleton } from '../ui/basic.tsx';
import { Bar, BlastBadge, doneCount } from './parts.tsx';

const PAGE = 20;

interface Pages {
	blasts: Blast[];
	cursor: string | null;
}

export function isBlast(data: unknown): data is Blast {
	return typeof data === 'object' && data !== null && 'id' in data && 'counts' in data;
}

/** The first page as it is now, before what was read further down. */
function mergeFirst(old: Pages | null, first: Pages): Pages {
	if (old === null || old.blasts.length <= PAGE) return first;
	const fresh = new Set(first.blasts.map((blast) => blast.id));
	return { blasts: [...first.blasts, ...old.blasts.filter((blast) => !fresh.has(blast.id))], cursor: old.cursor };
}

function useHistory() {
	const [pages, setPages] = useState<Pages | null>(null);
	const [failure, setFailure] = useState<unknown>(null);
	const [loading, setLoading] = useState(false);

	const first = async (): Promise<void> => {
		try {
			const answer = await blastList(PAGE, null);
			setPages((old) => mergeFirst(old, { blasts: answer.blasts, cursor: answer.nextCursor ?? null }));
			setFailure(null);
		} catch (error) {
			setFailure(error);
			throw error;
		}
	};
	const more = async (): Promise<void> => {
		if (pages === null || pages.cursor === null) return;
		setLoading(true);
		try {
			const answer = await blastList(PAGE, pages.cursor);
			setPages({ blasts: [...pages.blasts, ...answer.blasts], cursor: answer.nextCursor ?? null });
		} catch (error) {
			setFailure(error);
		}
		setLoading(false);
	};

	useEffect(() => addRefresher(first), []);
	useEffect(
		() =>
			listen('blast', (data) => {
				if (!isBlast(data)) return;
				setPages((old) =>
					old === null
						? old
						: {
								...old,
								blasts: old.blasts.some((blast) => blast.id === data.id)
									? old.blasts.map((blast) => (blast.id === data.id ? data : blast))
									: [data, ...old.blasts],
							},
				);
			}),
		[],
	);
	return { pages, failure, loading, more };
}

function Row({ blast }: { blast: Blast }) {
	const t = useT();
	const name = blast.name || t.blast.untitled;
	const failed = blast.counts.failed;
	return (
		<li data-testid="blast-row" data-blast-id={blast.id}>
			<a class="history-row" href={`/blasts/${encodeURIComponent(blast.id)}`}>
				<span class="history-name">
					<strong>{name}</strong>
					<span class="muted small">
						<ShortTime time={blast.createdAt} />
					</span>
				</span>
				<BlastBadge status={blast.status} />
				<span class="history-progress">
					<Bar blast={blast} />
					<span class="small muted">
						{t.progress.done(formatNumber(doneCount(blast.counts)), formatNumber(blast.counts.total))}
						{failed > 0 && (
							<span class="count-bad">
								{' '}
								· {formatNumber(failed)} {t.recipientStatus.FAILED.toLowerCase()}
							</span>
						)}
					</span>
				</span>
			</a>
		</li>
	);
}

export function History() {
	const t = useT();
	const { pages, failure, loading, more } = useHistory();
	return (
		<section class="history" aria-labelledby="history-title" data-testid="blast-history">
			<h2 id="history-title">{t.blast.history}</h2>
			{failure !== null && <Notice kind="bad">{problemText(failure, t)}</Notice>}
			{pages === null && failure === null && <Skeleton rows={3} />}
			{pages !== null && pages.blasts.length === 0 && (
				<Empty icon="send" title={t.blast.historyEmpty} hint={t.blast.historyEmptyHint} />
			)}
			{pages !== null && pages.blasts.length > 0 && (
				<ul class="card history-list">
					{pages.blasts.map((blast) => (
						<Row key={blast.id} blast={blast} />
					))}
				</ul>
			)}
			{pages !== null && pages.cursor !== null && (
				<div class="list-foot">
					<Button busy={loading} onClick={() => void more()} data-testid="history-more">
						{t.app.loadMore}
					</Button>
				</div>
			)}
		</section>
	);
}
