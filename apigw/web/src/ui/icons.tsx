/* SPDX-License-Identifier: GPL-3.0-or-later */
/* icons: 24-unit line drawings of our own. They never carry meaning alone: text stands beside them or labels the button. */

const PATHS = {
	pulse: 'M3 12h4l2.5-6.5 5 13L17 12h4',
	phone: 'M8 3.5h8a1.5 1.5 0 0 1 1.5 1.5v14a1.5 1.5 0 0 1-1.5 1.5H8A1.5 1.5 0 0 1 6.5 19V5A1.5 1.5 0 0 1 8 3.5ZM11 17.5h2',
	send: 'M20.5 3.5 10 14M20.5 3.5 14 20.5l-4-6.5-6.5-4Z',
	refresh: 'M20 11a8 8 0 0 0-14.3-4.2L4 8.5M4 4v4.5h4.5M4 13a8 8 0 0 0 14.3 4.2l1.7-1.7M20 20v-4.5h-4.5',
	search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.5 15.5 20 20',
	plus: 'M12 5v14M5 12h14',
	more: 'M12 6h.01M12 12h.01M12 18h.01',
	close: 'M6 6l12 12M18 6 6 18',
	check: 'M5 12.5 10 17.5 19 7',
	checks: 'M2.5 12.5l4.5 5L16 7.5M12 16.5l1 1 8.5-10',
	alert: 'M12 4 2.8 19.5h18.4ZM12 10v4.5M12 17h.01',
	info: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM12 11v5M12 8h.01',
	offline:
		'M3 3l18 18M5 12.5a10 10 0 0 1 4.2-2.5M19 12.5a10 10 0 0 0-5.5-2.9M8.5 16a5 5 0 0 1 7 0M12 19.5h.01M2 9a15 15 0 0 1 4.3-2.8M22 9A15 15 0 0 0 11 5.1',
	clock: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM12 7.5V12l3 2',
	user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20c1-3.5 4-5 7.5-5s6.5 1.5 7.5 5',
	logout: 'M10 4.5H6A1.5 1.5 0 0 0 4.5 6v12A1.5 1.5 0 0 0 6 19.5h4M14.5 8.5 18 12l-3.5 3.5M18 12H9.5',
	sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4',
	moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z',
	system: 'M4 5h16v11H4ZM9 20h6M12 16v4',
	eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z',
	eyeOff: 'M4 4l16 16M9.5 6a9 9 0 0 1 2.5-.5c6 0 9.5 6.5 9.5 6.5a17 17 0 0 1-3 3.7M6 7.7A17 17 0 0 0 2.5 12S6 18.5 12 18.5a9 9 0 0 0 3.5-.7M10 10a3 3 0 0 0 4 4',
	qr: 'M4 4h6v6H4ZM14 4h6v6h-6ZM4 14h6v6H4ZM14 14h2.5v2.5H14ZM20 14v.01M17.5 17.5H20V20M14 20v.01',
	copy: 'M9 8.5h10v11H9ZM15 8.5v-4H5v11h4',
	pause: 'M8.5 5.5v13M15.5 5.5v13',
	play: 'M7.5 5 18.5 12 7.5 19Z',
	unlink: 'M9.5 14.5 14.5 9.5M11 6.5l1.5-1.5a4.2 4.2 0 0 1 6 6L17 12.5M13 17.5 11.5 19a4.2 4.2 0 0 1-6-6L7 11.5M4 4l2 2M18 18l2 2',
	power: 'M12 4v8M7 6.5a7.5 7.5 0 1 0 10 0',
	edit: 'M4 20l1-4.5L16.5 4l3.5 3.5L8.5 19ZM14 6.5l3.5 3.5',
	trash: 'M4.5 7h15M9.5 7V4.5h5V7M6.5 7l1 12.5h9l1-12.5M10.5 11v5M13.5 11v5',
	upload: 'M12 16V5M7.5 9.5 12 5l4.5 4.5M4.5 16v3.5h15V16',
	file: 'M7 3.5h7l4 4v13H7ZM14 3.5v4h4',
	chevron: 'M6 9.5 12 15.5 18 9.5',
	skip: 'M4 14a8 8 0 0 1 15-2.5M19.5 6.5v5h-5M12 18h.01',
	wait: 'M12 12h.01M7 12h.01M17 12h.01',
	stopwatch: 'M12 20.5a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM12 13.5v-3.5M9.5 3.5h5M18 7.5l1.2-1.2',
	turn: 'M20 12a8 8 0 1 1-2.4-5.7L20 8.6M20 3.8v4.8h-4.8',
	back: 'M19 12H5M11 6l-6 6 6 6',
	sliders: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM9 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z',
	globe: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM3.5 12h17M12 3.5c5 5.5 5 11.5 0 17-5-5.5-5-11.5 0-17Z',
	store: 'M4 10v9.5h16V10M3 10l2-5.5h14L21 10a3 3 0 0 1-6 0 3 3 0 0 1-6 0 3 3 0 0 1-6 0ZM10 19.5V15h4v4.5',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
	return (
		<svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
			<path d={PATHS[name]} />
		</svg>
	);
}

export function Logo() {
	return (
		<svg class="logo" width="28" height="28" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
			<rect width="32" height="32" rx="9" />
			<path d="M8.5 11.5l4 9.5 3.5-8.5 3.5 8.5 4-9.5" />
		</svg>
	);
}

/**
 * A sign that is text, drawn by us because not every machine's fonts have it. The character stays in the page, without size,
 * so that what is copied, searched or read out of the page is the same everywhere.
 */
export function Sign({ char, icon }: { char: string; icon: IconName }) {
	return (
		<span class="sign" aria-hidden="true">
			<span class="sign-char">{char}</span>
			<Icon name={icon} size={15} />
		</span>
	);
}
