/* SPDX-License-Identifier: GPL-3.0-or-later */
/* csv: rows of text to fields. Comma, semicolon or tab, found out by itself; quotes; any line end; a byte order mark. */

export interface CsvRow {
	/** The line of the text on which the row begins, from 1. */
	line: number;
	fields: string[];
	/** A quote was opened and never closed. */
	unclosed: boolean;
}

export interface Csv {
	delimiter: string;
	rows: CsvRow[];
}

const DELIMITERS = [';', '\t', ','];
const SNIFFED_ROWS = 20;

/** How many fields most of the first rows agree on; 0 when the delimiter splits nothing. */
function agreement(text: string, delimiter: string): number {
	const rows = split(text, delimiter, SNIFFED_ROWS).filter((row) => row.fields.some((field) => field.trim() !== ''));
	const widths = new Map<number, number>();
	for (const row of rows) widths.set(row.fields.length, (widths.get(row.fields.length) ?? 0) + 1);
	let best = 0;
	for (const [width, count] of widths) if (width > 1) best = Math.max(best, count * 100 + width);
	return best;
}

export function sniffDelimiter(text: string): string {
	let best = ',';
	let bestScore = 0;
	for (const delimiter of DELIMITERS) {
		const score = agreement(text, delimiter);
		if (score > bestScore) {
			best = delimiter;
			bestScore = score;
		}
	}
	return best;
}

function split(text: string, delimiter: string, maxRows: number): CsvRow[] {
	const rows: CsvRow[] = [];
	let fields: string[] = [];
	let field = '';
	let line = 1;
	let startLine = 1;
	let quoted = false;
	let at = 0;

	const endField = (): void => {
		fields.push(field);
		field = '';
	};
	const endRow = (unclosed: boolean): void => {
		endField();
		rows.push({ line: startLine, fields, unclosed });
		fields = [];
	};

	while (at < text.length && rows.length < maxRows) {
		const char = text[at]!;
		if (quoted) {
			if (char === '"' && text[at + 1] === '"') {
				field += '"';
				at++;
			} else if (char === '"') {
				quoted = false;
			} else {
				if (char === '\n') line++;
				field += char;
			}
		} else if (char === '"' && field.trim() === '') {
			quoted = true;
			field = '';
		} else if (char === delimiter) {
			endField();
		} else if (char === '\n' || char === '\r') {
			if (char === '\r' && text[at + 1] === '\n') at++;
			endRow(false);
			startLine = ++line;
		} else {
			field += char;
		}
		at++;
	}
	if (at >= text.length && (field !== '' || fields.length > 0 || quoted)) endRow(quoted);
	return rows;
}

export function parseCsv(text: string, delimiter?: string): Csv {
	const clean = text.startsWith('\ufeff') ? text.slice(1) : text;
	const used = delimiter ?? sniffDelimiter(clean);
	return { delimiter: used, rows: split(clean, used, Number.POSITIVE_INFINITY) };
}

/** Bytes of a file: UTF-8, UTF-16 by its mark, or what old spreadsheets write. */
export function decodeText(bytes: Uint8Array): string {
	if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
	if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
	try {
		return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
	} catch {
		return new TextDecoder('windows-1252').decode(bytes);
	}
}
