/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The programs as an administrator meets them: options, configuration that is checked, keys that must be kept to oneself, one daemon at a time, a
 * socket that not everybody may use, secrets that are in no log.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';

import { Program } from './program.mjs';
import { scenario } from './scenario.mjs';
import { within } from './wait.mjs';
import { startWorld } from './world.mjs';

let world;
before(async () => { world = await startWorld({ daemon: { log: { level: 'debug' } }, gateway: { log: { level: 'debug' } } }); });
after(() => world?.stop());

/** A program to its end: {code, text}. One that stays is ended after `limit` ms, which is told as code null. */
async function run(name, args, { limit = 10_000 } = {}) {
	const child = spawn(path.join(world.build, name), args, { stdio: ['ignore', 'pipe', 'pipe'] });
	let text = '';

	child.stdout.on('data', (data) => { text += data; });
	child.stderr.on('data', (data) => { text += data; });
	const ended = new Promise((resolve) => child.on('close', (code) => resolve(code)));
	const code = await within(ended, limit, `${name} to end`).catch(async () => {
		child.kill('SIGKILL');
		await ended;
		return null;
	});
	return { code, text };
}

/* The world's own configuration with lines replaced, in a file of its own. */
function changed(name, ...replacements) {
	const file = path.join(world.dir, `changed-${name}`);
	let text = fs.readFileSync(path.join(world.dir, name), 'utf8');

	for (const [from, to] of replacements) {
		assert.match(text, from);
		text = text.replace(from, to);
	}
	fs.writeFileSync(file, text);
	return file;
}

scenario('--version, --help, and options that there are not', async () => {
	for (const name of ['waconnd', 'apigw', 'waconnctl']) {
		const version = await run(name, ['--version']);
		assert.equal(version.code, 0, version.text);
		assert.match(version.text, new RegExp(`^${name} \\d+\\.\\d+`));
		const help = await run(name, ['--help']);
		assert.equal(help.code, 0, help.text);
		assert.match(help.text, new RegExp(`usage: ${name}`, 'i'));
		assert.notEqual((await run(name, ['--no-such-option'])).code, 0);
	}
});

scenario('-t checks the configuration and says where it is wrong', async () => {
	for (const [program, name] of [['waconnd', 'waconnd.conf'], ['apigw', 'apigw.conf']]) {
		assert.equal((await run(program, ['-t', '-c', path.join(world.dir, name)])).code, 0);
		const unknown = changed(name, [/^\[log\]$/m, '[log]\ncolour = red']);
		const line = fs.readFileSync(unknown, 'utf8').split('\n').indexOf('colour = red') + 1;
		const { code, text } = await run(program, ['-t', '-c', unknown]);
		assert.equal(code, 1);
		assert.ok(text.includes(`${unknown}:${line}`) && text.includes('colour'), text);
		assert.equal((await run(program, ['-t', '-c', path.join(world.dir, 'absent.conf')])).code, 1);
	}
	const wrong = [
		[/^window = .*$/m, 'window = always'],
		[/^noise_root = .*$/m, 'noise_root = 1234'],
		[/^url = .*$/m, 'url = ws://192.0.2.1/ws/chat'], // plain, and not this machine
		[/^per_minute = .*$/m, 'per_minute = -1'],
		[/^level = .*$/m, 'level = loud'],
	];
	for (const replacement of wrong) {
		const { code, text } = await run('waconnd', ['-t', '-c', changed('waconnd.conf', replacement)]);
		assert.equal(code, 1, `${replacement[1]}: ${text}`);
	}
});

scenario('waconnd refuses to start without its key, with a wrong one, or with one that others can read', async () => {
	const key = path.join(world.dir, 'other.key');
	const start = () => run('waconnd', ['-c', changed('waconnd.conf', [/^key_file = .*$/m, `key_file = ${key}`], [/^socket = .*$/m,
		`socket = ${world.dir}/other.sock`], [/^instance = .*$/m, 'instance = other'])]);
	const refused = async (what) => {
		const { code, text } = await start();
		assert.equal(code, 1, `${what}: ${text}`);
		assert.match(text, /key/i, what);
	};

	await refused('absent');
	fs.writeFileSync(key, crypto.randomBytes(31), { mode: 0o600 });
	await refused('31 bytes');
	fs.writeFileSync(key, fs.readFileSync(path.join(world.dir, 'master.key')));
	fs.chmodSync(key, 0o644);
	await refused('readable by others');
	fs.chmodSync(key, 0o600);
	fs.writeFileSync(key, crypto.randomBytes(32));
	await refused('another key than the database was sealed with');
});

scenario('one daemon at a time on a socket', async () => {
	const { code, text } = await run('waconnd', ['-c', path.join(world.dir, 'waconnd.conf')]);

	assert.equal(code, 1, text);
	assert.equal((await world.admin.get('/auth/me')).user.username, 'admin');
});

scenario('who is replaced by another start of the same instance ends, before it does harm', async () => {
	const pair = await startWorld();

	try {
		const number = '628620000001';
		const id = await pair.linkedOutlet('Twice', number);
		const file = path.join(pair.dir, 'second.conf');
		fs.writeFileSync(file, fs.readFileSync(path.join(pair.dir, 'waconnd.conf'), 'utf8').replace(/^socket = .*$/m, `socket = ${pair.dir}/second.sock`));
		const second = new Program({ name: 'second', command: path.join(pair.build, 'waconnd'), args: ['-c', file], log: path.join(pair.dir, 'second.log') });

		pair.programs.push(second);
		pair.waconnd.expected = true;
		second.start();
		// The second one logs the outlet in: the first loses its link, cannot save that, and ends.
		assert.equal(await within(pair.waconnd.ended, 20_000, 'the first to end'), 1);
		await second.stop();
		await pair.startDaemon();
		await pair.ready();
		await pair.waitStatus(id, (s) => ['CONNECTED', 'FAILED'].includes(s.session.status), 20_000);
	} finally {
		await pair.stop();
	}
});

scenario('the socket is for its owner and group', () => {
	assert.equal((fs.statSync(world.socket).mode & 0o777).toString(8), '660');
});

scenario('SIGHUP: the gateway reads its configuration again, and serves on', async () => {
	world.apigw.signal('SIGHUP');
	assert.equal((await world.admin.get('/auth/me')).user.username, 'admin');
	assert.ok(world.apigw.running);
});

scenario('no password, token, code, text or full number is in a log, not even at debug level', async () => {
	const PASSWORD = 'a very secret password';
	const TEXT = 'a very private text';
	const NUMBER = '628610000001';
	const to = '628610000002';

	await world.addUser('sari', 'ADMIN', PASSWORD);
	const api = await world.login('sari', PASSWORD);
	await world.api().raw('POST', '/auth/login', { body: { username: 'sari', password: 'a very wrong password' } });
	const id = await world.addOutlet('Secrets', NUMBER);
	await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
	const { qr } = await world.qr(id);
	await world.sim.scan(qr, NUMBER);
	await world.healthy(id);
	await world.admin.post(`/outlets/${id}/messages`, { to, text: TEXT });
	await world.sim.messages({ to, wait: 10, count: 1 });
	const { id: stanza } = await world.sim.send(to, NUMBER, TEXT);
	await world.sim.receipts({ id: stanza, wait: 10, count: 1 });
	const blast = await world.blast([id], [{ phone: to, vars: { kode: 'SECRETCODE' } }], `${TEXT} {{kode}}`);
	await world.waitBlast(blast.id, 'COMPLETED');

	const keys = qr.split('#')[1].split(',').slice(1, 4);
	for (const program of [world.waconnd, world.apigw]) {
		const log = program.logSince(0, Infinity);
		for (const secret of [PASSWORD, 'a very wrong password', TEXT, 'SECRETCODE', api.token, ...keys, NUMBER, to])
			assert.ok(!log.includes(secret), `${program.name} logged ${secret}`);
	}
	const stored = (await world.sql("SELECT string_agg(t::text, ' ') FROM tokens t")).join() + (await world.sql("SELECT string_agg(u::text, ' ') FROM users u")).join();
	assert.ok(!stored.includes(api.token) && !stored.includes(PASSWORD));
});
