/* SPDX-License-Identifier: GPL-3.0-or-later */
import assert from 'node:assert/strict';
import test from 'node:test';
import { formatPieces, renderTemplate, variablesWithoutDefault } from '../src/lib/template.ts';

const budi = { phone: '6281234567890', name: 'Budi', vars: { kode: 'A1' } };

test('variables, defaults and what is no variable', () => {
	const cases: [text: string, rendered: string][] = [
		['Halo {{name}}', 'Halo Budi'],
		['Halo {{name|Kakak}}, {{kode}}', 'Halo Budi, A1'],
		['{{kota|Solo}}', 'Solo'],
		['[{{kota}}]', '[]'],
		['{{phone}}', '6281234567890'],
		['{{na me}} {x} {{}}', '{{na me}} {x} {{}}'],
	];
	for (const [text, rendered] of cases) assert.equal(renderTemplate(text, budi), rendered);
});

test('a value is not rendered again', () => {
	assert.equal(renderTemplate('{{name}}', { phone: '1', name: '{{phone}}' }), '{{phone}}');
});

test('the variables of a text that may stay empty, each once', () => {
	assert.deepEqual(variablesWithoutDefault('{{a}} {{b|x}} {{a|y}} {{c d}} {{d| }}'), ['a', 'd']);
});

test("WhatsApp's marks", () => {
	assert.deepEqual(formatPieces('ada *promo* _ini_ ~x~'), [
		{ text: 'ada ', style: 'plain' },
		{ text: 'promo', style: 'bold' },
		{ text: ' ', style: 'plain' },
		{ text: 'ini', style: 'italic' },
		{ text: ' ', style: 'plain' },
		{ text: 'x', style: 'strike' },
	]);
	assert.deepEqual(formatPieces('snake_case_name 2*3*4'), [{ text: 'snake_case_name 2*3*4', style: 'plain' }]);
});
