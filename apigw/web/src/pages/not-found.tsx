/* SPDX-License-Identifier: GPL-3.0-or-later */
import { useT } from '../i18n/index.ts';
import { useTitle } from '../lib/hooks.ts';
import { Empty } from '../ui/basic.tsx';

export function NotFoundPage() {
	const t = useT();
	useTitle(t.app.notFound);
	return (
		<Empty page icon="search" title={t.app.notFound} hint={t.app.notFoundHint}>
			<a class="button button-primary" href="/outlet-status">
				{t.app.backToStatus}
			</a>
		</Empty>
	);
}
