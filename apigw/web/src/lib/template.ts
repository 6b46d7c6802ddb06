/* SPDX-License-Identifier: GPL-3.0-or-later */
/* template: {{name|default}} variables, as the daemon renders them; for the preview while typing. */
import type { Recipient } from '../api/types.ts';

const VARIABLE = /\{\{ *([A-Za-z0-9_]+) *(?:\|([^{}]*))?\}\}/g;

/** Those that stay empty for who has no such value. */
export function variablesWithoutDefault(text: string): string[] {
	const bare = [...text.matchAll(VARIABLE)].filter((match) => (match[2] ?? '').trim() === '');
	return [...new Set(bare.map((match) => match[1]!))];
}

function lookUp(recipient: Recipient, name: string): string {
	if (name === 'phone') return recipient.phone;
	if (name === 'name' && recipient.name !== undefined) return recipient.name;
	return recipient.vars?.[name] ?? '';
}

export function renderTemplate(text: string, recipient: Recipient): string {
	return text.replace(
		VARIABLE,
		(_, name: string, fallback: string | undefined) => lookUp(recipient, name) || (fallback ?? '').trim(),
	);
}

export type Piece = { text: string; style: 'plain' | 'bold' | 'italic' | 'strike' };

const STYLES = { '*': 'bold', _: 'italic', '~': 'strike' } as const;

/** WhatsApp's *bold*, _italic_ and ~strike~, one level deep: enough for a preview. */
export function formatPieces(text: string): Piece[] {
	const pieces: Piece[] = [];
	let from = 0;
	for (const match of text.matchAll(/(?<![\p{L}\p{N}])([*_~])(\S(?:[^\n]*?\S)?)\1(?![\p{L}\p{N}])/gu)) {
		if (match.index > from) pieces.push({ text: text.slice(from, match.index), style: 'plain' });
		pieces.push({ text: match[2]!, style: STYLES[match[1] as keyof typeof STYLES] });
		from = match.index + match[0].length;
	}
	if (from < text.length) pieces.push({ text: text.slice(from), style: 'plain' });
	return pieces;
}
