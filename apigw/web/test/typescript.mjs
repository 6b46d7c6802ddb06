/* SPDX-License-Identifier: GPL-3.0-or-later */
// Lets node's test runner import the TypeScript sources: a module hook that strips the types with vite's own compiler.
import { register } from 'node:module';

register(new URL('./typescript-hook.mjs', import.meta.url));
