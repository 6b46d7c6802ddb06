/* SPDX-License-Identifier: GPL-3.0-or-later */
/* theme: light, dark, or what the system says (public/theme.js sets it before the first paint). */
import { readSetting, writeSetting } from './lib/settings.ts';
import { createStore, useStore } from './lib/store.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

function stored(): Theme {
	const value = readSetting('theme');
	return value === 'light' || value === 'dark' ? value : 'system';
}

const theme = createStore<Theme>(stored());

export function useTheme(): Theme {
	return useStore(theme);
}

export function setTheme(next: Theme): void {
	if (next === 'system') delete document.documentElement.dataset.theme;
	else document.documentElement.dataset.theme = next;
	writeSetting('theme', next === 'system' ? null : next);
	theme.set(next);
}
