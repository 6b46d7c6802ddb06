/* SPDX-License-Identifier: GPL-3.0-or-later */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
	clockTime,
	duration,
	exactTime,
	fromLocalField,
	parseTime,
	relativeTime,
	shortTime,
	toLocalField,
} from '../src/lib/time.ts';

const noon = Date.parse('2025-10-25T05:00:00Z'); // 12.00 WIB

test('times are those of Jakarta, wherever one looks from', () => {
	assert.equal(clockTime(noon, 'id'), '12.00.00');
	assert.equal(clockTime(noon, 'en'), '12:00:00');
	assert.match(exactTime(noon, 'id'), /25 Okt 2025.*12\.00\.00 WIB/);
});

test('today has no date, this year no year', () => {
	assert.equal(shortTime(noon, noon + 3_600_000, 'id'), '12.00');
	assert.match(shortTime(noon, noon + 86_400_000, 'id'), /^25 Okt.*12\.00$/);
	assert.match(shortTime(noon, Date.parse('2026-02-01T00:00:00Z'), 'id'), /2025/);
	// 23.30 UTC is the next day in Jakarta.
	assert.equal(shortTime(Date.parse('2025-10-24T23:30:00Z'), noon, 'en'), '06:30');
});

test('how long ago', () => {
	assert.match(relativeTime(noon - 5000, noon, 'id'), /^5 .*lalu$/);
	assert.match(relativeTime(noon - 3 * 60_000, noon, 'en'), /^3 min.* ago$/);
	assert.match(relativeTime(noon - 26 * 3_600_000, noon, 'id'), /kemarin/);
});

test('durations in their two largest units', () => {
	assert.equal(duration(0, 'id'), '0 dtk');
	assert.equal(duration(59.6, 'en'), '1 min');
	assert.equal(duration(947, 'id'), '15 mnt 47 dtk');
	assert.equal(duration(3600, 'en'), '1 h');
	assert.equal(duration(90_061, 'id'), '1 hari 1 jam');
});

test('fields hold Jakarta time', () => {
	assert.equal(fromLocalField('2025-10-25T12:00'), '2025-10-25T05:00:00Z');
	assert.equal(toLocalField(noon), '2025-10-25T12:00');
	assert.equal(fromLocalField('soon'), null);
});

test('what is no time is none', () => {
	assert.equal(parseTime(null), null);
	assert.equal(parseTime('yesterday'), null);
	assert.equal(parseTime('2025-10-25T05:00:00Z'), noon);
});
