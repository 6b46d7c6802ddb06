/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The README's picture, taken from the running demo: node tests/demo/screenshot.mjs FILE.png */
import fs from 'node:fs';
import path from 'node:path';

import { startBrowser } from '../browser/browser.mjs';

const [file] = process.argv.slice(2);
const demo = JSON.parse(fs.readFileSync(path.resolve(process.env.DEMO_DIR || 'var/demo', 'demo.json')));
const browser = await startBrowser({ base: demo.url, build: path.resolve(process.env.WACONN_BUILD || 'build') });
const page = await browser.page({ user: demo.login, width: 1280, height: 800 });

await page.goto(`${demo.url}/outlet-status`);
await page.getByText('Terputus').first().waitFor();
await page.screenshot({ path: file, fullPage: true });
await browser.browser.close();
