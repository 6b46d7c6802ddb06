/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Redocly's recommended rules over a description of an interface: a line for each finding; none is silence. */
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
