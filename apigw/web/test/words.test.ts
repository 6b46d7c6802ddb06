/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A key that is missing in one language does not compile; one that no page uses is found here. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import test from 'node:test';
import { en } from '../src/i18n/en.ts';
import { id } from '../src/i18n/id.ts';
import { recipientReasonText } from '../src/i18n/problem.ts';

/** Looked up by what the server says, so not named in the sources. */
const BY_VALUE = [
	'app.role',
	'app.theme',
	'status',
	'statusHint',
	'reason',
	'restriction',
	'lastError',
	'blastStatus',
	'recipientStatus',
	'recipientReason',
	'progress.pauseReasons',
	'problem.byCode',
	'problem.field',
	'blast.badReason',
	'blast.warnings',
	'outlets.confirm',
	'outlets.done',
];

function keys(part: object, path: string): string[] {
	return Object.entries(part).flatMap(([key, value]) => {
		const full = path === '' ? key : `${path}.${key}`;
		if (BY_VALUE.includes(full)) return [];
		return typeof value === 'object' && value !== null && !Array.isArray(value) ? keys(value, full) : [full];
	});
}

async function sources(): Promise<string> {
	const root = new URL('../src/', import.meta.url);
	const files = (await readdir(root, { recursive: true })).filter(
		(file) => /\.tsx?$/.test(file) && !file.startsWith('i18n/id') && !file.startsWith('i18n/en'),
	);
	return (await Promise.all(files.map((file) => readFile(new URL(file, root), 'utf8')))).join('\n');
}

test('every word is used', async () => {
	const text = await sources();
	const unused = keys(id, '').filter(
		(path) => !new RegExp(`\\b${path.split('.').at(-1)}\\b`).test(text.replace(/^import .*$/gm, '')),
	);
	assert.deepEqual(unused, []);
});

test('the same entries in both languages, where the type cannot tell', () => {
	for (const part of ['lastError', 'recipientReason'] as const)
		assert.deepEqual(Object.keys(en[part]), Object.keys(id[part]));
	for (const part of ['byCode', 'field'] as const)
		assert.deepEqual(Object.keys(en.problem[part]), Object.keys(id.problem[part]));
	assert.deepEqual(Object.keys(en.progress.pauseReasons), Object.keys(id.progress.pauseReasons));
	assert.deepEqual(Object.keys(en.blast.warnings), Object.keys(id.blast.warnings));
});

test('the six statuses read as agreed', () => {
	assert.deepEqual(Object.values(id.status), [
		'Terhubung',
		'Menghubungkan',
		'Terputus',
		'Dijeda',
		'Gagal',
		'Timeout',
	]);
	assert.deepEqual(Object.values(en.status), Object.keys(en.status));
});

test('every reason for which a link ends has words in both languages', async () => {
	const table = await readFile(new URL('../../../waconnd/link/link_reason.c', import.meta.url), 'utf8');
	const codes = [...table.matchAll(/\{LINK_END_\w+, LINK_FOLLOW_\w+, \w+, "(\w+)"/g)].map((m) => m[1]!);
	const shown = codes.filter((code) => code !== 'closed');

	assert.ok(shown.length > 15);
	for (const messages of [id, en]) assert.deepEqual(Object.keys(messages.lastError).sort(), [...shown].sort());
});

async function daemonSource(path: string): Promise<string> {
	return readFile(new URL(`../../../waconnd/${path}`, import.meta.url), 'utf8');
}

function found(text: string, ...patterns: RegExp[]): string[] {
	return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1]!));
}

test('every reason for which a recipient gets nothing has words in both languages', async () => {
	const queue = (await daemonSource('blast/queue_result.c')) + (await daemonSource('blast/queue_claim.c'));
	const audience = /reasons\[\] = \{([^}]*)\}/.exec(await daemonSource('api/audience.c'))?.[1] ?? '';
	const reasons = [
		...found(queue, /\b(?:failed|give_up|requeue)\(i, "(\w+)"/g, /"(rejected|send_failed)(?:_%u)?"/g),
		...found(audience, /"(\w+)"/g),
		...found(await daemonSource('store/sql/blast.sql'), /\breason = '(\w+)'/g),
	].filter((reason) => !reason.startsWith('schedule'));

	assert.ok(new Set(reasons).size >= 10);
	for (const messages of [id, en])
		assert.deepEqual([...new Set(reasons)].filter((reason) => !(reason in messages.recipientReason)), []);
});

test('every reason for which a blast is paused has words in both languages', async () => {
	const reasons = [
		...found(await daemonSource('api/api_blast.c'), /#define PAUSE_REASON "(\w+)"/g),
		...found(await daemonSource('store/sql/blast.sql'), /THEN '(schedule_\w+)'/g),
		...found(await daemonSource('../schema.sql'), /status = 'PAUSED', pause_reason = '(\w+)'/g),
	];

	assert.equal(reasons.length, 5);
	for (const messages of [id, en])
		assert.deepEqual(Object.keys(messages.progress.pauseReasons).sort(), [...reasons].sort());
});

test('a reason with a number', () => {
	for (const [reason, words] of [
		['rejected_463', en.recipientReason.rejected_463],
		['rejected_421', 'Rejected by WhatsApp (421)'],
		['send_failed_500', 'Could not be sent (500)'],
		['something_new', 'something_new'],
		['new_7', 'new_7'],
	] as const)
		assert.equal(recipientReasonText(reason, en), words);
});
