/* SPDX-License-Identifier: GPL-3.0-or-later */
/* form: a new webhook, or changes to one; and the secret, which is shown once. */
import { useState } from 'preact/hooks';
import { useT } from '../i18n/index.ts';
import { fieldText, problemText } from '../i18n/problem.ts';
import { copyText } from '../lib/clipboard.ts';
import { useStatuses } from '../live/statuses.ts';
import { Button, Notice } from '../ui/basic.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Checkbox, TextField } from '../ui/field.tsx';
import { toast } from '../ui/toast.tsx';
import { webhookAdd, webhookEdit, type Webhook, type WebhookFields } from './calls.ts';
import { useWords } from './words.ts';

const EVENTS = [
	'message.received',
	'message.status',
	'outlet.status',
	'blast.status',
	'blast.progress',
	'recipient.status',
	'webhook.disabled',
] as const;
/** Comes for every recipient of every blast: only for who asks for it. */
const MANY = 'recipient.status';

function EventChoice({ chosen, onChange }: { chosen: string[]; onChange: (events: string[]) => void }) {
	const w = useWords();
	return (
		<fieldset class="fieldset">
			<legend>{w.events}</legend>
			{EVENTS.map((event) => (
				<Checkbox
					key={event}
					label={w.event[event] ?? event}
					checked={chosen.includes(event)}
					onChange={(on) => onChange(on ? [...chosen, event] : chosen.filter((each) => each !== event))}
					data-testid={`webhook-event-${event}`}
				/>
			))}
		</fieldset>
	);
}

/** Null: all outlets, also those that come later. */
function OutletChoice({
	chosen,
	onChange,
	wrong,
}: {
	chosen: string[] | null;
	onChange: (outletIds: string[] | null) => void;
	wrong: boolean;
}) {
	const w = useWords();
	const { list } = useStatuses();
	return (
		<fieldset class={`fieldset${wrong ? ' has-error' : ''}`}>
			<legend>{w.outlets}</legend>
			<Checkbox
				label={w.allOutlets}
				hint={w.allOutletsHint}
				checked={chosen === null}
				onChange={(all) => onChange(all ? null : [])}
				data-testid="webhook-all-outlets"
			/>
			{chosen !== null && (
				<div class="scroll-list move-targets">
					{list.map(({ outletId, outlet }) => (
						<Checkbox
							key={outletId}
							label={outlet.name}
							checked={chosen.includes(outletId)}
							onChange={(on) => onChange(on ? [...chosen, outletId] : chosen.filter((id) => id !== outletId))}
							data-testid="webhook-outlet"
						/>
					))}
				</div>
			)}
			{wrong && <p class="error">{w.noOutlets}</p>}
		</fieldset>
	);
}

interface FormProps {
	/** Null: a new one. */
	webhook: Webhook | null;
	/** secret: of a new one. */
	onSaved: (webhook: Webhook, secret: string | null) => void;
	onClose: () => void;
}

export function WebhookForm({ webhook, onSaved, onClose }: FormProps) {
	const t = useT();
	const w = useWords();
	const [url, setUrl] = useState(webhook?.url ?? '');
	const [description, setDescription] = useState(webhook?.description ?? '');
	const [events, setEvents] = useState<string[]>(webhook?.events ?? EVENTS.filter((event) => event !== MANY));
	const [outletIds, setOutletIds] = useState<string[] | null>(webhook?.outletIds ?? null);
	const [tried, setTried] = useState(false);
	const [busy, setBusy] = useState(false);
	const [failure, setFailure] = useState<unknown>(null);

	const submit = async (submitted: Event): Promise<void> => {
		submitted.preventDefault();
		setTried(true);
		setFailure(null);
		if (url.trim() === '' || events.length === 0 || outletIds?.length === 0) return;
		const fields: WebhookFields = { url: url.trim(), description: description.trim() || null, events, outletIds };
		setBusy(true);
		try {
			if (webhook === null) {
				const answer = await webhookAdd(fields);
				onSaved(answer.webhook, answer.secret);
			} else {
				onSaved((await webhookEdit(webhook.id, fields)).webhook, null);
			}
		} catch (error) {
			setFailure(error);
			setBusy(false);
		}
	};

	return (
		<Dialog title={webhook === null ? w.add : w.edit} onClose={onClose} data-testid="webhook-form">
			{failure !== null && (
				<Notice kind="bad" role="alert">
					{problemText(failure, t)}
				</Notice>
			)}
			<form onSubmit={(event) => void submit(event)} noValidate>
				<TextField
					label={w.url}
					hint={w.urlHint}
					value={url}
					onValue={setUrl}
					placeholder="https://"
					spellcheck={false}
					autofocus
					error={tried && url.trim() === '' ? t.app.required : fieldText(failure, 'url', t)}
					data-testid="webhook-url"
				/>
				<TextField
					label={w.description}
					value={description}
					onValue={setDescription}
					maxLength={200}
					error={fieldText(failure, 'description', t)}
					data-testid="webhook-description"
				/>
				<EventChoice chosen={events} onChange={setEvents} />
				{tried && events.length === 0 && <p class="error">{w.noEvents}</p>}
				<OutletChoice chosen={outletIds} onChange={setOutletIds} wrong={tried && outletIds?.length === 0} />
				<div class="dialog-actions">
					<Button onClick={onClose}>{t.app.cancel}</Button>
					<Button kind="primary" type="submit" busy={busy} data-testid="webhook-save">
						{webhook === null ? w.add : t.app.save}
					</Button>
				</div>
			</form>
		</Dialog>
	);
}

export function SecretDialog({ secret, onClose }: { secret: string; onClose: () => void }) {
	const t = useT();
	const w = useWords();
	const copy = async (near: HTMLElement): Promise<void> => {
		if (await copyText(secret, near)) toast(w.copied);
	};
	return (
		<Dialog title={w.secret} onClose={onClose} data-testid="webhook-secret-dialog">
			<Notice kind="warn">{w.secretOnce}</Notice>
			<output class="mono secret" data-testid="webhook-secret">
				{secret}
			</output>
			<div class="dialog-actions">
				<Button icon="copy" onClick={(event) => void copy(event.currentTarget)}>
					{t.qr.copy}
				</Button>
				<Button kind="primary" onClick={onClose} data-testid="webhook-secret-kept">
					{w.secretKept}
				</Button>
			</div>
		</Dialog>
	);
}
