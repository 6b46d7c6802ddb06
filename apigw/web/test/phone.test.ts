/* SPDX-License-Identifier: GPL-3.0-or-later */
import assert from 'node:assert/strict';
import test from 'node:test';
import { normalisePhone, phoneGroups } from '../src/lib/phone.ts';

const same: [text: string, digits: string | null][] = [
	['0812-3456-7890', '6281234567890'],
	['+62 812 3456 7890', '6281234567890'],
	['(0812) 3456.7890', '6281234567890'],
	['62 0812 3456 7890', '6281234567890'],
	['+62 0812 3456 7890', '6281234567890'],
	['0062 812 3456 7890', '6281234567890'],
	['6281234567890', '6281234567890'],
	['+1 (415) 555-2671', '14155552671'],
	[' 0812 3456 7890\t', '6281234567890'],
	['', null],
	['abc', null],
	['0812x3456789', null],
	['12345', null],
	['+0812345678', null],
	['0812 3456 7890 1234 5678', null],
	['62+81234567890', null],
];

test('numbers as people write them', () => {
	for (const [text, digits] of same) assert.equal(normalisePhone(text), digits, JSON.stringify(text));
});

test('groups keep every digit', () => {
	assert.deepEqual(phoneGroups('6281234567890'), ['+62', '812', '3456', '7890']);
	assert.equal(phoneGroups('14155552671').join(''), '+14155552671');
	assert.deepEqual(phoneGroups('budi'), ['budi']);
});
