/* SPDX-License-Identifier: GPL-3.0-or-later */
import { useRef } from 'preact/hooks';
import { formatNumber, useT } from '../i18n/index.ts';
import { templateVariables } from '../lib/template.ts';
import { Field } from '../ui/field.tsx';

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

export function MessageInput({ text, onText, variables, offered, known, error }: MessageProps) {
	const t = useT();
	const area = useRef<HTMLTextAreaElement>(null);
	const missing = known ? templateVariables(text).filter((name) => !variables.includes(name)) : [];

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
			</div>
			{missing.length > 0 && (
				<p class="hint hint-warn" role="status" data-testid="blast-missing-variables">
					{t.blast.unknownVariables(missing.map((name) => `{{${name}}}`).join(', '))}
				</p>
			)}
		</div>
	);
}
