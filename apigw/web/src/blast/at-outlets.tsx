/* SPDX-License-Identifier: GPL-3.0-or-later */
/* at-outlets: a blast outlet by outlet: how far, whether it stands still there and why, and the ways to stop, go on, and move what waits. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem } from '../api/client.ts';
import type { Blast, BlastPart, OutletStatus } from '../api/types.ts';
import { formatNumber, type Messages, useT } from '../i18n/index.ts';
import { problemText } from '../i18n/problem.ts';
import { LIST_PAGE, type List, useList } from '../lib/list.ts';
import { useStatuses } from '../live/statuses.ts';
import { Failure, FormDialog, StackTable } from '../manage/parts.tsx';
import { mayManageOutlets } from '../session.ts';
import { Button, Nothing, Notice, StatusBadge } from '../ui/basic.tsx';
import { Checkbox } from '../ui/field.tsx';
import { toast } from '../ui/toast.tsx';
import { useUser } from '../user.ts';
import { blastMove, blastOutlets, blastPart } from './calls.ts';
import { Bar, doneCount } from './parts.tsx';
import { useWords, type Words } from './words.ts';

const FOLLOW_MS = 2000;

export function blastProblem(error: unknown, t: Messages, w: Words): string {
	return (error instanceof Problem && w.problem[error.code]) || problemText(error, t);
}

/** Reads the list anew when `version` has moved, at most every two seconds. */
export function useFollow<T>(list: List<T>, version: string): void {
	const last = useRef(Date.now());
	const seen = useRef(version);
	const again = useRef(list.again);
	again.current = list.again;

	useEffect(() => {
		if (seen.current === version) return;
		const timer = window.setTimeout(
			() => {
				seen.current = version;
				last.current = Date.now();
				void again.current();
			},
			Math.max(0, last.current + FOLLOW_MS - Date.now()),
		);
		return () => window.clearTimeout(timer);
	}, [version]);
}

function State({
	part,
	blast,
	status,
	outside,
}: {
	part: BlastPart;
	blast: Blast;
	status: OutletStatus | undefined;
	outside: boolean;
}) {
	const w = useWords();
	const { queued, sending } = part.counts;
	if (part.paused) {
		return (
			<span class="hint-warn" data-testid="part-paused">
				{w.pauseReason[part.pauseReason ?? ''] ?? part.pauseReason}
			</span>
		);
	}
	if (queued + sending === 0) return <>{w.through}</>;
	if (blast.status !== 'RUNNING') return <>{w.stands}</>;
	if (status !== undefined && !status.healthy) {
		return (
			<>
				<StatusBadge status={status.liveStatus.status} /> <a href="/outlets">{w.waits}</a>
			</>
		);
	}
	if (sending > 0 || blast.ratePerMinute) return <>{w.goesOn}</>;
	return <>{outside ? w.outside : w.turn}</>;
}

interface RowProps {
	part: BlastPart;
	/** False until the counts are read: then it only keeps the place. */
	known: boolean;
	blast: Blast;
	onTurn: () => void;
	/** Null where it may not be moved. */
	onMove: (() => void) | null;
	busy: boolean;
	/** Of the sending hours. */
	outside: boolean;
}

function Row({ part, known, blast, onTurn, onMove, busy, outside }: RowProps) {
	const t = useT();
	const w = useWords();
	const { byId } = useStatuses();
	const { counts, name } = part;
	const waiting = counts.queued > 0;
	const turns = (blast.status === 'RUNNING' || blast.status === 'PAUSED') && (part.paused || waiting);
	return (
		<tr data-testid="part-row" data-outlet-id={part.outletId} data-paused={part.paused}>
			<th scope="row" data-label={w.outlet}>
				<strong>{name}</strong>
			</th>
			<td data-label={w.progress} class="cell-progress">
				<Bar blast={part} />
				<span class="small muted">
					{known ? t.progress.done(formatNumber(doneCount(counts)), formatNumber(counts.total)) : '…'}
				</span>
			</td>
			<td data-label={w.queued} class="num" data-testid="part-queued">
				{known ? formatNumber(counts.queued) : <Nothing />}
			</td>
			<td data-label={w.failed} class={counts.failed > 0 ? 'num count-bad' : 'num'}>
				{known ? formatNumber(counts.failed) : <Nothing />}
			</td>
			<td data-label={w.state}>
				{known ? (
					<State part={part} blast={blast} status={byId.get(part.outletId)} outside={outside} />
				) : (
					<Nothing />
				)}
			</td>
			<td class="cell-action">
				{turns && (
					<Button
						small
						icon={part.paused ? 'play' : 'pause'}
						busy={busy}
						onClick={onTurn}
						aria-label={part.paused ? w.resumeOf(name) : w.pauseOf(name)}
						data-testid={part.paused ? 'part-resume' : 'part-pause'}
					>
						{part.paused ? w.resume : w.pause}
					</Button>
				)}
				{onMove !== null && waiting && (
					<Button small onClick={onMove} aria-label={w.moveOf(name)} data-testid="part-move">
						{w.move}
					</Button>
				)}
			</td>
		</tr>
	);
}

function MoveDialog({
	blast,
	part,
	onMoved,
	onClose,
}: {
	blast: Blast;
	part: BlastPart;
	onMoved: (blast: Blast) => void;
	onClose: () => void;
}) {
	const w = useWords();
	const { list, byId } = useStatuses();
	const [to, setTo] = useState<string[]>([]);
	const targets = list.filter((status) => status.healthy && status.outletId !== part.outletId);
	const save = async (): Promise<boolean> => {
		if (to.length === 0) return false;
		const { blast: next, moved, rejectedOutlets } = await blastMove(blast.id, part.outletId, to);
		toast(w.moved(formatNumber(moved)));
		if (rejectedOutlets.length > 0) {
			const names = rejectedOutlets.map(({ outletId }) => byId.get(outletId)?.outlet.name ?? outletId);
			toast(w.moveRejected(names.join(', ')), 'bad');
		}
		onMoved(next);
		return true;
	};
	return (
		<FormDialog
			title={w.moveTitle(part.name)}
			action={w.move}
			words={w.problem}
			onSave={save}
			onClose={onClose}
			testid="move-form"
		>
			{(_failure, tried) => (
				<>
					<p>{w.moveText(formatNumber(part.counts.queued))}</p>
					{targets.length === 0 ? (
						<Notice kind="warn">{w.moveNone}</Notice>
					) : (
						<fieldset class={`fieldset${tried && to.length === 0 ? ' has-error' : ''}`}>
							<legend>{w.moveTo}</legend>
							<div class="scroll-list move-targets">
								{targets.map((status) => (
									<Checkbox
										key={status.outletId}
										label={status.outlet.name}
										checked={to.includes(status.outletId)}
										onChange={(on) =>
											setTo(on ? [...to, status.outletId] : to.filter((id) => id !== status.outletId))
										}
										data-testid="move-target"
									/>
								))}
							</div>
							{tried && to.length === 0 && <p class="error">{w.moveNeeded}</p>}
						</fieldset>
					)}
				</>
			)}
		</FormDialog>
	);
}

const NO_COUNTS = { total: 0, queued: 0, sending: 0, sent: 0, delivered: 0, read: 0, failed: 0, skipped: 0, cancelled: 0 };

/** Until they are read, rows of the same height, so that what is below does not jump. */
function usePlaceholders(blast: Blast): BlastPart[] {
	const { byId } = useStatuses();
	return blast.outlets.slice(0, LIST_PAGE).map((outletId) => ({
		outletId,
		name: byId.get(outletId)?.outlet.name ?? outletId,
		counts: NO_COUNTS,
		paused: false,
		pauseReason: null,
	}));
}

interface AtOutletsProps {
	blast: Blast;
	/** It waits for the sending hours. */
	outside: boolean;
	onBlast: (blast: Blast) => void;
}

export function AtOutlets({ blast, outside, onBlast }: AtOutletsProps) {
	const t = useT();
	const w = useWords();
	const mayMove = mayManageOutlets(useUser()) && ['RUNNING', 'PAUSED', 'SCHEDULED'].includes(blast.status);
	const list = useList(`outlets of ${blast.id}`, (limit, cursor) => blastOutlets(blast.id, limit, cursor));
	const placeholders = usePlaceholders(blast);
	const [busy, setBusy] = useState<string | null>(null);
	const [moving, setMoving] = useState<BlastPart | null>(null);

	useFollow(list, JSON.stringify([blast.status, blast.counts, blast.pausedOutlets]));
	const turn = async (part: BlastPart): Promise<void> => {
		setBusy(part.outletId);
		try {
			const answer = await blastPart(blast.id, part.paused ? 'resume' : 'pause', part.outletId);
			onBlast(answer.blast);
			await list.again();
			toast((part.paused ? w.resumed : w.paused)(part.name));
		} catch (error) {
			toast(blastProblem(error, t, w), 'bad');
		}
		setBusy(null);
	};
	return (
		<section class="at-outlets" aria-labelledby="at-outlets-title" data-testid="blast-outlets-list">
			<h2 id="at-outlets-title">{w.outlets}</h2>
			<Failure error={list.failure} />
			<StackTable caption={w.outlets} heads={[w.outlet, w.progress, w.queued, w.failed, w.state, w.actions]}>
				{(list.rows ?? placeholders).map((part, index) => (
					<Row
						key={index}
						part={part}
						known={list.rows !== null}
						blast={blast}
						outside={outside}
						busy={busy === part.outletId}
						onTurn={() => void turn(part)}
						onMove={mayMove ? () => setMoving(part) : null}
					/>
				))}
			</StackTable>
			{list.more && (
				<div class="list-foot">
					<Button busy={list.loading} onClick={list.readMore}>
						{t.app.loadMore}
					</Button>
				</div>
			)}
			{moving !== null && (
				<MoveDialog
					blast={blast}
					part={moving}
					onMoved={(next) => {
						setMoving(null);
						onBlast(next);
						void list.again();
					}}
					onClose={() => setMoving(null)}
				/>
			)}
		</section>
	);
}
