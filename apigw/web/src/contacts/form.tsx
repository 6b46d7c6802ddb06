/* SPDX-License-Identifier: GPL-3.0-or-later */
/* form: one contact, new or changed, and a table of them imported. */
import { useState } from 'preact/hooks';
import { formatNumber, useT } from '../i18n/index.ts';
import { decodeText } from '../lib/csv.ts';
import { normalisePhone } from '../lib/phone.ts';
import { FormDialog, useFieldText } from '../manage/parts.tsx';
import { Button, Notice } from '../ui/basic.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Field, TextField } from '../ui/field.tsx';
import { toast } from '../ui/toast.tsx';
import { type Contact, contactImport, contactSave, type ImportAnswer } from './calls.ts';
import { useWords } from './words.ts';

const FILE_MAX = 10 * 1024 * 1024;
const BAD_SHOWN = 50;
const VARIABLE = /^\s*([A-Za-z0-9_]{1,64})\s*=\s*(.*?)\s*$/;

function splitTags(text: string): string[] {
	return [...new Set(text.split(',').map((tag) => tag.trim()))].filter((tag) => tag !== '');
}

/** Null where a line is not "name = value". */
function parseVars(text: string): Record<string, string> | null {
	const vars: Record<string, string> = {};
	for (const line of text.split('\n')) {
		if (line.trim() === '') continue;
		const [, name, value] = VARIABLE.exec(line) ?? [];
		if (name === undefined || value === undefined) return null;
		vars[name] = value;
	}
	return vars;
}

function varsText(contact: Contact | null): string {
	return Object.entries(contact?.vars ?? {})
		.map(([name, value]) => `${name} = ${value}`)
		.join('\n');
}

interface FormProps {
	outletId: string;
	contact: Contact | null;
	onSaved: () => void;
	onClose: () => void;
}

function Fields({
	draft,
	change,
	fixed,
	failure,
	tried,
}: {
	draft: { phone: string; name: string; tags: string; vars: string };
	change: (part: Partial<{ phone: string; name: string; tags: string; vars: string }>) => void;
	fixed: boolean;
	failure: unknown;
	tried: boolean;
}) {
	const t = useT();
	const w = useWords();
	const fieldText = useFieldText(failure);
	const phoneError = draft.phone.trim() === '' ? t.app.required : w.phoneBad;
	return (
		<>
			{!fixed && (
				<TextField
					label={w.phone}
					hint={w.phoneHint}
					type="tel"
					value={draft.phone}
					onValue={(phone) => change({ phone })}
					autofocus
					error={tried && normalisePhone(draft.phone) === null ? phoneError : fieldText('phone')}
					data-testid="contact-phone"
				/>
			)}
			<TextField
				label={w.name}
				value={draft.name}
				onValue={(name) => change({ name })}
				maxLength={200}
				autofocus={fixed}
				error={fieldText('name')}
				data-testid="contact-name"
			/>
			<TextField
				label={w.tags}
				hint={w.tagsHint}
				value={draft.tags}
				onValue={(tags) => change({ tags })}
				error={fieldText('tags')}
				data-testid="contact-tags"
			/>
			<Field
				label={w.vars}
				hint={w.varsHint}
				error={tried && parseVars(draft.vars) === null ? w.varsBad : fieldText('vars')}
			>
				{(ids) => (
					<textarea
						{...ids}
						class="input mono"
						rows={3}
						spellcheck={false}
						value={draft.vars}
						onInput={(event) => change({ vars: event.currentTarget.value })}
						data-testid="contact-vars"
					/>
				)}
			</Field>
		</>
	);
}

/** The number is what a contact is known by: another number is another contact. */
export function ContactForm({ outletId, contact, onSaved, onClose }: FormProps) {
	const t = useT();
	const w = useWords();
	const [draft, setDraft] = useState({
		phone: contact?.phone ?? '',
		name: contact?.name ?? '',
		tags: contact?.tags.join(', ') ?? '',
		vars: varsText(contact),
	});
	const save = async (): Promise<boolean> => {
		const phone = normalisePhone(draft.phone);
		const vars = parseVars(draft.vars);
		if (phone === null || vars === null) return false;
		const name = draft.name.trim();
		await contactSave(outletId, { phone, name: name || null, tags: splitTags(draft.tags), vars });
		toast(w.saved(name || phone));
		onSaved();
		return true;
	};
	return (
		<FormDialog
			title={contact === null ? w.add : `${w.editTitle} +${contact.phone}`}
			action={t.app.save}
			onSave={save}
			onClose={onClose}
			testid="contact-form"
		>
			{(failure, tried) => (
				<Fields
					draft={draft}
					change={(part) => setDraft((old) => ({ ...old, ...part }))}
					fixed={contact !== null}
					failure={failure}
					tried={tried}
				/>
			)}
		</FormDialog>
	);
}

function Imported({ answer, onClose }: { answer: ImportAnswer; onClose: () => void }) {
	const t = useT();
	const w = useWords();
	const hidden = answer.invalid - Math.min(answer.errors.length, BAD_SHOWN);
	return (
		<>
			<Notice kind={answer.imported > 0 ? 'good' : 'warn'} role="status">
				<span data-testid="import-done">
					{w.importDone(formatNumber(answer.added), formatNumber(answer.updated))}
				</span>
			</Notice>
			{answer.invalid > 0 && (
				<section class="import-bad">
					<h3>{w.importBad(formatNumber(answer.invalid))}</h3>
					<ul class="scroll-list" tabIndex={0} aria-label={w.importBad(formatNumber(answer.invalid))}>
						{answer.errors.slice(0, BAD_SHOWN).map((row) => (
							<li key={row.line} data-testid="import-bad" data-line={row.line}>
								<strong>{w.line(formatNumber(row.line))}</strong>{' '}
								{w.importReason[row.code] ?? row.detail ?? row.code}
								{row.value !== undefined && row.value !== '' && (
									<>
										: <code>{row.value}</code>
									</>
								)}
							</li>
						))}
						{hidden > 0 && <li class="muted">{w.andMore(formatNumber(hidden))}</li>}
					</ul>
				</section>
			)}
			<div class="dialog-actions">
				<Button kind="primary" onClick={onClose} data-testid="import-close">
					{t.app.close}
				</Button>
			</div>
		</>
	);
}

interface ImportProps {
	outletId: string;
	outletName: string;
	onImported: () => void;
	onClose: () => void;
}

export function ImportDialog({ outletId, outletName, onImported, onClose }: ImportProps) {
	const w = useWords();
	const [file, setFile] = useState<File | null>(null);
	const [answer, setAnswer] = useState<ImportAnswer | null>(null);
	const run = async (): Promise<boolean> => {
		if (file === null || file.size > FILE_MAX) return false;
		setAnswer(await contactImport(outletId, decodeText(new Uint8Array(await file.arrayBuffer()))));
		onImported();
		return true;
	};
	if (answer !== null) {
		return (
			<Dialog title={w.importTitle(outletName)} onClose={onClose} data-testid="import-result">
				<Imported answer={answer} onClose={onClose} />
			</Dialog>
		);
	}
	return (
		<FormDialog
			title={w.importTitle(outletName)}
			action={w.importIt}
			onSave={run}
			onClose={onClose}
			testid="contact-import"
		>
			{(failure, tried) => <FileField file={file} onFile={setFile} failure={failure} tried={tried} />}
		</FormDialog>
	);
}

function FileField({
	file,
	onFile,
	failure,
	tried,
}: {
	file: File | null;
	onFile: (file: File | null) => void;
	failure: unknown;
	tried: boolean;
}) {
	const w = useWords();
	const fieldText = useFieldText(failure);
	const wrong =
		file !== null && file.size > FILE_MAX ? w.fileTooBig : tried && file === null ? w.fileNeeded : fieldText('file');
	return (
		<Field label={w.file} hint={w.importHint} error={wrong}>
			{(ids) => (
				<input
					{...ids}
					class="input"
					type="file"
					accept=".csv,.tsv,.txt,text/csv,text/plain"
					onChange={(event) => onFile(event.currentTarget.files?.[0] ?? null)}
					data-testid="import-file"
				/>
			)}
		</Field>
	);
}
