/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Node's http server as one would write it: the document is built for each answer. node http_peer.mjs PORT FILE */
import fs from 'node:fs';
import http from 'node:http';

const [port, file] = process.argv.slice(2);
const document = JSON.parse(fs.readFileSync(file, 'utf8'));

http.createServer((request, response) => {
	const body = JSON.stringify(document);

	response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
	response.end(body);
}).listen(Number(port), '127.0.0.1');
