/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clock: the time now, once a second for all who show it. */
import { useEffect } from 'preact/hooks';
import { createStore, useStore } from './store.ts';

const now = createStore(Date.now());
let watchers = 0;
let timer: number | undefined;

export function useNow(): number {
	useEffect(() => {
		if (watchers++ === 0) {
			now.set(Date.now());
			timer = window.setInterval(() => now.set(Date.now()), 1000);
		}
		return () => {
			if (--watchers === 0) window.clearInterval(timer);
		};
	}, []);
	return useStore(now);
}
