/* SPDX-License-Identifier: GPL-3.0-or-later */
/* router: which page the address bar names. Links are plain <a href>: clicks on them are caught here. */
import { createStore, useStore } from './lib/store.ts';

export interface Location {
	path: string;
	search: string;
}

function current(): Location {
	return { path: window.location.pathname, search: window.location.search };
}

const location = createStore<Location>(current());

export function useLocation(): Location {
	return useStore(location);
}

export function navigate(to: string, options: { replace?: boolean } = {}): void {
	const before = window.location.pathname;
	if (options.replace) history.replaceState(null, '', to);
	else history.pushState(null, '', to);
	location.set(current());
	if (window.location.pathname !== before) window.scrollTo(0, 0);
}

function isOurs(event: MouseEvent, link: HTMLAnchorElement): boolean {
	return (
		event.button === 0 &&
		!event.defaultPrevented &&
		!event.metaKey &&
		!event.ctrlKey &&
		!event.shiftKey &&
		!event.altKey &&
		link.origin === window.location.origin &&
		link.target === '' &&
		!link.hasAttribute('download') &&
		!link.pathname.startsWith('/api/') &&
		link.getAttribute('href')?.startsWith('#') !== true
	);
}

export function startRouter(): void {
	window.addEventListener('popstate', () => location.set(current()));
	document.addEventListener('click', (event) => {
		const link = event.target instanceof Element ? event.target.closest('a') : null;
		if (link === null || !isOurs(event, link)) return;
		event.preventDefault();
		navigate(link.pathname + link.search);
	});
}
