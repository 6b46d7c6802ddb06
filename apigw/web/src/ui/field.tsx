/* SPDX-License-Identifier: GPL-3.0-or-later */
/* field: a labelled input with its hint and its error, tied together for screen readers. */
import type { ComponentChildren, HTMLAttributes, Ref } from 'preact';
import { useId } from 'preact/hooks';

interface FieldProps {
	label: string;
	hint?: ComponentChildren;
	error?: string | null | undefined;
	children: (ids: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: 'true' }) => ComponentChildren;
}

export function Field({ label, hint, error, children }: FieldProps) {
	const id = useId();
	const described = [hint ? `${id}-hint` : '', error ? `${id}-error` : ''].filter(Boolean).join(' ');
	return (
		<div class={`field${error ? ' has-error' : ''}`}>
			<label for={id}>{label}</label>
			{children({
				id,
				...(described ? { 'aria-describedby': described } : {}),
				...(error ? { 'aria-invalid': 'true' as const } : {}),
			})}
			{hint && (
				<p class="hint" id={`${id}-hint`}>
					{hint}
				</p>
			)}
			{error && (
				<p class="error" id={`${id}-error`}>
					{error}
				</p>
			)}
		</div>
	);
}

type TextProps = Omit<FieldProps, 'children'> & {
	value: string;
	onValue: (value: string) => void;
	inputRef?: Ref<HTMLInputElement>;
	type?: 'text' | 'tel' | 'password' | 'datetime-local';
	name?: string;
	placeholder?: string;
	autocomplete?: string;
	maxLength?: number;
	min?: string;
	'data-testid'?: string;
} & Pick<HTMLAttributes<HTMLInputElement>, 'class' | 'autofocus' | 'inputMode' | 'autocapitalize' | 'spellcheck'>;

export function TextField({ label, hint, error, value, onValue, inputRef, class: look = 'input', ...rest }: TextProps) {
	return (
		<Field label={label} hint={hint} error={error}>
			{(ids) => (
				<input
					{...(rest as object)}
					{...ids}
					ref={inputRef ?? null}
					class={look}
					value={value}
					onInput={(event) => onValue(event.currentTarget.value)}
				/>
			)}
		</Field>
	);
}

export function Checkbox({
	label,
	hint,
	checked,
	onChange,
	disabled,
	...rest
}: {
	label: ComponentChildren;
	hint?: string;
	checked: boolean;
	onChange: (checked: boolean) => void;
	disabled?: boolean;
	'data-testid'?: string;
}) {
	const id = useId();
	return (
		<div class="check">
			<input
				{...rest}
				id={id}
				type="checkbox"
				checked={checked}
				disabled={disabled ?? false}
				aria-describedby={hint ? `${id}-hint` : undefined}
				onChange={(event) => onChange(event.currentTarget.checked)}
			/>
			<div>
				<label for={id}>{label}</label>
				{hint && (
					<p class="hint" id={`${id}-hint`}>
						{hint}
					</p>
				)}
			</div>
		</div>
	);
}
