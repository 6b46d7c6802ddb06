/* SPDX-License-Identifier: GPL-3.0-or-later */
/* toast: short words about what just happened, also read out. Nothing is said here alone that one must not miss. */
import { createStore, useStore } from '../lib/store.ts';
import { useT } from '../i18n/index.ts';
import { IconButton } from './basic.tsx';
import { Icon } from './icons.tsx';

interface Toast {
	key: number;
	kind: 'good' | 'bad';
	text: string;
}

const SHOWN_MS = 6000;
const MAX = 4;
const toasts = createStore<Toast[]>([]);
const spoken = createStore('');
let nextKey = 1;

function drop(key: number): void {
	toasts.set((old) => old.filter((toast) => toast.key !== key));
}

export function toast(text: string, kind: Toast['kind'] = 'good'): void {
	const key = nextKey++;
	toasts.set((old) => [...old, { key, kind, text }].slice(-MAX));
	window.setTimeout(() => drop(key), SHOWN_MS);
}

/** For screen readers only. */
export function announce(text: string): void {
	spoken.set(text);
}

export function Toasts() {
	const t = useT();
	const list = useStore(toasts);
	const words = useStore(spoken);
	return (
		<>
			<div class="toasts" role="status" aria-live="polite" data-testid="toasts">
				{list.map((item) => (
					<div key={item.key} class={`toast toast-${item.kind}`}>
						<Icon name={item.kind === 'good' ? 'check' : 'alert'} />
						<span>{item.text}</span>
						<IconButton icon="close" label={t.app.dismiss} onClick={() => drop(item.key)} />
					</div>
				))}
			</div>
			<div class="sr-only" aria-live="polite">
				{words}
			</div>
		</>
	);
}
