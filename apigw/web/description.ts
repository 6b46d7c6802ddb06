/* SPDX-License-Identifier: GPL-3.0-or-later */
/* docs/openapi.yaml as what the gateway serves: openapi.json, and a page to read that needs no script. */
import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';
import { parse } from 'yaml';

const SOURCE = new URL('../../docs/openapi.yaml', import.meta.url);
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

type Json = any; // a description is whatever its schema says; this file only reads it

const escape = (text: unknown) =>
	String(text).replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);
const inline = (text: unknown) => escape(text ?? '').replace(/`([^`]+)`/g, '<code>$1</code>');
const prose = (text: string) => text.trim().split(/\n\s*\n/).map((p) => `<p>${inline(p)}</p>`).join('');
const code = (value: unknown) => `<pre><code>${escape(typeof value === 'string' ? value : JSON.stringify(value, null, 2))}</code></pre>`;

const resolve = (api: Json, node: Json): Json =>
	node?.$ref ? resolve(api, node.$ref.slice(2).split('/').reduce((at: Json, key: string) => at[key], api)) : node;

/* A schema's name where it has one, else its shape in a few words. */
function shape(schema: Json): string {
	if (!schema) return '';
	if (schema.$ref) {
		const name = schema.$ref.split('/').at(-1);
		return `<a href="#schema-${name}">${name}</a>`;
	}
	if ('const' in schema) return `<code>${escape(JSON.stringify(schema.const))}</code>`;
	if (schema.enum) return schema.enum.map((v: unknown) => `<code>${escape(JSON.stringify(v))}</code>`).join(' ');
	const either = schema.anyOf ?? schema.oneOf;
	if (either) return either.map(shape).join(' or ');
	if (schema.type === 'array') return `list of ${shape(schema.items) || 'anything'}`;
	if (schema.type === 'object' && schema.properties) return fields(schema);
	const type = [schema.type ?? 'anything'].flat().join(' or ');
	const limits = ['format', 'minimum', 'maximum', 'minLength', 'maxLength', 'maxItems', 'pattern', 'default']
		.filter((key) => key in schema).map((key) => `${key} ${schema[key]}`);
	return escape([type, ...limits].join(', '));
}

function fields(schema: Json): string {
	const rows = Object.entries(schema.properties as Record<string, Json>).map(([name, s]) =>
		`<tr><th scope="row"><code>${escape(name)}</code>${schema.required?.includes(name) ? '' : ' <small>optional</small>'}</th>` +
		`<td>${shape(s)}${s.description ? `<br>${inline(s.description)}` : ''}</td></tr>`);
	return `<table>${rows.join('')}</table>`;
}

function content(label: string, body: Json): string {
	return Object.entries((body?.content ?? {}) as Record<string, Json>).map(([type, media]) =>
		`<h4>${label} <small>${escape(type)}</small></h4>${shape(media.schema)}${media.example ? code(media.example) : ''}`).join('');
}

function operation(api: Json, path: string, method: string, item: Json): string {
	const op = item[method];
	const parameters = [...(item.parameters ?? []), ...(op.parameters ?? [])].map((p) => resolve(api, p));
	const answers = Object.entries(op.responses as Record<string, Json>).map(([status, r]) => [status, resolve(api, r)] as const);
	const role = op['x-role'] === 'none' ? 'no token needed' : `role ${op['x-role']}${op['x-scope'] ? `, scope ${op['x-scope']}` : ''}`;

	return `<section id="${op.operationId}"><h3><code>${method.toUpperCase()} ${escape(path)}</code> ${inline(op.summary)}</h3>
<p class="role">${escape(role)}</p>${op.description ? prose(op.description) : ''}
${parameters.length ? `<table>${parameters.map((p) => `<tr><th scope="row"><code>${escape(p.name)}</code> <small>${p.in}</small></th>` +
		`<td>${shape(p.schema)}${p.description ? `<br>${inline(p.description)}` : ''}</td></tr>`).join('')}</table>` : ''}
${content('Body', op.requestBody)}
<table>${answers.map(([status, r]) => `<tr><th scope="row">${status === 'default' ? 'other' : status}</th><td>${inline(r.description)}</td></tr>`).join('')}</table>
${answers.filter(([status]) => status < '300').map(([status, r]) => content(`Answer ${status}`, r)).join('')}</section>`;
}

function page(api: Json): string {
	const all = Object.entries(api.paths as Record<string, Json>).flatMap(([path, item]) =>
		METHODS.filter((m) => item[m]).map((method) => ({ path, method, item, tag: item[method].tags[0] })));
	const groups = api.tags.map((tag: Json) => ({ ...tag, of: all.filter((o) => o.tag === tag.name) }));

	return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${escape(api.info.title)} API</title><link rel="icon" href="/icon.svg"><link rel="stylesheet" href="/api-docs.css"></head>
<body><nav aria-label="Operations"><a href="#top">${escape(api.info.title)} ${escape(api.info.version)}</a>
${groups.map((g: Json) => `<h2>${escape(g.name)}</h2><ul>${g.of.map(({ method, item }: Json) =>
		`<li><a href="#${item[method].operationId}">${inline(item[method].summary)}</a></li>`).join('')}</ul>`).join('')}
<h2>schemas</h2><ul>${Object.keys(api.components.schemas).map((name) => `<li><a href="#schema-${name}">${name}</a></li>`).join('')}</ul></nav>
<main id="top"><h1>${escape(api.info.title)} API</h1><p>${inline(api.info.summary)} For programs: <a href="/api/openapi.json">openapi.json</a>.</p>${prose(api.info.description)}
${groups.map((g: Json) => `<h2>${inline(g.description)}</h2>${g.of.map(({ path, method, item }: Json) => operation(api, path, method, item)).join('')}`).join('')}
<h2>Schemas</h2>${Object.entries(api.components.schemas as Record<string, Json>).map(([name, s]) =>
		`<section id="schema-${name}"><h3>${name}</h3>${shape(s)}</section>`).join('')}</main></body></html>
`;
}

const style = `:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}body{margin:0;display:grid;grid-template-columns:17rem 1fr}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1rem;box-sizing:border-box;border-right:1px solid light-dark(#d5dbd8,#2b3431);font-size:.9rem}
nav h2{font-size:.85rem;margin:1rem 0 .25rem;text-transform:capitalize}nav ul{list-style:none;margin:0;padding:0}
main{padding:1rem 2rem;max-width:60rem;min-width:0}section{border-top:1px solid light-dark(#d5dbd8,#2b3431);padding:.5rem 0 1rem}
h3{font-size:1.05rem}h4{margin:.75rem 0 .25rem}.role,small{color:light-dark(#54615b,#a3b1ab)}a{color:light-dark(#0c6a50,#3cc79b)}
table{border-collapse:collapse;margin:.25rem 0}th,td{text-align:left;vertical-align:top;padding:.2rem .75rem .2rem 0;font-weight:normal}
code,pre{font-family:ui-monospace,monospace;font-size:.9em}pre{overflow:auto;padding:.75rem;background:light-dark(#f1f4f2,#171d1b);border-radius:6px}
@media(max-width:50rem){body{display:block}nav{position:static;height:auto;max-height:40vh;border:0}main{padding:1rem}}
`;

export const description: Plugin = {
	name: 'description',
	apply: 'build',
	generateBundle() {
		const api = parse(readFileSync(SOURCE, 'utf8'));
		const files = { 'openapi.json': JSON.stringify(api), 'api-docs.html': page(api), 'api-docs.css': style };

		for (const [fileName, source] of Object.entries(files)) this.emitFile({ type: 'asset', fileName, source });
	},
};
