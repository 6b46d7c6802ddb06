/* SPDX-License-Identifier: GPL-3.0-or-later */
/* figures: the board in three numbers. */
import type { OutletStatus } from '../api/types.ts';
import { formatNumber, useT } from '../i18n/index.ts';
import { healthyCount } from '../live/statuses.ts';
import { Icon, type IconName } from '../ui/icons.tsx';

function Figure({
	testid,
	icon,
	kind,
	value,
	label,
	hint,
}: {
	testid: string;
	icon: IconName;
	kind: string;
	value: number;
	label: string;
	hint: string;
}) {
	return (
		<li class={`figure figure-${kind}`} data-testid={testid}>
			<span class="figure-icon">
				<Icon name={icon} size={22} />
			</span>
			<div>
				<p class="figure-label">{label}</p>
				<p>
					<span class="figure-value">{formatNumber(value)}</span> <span class="figure-hint">{hint}</span>
				</p>
			</div>
		</li>
	);
}

export function Figures({ list }: { list: OutletStatus[] }) {
	const t = useT();
	const healthy = healthyCount(list);
	const attention = list.length - healthy;
	return (
		<ul class="figures">
			<Figure
				testid="figure-total"
				icon="store"
				kind="plain"
				value={list.length}
				label={t.board.total}
				hint={t.board.totalHint}
			/>
			<Figure
				testid="figure-healthy"
				icon="check"
				kind="good"
				value={healthy}
				label={t.board.healthy}
				hint={t.board.healthyHint}
			/>
			<Figure
				testid="figure-attention"
				icon="alert"
				kind={attention > 0 ? 'warn' : 'plain'}
				value={attention}
				label={t.board.attention}
				hint={attention > 0 ? t.board.attentionHint : t.board.noneNeeds}
			/>
		</ul>
	);
}
