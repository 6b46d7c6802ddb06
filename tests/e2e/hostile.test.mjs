/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests as an attacker writes them, byte by byte on a raw socket: what two servers could read differently is refused and the connection is
 * closed; limits hold; a slow client is sent away and holds up nobody. apigw alone: whether the daemon is there does not matter.
 */
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before } from 'node:test';

import { request } from './client.mjs';
import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { startWorld } from './world.mjs';

let world;
before(async () => { world = await startWorld({ gatewayOnly: true }); });
after(() => world?.stop());

/** Writes the pieces, and answers what came back: {statuses, text, closed}. It ends when the server closes, or after `quiet` ms of nothing. */
function probe(pieces, { quiet = 1500 } = {}) {
	return new Promise((resolve, reject) => {
		const socket = net.connect(world.ports.http, '127.0.0.1');
		let text = '';
		let timer;
		const done = (closed) => {
			clearTimeout(timer);
			socket.destroy();
			resolve({ text, closed, statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((m) => Number(m[1])) });
		};
		const wait = () => {
			clearTimeout(timer);
			timer = setTimeout(() => done(false), quiet);
		};

		socket.on('connect', () => {
			for (const piece of [pieces].flat())
				socket.write(piece);
			wait();
		});
		socket.on('data', (data) => {
			text += data.toString('latin1');
			wait();
		});
		socket.on('close', () => done(true));
		socket.on('error', (error) => (error.code === 'ECONNRESET' || error.code === 'EPIPE' ? done(true) : reject(error)));
	});
}

const HOST = 'Host: x\r\n';
const get = (headers = '', line = 'GET /healthz HTTP/1.1') => `${line}\r\n${HOST}${headers}\r\n`;
const post = (headers, body = '', line = 'POST /api/auth/login HTTP/1.1') => `${line}\r\n${HOST}Content-Type: application/json\r\n${headers}\r\n${body}`;
const chunked = (body) => post('Transfer-Encoding: chunked\r\n', body);
const SECOND = 'GET /healthz HTTP/1.1\r\nHost: smuggled\r\n\r\n';

/* What must be refused. Where a body or a second request could hide, one does. */
const REFUSED = {
	'two lengths that differ': post('Content-Length: 2\r\nContent-Length: 3\r\n', `{}${SECOND}`),
	'two lengths that agree': post('Content-Length: 2\r\nContent-Length: 2\r\n', `{}${SECOND}`),
	'a list of lengths': post('Content-Length: 2, 2\r\n', '{}'),
	'a length with a sign': post('Content-Length: +2\r\n', '{}'),
	'a negative length': post('Content-Length: -1\r\n', '{}'),
	'a hexadecimal length': post('Content-Length: 0x2\r\n', '{}'),
	'an empty length': post('Content-Length: \r\n', '{}'),
	'a length beyond 64 bits': post('Content-Length: 18446744073709551621\r\n', '{}'),
	'a length with letters': post('Content-Length: 2a\r\n', '{}'),
	'space before the colon': post('Content-Length : 2\r\n', `{}${SECOND}`),
	'length and chunked': post('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${SECOND}`),
	'chunked and length': post('Transfer-Encoding: chunked\r\nContent-Length: 2\r\n', `0\r\n\r\n${SECOND}`),
	'transfer coding identity': post('Transfer-Encoding: identity\r\n', SECOND),
	'transfer coding gzip, chunked': post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'),
	'transfer coding chunked twice': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
	'transfer coding xchunked': post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'),
	'transfer coding with a vertical tab': post('Transfer-Encoding: \vchunked\r\n', '0\r\n\r\n'),
	'folded transfer coding': post('Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n'),
	'a folded header': get('X-A: 1\r\n 2\r\n'),
	'transfer coding on HTTP/1.0': `POST /api/auth/login HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
	'chunk size 0x2': chunked('0x2\r\n{}\r\n0\r\n\r\n'),
	'chunk size +2': chunked('+2\r\n{}\r\n0\r\n\r\n'),
	'chunk size with a space before': chunked(' 2\r\n{}\r\n0\r\n\r\n'),
	'chunk size negative': chunked('-2\r\n{}\r\n0\r\n\r\n'),
	'chunk size empty': chunked('\r\n{}\r\n0\r\n\r\n'),
	'chunk size beyond 64 bits': chunked('10000000000000002\r\n{}\r\n0\r\n\r\n'),
	'chunk longer than it says': chunked('2\r\n{}{}\r\n0\r\n\r\n'),
	'chunk ended by a bare LF': chunked('2\n{}\n0\n\n'),
	'bare LF after the request line': `GET /healthz HTTP/1.1\n${HOST}\r\n`,
	'bare LF after a header': `GET /healthz HTTP/1.1\r\nHost: x\n\r\n`,
	'bare CR in a header': get('X-A: 1\rX-B: 2\r\n'),
	'NUL in a value': get('X-A: a\0b\r\n'),
	'NUL in the target': get('', 'GET /health\0z HTTP/1.1'),
	'no Host': 'GET /healthz HTTP/1.1\r\n\r\n',
	'two Hosts': get('Host: y\r\n'),
	'an empty Host': 'GET /healthz HTTP/1.1\r\nHost:\r\n\r\n',
	'a Host with a path': 'GET /healthz HTTP/1.1\r\nHost: x/y\r\n\r\n',
	'a Host with user information': 'GET /healthz HTTP/1.1\r\nHost: a@b\r\n\r\n',
	'an empty header name': get(': 1\r\n'),
	'a header without a colon': get('X-A\r\n'),
	'a space in a header name': get('X A: 1\r\n'),
	'a bad character in a header name': get('X(A): 1\r\n'),
	'an 8-bit header name': get('X-\xe9: 1\r\n'),
	'a control character in a value': get('X-A: a\x01b\r\n'),
	'a space in the target': get('', 'GET /health z HTTP/1.1'),
	'a tab in the request line': get('', 'GET\t/healthz\tHTTP/1.1'),
	'two spaces in the request line': get('', 'GET  /healthz HTTP/1.1'),
	'an 8-bit target': get('', 'GET /health\xe9 HTTP/1.1'),
	'a target in absolute form': get('', 'GET http://x/healthz HTTP/1.1'),
	'a target in authority form': get('', 'CONNECT x:80 HTTP/1.1'),
	'a target without a slash': get('', 'GET healthz HTTP/1.1'),
	'HTTP/2.0': get('', 'GET /healthz HTTP/2.0'),
	'HTTP/1.2': get('', 'GET /healthz HTTP/1.2'),
	'HTTP/0.9': 'GET /healthz\r\n\r\n',
	'http in lower case': get('', 'GET /healthz http/1.1'),
	'a method in lower case': get('', 'get /healthz HTTP/1.1'),
	'a method with a bad character': get('', 'G@T /healthz HTTP/1.1'),
	'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
	'TLS on the plain port': Buffer.from('160301020001000001fc0303', 'hex'),
	'white space before the first header': `GET /healthz HTTP/1.1\r\n X: 1\r\n${HOST}\r\n`,
	'101 headers': get('X-A: 1\r\n'.repeat(101)),
	'a head of 20 kB': get(`X-A: ${'a'.repeat(20_000)}\r\n`),
	'a request line of 20 kB': get('', `GET /${'a'.repeat(20_000)} HTTP/1.1`),
	'a length beyond the limit': post('Content-Length: 99999999\r\n', '{}'),
};

scenario('malformed requests: one refusal, then the end of the connection', async (t) => {
	const wrong = [];
	const all = Object.entries(REFUSED);

	while (all.length > 0) { // a few at a time: there is a limit for each address
		await Promise.all(all.splice(0, 16).map(async ([name, bytes]) => {
			const { statuses, closed, text } = await probe(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
			if (!closed || statuses.length > 1 || (statuses.length === 1 && (statuses[0] < 400 || statuses[0] >= 600)))
				wrong.push(`${name}: ${statuses.join()}${closed ? '' : ' (left open)'} ${text.slice(0, 60)}`);
		}));
	}
	t.diagnostic(`${Object.keys(REFUSED).length} probes`);
	assert.deepEqual(wrong, []);
	assert.equal((await request(world.base, 'GET', '/healthz')).status, 200);
});

scenario('refusals are problem documents, and say why', async () => {
	const cases = [
		[REFUSED['no Host'], 400, 'bad_request'],
		[REFUSED['a head of 20 kB'], 431, 'headers_too_large'],
		[REFUSED['a length beyond the limit'], 413, 'payload_too_large'],
	];

	for (const [bytes, status, code] of cases) {
		const { text } = await probe(Buffer.from(bytes, 'latin1'));
		assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `));
		assert.match(text, /\r\nContent-Type: application\/problem\+json\r\n/i);
		assert.match(text, /\r\nConnection: close\r\n/i);
		assert.equal(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)).code, code);
	}
});

/* What is unusual, and right all the same. */
const ACCEPTED = {
	'a plain request': [get(), [200]],
	'HTTP/1.0': [get('', 'GET /healthz HTTP/1.0'), [200]],
	'HTTP/1.0 without a Host, as the health checks of proxies': ['GET /healthz HTTP/1.0\r\n\r\n', [200]],
	'three requests at once, with a body each': [post('Content-Length: 2\r\n', '{}').repeat(3), [422, 422, 422]],
	'a GET with a body, then another': [`${get('Content-Length: 5\r\n')}hello${get()}`, [200, 200]],
	'trailer fields': [chunked('2\r\n{}\r\n0\r\nX: y\r\nContent-Length: 4\r\n\r\n') + get(), [422, 200]],
	'a body with an encoding': [post('Content-Encoding: gzip\r\nContent-Length: 2\r\n', '{}') + get(), [415, 200]],
	'many cookies': [get(`Cookie: ${Array.from({ length: 200 }, (_, i) => `c${i}=v`).join('; ')}\r\n`), [200]],
	'an IPv6 address as Host': ['GET /healthz HTTP/1.1\r\nHost: [::1]:3000\r\n\r\n', [200]],
	'two requests at once': [get() + get(), [200, 200]],
	'byte by byte': [[...get()], [200]],
	'header names in any case': ['GET /healthz HTTP/1.1\r\nhOsT: x\r\n\r\n', [200]],
	'no space after the colon': ['GET /healthz HTTP/1.1\r\nHost:x\r\n\r\n', [200]],
	'HEAD, then GET': [get('', 'HEAD /healthz HTTP/1.1') + get(), [200, 200]],
	'chunks': [chunked('1\r\n{\r\n1;ext=1\r\n}\r\n0\r\n\r\n') + get(), [422, 200]],
	'an address that there is not': [get('', 'GET /api/nothing HTTP/1.1') + get(), [404, 200]],
	'an unknown method': [get('', 'BREW /healthz HTTP/1.1') + get(), [405, 200]],
};

scenario('what is right though unusual is answered, and the connection goes on', async () => {
	const wrong = [];

	await Promise.all(Object.entries(ACCEPTED).map(async ([name, [bytes, wanted]]) => {
		const { statuses, text } = await probe(bytes);
		if (statuses.join() !== wanted.join())
			wrong.push(`${name}: ${statuses.join()}, not ${wanted.join()}: ${text.slice(0, 200)}`);
	}));
	assert.deepEqual(wrong, []);
});

scenario('paths cannot leave the web root', async () => {
	const paths = ['/../../etc/passwd', '/..%2f..%2fetc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/assets/../../apigw.conf', '/assets/%00', '/./healthz/../etc/passwd',
		'//etc/passwd', '/assets/..\\..\\etc\\passwd', '/.git/config', '/%'];

	await Promise.all(paths.map(async (path) => {
		const { text, statuses } = await probe(Buffer.from(get('Connection: close\r\n', `GET ${path} HTTP/1.1`), 'latin1'));
		assert.ok(statuses.length === 1 && (statuses[0] !== 200 || /text\/html/i.test(text)), `${path}: ${text.slice(0, 200)}`);
		assert.ok(!/root:|\[http\]/.test(text), path);
	}));
});

scenario('JSON that is no good: depth, size, duplicates, numbers, encodings', async () => {
	const login = (body) => request(world.base, 'POST', '/api/auth/login', { body });
	const bodies = [
		'', ' ', '[]', 'null', '"x"', '1', '{', '{}x', '{"username":"a","username":"b","password":"c"}', '{"username":1,"password":"x"}',
		'{"username":"a\\u0000b","password":"x"}', '{"username":"\\ud800","password":"x"}', '{"username":1e999,"password":"x"}',
		`${'['.repeat(100_000)}`, `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`, Buffer.from('7b22757365726e616d65223a22ff227d', 'hex'),
		Buffer.from('efbbbf7b7d', 'hex'), '{"username":"a","password":"x","more":true}', `{"username":"${'a'.repeat(100_000)}","password":"x"}`,
	];

	for (const body of bodies) {
		const { status } = await login(body);
		assert.ok(status === 400 || status === 422, `${String(body).slice(0, 60)}: ${status}`);
	}
});

scenario('slow clients are sent away, and hold up nobody', async () => {
	const slow = Array.from({ length: 40 }, () => {
		const socket = net.connect(world.ports.http, '127.0.0.1', () => socket.write('GET /healthz HTTP/1.1\r\n'));
		const trickle = setInterval(() => socket.writable && socket.write('X: 1\r\n'), 1000);

		socket.on('error', () => {});
		socket.on('data', () => {});
		socket.on('close', () => clearInterval(trickle));
		return socket;
	});
	const begin = performance.now();
	let worst = 0;

	await waitFor(async () => {
		const from = performance.now();
		assert.equal((await request(world.base, 'GET', '/healthz')).status, 200);
		worst = Math.max(worst, performance.now() - from);
		return slow.every((s) => s.destroyed);
	}, 20_000, 'the slow ones to be sent away', 200);
	assert.ok(performance.now() - begin < 15_000);
	assert.ok(worst < 500, `another request took ${worst} ms`);
});

scenario('more connections than it takes: idle ones make room', async () => {
	const open = () => new Promise((resolve) => {
		const socket = net.connect(world.ports.http, '127.0.0.1', () => resolve(socket));
		socket.on('error', () => resolve(socket));
		socket.on('data', () => {});
	});
	const sockets = await Promise.all(Array.from({ length: 1100 }, open));

	await waitFor(() => sockets.some((s) => s.destroyed), 5000, 'some to be sent away');
	assert.equal((await request(world.base, 'GET', '/healthz', { timeout: 5000 })).status, 200);
	for (const s of sockets)
		s.destroy();
	assert.equal((await request(world.base, 'GET', '/healthz', { timeout: 5000 })).status, 200);
});
