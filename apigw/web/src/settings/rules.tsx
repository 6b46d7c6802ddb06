/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules: the words that opt out and in, when a blast stops by itself, how long the audit log is kept. */
import { useEffect, useState } from 'preact/hooks';
import { formatNumber, useT } from '../i18n/index.ts';
import { addRefresher } from '../live/connection.ts';
import { Failure, useFieldText } from '../manage/parts.tsx';
import { Button, Skeleton } from '../ui/basic.tsx';
import { Field, TextField } from '../ui/field.tsx';
import { toast } from '../ui/toast.tsx';
import { type Settings, settingsEdit, settingsGet } from './calls.ts';
import { useWords } from './words.ts';

interface Draft {
	optOutWords: string;
	optOutReply: string;
	optInWords: string;
	optInReply: string;
	failurePercent: string;
	minimum: string;
	restrictions: string;
	auditDays: string;
}

const RANGES = {
	failurePercent: [0, 100],
	minimum: [1, 100_000],
	restrictions: [0, 100],
	auditDays: [0, 36_500],
} as const;
type Count = keyof typeof RANGES;
const AUDIT_DAYS_MIN = 30;

function draftOf(settings: Settings): Draft {
	return {
		optOutWords: settings.optOutWords.join(', '),
		optOutReply: settings.optOutReply ?? '',
		optInWords: settings.optInWords.join(', '),
		optInReply: settings.optInReply ?? '',
		failurePercent: String(settings.autoPause.failurePercent),
		minimum: String(settings.autoPause.minimum),
		restrictions: String(settings.autoPause.restrictions),
		auditDays: String(settings.auditDays),
	};
}

function isCount(draft: Draft, field: Count): boolean {
	const [min, max] = RANGES[field];
	const value = Number(draft[field]);
	if (field === 'auditDays' && value > 0 && value < AUDIT_DAYS_MIN) return false;
	return /^\d{1,6}$/.test(draft[field].trim()) && value >= min && value <= max;
}

function wordList(text: string): string[] {
	return text
		.split(',')
		.map((word) => word.trim())
		.filter((word) => word !== '');
}

function settingsOf(draft: Draft): Settings {
	return {
		optOutWords: wordList(draft.optOutWords),
		optInWords: wordList(draft.optInWords),
		optOutReply: draft.optOutReply.trim() === '' ? null : draft.optOutReply,
		optInReply: draft.optInReply.trim() === '' ? null : draft.optInReply,
		autoPause: {
			failurePercent: Number(draft.failurePercent),
			minimum: Number(draft.minimum),
			restrictions: Number(draft.restrictions),
		},
		auditDays: Number(draft.auditDays),
	};
}

interface PartProps {
	draft: Draft;
	change: (part: Partial<Draft>) => void;
	failure: unknown;
}

function Reply({
	label,
	hint,
	field,
	draft,
	change,
	failure,
}: PartProps & { label: string; hint: string; field: 'optOutReply' | 'optInReply' }) {
	const fieldText = useFieldText(failure);
	return (
		<Field label={label} hint={hint} error={fieldText(field)}>
			{(ids) => (
				<textarea
					{...ids}
					class="input"
					rows={2}
					maxLength={4096}
					value={draft[field]}
					onInput={(event) => change({ [field]: event.currentTarget.value })}
					data-testid={`rules-${field}`}
				/>
			)}
		</Field>
	);
}

function StopWords(props: PartProps) {
	const w = useWords();
	const { draft, change, failure } = props;
	const fieldText = useFieldText(failure);
	return (
		<section class="card settings-card" aria-labelledby="stop-title">
			<h2 id="stop-title">{w.stopTitle}</h2>
			<TextField
				label={w.stopWords}
				hint={w.stopWordsHint}
				value={draft.optOutWords}
				onValue={(optOutWords) => change({ optOutWords })}
				error={fieldText('optOutWords')}
				data-testid="rules-optOutWords"
			/>
			<Reply {...props} label={w.stopReply} hint={w.stopReplyHint} field="optOutReply" />
			<TextField
				label={w.startWords}
				hint={w.startWordsHint}
				value={draft.optInWords}
				onValue={(optInWords) => change({ optInWords })}
				error={fieldText('optInWords')}
				data-testid="rules-optInWords"
			/>
			<Reply {...props} label={w.startReply} hint={w.stopReplyHint} field="optInReply" />
		</section>
	);
}

function Numbers({ draft, change, failure }: PartProps) {
	const w = useWords();
	const fieldText = useFieldText(failure);
	const number = (field: Count, name: string, label: string, hint?: string) => (
		<TextField
			label={label}
			hint={hint}
			inputMode="numeric"
			class="input input-short"
			value={draft[field]}
			onValue={(value) => change({ [field]: value })}
			error={
				isCount(draft, field)
					? fieldText(name)
					: w.number(formatNumber(RANGES[field][0]), formatNumber(RANGES[field][1]))
			}
			data-testid={`rules-${field}`}
		/>
	);
	return (
		<>
			<section class="card settings-card" aria-labelledby="pause-title">
				<h2 id="pause-title">{w.pauseTitle}</h2>
				<p class="hint">{w.pauseLead}</p>
				{number('failurePercent', 'autoPause.failurePercent', w.pausePercent, w.pausePercentHint)}
				{number('minimum', 'autoPause.minimum', w.pauseMinimum)}
				{number('restrictions', 'autoPause.restrictions', w.pauseRestrictions, w.pausePercentHint)}
			</section>
			<section class="card settings-card" aria-labelledby="audit-title">
				<h2 id="audit-title">{w.auditTitle}</h2>
				{number('auditDays', 'auditDays', w.auditDays, w.auditDaysHint)}
			</section>
		</>
	);
}

export function Rules() {
	const t = useT();
	const w = useWords();
	const [draft, setDraft] = useState<Draft | null>(null);
	const [busy, setBusy] = useState(false);
	const [failure, setFailure] = useState<unknown>(null);

	// Until they are there, again whenever the pages are read anew; after that they are the form's.
	useEffect(() => {
		if (draft !== null) return;
		return addRefresher(() =>
			settingsGet().then(({ settings }) => {
				setDraft(draftOf(settings));
				setFailure(null);
			}, setFailure),
		);
	}, [draft === null]);
	const submit = async (event: Event): Promise<void> => {
		event.preventDefault();
		if (draft === null || (Object.keys(RANGES) as Count[]).some((field) => !isCount(draft, field))) return;
		setBusy(true);
		setFailure(null);
		try {
			const { settings } = await settingsEdit(settingsOf(draft));
			setDraft(draftOf(settings));
			toast(w.rulesSaved);
		} catch (error) {
			setFailure(error);
		}
		setBusy(false);
	};

	if (draft === null) return failure === null ? <Skeleton rows={8} /> : <Failure error={failure} />;
	const change = (part: Partial<Draft>): void => setDraft({ ...draft, ...part });
	return (
		<form
			class="settings-stack"
			onSubmit={(event) => void submit(event)}
			noValidate
			aria-label={w.rules}
			data-testid="rules-form"
		>
			<Failure error={failure} />
			<StopWords draft={draft} change={change} failure={failure} />
			<Numbers draft={draft} change={change} failure={failure} />
			<div>
				<Button kind="primary" type="submit" busy={busy} data-testid="rules-save">
					{t.app.save}
				</Button>
			</div>
		</form>
	);
}
