/* SPDX-License-Identifier: GPL-3.0-or-later */
import { defineConfig } from 'vite';

// Everything ends up as files of our own origin: the gateway's policy allows nothing else, and nothing inline.
export default defineConfig({
	base: '/',
	oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
	build: {
		outDir: '../../build/web',
		emptyOutDir: true,
		target: 'es2022',
		assetsInlineLimit: 0,
		license: { fileName: 'licenses.md' },
		modulePreload: { polyfill: false },
	},
	server: { proxy: { '/api': 'http://127.0.0.1:3000' } },
});
