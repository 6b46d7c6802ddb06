/* SPDX-License-Identifier: GPL-3.0-or-later */
/* refresh: how fresh the page is, and the button to make it so. */
import { useLang, useT } from '../i18n/index.ts';
import { clockTime } from '../lib/time.ts';
import { refreshAll, useConnection } from '../live/connection.ts';
import { Button } from './basic.tsx';

export function Refresh() {
	const t = useT();
	const lang = useLang();
	const { mode, trouble, lastRefresh, refreshing } = useConnection();
	const state = trouble !== 'none' ? 'down' : mode;
	const words = {
		live: t.live.live,
		polling: t.live.polling,
		connecting: t.live.connecting,
		down: t.live.connecting,
	}[state];
	return (
		<>
			<p class="freshness" data-testid="last-refresh" data-mode={mode}>
				<span class={`live-dot live-${state}`} aria-hidden="true" />
				<span>{words}</span>
				<span class="freshness-time">
					{lastRefresh === null ? t.live.never : t.live.updated(clockTime(lastRefresh, lang))}
				</span>
			</p>
			<Button
				icon="refresh"
				class={refreshing ? 'is-turning' : ''}
				onClick={() => void refreshAll()}
				data-testid="refresh"
			>
				{t.app.refresh}
			</Button>
		</>
	);
}
