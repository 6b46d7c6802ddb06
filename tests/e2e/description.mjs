/* SPDX-License-Identifier: GPL-3.0-or-later */
/* docs/openapi.yaml as a judge: is an answer one that it allows? Every answer that the tests' client gets is asked about. */
import assert from 'node:assert/strict';
import fs from 'node:fs';

import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

export const description = parse(fs.readFileSync(new URL('../../docs/openapi.yaml', import.meta.url), 'utf8'));

const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema(description, 'openapi');

const escape = (key) => key.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll('%', '%25').replaceAll('{', '%7B').replaceAll('}', '%7D');
const resolve = (node) => (node?.$ref ? resolve(node.$ref.slice(2).split('/').reduce((at, key) => at[key], description)) : node);
const pointer = (node, here) => (node?.$ref ? node.$ref : here);
const validators = new Map();

const patterns = Object.keys(description.paths)
	.sort((a, b) => a.split('{').length - b.split('{').length) // a literal path before a pattern that matches it, too
	.map((path) => ({ path, regex: new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`) }));

/** All operations: {path, method, op, item}. */
export const operations = Object.entries(description.paths).flatMap(([path, item]) => ['get', 'post', 'patch', 'delete']
	.filter((method) => item[method])
	.map((method) => ({ path, method: method.toUpperCase(), op: item[method], item })));

function validator(ref) {
	if (!validators.has(ref))
		validators.set(ref, ajv.compile({ $ref: `openapi${ref}` }));
	return validators.get(ref);
}

export const schemaOf = resolve;

/** The parameters of an operation, those of its path, too. */
export const parametersOf = (item, op) => [...item.parameters ?? [], ...op.parameters ?? []].map(resolve);

/** The body must be one that the description takes: a test's own calls are as the description has it. */
export function assertTaken(operationId, body) {
	const { path, method, op } = operations.find((o) => o.op.operationId === operationId);
	const content = op.requestBody?.content ?? {};
	const here = `#/paths/${escape(path)}/${method.toLowerCase()}/requestBody/content/${escape('application/json')}/schema`;

	if (!content['application/json'] || body === undefined) {
		assert.equal(body === undefined, !op.requestBody?.required, `${operationId}: a body`);
		return;
	}
	assert.ok(validator(here)(body), `${operationId}: ${ajv.errorsText(validator(here).errors)}`);
}

/** answer: {status, headers, text}. A path or method that is not described may only be refused. */
export function assertDescribed(method, url, answer) {
	const path = url.split('?')[0];
	const found = patterns.find((p) => p.regex.test(path));
	const as = (method === 'HEAD' ? 'GET' : method).toLowerCase();
	const op = found && description.paths[found.path][as];
	const what = `${method} ${path} ${answer.status}`;

	if (!op) {
		assert.ok(answer.status >= 400, `${what}: answered, but not described`);
		return;
	}
	const key = op.responses[answer.status] ? String(answer.status) : 'default';
	assert.ok(op.responses[key], `${what}: this status is not described`);
	if (answer.status === 304 || method === 'HEAD')
		return;
	const response = resolve(op.responses[key]);
	const type = (answer.headers['content-type'] ?? '').split(';')[0];
	const media = response.content?.[type] ?? response.content?.['*/*'];
	assert.ok(media, `${what}: ${type} is not described`);
	if (!/\bjson$/.test(type))
		return;
	const here = `#/paths/${escape(found.path)}/${as}/responses/${key}`;
	const validate = validator(`${pointer(op.responses[key], here)}/content/${escape(type)}/schema`);
	assert.ok(validate(JSON.parse(answer.text)), `${what}: ${ajv.errorsText(validate.errors)}: ${answer.text.slice(0, 500)}`);
}
