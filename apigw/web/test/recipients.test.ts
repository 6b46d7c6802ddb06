/* SPDX-License-Identifier: GPL-3.0-or-later */
import assert from 'node:assert/strict';
import test from 'node:test';
import { parseRecipients, variableName } from '../src/lib/recipients.ts';

test('a pasted list: numbers, or a number and a name', () => {
	const list = parseRecipients('0812 3456 7890, Budi\n\n+62 813-1111-2222\n0814 111 2222, Sari Dewi\n');
	assert.deepEqual(list.recipients, [
		{ phone: '6281234567890', name: 'Budi' },
		{ phone: '6281311112222' },
		{ phone: '628141112222', name: 'Sari Dewi' },
	]);
	assert.equal(list.columns, null);
	assert.deepEqual(list.variables, ['name', 'phone']);
	assert.deepEqual(list.bad, []);
});

test('several numbers on one line', () => {
	const list = parseRecipients('081234567890, 081311112222, 081411112222');
	assert.equal(list.recipients.length, 3);
	assert.deepEqual(list.variables, ['phone']);
});

test('bad rows are told by line, the rest is taken', () => {
	const list = parseRecipients('081234567890, Budi\n08x2, Sari\n, Tini\n081311112222, Joko\n');
	assert.equal(list.recipients.length, 2);
	assert.deepEqual(
		list.bad.map(({ line, reason }) => [line, reason]),
		[
			[2, 'invalid_number'],
			[3, 'no_number'],
		],
	);
});

test('a first row that is a mistyped number is no header', () => {
	const list = parseRecipients('08x2, Sari\n081234567890, Budi\n');
	assert.equal(list.columns, null);
	assert.deepEqual(
		list.bad.map((row) => row.line),
		[1],
	);
});

test('a header makes every column a variable', () => {
	const list = parseRecipients(
		'\ufeffNama;No HP;Kode Promo;Kota\n"Budi; S.Kom";0812 3456 7890;A1;\nSari;+62 813-1111-2222;B2;Solo\n',
	);
	assert.equal(list.phoneColumn, 1);
	assert.equal(list.nameColumn, 0);
	assert.deepEqual(list.recipients[0], {
		phone: '6281234567890',
		name: 'Budi; S.Kom',
		vars: { Nama: 'Budi; S.Kom', Kode_Promo: 'A1' },
	});
	assert.deepEqual(list.recipients[1]!.vars, { Nama: 'Sari', Kode_Promo: 'B2', Kota: 'Solo' });
	assert.deepEqual(list.variables, ['name', 'phone', 'Nama', 'Kode_Promo', 'Kota']);
	assert.deepEqual(list.offered, ['name', 'phone', 'Kode_Promo', 'Kota']);
});

test('a header without a known title: the column with numbers is the number', () => {
	const list = parseRecipients('Pembeli,Nota,Hubungi\nBudi,A-1,081234567890\nSari,A-2,081311112222\n');
	assert.equal(list.phoneColumn, 2);
	assert.equal(list.recipients.length, 2);
});

test('the columns may be chosen', () => {
	const text = 'hp,hp_istri,nama\n081234567890,081311112222,Budi\n';
	assert.equal(parseRecipients(text).recipients[0]!.phone, '6281234567890');
	const list = parseRecipients(text, { phone: 1, name: null });
	assert.equal(list.recipients[0]!.phone, '6281311112222');
	assert.equal(list.recipients[0]!.name, undefined);
});

test('duplicates are counted whatever they look like', () => {
	assert.equal(parseRecipients('081234567890\n+6281234567890\n62 812 3456 7890\n081311112222').duplicates, 2);
});

test('nothing gives nothing', () => {
	for (const text of ['', '\n\n', ' , ,\n']) {
		const list = parseRecipients(text);
		assert.deepEqual([list.recipients.length, list.bad.length], [0, 0]);
	}
});

test('titles become names that a template can hold', () => {
	assert.equal(variableName(' Kode Promo (%) '), 'Kode_Promo');
	assert.equal(variableName('Prénom'), 'Prenom');
	assert.equal(variableName('数'), '');
	const list = parseRecipients('phone,数,kode,kode\n081234567890,a,b,c\n');
	assert.deepEqual(list.recipients[0]!.vars, { col2: 'a', kode: 'b', kode_2: 'c' });
});
