/* SPDX-License-Identifier: GPL-3.0-or-later */
import { useEffect, useState } from 'preact/hooks';

export function useMedia(condition: string): boolean {
	const [matches, setMatches] = useState(() => window.matchMedia(condition).matches);

	useEffect(() => {
		const media = window.matchMedia(condition);
		const update = (): void => setMatches(media.matches);
		update();
		media.addEventListener('change', update);
		return () => media.removeEventListener('change', update);
	}, [condition]);
	return matches;
}

/** The value once it has stood still for a moment. */
export function useSettled<T>(value: T, ms: number): T {
	const [settled, setSettled] = useState(value);

	useEffect(() => {
		const timer = window.setTimeout(() => setSettled(value), ms);
		return () => window.clearTimeout(timer);
	}, [value, ms]);
	return settled;
}

export function useTitle(title: string): void {
	useEffect(() => {
		document.title = `${title} · waconn`;
	}, [title]);
}
