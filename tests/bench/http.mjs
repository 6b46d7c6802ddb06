/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The status page's document and who-am-I by wrk, beside nginx serving the same bytes from memory and Node's http server building them. */
import { spawn, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { request } from '../e2e/client.mjs';
import { answers, freePort, waitFor } from '../e2e/wait.mjs';
import { cpu, round, table, times } from './measure.mjs';
import { benchWorld } from './worlds.mjs';

const NODE_SERVER = fileURLToPath(new URL('http_peer.mjs', import.meta.url));

function wrk(url, token, seconds) {
	const out = execFileSync('wrk', ['-t', '1', '-c', '64', '-d', `${seconds}s`, '--latency', '-H', `Authorization: Bearer ${token}`, url], { encoding: 'utf8' });
	const unit = { us: 1e-3, ms: 1, s: 1e3 };
	const [, p99, in_] = /99%\s+([\d.]+)(us|ms|s)/.exec(out);
	const bad = /Non-2xx.*?(\d+)/.exec(out);

	if (bad)
		throw new Error(`${url}: ${bad[0]}`);
	return { requests: Number(/(\d+) requests in/.exec(out)[1]), rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)[1]), p99: Number(p99) * unit[in_] };
}

/* pids: whose CPU counts. */
function measure(url, token, pids, seconds) {
	wrk(url, token, 1);
	const before = pids.reduce((sum, pid) => sum + cpu(pid), 0);
	const r = wrk(url, token, seconds);

	return { ...r, us: (pids.reduce((sum, pid) => sum + cpu(pid), 0) - before) / r.requests * 1e6 };
}

async function child(command, args, port) {
	const c = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });

	c.killed = () => c.kill('SIGKILL');
	process.on('exit', c.killed);
	await waitFor(() => request(`http://127.0.0.1:${port}`, 'GET', '/').then(() => true, () => false), 10_000, `${command} to listen`);
	return c;
}

function ended(c) {
	const end = new Promise((resolve) => { c.once('exit', resolve); });

	process.off('exit', c.killed);
	c.kill('SIGTERM');
	return end;
}

async function nginx(dir, bytes) {
	const port = await freePort(), root = path.join(dir, 'www');

	fs.mkdirSync(root, { recursive: true });
	fs.chmodSync(root, 0o755);
	fs.writeFileSync(path.join(root, 'status.json'), bytes);
	fs.writeFileSync(path.join(dir, 'nginx.conf'), `
daemon off; master_process off; pid ${dir}/nginx.pid; error_log ${dir}/nginx.log;
events { worker_connections 1024; }
http { access_log off; open_file_cache max=10 inactive=60s; keepalive_requests 1000000; sendfile on; tcp_nopush on; types { application/json json; }
  client_body_temp_path ${dir}/nb; proxy_temp_path ${dir}/np; fastcgi_temp_path ${dir}/nf; uwsgi_temp_path ${dir}/nu; scgi_temp_path ${dir}/ns;
  server { listen 127.0.0.1:${port}; root ${root}; } }
`);
	const c = await child('nginx', ['-p', dir, '-c', path.join(dir, 'nginx.conf')], port);
	return { url: `http://127.0.0.1:${port}/status.json`, pids: [c.pid], stop: () => ended(c) };
}

async function node(dir, bytes) {
	const port = await freePort(), file = path.join(dir, 'status.json');

	fs.writeFileSync(file, bytes);
	const c = await child(process.execPath, [NODE_SERVER, String(port), file], port);
	return { url: `http://127.0.0.1:${port}/`, pids: [c.pid], stop: () => ended(c) };
}

async function withOutlets(world, n) {
	await world.waconnd.stop();
	await world.sql(`INSERT INTO outlets (id, name, whatsapp_number)
		SELECT 'outlet_' || i, 'Outlet ' || i, '62878' || lpad(i::text, 7, '0') FROM generate_series(1, ${n}) i ON CONFLICT DO NOTHING;
		INSERT INTO outlet_sessions (outlet_id) SELECT id FROM outlets ON CONFLICT DO NOTHING`);
	await world.startDaemon();
	await world.ready();
	return answers(world.socket);
}

export async function run({ full }) {
	const world = await benchWorld();
	const seconds = full ? 10 : 2;
	const rows = [];
	const one = (what, n, size, who, m, peers) => rows.push([what, n, size, who, round(m.rate), round(m.p99), round(m.us),
		...peers.flatMap((p) => (p ? [times(m.rate, p.rate), times(p.us, m.us)] : ['–', '–']))]);

	for (const n of full ? [10, 500, 5000] : [10, 500]) {
		await withOutlets(world, n);
		const pids = [world.apigw.pid, world.waconnd.pid];

		for (const what of ['outlets/status', 'auth/me']) {
			const { body } = await world.admin.raw('GET', `/${what}`);
			const [a, b] = [await nginx(world.dir, body), await node(world.dir, body)];
			const fast = measure(a.url, world.admin.token, a.pids, seconds);
			const slow = measure(b.url, world.admin.token, b.pids, seconds);
			const ours = measure(`${world.base}/api/${what}`, world.admin.token, pids, seconds);
			const size = `${round(body.length / 1024)} KiB`;

			one(what, n, size, 'waconn', ours, [fast, slow]);
			one(what, n, size, 'nginx, the same bytes', fast, [null, slow]);
			one(what, n, size, 'Node, JSON.stringify', slow, [fast, null]);
			await a.stop();
			await b.stop();
		}
	}
	await world.throwAway();
	table('HTTP, 64 connections', ['call', 'outlets', 'size', 'server', 'requests a second', 'p99 ms', 'CPU µs each',
		'of nginx\'s rate', 'by CPU', 'of Node\'s rate', 'by CPU'], rows);
}
