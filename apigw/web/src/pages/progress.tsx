/* SPDX-License-Identifier: GPL-3.0-or-later */
/* progress: one blast: how far it is, how fast, what became of each recipient, and the ways to stop it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { blastCommand, type BlastCommand, blastGet } from '../api/calls.ts';
import { Problem } from '../api/client.ts';
import type { Blast } from '../api/types.ts';
import { AtOutlets, blastProblem } from '../blast/at-outlets.tsx';
import { Bubble } from '../blast/bubble.tsx';
import { blastReportUrl } from '../blast/calls.ts';
import { isBlast } from '../blast/history.tsx';
import { Bar, BlastBadge, doneCount, RecipientBadge, SEGMENTS } from '../blast/parts.tsx';
import { RecipientRows } from '../blast/recipient-list.tsx';
import { Replies } from '../blast/replies.tsx';
import { useWords } from '../blast/words.ts';
import { formatNumber, useLang, useT, words } from '../i18n/index.ts';
import { problemText } from '../i18n/problem.ts';
import { useTitle } from '../lib/hooks.ts';
import { duration, parseTime } from '../lib/time.ts';
import { addRefresher, listen } from '../live/connection.ts';
import { Button, Notice, PageHead, ShortTime, Skeleton } from '../ui/basic.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { Icon } from '../ui/icons.tsx';
import { Refresh } from '../ui/refresh.tsx';
import { toast } from '../ui/toast.tsx';
import { NotFoundPage } from './not-found.tsx';

/** Rate and time left move between events: a running blast is read anew this often. */
const FOLLOW_MS = 3000;

function isOpen(blast: Blast): boolean {
	return blast.status === 'RUNNING' || blast.status === 'PAUSED' || blast.status === 'SCHEDULED';
}

function isWaiting(blast: Blast, waitsUntil: string | null): boolean {
	return blast.status === 'RUNNING' && blast.etaSeconds === null && (parseTime(waitsUntil) ?? 0) > Date.now();
}

function useBlast(id: string) {
	const [blast, setBlast] = useState<Blast | null>(null);
	const [failure, setFailure] = useState<unknown>(null);
	const [waitsUntil, setWaitsUntil] = useState<string | null>(null);
	const lastHeard = useRef(0);

	const take = (next: Blast): void => {
		lastHeard.current = Date.now();
		setBlast(next);
		setFailure(null);
	};
	const read = async (): Promise<void> => {
		try {
			const answer = await blastGet(id);
			take(answer.blast);
			setWaitsUntil(answer.waitsUntil);
		} catch (error) {
			setFailure(error);
			throw error;
		}
	};

	useEffect(() => addRefresher(read), [id]);
	useEffect(
		() =>
			listen('blast', (data) => {
				if (isBlast(data) && data.id === id) take(data);
			}),
		[id],
	);
	useEffect(() => {
		if (blast?.status !== 'RUNNING') return;
		const timer = window.setInterval(() => {
			if (Date.now() - lastHeard.current >= FOLLOW_MS && document.visibilityState === 'visible')
				void read().catch(() => {});
		}, FOLLOW_MS);
		return () => window.clearInterval(timer);
	}, [id, blast?.status]);
	return { blast, waitsUntil, failure, take, read };
}

function Commands({ blast, onBlast }: { blast: Blast; onBlast: (blast: Blast | undefined) => Promise<void> }) {
	const t = useT();
	const w = useWords();
	const [busy, setBusy] = useState<BlastCommand | null>(null);
	const [asking, setAsking] = useState<'cancel' | 'retry' | null>(null);

	const run = async (command: BlastCommand): Promise<void> => {
		const done = {
			pause: words().progress.paused,
			resume: words().progress.resumed,
			cancel: words().progress.cancelled,
			retry: w.retried,
		}[command];
		const answer = await blastCommand(blast.id, command);
		await onBlast(answer?.blast);
		toast(done);
	};
	const click = (command: BlastCommand): void => {
		setBusy(command);
		run(command)
			.catch((error: unknown) => toast(blastProblem(error, words(), w), 'bad'))
			.finally(() => setBusy(null));
	};

	const open = isOpen(blast);
	return (
		<div class="commands">
			<a
				class="button button-secondary"
				href={blastReportUrl(blast.id)}
				download={`${blast.id}.csv`}
				data-testid="blast-report"
			>
				<Icon name="file" />
				<span>{w.report}</span>
			</a>
			{blast.counts.failed > 0 && (open || blast.status === 'COMPLETED') && (
				<Button icon="refresh" onClick={() => setAsking('retry')} data-testid="blast-retry">
					{w.retry}
				</Button>
			)}
			{blast.status === 'RUNNING' && (
				<Button icon="pause" busy={busy === 'pause'} onClick={() => click('pause')} data-testid="blast-pause">
					{t.progress.pause}
				</Button>
			)}
			{blast.status === 'PAUSED' && (
				<Button
					kind="primary"
					icon="play"
					busy={busy === 'resume'}
					onClick={() => click('resume')}
					data-testid="blast-resume"
				>
					{t.progress.resume}
				</Button>
			)}
			{open && (
				<Button kind="danger" icon="close" onClick={() => setAsking('cancel')} data-testid="blast-cancel">
					{t.progress.cancel}
				</Button>
			)}
			{asking === 'retry' && (
				<Confirm
					title={w.retryTitle}
					text={w.retryText(formatNumber(blast.counts.failed))}
					action={w.retry}
					onConfirm={async () => {
						await run('retry');
						setAsking(null);
					}}
					onClose={() => setAsking(null)}
				/>
			)}
			{asking === 'cancel' && (
				<Confirm
					title={t.progress.cancelTitle}
					text={t.progress.cancelText(formatNumber(blast.counts.queued))}
					action={t.progress.cancel}
					keep={t.progress.keep}
					danger
					onConfirm={async () => {
						await run('cancel');
						setAsking(null);
					}}
					onClose={() => setAsking(null)}
				/>
			)}
		</div>
	);
}

function Times({ blast, waitsUntil }: { blast: Blast; waitsUntil: string | null }) {
	const t = useT();
	const w = useWords();
	const lang = useLang();
	const p = t.progress;
	const started = parseTime(blast.startedAt);
	const finished = parseTime(blast.finishedAt);
	const running = blast.status === 'RUNNING';
	const waits = isWaiting(blast, waitsUntil);
	return (
		<dl class="facts progress-facts">
			{running && (
				<div data-testid="blast-rate">
					<dt>{p.rate}</dt>
					<dd>{blast.ratePerMinute === null ? '–' : p.perMinute(formatNumber(blast.ratePerMinute))}</dd>
				</div>
			)}
			{running && (
				<div data-testid="blast-eta">
					<dt>{p.eta}</dt>
					<dd>{blast.etaSeconds === null ? p.etaUnknown : duration(blast.etaSeconds, lang)}</dd>
				</div>
			)}
			{waits && (
				<div data-testid="blast-waits">
					<dt>{p.goesOn}</dt>
					<dd>
						<ShortTime time={waitsUntil} />
					</dd>
				</div>
			)}
			{blast.status === 'SCHEDULED' && (
				<div>
					<dt>{p.scheduledFor}</dt>
					<dd>
						<ShortTime time={blast.scheduleAt} />
					</dd>
				</div>
			)}
			{blast.replies > 0 && (
				<div>
					<dt>{w.replies}</dt>
					<dd class="num" data-testid="blast-reply-count">
						{formatNumber(blast.replies)}
					</dd>
				</div>
			)}
			<div>
				<dt>{p.started}</dt>
				<dd>{started === null ? p.notStarted : <ShortTime time={blast.startedAt} />}</dd>
			</div>
			{finished !== null && (
				<div>
					<dt>{p.finished}</dt>
					<dd>
						<ShortTime time={blast.finishedAt} />{' '}
						{started !== null && (
							<span class="muted small">{p.took(duration((finished - started) / 1000, lang))}</span>
						)}
					</dd>
				</div>
			)}
		</dl>
	);
}

function Breakdown({ blast }: { blast: Blast }) {
	const t = useT();
	return (
		<ul class="breakdown" aria-label={t.progress.breakdown}>
			{SEGMENTS.map(([key, status]) => (
				<li key={key} class={blast.counts[key] === 0 ? 'is-zero' : ''} data-testid={`count-${key}`}>
					<span class={`swatch part-${key}`} aria-hidden="true" />
					<RecipientBadge status={status} />
					<strong class="num">{formatNumber(blast.counts[key])}</strong>
				</li>
			))}
		</ul>
	);
}

function Overview({ blast, waitsUntil }: { blast: Blast; waitsUntil: string | null }) {
	const t = useT();
	const done = doneCount(blast.counts);
	const percent = blast.counts.total === 0 ? 0 : Math.floor((done / blast.counts.total) * 100);
	const reason = blast.pauseReason;
	return (
		<div class="progress-grid">
			<section class="card progress-main" data-testid="blast-progress">
				{blast.status === 'PAUSED' && reason && (
					<Notice kind="warn">{t.progress.pauseReasons[reason] ?? t.progress.pauseReason(reason)}</Notice>
				)}
				<div class="progress-line">
					<span class="progress-percent num">{percent === 0 && done > 0 ? '<1' : percent}%</span>
					<span class="muted" data-testid="blast-done">
						{t.progress.done(formatNumber(done), formatNumber(blast.counts.total))}
					</span>
				</div>
				<Bar blast={blast} big />
				<Breakdown blast={blast} />
				<Times blast={blast} waitsUntil={waitsUntil} />
			</section>
			{blast.message?.text !== undefined && (
				<section class="card progress-message">
					<h2>{t.progress.message}</h2>
					<div class="chat">
						<Bubble text={blast.message.text} />
					</div>
				</section>
			)}
		</div>
	);
}

export function ProgressPage({ id }: { id: string }) {
	const t = useT();
	const { blast, waitsUntil, failure, take, read } = useBlast(id);
	const name = blast === null ? t.blast.title : blast.name || t.blast.untitled;

	useTitle(name);
	if (blast === null && failure instanceof Problem && failure.status === 404) return <NotFoundPage />;
	return (
		<>
			<a class="back" href="/blast">
				<Icon name="back" size={16} /> {t.progress.back}
			</a>
			<PageHead title={name} lead={blast ? <BlastBadge status={blast.status} /> : <span class="badge">…</span>}>
				{blast && (
					<Commands
						blast={blast}
						onBlast={async (next) => {
							if (next?.id) take(next);
							else await read();
						}}
					/>
				)}
				<Refresh />
			</PageHead>
			{blast === null && failure !== null && <Notice kind="bad">{problemText(failure, t)}</Notice>}
			{blast === null && failure === null && <Skeleton rows={6} />}
			{blast !== null && (
				<>
					<Overview blast={blast} waitsUntil={waitsUntil} />
					{blast.outlets.length > 0 && <AtOutlets blast={blast} outside={isWaiting(blast, waitsUntil)} onBlast={take} />}
					<RecipientRows id={id} version={JSON.stringify(blast.counts)} />
					{blast.replies > 0 && <Replies id={id} count={blast.replies} />}
				</>
			)}
		</>
	);
}
