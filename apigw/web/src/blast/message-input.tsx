/* SPDX-License-Identifier: GPL-3.0-or-later */
import { useEffect, useRef, useState } from 'preact/hooks';
import { formatNumber, useT } from '../i18n/index.ts';
import { variablesWithoutDefault } from '../lib/template.ts';
import { templateList, type Template } from '../settings/calls.ts';
import { Field } from '../ui/field.tsx';
import { useWords } from './words.ts';

const TEMPLATES = 1000;

interface MessageProps {
	text: string;
	onText: (text: string) => void;
	/** All that the recipients' data has. */
	variables: string[];
	/** Those worth a button. */
	offered: string[];
	/** Whether anything is known of the recipients, so that a variable can be called missing. */
	known: boolean;
	error: string | null;
}

/** The texts that were kept, if there are any; what cannot be read is only not offered. */
function TemplateChoice({ onText }: { onText: (text: string) => void }) {
	const w = useWords();
	const [templates, setTemplates] = useState<Template[]>([]);

	useEffect(() => {
		templateList('', TEMPLATES, null).then(
			(page) => setTemplates(page.rows),
			() => {},
		);
	}, []);
	if (templates.length === 0) return null;
	return (
		<select
			class="chip"
			aria-label={w.useTemplate}
			value=""
			onChange={(event) => {
				const chosen = templates.find((template) => template.id === event.currentTarget.value);
				event.currentTarget.value = '';
				if (chosen) onText(chosen.text);
			}}
			data-testid="blast-template"
		>
			<option value="">{w.useTemplate}</option>
			{templates.map((template) => (
				<option key={template.id} value={template.id}>
					{template.name}
				</option>
			))}
		</select>
	);
}

export function MessageInput({ text, onText, variables, offered, known, error }: MessageProps) {
	const t = useT();
	const area = useRef<HTMLTextAreaElement>(null);
	const missing = known ? variablesWithoutDefault(text).filter((name) => !variables.includes(name)) : [];

	const insert = (name: string): void => {
		const field = area.current;
		if (field === null) return;
		const variable = name === 'name' ? `{{name|${t.blast.defaultName}}}` : `{{${name}}}`;
		const from = field.selectionStart;
		onText(text.slice(0, from) + variable + text.slice(field.selectionEnd));
		requestAnimationFrame(() => {
			field.focus();
			field.setSelectionRange(from + variable.length, from + variable.length);
		});
	};

	return (
		<div class="message-input">
			<Field
				label={t.blast.message}
				error={error}
				hint={
					<>
						{t.blast.messageHint}{' '}
						<span class="num">{t.blast.characters(formatNumber([...text].length))}</span>
					</>
				}
			>
				{(ids) => (
					<textarea
						{...ids}
						ref={area}
						class="input"
						rows={6}
						maxLength={60_000}
						value={text}
						onInput={(event) => onText(event.currentTarget.value)}
						data-testid="blast-message"
					/>
				)}
			</Field>
			<div class="chips" role="group" aria-label={t.blast.variables}>
				{[...new Set(['name', ...offered])].map((name) => (
					<button
						key={name}
						type="button"
						class="chip chip-variable"
						aria-label={t.blast.insert(name)}
						onClick={() => insert(name)}
						data-variable={name}
					>
						{`{{${name}}}`}
					</button>
				))}
				<TemplateChoice onText={onText} />
			</div>
			{missing.length > 0 && (
				<p class="hint hint-warn" role="status" data-testid="blast-missing-variables">
					{t.blast.unknownVariables(missing.map((name) => `{{${name}}}`).join(', '))}
				</p>
			)}
		</div>
	);
}
