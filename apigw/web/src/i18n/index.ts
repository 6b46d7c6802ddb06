/* SPDX-License-Identifier: GPL-3.0-or-later */
/* i18n: the language chosen, its words, and numbers and times in it. */
import { createStore, useStore } from '../lib/store.ts';
import { readSetting, writeSetting } from '../lib/settings.ts';
import type { Lang } from '../lib/time.ts';
import { en } from './en.ts';
import { id, type Messages } from './id.ts';

export type { Lang, Messages };
export const LANGS: readonly Lang[] = ['id', 'en'];

const dictionaries: Record<Lang, Messages> = { id, en };
const lang = createStore<Lang>(readSetting('lang') === 'en' ? 'en' : 'id');

function mark(): void {
	document.documentElement.lang = lang.get();
}

export function startLanguage(): void {
	mark();
}

export function setLang(next: Lang): void {
	writeSetting('lang', next);
	lang.set(next);
	mark();
}

export function useLang(): Lang {
	return useStore(lang);
}

export function useT(): Messages {
	return dictionaries[useStore(lang)];
}

/** For what is no component: toasts made in callbacks. */
export function words(): Messages {
	return dictionaries[lang.get()];
}

const numbers: Record<Lang, Intl.NumberFormat> = {
	id: new Intl.NumberFormat('id-ID', { maximumFractionDigits: 1 }),
	en: new Intl.NumberFormat('en', { maximumFractionDigits: 1 }),
};

export function formatNumber(value: number): string {
	return numbers[lang.get()].format(value);
}

export function currentLang(): Lang {
	return lang.get();
}
