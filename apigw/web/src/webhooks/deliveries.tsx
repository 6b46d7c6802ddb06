/* SPDX-License-Identifier: GPL-3.0-or-later */
/* deliveries: what became of a webhook's events, and one of them sent once more. */
import { useEffect, useState } from 'preact/hooks';
import { useT } from '../i18n/index.ts';
import { problemText } from '../i18n/problem.ts';
import { Button, Empty, Notice, Nothing, ShortTime, Skeleton } from '../ui/basic.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { toast } from '../ui/toast.tsx';
import { deliveryList, deliveryRedeliver, type Delivery, type Webhook } from './calls.ts';
import { useWords } from './words.ts';

const PAGE = 50;
const SIGNS: Record<Delivery['status'], string> = { PENDING: 'connecting', DELIVERED: 'connected', FAILED: 'failed' };

function Row({ delivery, onAgain }: { delivery: Delivery; onAgain: () => void }) {
	const w = useWords();
	const last = delivery.log.at(-1);
	return (
		<tr data-testid="delivery" data-status={delivery.status}>
			<td>
				<ShortTime time={delivery.createdAt} />
			</td>
			<td>{w.event[delivery.type] ?? delivery.type}</td>
			<td>
				<span class={`badge badge-${SIGNS[delivery.status]}`}>{w.deliveryStatus[delivery.status]}</span>
			</td>
			<td class="num">{delivery.attempts}</td>
			<td>{last === undefined ? <Nothing /> : (last.error ?? `${last.status}`)}</td>
			<td>
				{delivery.status !== 'PENDING' && (
					<Button small onClick={onAgain} data-testid="redeliver">
						{w.again}
					</Button>
				)}
			</td>
		</tr>
	);
}

export function DeliveriesDialog({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
	const t = useT();
	const w = useWords();
	const [list, setList] = useState<Delivery[] | null>(null);
	const [next, setNext] = useState<string | null>(null);
	const [failure, setFailure] = useState<unknown>(null);

	const load = (cursor: string | null): void => {
		deliveryList(webhook.id, PAGE, cursor).then((page) => {
			setList((old) => (cursor === null ? page.deliveries : [...(old ?? []), ...page.deliveries]));
			setNext(page.nextCursor ?? null);
		}, setFailure);
	};
	useEffect(() => load(null), []);

	const again = (delivery: Delivery): void => {
		deliveryRedeliver(delivery.id).then((answer) => {
			setList((old) => (old ?? []).map((each) => (each.id === delivery.id ? answer.delivery : each)));
			toast(w.queuedAgain);
		}, setFailure);
	};

	return (
		<Dialog title={w.deliveries} onClose={onClose} data-testid="deliveries">
			{failure !== null && (
				<Notice kind="bad" role="alert">
					{problemText(failure, t)}
				</Notice>
			)}
			{list === null ? (
				failure === null && <Skeleton rows={4} />
			) : list.length === 0 ? (
				<Empty icon="send" title={w.noDeliveries} hint={w.noDeliveriesHint} />
			) : (
				<div class="table-box" tabIndex={0} role="region" aria-label={w.deliveries}>
					<table class="table">
						<thead>
							<tr>
								<th scope="col">{w.at}</th>
								<th scope="col">{w.events}</th>
								<th scope="col">{w.state}</th>
								<th scope="col">{w.attempts}</th>
								<th scope="col">{w.lastAnswer}</th>
								<th scope="col">
									<span class="sr-only">{w.again}</span>
								</th>
							</tr>
						</thead>
						<tbody>
							{list.map((delivery) => (
								<Row key={delivery.id} delivery={delivery} onAgain={() => again(delivery)} />
							))}
						</tbody>
					</table>
				</div>
			)}
			<div class="dialog-actions">
				<Button icon="refresh" onClick={() => load(null)}>
					{t.app.refresh}
				</Button>
				{next !== null && <Button onClick={() => load(next)}>{t.app.loadMore}</Button>}
			</div>
		</Dialog>
	);
}
