/* SPDX-License-Identifier: GPL-3.0-or-later */
/* filter: which outlets of the board to show. All of them are here already, so nothing is asked of the server. */
import { useMemo } from 'preact/hooks';
import { type OutletStatus, type Status, STATUSES } from '../api/types.ts';
import { formatNumber, type Messages, useT } from '../i18n/index.ts';
import { Icon } from '../ui/icons.tsx';

export type Filter = 'all' | 'healthy' | 'attention' | Status;

export function matches(status: OutletStatus, filter: Filter): boolean {
	if (filter === 'all') return true;
	if (filter === 'healthy') return status.healthy;
	if (filter === 'attention') return !status.healthy;
	return status.liveStatus.status === filter;
}

function found(status: OutletStatus, words: string[], digits: string): boolean {
	const text =
		`${status.outlet.name} ${status.outlet.whatsappNumber} ${status.session.sessionName ?? ''}`.toLowerCase();
	if (digits.length >= 3 && status.outlet.whatsappNumber.includes(digits)) return true;
	return words.every((word) => text.includes(word));
}

/** What was typed, as words and as a number: "0812-34" finds 6281234…. */
export function search(list: OutletStatus[], text: string): OutletStatus[] {
	const words = text.toLowerCase().split(/\s+/).filter(Boolean);
	const digits = /^[\d\s+\-().]+$/.test(text) ? text.replace(/\D/g, '').replace(/^0/, '62') : '';
	return words.length === 0 ? list : list.filter((status) => found(status, words, digits));
}

function filterChoices(list: OutletStatus[], t: Messages): [Filter, string, number][] {
	const count = (filter: Filter): number => list.reduce((n, status) => n + (matches(status, filter) ? 1 : 0), 0);
	const choices: [Filter, string][] = [
		['all', t.board.all],
		['healthy', t.board.healthy],
		['attention', t.board.attention],
		...STATUSES.map((status): [Filter, string] => [status, t.status[status]]),
	];
	return choices.map(([filter, label]) => [filter, label, count(filter)]);
}

export function Toolbar({
	list,
	text,
	onText,
	filter,
	onFilter,
}: {
	list: OutletStatus[];
	text: string;
	onText: (text: string) => void;
	filter: Filter;
	onFilter: (filter: Filter) => void;
}) {
	const t = useT();
	const choices = useMemo(() => filterChoices(list, t), [list, t]);
	return (
		<div class="toolbar">
			<div class="search">
				<Icon name="search" />
				<input
					class="input"
					type="search"
					aria-label={t.board.search}
					placeholder={t.board.searchHint}
					value={text}
					onInput={(event) => onText(event.currentTarget.value)}
					data-testid="search"
				/>
			</div>
			<div class="chips" role="group" aria-label={t.board.filter}>
				{choices.map(([key, label, count]) => (
					<button
						key={key}
						type="button"
						class="chip"
						aria-pressed={filter === key}
						disabled={count === 0 && filter !== key}
						data-filter={key}
						onClick={() => onFilter(filter === key ? 'all' : key)}
					>
						{label} <span class="chip-count">{formatNumber(count)}</span>
					</button>
				))}
			</div>
		</div>
	);
}
