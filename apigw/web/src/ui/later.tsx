/* SPDX-License-Identifier: GPL-3.0-or-later */
/* later: a page whose code is fetched when it is first wanted, so that the first page does not wait for it. */
import type { FunctionComponent } from 'preact';
import { useEffect } from 'preact/hooks';
import { useT } from '../i18n/index.ts';
import { createStore, useStore } from '../lib/store.ts';
import { Button, Notice, Skeleton } from './basic.tsx';

interface Later<P> {
	Page: FunctionComponent<P>;
	/** Fetches the code ahead. What goes wrong shows when the page is wanted. */
	prepare: () => void;
}

/** Whoever came by a link hears the page from its heading on; who opened its address starts at the top. */
function focusHeading(): void {
	if (document.activeElement !== document.body)
		document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
}

function Failed() {
	const t = useT();
	// Also after an update of the server, which no longer has this version's files: only a new start helps.
	return (
		<Notice
			kind="bad"
			role="alert"
			action={<Button onClick={() => window.location.reload()}>{t.app.retry}</Button>}
		>
			{t.problem.network}
		</Notice>
	);
}

export function later<P extends object>(load: () => Promise<FunctionComponent<P>>): Later<P> {
	const code = createStore<FunctionComponent<P> | 'none' | 'loading' | 'failed'>('none');

	const prepare = (): void => {
		if (code.get() !== 'none') return;
		code.set('loading');
		load().then(
			(page) => code.set(() => page),
			() => code.set('failed'),
		);
	};

	const Arrived = ({ page: Loaded, props }: { page: FunctionComponent<P>; props: P }) => {
		useEffect(focusHeading, []);
		return <Loaded {...props} />;
	};

	const Page = (props: P) => {
		const page = useStore(code);
		useEffect(prepare, []);
		if (page === 'failed') return <Failed />;
		if (typeof page === 'string') return <Skeleton rows={8} />;
		return <Arrived page={page} props={props} />;
	};

	return { Page, prepare };
}
