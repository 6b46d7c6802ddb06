/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * docs/http.md as its reader does it: its blocks of shell in their order, in one shell, as they are printed; each must end well and print
 * what stands below it. What a person does with a phone meanwhile is done here.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { startWorld } from './world.mjs';

const GUIDE = fs.readFileSync(new URL('../../docs/http.md', import.meta.url), 'utf8');
const NUMBER = '6281210003007';
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==', 'base64');
const BLOCK_MS = 60_000;

let world;
before(async () => { world = await startWorld({ admin: { name: 'superadmin', password: 'demo-superadmin' } }); });
after(() => world?.stop());

/** [{code, expected: {json, text} or null, line}] */
function blocks() {
	const found = [...GUIDE.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map((m) => ({ kind: m[1], body: m[2], at: m.index, end: m.index + m[0].length }));

	return found.flatMap((b, i) => {
		const next = found[i + 1];
		const follows = next && next.kind !== 'sh' && GUIDE.slice(b.end, next.at).trim() === '';
		const line = GUIDE.slice(0, b.at).split('\n').length;
		return b.kind === 'sh' ? [{ code: b.body, expected: follows ? next : null, line }] : [];
	});
}

/* A pattern for the text with anything for each "…". */
const pattern = (text, anything) => text.split('…').map((t) => t.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join(anything);

/** Printed and real documents: "…" in a string is anything, a member "…" any more members. */
function assertLike(real, printed, where) {
	if (typeof printed === 'string' && printed.includes('…')) {
		assert.ok(printed === '…' || new RegExp(`^${pattern(printed, '.*')}$`).test(real), `${where}: ${JSON.stringify(real)} is not ${printed}`);
	} else if (Array.isArray(printed)) {
		assert.equal(real?.length, printed.length, `${where}: ${JSON.stringify(real)}`);
		printed.forEach((p, i) => assertLike(real[i], p, `${where}[${i}]`));
	} else if (printed !== null && typeof printed === 'object') {
		const { '…': more, ...members } = printed;
		const names = Object.keys(real ?? {}).filter((name) => more === undefined || name in members);
		assert.deepEqual(names.sort(), Object.keys(members).sort(), where);
		for (const [name, p] of Object.entries(members))
			assertLike(real[name], p, `${where}.${name}`);
	} else {
		assert.deepEqual(real, printed, where);
	}
}

const lines = (text) => text.split(/\r?\n/).filter((line) => line.trim() !== '');

function assertPrinted(out, expected, where) {
	if (expected.kind === 'json') {
		assertLike(JSON.parse(out), JSON.parse(expected.body), where);
		return;
	}
	const wanted = lines(expected.body).map((line) => (line === '…' ? '(?:[^\\n]*\\n)*' : `${pattern(line, '[^\\n]*')}\\n`)).join('');
	const printed = lines(out).map((line) => `${line}\n`).join('');
	assert.match(printed, new RegExp(`^${wanted}$`), where);
}

/** A shell that takes one block after the other. */
class Shell {
	constructor(dir, env) {
		this.out = '';
		this.err = '';
		this.bash = spawn('bash', ['-s'], { cwd: dir, env: { ...process.env, ...env } });
		this.bash.stdout.on('data', (text) => { this.out += text; });
		this.bash.stderr.on('data', (text) => { this.err += text; });
		this.bash.stdin.on('error', () => {});
		this.ended = new Promise((resolve) => this.bash.on('close', resolve));
		this.bash.stdin.write('set -eu -o pipefail\n');
	}

	async run(code, n) {
		const mark = `<<${n} done>>`;

		this.out = '';
		this.bash.stdin.write(`${code}\nprintf '\\n%s\\n' '${mark}'\n`);
		await waitFor(() => this.out.includes(mark) || this.bash.exitCode !== null, BLOCK_MS, 'the block to end', 10);
		assert.ok(this.out.includes(mark), `status ${this.bash.exitCode}: ${this.err}${this.out}`);
		return this.out.slice(0, this.out.indexOf(mark));
	}

	end() {
		this.bash.stdin.end();
		return this.ended;
	}
}

/* What happens at the phones after (true) or before a block with these words. */
const PHONES = [
	['format=svg', true, async () => {
		const { outlets } = await world.admin.get('/outlets');
		const { qr } = await world.qr(outlets.find((o) => o.whatsappNumber === NUMBER).id);
		await world.sim.scan(qr, NUMBER);
	}],
	['/media -o struk', false, async () => {
		const { outlets } = await world.admin.get('/outlets');
		const { id } = outlets.find((o) => o.whatsappNumber === NUMBER);

		await world.sim.sendContent('6281234567890', NUMBER, { kind: 'image', data: PNG, mimetype: 'image/png' });
		await waitFor(async () => (await world.admin.get(`/outlets/${id}/messages`)).messages.some((m) => m.media?.url), 30_000, 'the picture');
	}],
];

async function atPhones(code, isAfter) {
	for (const [words, when, act] of PHONES)
		if (when === isAfter && code.includes(words))
			await act();
}

scenario('the guide, block by block', { timeout: 300_000 }, async () => {
	const dir = path.join(world.dir, 'guide');
	const all = blocks();

	fs.mkdirSync(dir);
	assert.ok(all.length > 20);
	for (const [words] of PHONES)
		assert.equal(all.filter(({ code }) => code.includes(words)).length, 1, words);
	const shell = new Shell(dir, { BASE: world.base });
	try {
		for (const [i, { code, expected, line }] of all.entries()) {
			const where = `docs/http.md:${line}`;

			await atPhones(code, false);
			const out = await shell.run(code, i).catch((error) => assert.fail(`${where}: ${error.message}`));
			await atPhones(code, true);
			if (expected)
				assertPrinted(out, expected, where);
		}
	} finally {
		await shell.end();
	}
});
