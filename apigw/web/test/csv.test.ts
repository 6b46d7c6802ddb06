/* SPDX-License-Identifier: GPL-3.0-or-later */
import assert from 'node:assert/strict';
import test from 'node:test';
import { decodeText, parseCsv, sniffDelimiter } from '../src/lib/csv.ts';

const fieldsOf = (text: string): string[][] => parseCsv(text).rows.map((row) => row.fields);

test('the delimiter is found out', () => {
	assert.equal(sniffDelimiter('a,b\n1,2\n'), ',');
	assert.equal(sniffDelimiter('a;b;c\n1;2,5;3\n'), ';');
	assert.equal(sniffDelimiter('a\tb\n1\t2\n'), '\t');
	assert.equal(sniffDelimiter('0812\n0813\n'), ',');
});

test('quotes hold delimiters, line ends and quotes', () => {
	assert.deepEqual(fieldsOf('a,b\n"x, y","say ""hi"""\n"two\nlines",z\n'), [
		['a', 'b'],
		['x, y', 'say "hi"'],
		['two\nlines', 'z'],
	]);
});

test('any line end, and none at the last row', () => {
	const expected = [
		['a', 'b'],
		['1', '2'],
	];
	for (const text of ['a,b\n1,2', 'a,b\r\n1,2\r\n', 'a,b\r1,2\r']) assert.deepEqual(fieldsOf(text), expected);
});

test('rows know the line they begin on', () => {
	const rows = parseCsv('a,b\r\n"x\ny",1\r\n\r\nlast,2').rows;
	assert.deepEqual(
		rows.map((row) => row.line),
		[1, 2, 4, 5],
	);
});

test('a quote that is never closed is marked', () => {
	const rows = parseCsv('a,b\n"open,1\nc,2\n').rows;
	assert.equal(rows.length, 2);
	assert.equal(rows[1]!.unclosed, true);
});

test('a byte order mark is no part of the first field', () => {
	assert.deepEqual(fieldsOf('\ufeffphone,name\n1,2')[0], ['phone', 'name']);
});

test('bytes of old and new spreadsheets', () => {
	assert.equal(decodeText(new TextEncoder().encode('Nyoman Ébé')), 'Nyoman Ébé');
	assert.equal(decodeText(Uint8Array.of(0x45, 0xe9)), 'Eé');
	assert.equal(decodeText(Uint8Array.of(0xff, 0xfe, 0x61, 0x00)).replace('\ufeff', ''), 'a');
});

test('a hundred thousand rows in a moment', () => {
	const text = `phone;name\n${'081234567890;"Budi; S.Kom"\n'.repeat(100_000)}`;
	const started = performance.now();
	assert.equal(parseCsv(text).rows.length, 100_001);
	assert.ok(performance.now() - started < 3000);
});
