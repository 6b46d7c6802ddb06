/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Redocly's recommended rules over the description of the interface, and its problems beside those of the programs: a line for each finding; none is
   silence. */
import fs from 'node:fs';

import { createConfig, lint } from '@redocly/openapi-core';

const config = await createConfig({
	extends: ['recommended-strict'],
	rules: {
		'operation-4xx-response': 'off', // those of health have none to give
		'operation-description': 'off',
		'operation-operationId-url-safe': 'error',
		'operation-parameters-unique': 'error',
		'no-invalid-schema-examples': 'error',
		'no-invalid-parameter-examples': 'error',
		'no-duplicated-tag-names': 'error',
		'path-excludes-patterns': { severity: 'error', patterns: ['/$'] },
		'scalar-property-missing-example': 'off',
	},
});

for (const { ruleId, message, location } of await lint({ ref: process.argv[2], config }))
	console.log(`${process.argv[2]}: ${location[0]?.pointer}: ${ruleId}: ${message}`);

/* The problems that it lists are those that the programs know (common/problem.c), with what each says. */
const source = fs.readFileSync(new URL('../common/problem.c', import.meta.url), 'utf8');
const strings = (text) => [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((m) => m[1].replaceAll('\\"', '"')).join('');
const known = new Map();
for (const [, code, status, retryable, texts] of source.matchAll(/\{"([a-z0-9_]+)", (\d{3}), (true|false), "(?:[^"\\]|\\.)*",\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\}/g))
	known.set(code, `| \`${code}\` | ${status} | ${retryable === 'true' ? 'yes' : 'no'} | ${strings(texts).replaceAll('|', '\\|')} |`);
const [, block] = /\n {4}ProblemCode:\n([^]*?)\n {4}\w/.exec(fs.readFileSync(process.argv[2], 'utf8')) ?? [null, ''];
const listed = new Set([...block.matchAll(/^ {8}- (\w+)$/gm)].map((m) => m[1]));
for (const [code, row] of known)
	if (!listed.has(code) || !block.includes(row))
		console.log(`${process.argv[2]}: ProblemCode: ${code} is missing or says something else; it is: ${row}`);
for (const code of listed)
	if (!known.has(code))
		console.log(`${process.argv[2]}: ProblemCode: there is no ${code} in common/problem.c`);
if (known.size === 0)
	console.log('common/problem.c: no problem was found in it');
