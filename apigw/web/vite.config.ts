/* SPDX-License-Identifier: GPL-3.0-or-later */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

import { description } from './description.ts';

/** Each text file again as FILE.gz, which the gateway gives to those who take it. */
const compressed: Plugin = {
	name: 'compressed',
	apply: 'build',
	writeBundle({ dir = '' }, bundle) {
		for (const { fileName } of Object.values(bundle)) {
			if (!/\.(html|js|css|svg|json)$/.test(fileName)) continue;
			const path = join(dir, fileName);
			writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
		}
	},
};

// Everything ends up as files of our own origin: the gateway's policy allows nothing else, and nothing inline.
export default defineConfig({
	base: '/',
	plugins: [description, compressed],
	oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
	build: {
		outDir: '../../build/web',
		emptyOutDir: true,
		target: 'es2022',
		assetsInlineLimit: 0,
		license: { fileName: 'licenses.md' },
		modulePreload: { polyfill: false },
		rolldownOptions: { checks: { pluginTimings: false } }, // a busy machine is no fault of ours
	},
	server: { proxy: { '/api': 'http://127.0.0.1:3000' } },
});
