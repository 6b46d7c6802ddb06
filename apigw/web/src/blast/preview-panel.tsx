/* SPDX-License-Identifier: GPL-3.0-or-later */
/* preview-panel: what the daemon says would happen, before anything does. */
import type { Preview } from '../api/types.ts';
import { formatNumber, type Messages, useLang, useT } from '../i18n/index.ts';
import type { BadRow } from '../lib/recipients.ts';
import { exactTime, parseTime, shortTime, ZONE_NAME } from '../lib/time.ts';
import { useStatuses } from '../live/statuses.ts';
import { Notice } from '../ui/basic.tsx';
import { reasonText } from '../ui/outlet-parts.tsx';
import { Bubble } from './bubble.tsx';

const INVALID_SHOWN = 20;

function Count({ label, value, kind, testid }: { label: string; value: number; kind?: string; testid: string }) {
	return (
		<div class={`count${kind && value > 0 ? ` is-${kind}` : ''}`} data-testid={testid}>
			<dt>{label}</dt>
			<dd>{formatNumber(value)}</dd>
		</div>
	);
}

function invalidReason(reason: string, t: Messages): string {
	return (t.blast.badReason as Record<string, string>)[reason] ?? t.recipientReason[reason] ?? reason;
}

function Invalid({ preview, bad }: { preview: Preview; bad: BadRow[] }) {
	const t = useT();
	const rows = [
		...bad.map((row) => ({ line: row.line, phone: row.text, reason: row.reason as string })),
		...preview.recipients.invalid.map((row) => ({ line: row.line, phone: row.phone, reason: row.reason })),
	];
	if (rows.length === 0) return null;
	return (
		<details class="bad-rows">
			<summary>{t.blast.invalidList}</summary>
			<ul data-testid="preview-invalid-list">
				{rows.slice(0, INVALID_SHOWN).map((row, index) => (
					<li key={index}>
						<code>{row.phone}</code> {invalidReason(row.reason, t)}
						{row.line !== undefined && <span class="muted"> ({t.blast.line(formatNumber(row.line))})</span>}
					</li>
				))}
				{rows.length > INVALID_SHOWN && (
					<li class="muted">{t.blast.andMore(formatNumber(rows.length - INVALID_SHOWN))}</li>
				)}
			</ul>
		</details>
	);
}

function Share({ outlet, right }: { outlet: Preview['outlets'][number]; right: string }) {
	const t = useT();
	const { byId } = useStatuses();
	return (
		<li
			class={outlet.healthy ? '' : 'is-off'}
			data-outlet-id={outlet.outletId}
			title={outlet.reasons.map((reason) => reasonText(reason, t)).join(', ')}
		>
			<span>{byId.get(outlet.outletId)?.outlet.name ?? outlet.outletId}</span>
			<span class="num">{right}</span>
		</li>
	);
}

function Shares({ preview }: { preview: Preview }) {
	const t = useT();
	const healthy = preview.outlets.filter((outlet) => outlet.healthy);
	const others = preview.outlets.filter((outlet) => !outlet.healthy);
	return (
		<section>
			<h3>{t.blast.perOutlet}</h3>
			<ul class="shares" data-testid="preview-outlets">
				{healthy.map((outlet) => (
					<Share
						key={outlet.outletId}
						outlet={outlet}
						right={t.blast.recipientsOf(formatNumber(outlet.recipients))}
					/>
				))}
			</ul>
			{others.length > 0 && (
				<details class="shares-off">
					<summary>{t.blast.cannotSendCount(formatNumber(others.length))}</summary>
					<ul class="shares" data-testid="preview-rejected">
						{others.map((outlet) => (
							<Share
								key={outlet.outletId}
								outlet={outlet}
								right={outlet.reasons.map((reason) => reasonText(reason, t)).join(', ')}
							/>
						))}
					</ul>
				</details>
			)}
		</section>
	);
}

/** Outlets that cannot send stand in a list of their own. */
function Warnings({ preview }: { preview: Preview }) {
	const t = useT();
	const { byId } = useStatuses();
	const warnings = (preview.warnings ?? []).filter((warning) => warning.code !== 'outlet_unhealthy');
	if (warnings.length === 0) return null;
	return (
		<Notice kind="warn">
			<ul class="warnings" data-testid="preview-warnings">
				{warnings.map((warning) => (
					<li key={`${warning.code} ${warning.outletId}`} data-code={warning.code}>
						{warning.outletId !== null && (
							<strong>{byId.get(warning.outletId)?.outlet.name ?? warning.outletId}: </strong>
						)}
						{t.blast.warnings[warning.code] ?? warning.detail}
					</li>
				))}
			</ul>
		</Notice>
	);
}

function Estimate({ preview }: { preview: Preview }) {
	const t = useT();
	const lang = useLang();
	const starts = parseTime(preview.estimate?.startsAt);
	const finishes = parseTime(preview.estimate?.finishesAt);
	const now = Date.now();
	if (starts === null && finishes === null) return null;
	return (
		<dl class="facts facts-two" data-testid="preview-estimate">
			<div>
				<dt>{t.blast.startsAt}</dt>
				<dd title={starts === null ? '' : exactTime(starts, lang)}>
					{starts === null ? '–' : `${shortTime(starts, now, lang)} ${ZONE_NAME}`}
				</dd>
			</div>
			<div>
				<dt>{t.blast.finishesAt}</dt>
				<dd title={finishes === null ? '' : exactTime(finishes, lang)}>
					{finishes === null ? '–' : `${shortTime(finishes, now, lang)} ${ZONE_NAME}`}
				</dd>
			</div>
		</dl>
	);
}

/** `bad` are the rows that were not even sent to the daemon; they count as given and as invalid. */
export function PreviewPanel({ preview, bad }: { preview: Preview; bad: BadRow[] }) {
	const t = useT();
	const r = preview.recipients;
	return (
		<div class="preview" data-testid="preview">
			<h2>{t.blast.result}</h2>
			<dl class="counts">
				<Count label={t.blast.total} value={r.total + bad.length} testid="preview-total" />
				<Count label={t.blast.valid} value={r.valid} kind="good" testid="preview-valid" />
				<Count
					label={t.blast.invalid}
					value={r.invalid.length + bad.length}
					kind="bad"
					testid="preview-invalid"
				/>
				<Count label={t.blast.duplicate} value={r.duplicates} kind="warn" testid="preview-duplicates" />
				<Count label={t.blast.optedOut} value={r.optedOut} kind="warn" testid="preview-opted-out" />
			</dl>
			<Invalid preview={preview} bad={bad} />
			<Warnings preview={preview} />
			<Estimate preview={preview} />
			<Shares preview={preview} />
			{preview.samples.length > 0 && (
				<section>
					<h3>{t.blast.samples}</h3>
					<div class="chat" data-testid="preview-samples">
						{preview.samples.map((sample, index) => (
							<Bubble key={index} text={sample} />
						))}
					</div>
				</section>
			)}
		</div>
	);
}
