/* SPDX-License-Identifier: GPL-3.0-or-later */
/* time: instants and durations in words, in the outlets' time zone whatever the viewer's is. */

export const TIME_ZONE = 'Asia/Jakarta';
export const ZONE_NAME = 'WIB';
export type Lang = 'id' | 'en';

const formats = new Map<string, Intl.DateTimeFormat>();

function format(lang: Lang, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
	const key = lang + JSON.stringify(options);
	let made = formats.get(key);
	if (made === undefined) {
		made = new Intl.DateTimeFormat(lang === 'id' ? 'id-ID' : 'en-GB', {
			timeZone: TIME_ZONE,
			hourCycle: 'h23',
			...options,
		});
		formats.set(key, made);
	}
	return made;
}

export function parseTime(text: string | null | undefined): number | null {
	if (text === null || text === undefined) return null;
	const ms = Date.parse(text);
	return Number.isNaN(ms) ? null : ms;
}

/** "25 Okt 2025, 17.30.00 WIB": for titles. */
export function exactTime(ms: number, lang: Lang): string {
	return format(lang, {
		day: 'numeric',
		month: 'short',
		year: 'numeric',
		hour: '2-digit',
		minute: '2-digit',
		second: '2-digit',
		timeZoneName: 'short',
	}).format(ms);
}

function dayOf(ms: number): string {
	return format('en', { year: 'numeric', month: '2-digit', day: '2-digit' }).format(ms);
}

/** "17.30" today, "24 Okt, 17.30" this year, with the year otherwise. */
export function shortTime(ms: number, now: number, lang: Lang): string {
	const clock = { hour: '2-digit', minute: '2-digit' } as const;
	if (dayOf(ms) === dayOf(now)) return format(lang, clock).format(ms);
	const sameYear = dayOf(ms).slice(-4) === dayOf(now).slice(-4);
	return format(lang, { day: 'numeric', month: 'short', ...(sameYear ? {} : { year: 'numeric' }), ...clock }).format(
		ms,
	);
}

export function clockTime(ms: number, lang: Lang): string {
	return format(lang, { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(ms);
}

type Unit = 'second' | 'minute' | 'hour' | 'day';
const UNITS: readonly [Unit, number][] = [
	['day', 86_400],
	['hour', 3_600],
	['minute', 60],
	['second', 1],
];

function largestUnit(seconds: number): [Unit, number] {
	for (const [unit, size] of UNITS) if (seconds >= size) return [unit, Math.floor(seconds / size)];
	return ['second', 0];
}

/** "5 dtk lalu", "in 3 min". */
export function relativeTime(ms: number, now: number, lang: Lang): string {
	const seconds = Math.round((ms - now) / 1000);
	const [unit, count] = largestUnit(Math.abs(seconds));
	const words = new Intl.RelativeTimeFormat(lang === 'id' ? 'id-ID' : 'en', { style: 'short', numeric: 'auto' });
	return words.format(seconds < 0 ? -count : count, unit);
}

const SHORT_UNITS: Record<Lang, Record<Unit, string>> = {
	id: { day: 'hari', hour: 'jam', minute: 'mnt', second: 'dtk' },
	en: { day: 'd', hour: 'h', minute: 'min', second: 's' },
};

/** The two largest units: "1 jam 5 mnt", "45 dtk". */
export function duration(seconds: number, lang: Lang): string {
	const words = SHORT_UNITS[lang];
	const whole = Math.max(0, Math.round(seconds));
	const [unit, count] = largestUnit(whole);
	const text = `${count} ${words[unit]}`;
	const at = UNITS.findIndex(([name]) => name === unit);
	const next = UNITS[at + 1];
	const rest = next ? Math.floor((whole - count * UNITS[at]![1]) / next[1]) : 0;
	return next && rest > 0 ? `${text} ${rest} ${words[next[0]]}` : text;
}

/** The value of a datetime-local field, read in the outlets' zone (WIB has no summer time), as RFC 3339 UTC. */
export function fromLocalField(value: string): string | null {
	const ms = Date.parse(`${value}:00+07:00`);
	return Number.isNaN(ms) ? null : new Date(ms).toISOString().replace('.000Z', 'Z');
}

export function toLocalField(ms: number): string {
	return new Date(ms + 7 * 3_600_000).toISOString().slice(0, 16);
}
