/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recipient-input: to whom, pasted or from a file; both are read here, in the browser, and told back line by line. */
import { useRef, useState } from 'preact/hooks';
import { formatNumber, useT } from '../i18n/index.ts';
import { decodeText } from '../lib/csv.ts';
import type { ColumnChoice, RecipientList } from '../lib/recipients.ts';
import { Button } from '../ui/basic.tsx';
import { Field } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import type { BlastDraft } from './draft.ts';

const FILE_MAX = 10 * 1024 * 1024;
const BAD_SHOWN = 8;

interface InputProps {
	draft: BlastDraft;
	list: RecipientList;
	onChange: (part: Partial<BlastDraft>) => void;
	error: string | null;
}

function Paste({ draft, onChange, error }: Omit<InputProps, 'list'>) {
	const t = useT();
	return (
		<Field label={t.blast.pasteLabel} hint={t.blast.pasteHint} error={error}>
			{(ids) => (
				<textarea
					{...ids}
					class="input mono"
					rows={6}
					spellcheck={false}
					placeholder={t.blast.pasteExample}
					value={draft.pasted}
					onInput={(event) => onChange({ pasted: event.currentTarget.value, columns: {} })}
					data-testid="blast-recipients"
				/>
			)}
		</Field>
	);
}

function FileDrop({ draft, onChange, error }: Omit<InputProps, 'list'>) {
	const t = useT();
	const input = useRef<HTMLInputElement>(null);
	const [over, setOver] = useState(false);
	const [tooBig, setTooBig] = useState(false);

	const take = async (file: File | undefined): Promise<void> => {
		if (file === undefined) return;
		setTooBig(file.size > FILE_MAX);
		if (file.size > FILE_MAX) return;
		const text = decodeText(new Uint8Array(await file.arrayBuffer()));
		onChange({ fileName: file.name, fileText: text, columns: {} });
	};

	const problem = tooBig ? t.blast.fileTooBig : error;
	return (
		<div class="field">
			<div
				class={`drop${over ? ' is-over' : ''}${draft.fileName ? ' has-file' : ''}`}
				onDragOver={(event) => {
					event.preventDefault();
					setOver(true);
				}}
				onDragLeave={() => setOver(false)}
				onDrop={(event) => {
					event.preventDefault();
					setOver(false);
					void take(event.dataTransfer?.files[0]);
				}}
			>
				<Icon name={draft.fileName ? 'file' : 'upload'} size={24} />
				<div class="drop-text">
					{draft.fileName ? <strong data-testid="blast-file-name">{draft.fileName}</strong> : null}
					<div class="drop-buttons">
						<Button
							small
							kind={draft.fileName ? 'secondary' : 'primary'}
							onClick={() => input.current?.click()}
						>
							{draft.fileName ? t.blast.changeFile : t.blast.chooseFile}
						</Button>
						{draft.fileName && (
							<Button
								small
								kind="quiet"
								onClick={() => onChange({ fileName: '', fileText: '', columns: {} })}
							>
								{t.blast.removeFile}
							</Button>
						)}
					</div>
					{!draft.fileName && <p class="hint">{t.blast.dropFile}</p>}
				</div>
				<input
					ref={input}
					class="sr-only"
					type="file"
					accept=".csv,.tsv,.txt,text/csv,text/plain"
					aria-label={t.blast.chooseFile}
					tabIndex={-1}
					onChange={(event) => {
						void take(event.currentTarget.files?.[0]);
						event.currentTarget.value = '';
					}}
					data-testid="blast-file"
				/>
			</div>
			{problem && <p class="error">{problem}</p>}
		</div>
	);
}

function ColumnPicker({ list, onColumns }: { list: RecipientList; onColumns: (columns: ColumnChoice) => void }) {
	const t = useT();
	const columns = list.columns ?? [];
	const title = (index: number): string => columns[index]?.title ?? t.blast.columnNumber(formatNumber(index + 1));
	const choices = columns.map((_, index) => index);
	return (
		<div class="columns">
			<Field label={t.blast.phoneColumn}>
				{(ids) => (
					<select
						{...ids}
						class="input"
						value={String(list.phoneColumn)}
						onChange={(event) =>
							onColumns({ phone: Number(event.currentTarget.value), name: list.nameColumn })
						}
						data-testid="blast-phone-column"
					>
						{choices.map((index) => (
							<option key={index} value={String(index)}>
								{title(index)}
							</option>
						))}
					</select>
				)}
			</Field>
			<Field label={t.blast.nameColumn}>
				{(ids) => (
					<select
						{...ids}
						class="input"
						value={list.nameColumn === null ? '' : String(list.nameColumn)}
						onChange={(event) =>
							onColumns({
								phone: list.phoneColumn,
								name: event.currentTarget.value === '' ? null : Number(event.currentTarget.value),
							})
						}
						data-testid="blast-name-column"
					>
						<option value="">{t.blast.noColumn}</option>
						{choices.map((index) => (
							<option key={index} value={String(index)}>
								{title(index)}
							</option>
						))}
					</select>
				)}
			</Field>
		</div>
	);
}

function ReadBack({ list }: { list: RecipientList }) {
	const t = useT();
	if (list.recipients.length === 0 && list.bad.length === 0) return null;
	return (
		<div class="readback" data-testid="blast-readback">
			<p role="status">
				<span class="count-good">
					<Icon name="check" size={16} /> {t.blast.readable(formatNumber(list.recipients.length))}
				</span>
				{list.duplicates > 0 && <span class="muted">{t.blast.duplicates(formatNumber(list.duplicates))}</span>}
				{list.bad.length > 0 && (
					<span class="count-bad">
						<Icon name="alert" size={16} /> {t.blast.badRows(formatNumber(list.bad.length))}
					</span>
				)}
			</p>
			{list.bad.length > 0 && (
				<details class="bad-rows" open={list.bad.length <= BAD_SHOWN}>
					<summary>{t.blast.badRowsHint}</summary>
					<ul data-testid="blast-bad-rows">
						{list.bad.slice(0, BAD_SHOWN).map((row) => (
							<li key={row.line}>
								<strong>{t.blast.line(formatNumber(row.line))}</strong> {t.blast.badReason[row.reason]}:{' '}
								<code>{row.text}</code>
							</li>
						))}
						{list.bad.length > BAD_SHOWN && (
							<li class="muted">{t.blast.andMore(formatNumber(list.bad.length - BAD_SHOWN))}</li>
						)}
					</ul>
				</details>
			)}
		</div>
	);
}

export function RecipientInput({ draft, list, onChange, error }: InputProps) {
	const t = useT();
	return (
		<fieldset class="fieldset">
			<legend>{t.blast.to}</legend>
			<div class="segments" role="group" aria-label={t.blast.to}>
				<button
					type="button"
					aria-pressed={draft.source === 'paste'}
					onClick={() => onChange({ source: 'paste', columns: {} })}
					data-testid="blast-source-paste"
				>
					{t.blast.paste}
				</button>
				<button
					type="button"
					aria-pressed={draft.source === 'file'}
					onClick={() => onChange({ source: 'file', columns: {} })}
					data-testid="blast-source-file"
				>
					{t.blast.file}
				</button>
			</div>
			{draft.source === 'paste' ? (
				<Paste draft={draft} onChange={onChange} error={error} />
			) : (
				<FileDrop draft={draft} onChange={onChange} error={error} />
			)}
			{list.columns !== null && list.columns.length > 1 && (
				<ColumnPicker list={list} onColumns={(columns) => onChange({ columns })} />
			)}
			<ReadBack list={list} />
		</fieldset>
	);
}
