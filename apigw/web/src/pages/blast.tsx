/* SPDX-License-Identifier: GPL-3.0-or-later */
/* blast: a new blast on the left, what would come of it on the right, those before underneath. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { blastCreate, blastPreview } from '../api/calls.ts';
import type { BlastRequest, Preview } from '../api/types.ts';
import { Bubble } from '../blast/bubble.tsx';
import {
	type BlastDraft,
	draftProblems,
	type DraftProblem,
	EMPTY_DRAFT,
	newIdempotencyKey,
	recipientsText,
	requestOf,
} from '../blast/draft.ts';
import { History } from '../blast/history.tsx';
import { MessageInput } from '../blast/message-input.tsx';
import { OutletPicker } from '../blast/outlet-picker.tsx';
import { PaceInput } from '../blast/pace-input.tsx';
import { PreviewPanel } from '../blast/preview-panel.tsx';
import { RecipientInput } from '../blast/recipient-input.tsx';
import { formatNumber, useT } from '../i18n/index.ts';
import { problemText } from '../i18n/problem.ts';
import { useSettled, useTitle } from '../lib/hooks.ts';
import { type BadRow, parseRecipients, type RecipientList } from '../lib/recipients.ts';
import { readDraft, writeDraft } from '../lib/settings.ts';
import { renderTemplate } from '../lib/template.ts';
import { useStatuses } from '../live/statuses.ts';
import { navigate } from '../router.ts';
import { blastDraftName } from '../session.ts';
import { Button, Notice, PageHead, PhoneNumber, Skeleton } from '../ui/basic.tsx';
import { TextField } from '../ui/field.tsx';
import { Refresh } from '../ui/refresh.tsx';
import { announce, toast } from '../ui/toast.tsx';
import { useUser } from '../user.ts';

/** A preview holds for exactly the form that it was made of, and what is sent is what was previewed. */
interface Previewed {
	draft: BlastDraft;
	request: BlastRequest;
	/** Rows that were not even asked about. */
	bad: BadRow[];
	answer: Preview;
	key: string;
}

function storedDraft(name: string): BlastDraft {
	try {
		return { ...EMPTY_DRAFT, ...(JSON.parse(readDraft(name) ?? '{}') as Partial<BlastDraft>) };
	} catch {
		return EMPTY_DRAFT;
	}
}

function useBlastDraft(name: string): [BlastDraft, (part: Partial<BlastDraft>) => void] {
	const [draft, setDraft] = useState(() => storedDraft(name));
	const settled = useSettled(draft, 500);

	useEffect(() => writeDraft(name, settled === EMPTY_DRAFT ? null : JSON.stringify(settled)), [settled]);
	return [draft, (part) => setDraft((old) => ({ ...old, ...part }))];
}

function LiveBubble({ draft, list }: { draft: BlastDraft; list: RecipientList }) {
	const t = useT();
	const first = list.recipients[0] ?? { phone: '6281234567890' };
	return (
		<section class="chat-box">
			<div class="chat">
				<Bubble text={renderTemplate(draft.text, first)} empty={t.blast.bubbleEmpty} />
			</div>
			{list.recipients.length > 0 && draft.text !== '' && (
				<p class="hint">
					{first.name !== undefined ? t.blast.bubbleFor(first.name) : <PhoneNumber digits={first.phone} />}
				</p>
			)}
		</section>
	);
}

interface ReviewProps {
	draft: BlastDraft;
	list: RecipientList;
	previewed: Previewed | null;
	previewing: boolean;
	sending: boolean;
	failure: unknown;
	onSend: () => void;
}

function Review({ draft, list, previewed, previewing, sending, failure, onSend }: ReviewProps) {
	const t = useT();
	const current = previewed !== null && previewed.draft === draft;
	return (
		<aside class="card review" id="review">
			{failure !== null && (
				<Notice kind="bad" role="alert">
					{problemText(failure, t)}
				</Notice>
			)}
			{previewed === null ? (
				<>
					<h2>{t.blast.preview}</h2>
					<LiveBubble draft={draft} list={list} />
					<p class="hint">{t.blast.previewEmpty}</p>
				</>
			) : (
				<>
					<div class={current ? '' : 'is-outdated'}>
						<PreviewPanel preview={previewed.answer} bad={previewed.bad} />
					</div>
					{!current && <Notice kind="info">{t.blast.previewAgain}</Notice>}
				</>
			)}
			<div class="review-actions">
				<Button
					kind={current ? 'secondary' : 'primary'}
					type="submit"
					icon="eye"
					busy={previewing}
					data-testid="blast-preview"
				>
					{previewing ? t.blast.previewing : t.blast.preview}
				</Button>
				{previewed !== null && (
					<Button
						kind="primary"
						icon="send"
						busy={sending}
						disabled={!current || previewed.answer.recipients.valid === 0}
						onClick={onSend}
						data-testid="blast-send"
					>
						{sending ? t.blast.sending : t.blast.send(formatNumber(previewed.answer.recipients.valid))}
					</Button>
				)}
			</div>
		</aside>
	);
}

function Composer() {
	const t = useT();
	const { list: outlets, byId } = useStatuses();
	const draftName = blastDraftName(useUser());
	const [draft, change] = useBlastDraft(draftName);
	const [tried, setTried] = useState(false);
	const [previewed, setPreviewed] = useState<Previewed | null>(null);
	const [busy, setBusy] = useState<'preview' | 'send' | null>(null);
	const [failure, setFailure] = useState<unknown>(null);
	const form = useRef<HTMLFormElement>(null);
	const text = useSettled(recipientsText(draft), 200);
	const list = useMemo(() => parseRecipients(text, draft.columns), [text, draft.columns]);
	const healthy = useMemo(
		() => outlets.filter((status) => status.healthy).map((status) => status.outletId),
		[outlets],
	);
	const problems = draftProblems(draft, list, healthy, Date.now());
	const shown: Set<DraftProblem> = tried
		? problems
		: new Set(
				[...problems].filter((problem) => !['chooseOutlet', 'needRecipients', 'needMessage'].includes(problem)),
			);

	// With one healthy outlet there is nothing to choose.
	useEffect(() => {
		if (outlets.length === 1 && healthy.length === 1 && draft.outlets.length === 0 && !draft.allOutlets)
			change({ outlets: [...healthy] });
	}, [outlets.length, healthy.length]);

	const preview = async (event: Event): Promise<void> => {
		event.preventDefault();
		setTried(true);
		setFailure(null);
		// What was typed within the last moments counts as well.
		const now = parseRecipients(recipientsText(draft), draft.columns);
		if (draftProblems(draft, now, healthy, Date.now()).size > 0) {
			requestAnimationFrame(() =>
				form.current
					?.querySelector<HTMLElement>('.has-error input, .has-error textarea, .has-error button')
					?.focus(),
			);
			return;
		}
		setBusy('preview');
		try {
			const request = requestOf(draft, now, healthy, t.blast.untitled);
			const answer = await blastPreview(request);
			setPreviewed({ draft, request, bad: now.bad, answer, key: newIdempotencyKey() });
			announce(`${t.blast.valid}: ${formatNumber(answer.recipients.valid)}`);
			// On a narrow screen the result stands below the form.
			requestAnimationFrame(() =>
				document.getElementById('review')?.scrollIntoView({ block: 'nearest', behavior: 'smooth' }),
			);
		} catch (error) {
			setFailure(error);
		}
		setBusy(null);
	};

	const send = async (): Promise<void> => {
		if (previewed === null || previewed.draft !== draft) return;
		setFailure(null);
		setBusy('send');
		try {
			const { blast, rejectedOutlets } = await blastCreate(previewed.request, previewed.key);
			writeDraft(draftName, null);
			toast(blast.status === 'SCHEDULED' ? t.blast.scheduled : t.blast.created);
			const rejected = rejectedOutlets ?? [];
			if (rejected.length > 0)
				toast(
					t.blast.rejected(
						rejected.map(({ outletId }) => byId.get(outletId)?.outlet.name ?? outletId).join(', '),
					),
					'bad',
				);
			navigate(`/blasts/${encodeURIComponent(blast.id)}`);
		} catch (error) {
			setFailure(error);
			setBusy(null);
		}
	};

	return (
		<form
			ref={form}
			class="composer"
			onSubmit={(event) => void preview(event)}
			noValidate
			aria-label={t.blast.newBlast}
			data-testid="blast-form"
		>
			<div class="card composer-fields">
				<TextField
					label={t.blast.name}
					hint={t.blast.nameHint}
					maxLength={200}
					value={draft.name}
					onValue={(name) => change({ name })}
					data-testid="blast-name"
				/>
				<OutletPicker
					list={outlets}
					all={draft.allOutlets}
					chosen={draft.outlets}
					onAll={(allOutlets) => change({ allOutlets })}
					onChosen={(chosen) => change({ outlets: chosen })}
					error={
						shown.has('chooseOutlet')
							? healthy.length === 0
								? t.blast.noneHealthy
								: t.blast.chooseOutlet
							: null
					}
				/>
				<RecipientInput
					draft={draft}
					list={list}
					onChange={change}
					error={shown.has('needRecipients') ? t.blast.needRecipients : null}
				/>
				<MessageInput
					text={draft.text}
					onText={(value) => change({ text: value })}
					variables={list.variables}
					offered={list.offered}
					known={list.recipients.length > 0}
					error={shown.has('needMessage') ? t.blast.needMessage : null}
				/>
				<PaceInput draft={draft} onChange={change} problems={shown} />
			</div>
			<Review
				draft={draft}
				list={list}
				previewed={previewed}
				previewing={busy === 'preview'}
				sending={busy === 'send'}
				failure={failure}
				onSend={() => void send()}
			/>
		</form>
	);
}

export function BlastPage() {
	const t = useT();
	const { loaded } = useStatuses();
	useTitle(t.blast.title);
	return (
		<>
			<PageHead title={t.blast.title} lead={t.blast.lead}>
				<Refresh />
			</PageHead>
			{loaded ? (
				<>
					<Composer />
					<History />
				</>
			) : (
				<Skeleton rows={8} />
			)}
		</>
	);
}
