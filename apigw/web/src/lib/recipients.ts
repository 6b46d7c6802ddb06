/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recipients: a pasted list or a CSV file to the recipients of a blast. With a header row, every column becomes a variable;
 * without one, the first column that holds numbers is the number and the next one the name.
 */
import type { Recipient } from '../api/types.ts';
import { type CsvRow, parseCsv } from './csv.ts';
import { normalisePhone } from './phone.ts';

export type BadReason = 'no_number' | 'invalid_number' | 'unclosed_quote';

export interface BadRow {
	line: number;
	text: string;
	reason: BadReason;
}

export interface Column {
	title: string;
	/** The name in {{…}}. */
	variable: string;
}

export interface RecipientList {
	recipients: Recipient[];
	bad: BadRow[];
	duplicates: number;
	/** Null without a header row. */
	columns: Column[] | null;
	phoneColumn: number;
	nameColumn: number | null;
	/** What {{…}} may name: name (if any row has one), phone, and the columns. */
	variables: string[];
	/** The same without the column that name stands for. */
	offered: string[];
}

export interface ColumnChoice {
	phone?: number;
	name?: number | null;
}

const PHONE_TITLES = new Set(
	(
		'phone phonenumber phone_number number nomor nomer no hp nohp no_hp nomor_hp nomorhp no_wa nowa wa whatsapp nomor_wa nomor_whatsapp ' +
		'whatsapp_number no_whatsapp telepon telp no_telp no_telepon nomor_telepon tel tlp mobile msisdn tujuan kontak contact handphone ponsel'
	).split(' '),
);
const NAME_TITLES = new Set(
	'name nama full_name fullname nama_lengkap nama_pelanggan customer customer_name pelanggan first_name'.split(' '),
);

/** A column's title as a variable's name: letters of any accent become plain ones, the rest becomes "_". */
export function variableName(title: string): string {
	return title
		.normalize('NFKD')
		.replace(/[\u0300-\u036f]/g, '')
		.trim()
		.replace(/[^A-Za-z0-9_]+/g, '_')
		.replace(/^_+|_+$/g, '');
}

function isBlank(row: CsvRow): boolean {
	return row.fields.every((field) => field.trim() === '');
}

function isPhone(field: string | undefined): boolean {
	return field !== undefined && normalisePhone(field) !== null;
}

/** A header has nothing that begins like a number and either names a known column or stands above a row that has one. */
function isHeader(first: CsvRow, second: CsvRow | undefined): boolean {
	if (first.unclosed || first.fields.some((field) => /^\s*[+(\d]/.test(field))) return false;
	const names = first.fields.map((field) => variableName(field).toLowerCase());
	if (names.some((name) => PHONE_TITLES.has(name))) return true;
	return (
		first.fields.length > 1 &&
		second !== undefined &&
		second.fields.some(isPhone) &&
		names.every((name) => name !== '')
	);
}

function findColumn(titles: string[], known: Set<string>): number {
	return titles.findIndex((title) => known.has(variableName(title).toLowerCase()));
}

/** The column that holds most numbers. */
function likeliestPhoneColumn(rows: CsvRow[], width: number): number {
	let best = 0;
	let bestCount = -1;
	for (let column = 0; column < width; column++) {
		const count = rows.slice(0, 50).filter((row) => isPhone(row.fields[column])).length;
		if (count > bestCount) {
			best = column;
			bestCount = count;
		}
	}
	return best;
}

function columnsOf(header: CsvRow): Column[] {
	const taken = new Map<string, number>();
	return header.fields.map((field, index) => {
		const base = variableName(field) || `col${index + 1}`;
		const times = (taken.get(base) ?? 0) + 1;
		taken.set(base, times);
		return { title: field.trim() || `#${index + 1}`, variable: times === 1 ? base : `${base}_${times}` };
	});
}

/** Without a header: one row may hold several numbers side by side. */
function expandNumbers(row: CsvRow): CsvRow[] {
	if (row.fields.length < 2) return [row];
	const filled = row.fields.filter((field) => field.trim() !== '');
	if (filled.length < 2 || !filled.every(isPhone)) return [row];
	return filled.map((field) => ({ line: row.line, fields: [field], unclosed: row.unclosed }));
}

interface Layout {
	columns: Column[] | null;
	phone: number;
	name: number | null;
}

function layoutOf(header: CsvRow | null, rows: CsvRow[], choice: ColumnChoice): Layout {
	const width = Math.max(header?.fields.length ?? 0, ...rows.slice(0, 50).map((row) => row.fields.length), 1);
	const titles = header?.fields ?? [];
	const found = findColumn(titles, PHONE_TITLES);
	const phone = choice.phone ?? (found >= 0 ? found : likeliestPhoneColumn(rows, width));
	let name: number | null = null;

	if (choice.name !== undefined) name = choice.name;
	else if (header) name = findColumn(titles, NAME_TITLES);
	else if (width > 1) name = phone === 0 ? 1 : 0;
	if (name !== null && (name < 0 || name === phone)) name = null;
	return { columns: header ? columnsOf(header) : null, phone, name };
}

function readRow(row: CsvRow, layout: Layout): Recipient | BadReason {
	const raw = (row.fields[layout.phone] ?? '').trim();
	if (row.unclosed) return 'unclosed_quote';
	if (raw === '') return 'no_number';
	const phone = normalisePhone(raw);
	if (phone === null) return 'invalid_number';

	const recipient: Recipient = { phone };
	const name = layout.name === null ? '' : (row.fields[layout.name] ?? '').trim();
	if (name !== '') recipient.name = name;
	if (layout.columns) {
		const vars: Record<string, string> = {};
		for (const [index, column] of layout.columns.entries()) {
			const value = (row.fields[index] ?? '').trim();
			if (index !== layout.phone && value !== '') vars[column.variable] = value;
		}
		if (Object.keys(vars).length > 0) recipient.vars = vars;
	}
	return recipient;
}

function variablesOf(layout: Layout, hasName: boolean): string[] {
	const variables = hasName ? ['name', 'phone'] : ['phone'];
	for (const [index, column] of (layout.columns ?? []).entries()) {
		if (index !== layout.phone && !variables.includes(column.variable)) variables.push(column.variable);
	}
	return variables;
}

export function parseRecipients(text: string, choice: ColumnChoice = {}): RecipientList {
	const filled = parseCsv(text).rows.filter((row) => !isBlank(row));
	const header = filled[0] !== undefined && isHeader(filled[0], filled[1]) ? filled[0] : null;
	const body = header ? filled.slice(1) : filled.flatMap(expandNumbers);
	const layout = layoutOf(header, body, choice);
	const recipients: Recipient[] = [];
	const bad: BadRow[] = [];
	const seen = new Set<string>();

	for (const row of body) {
		const read = readRow(row, layout);
		if (typeof read === 'string') {
			bad.push({ line: row.line, text: row.fields.join(', ').slice(0, 80), reason: read });
		} else {
			recipients.push(read);
			seen.add(read.phone);
		}
	}
	const variables = variablesOf(
		layout,
		recipients.some((recipient) => recipient.name !== undefined),
	);
	const nameVariable = layout.name === null ? undefined : layout.columns?.[layout.name]?.variable;
	return {
		recipients,
		bad,
		duplicates: recipients.length - seen.size,
		columns: layout.columns,
		phoneColumn: layout.phone,
		nameColumn: layout.name,
		variables,
		offered: variables.filter((variable) => variable === 'name' || variable !== nameVariable),
	};
}
