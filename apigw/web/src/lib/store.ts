/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store: a value that components can watch. */
import { useEffect, useReducer } from 'preact/hooks';

export interface Store<T> {
	get(): T;
	set(next: T | ((old: T) => T)): void;
	subscribe(listener: () => void): () => void;
}

export function createStore<T>(initial: T): Store<T> {
	let value = initial;
	const listeners = new Set<() => void>();

	return {
		get: () => value,
		set(next) {
			const old = value;
			value = typeof next === 'function' ? (next as (old: T) => T)(old) : next;
			if (value !== old) for (const listener of [...listeners]) listener();
		},
		subscribe(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
	};
}

export function useStore<T>(store: Store<T>): T {
	const [, again] = useReducer<number, void>((n) => n + 1, 0);

	// The value may have changed between the render and this subscription.
	const seen = store.get();
	useEffect(() => {
		if (store.get() !== seen) again();
		return store.subscribe(() => again());
	}, [store]);
	return seen;
}
