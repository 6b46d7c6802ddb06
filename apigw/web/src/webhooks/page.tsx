/* SPDX-License-Identifier: GPL-3.0-or-later */
/* page: the webhooks, for administrators: one card each, with how it fares and what can be done to it. */
import { useEffect, useState } from 'preact/hooks';
import { formatNumber, useT } from '../i18n/index.ts';
import { problemText } from '../i18n/problem.ts';
import { useTitle } from '../lib/hooks.ts';
import { addRefresher, listen } from '../live/connection.ts';
import { useStatuses } from '../live/statuses.ts';
import { NotFoundPage } from '../pages/not-found.tsx';
import { mayManageOutlets } from '../session.ts';
import { Button, Empty, Nothing, Notice, PageHead, RelativeTime, Skeleton } from '../ui/basic.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { Icon } from '../ui/icons.tsx';
import { Menu } from '../ui/menu.tsx';
import { toast } from '../ui/toast.tsx';
import { useUser } from '../user.ts';
import { DeliveriesDialog } from './deliveries.tsx';
import { SecretDialog, WebhookForm } from './form.tsx';
import {
	deliveryGet,
	webhookEdit,
	webhookList,
	webhookRemove,
	webhookRotate,
	webhookTest,
	type Delivery,
	type Webhook,
} from './calls.ts';
import { useWords } from './words.ts';

const TEST_POLL_MS = 500;
const TEST_POLLS = 50;

type Open =
	| { what: 'form'; webhook: Webhook | null }
	| { what: 'deliveries' | 'rotate' | 'remove'; webhook: Webhook }
	| { what: 'secret'; secret: string };

/** The test's outcome; its request may take 15 seconds. */
async function outcomeOf(id: string): Promise<Delivery> {
	for (let n = 1; ; n++) {
		const { delivery } = await deliveryGet(id);
		if (delivery.status !== 'PENDING' || n === TEST_POLLS) return delivery;
		await new Promise((resolve) => window.setTimeout(resolve, TEST_POLL_MS));
	}
}

function TestButton({ webhook }: { webhook: Webhook }) {
	const t = useT();
	const w = useWords();
	const [busy, setBusy] = useState(false);
	const test = async (): Promise<void> => {
		setBusy(true);
		try {
			const { delivery } = await webhookTest(webhook.id);
			const done = await outcomeOf(delivery.id);
			const last = done.log.at(-1);
			if (done.status === 'DELIVERED') toast(w.testGood(String(last?.status ?? '')));
			else toast(w.testBad(last?.error ?? w.deliveryStatus[done.status] ?? done.status), 'bad');
		} catch (error) {
			toast(problemText(error, t), 'bad');
		}
		setBusy(false);
	};
	return (
		<Button icon="send" busy={busy} onClick={() => void test()} data-testid="webhook-test">
			{w.test}
		</Button>
	);
}

function State({ webhook }: { webhook: Webhook }) {
	const w = useWords();
	if (!webhook.isActive) {
		const reason = webhook.disabledReason === null ? null : w.disabledReason[webhook.disabledReason];
		return <Notice kind={reason ? 'bad' : 'info'}>{reason ?? w.off}</Notice>;
	}
	if (webhook.queueFull) return <Notice kind="bad">{w.queueFull}</Notice>;
	if (webhook.failingSince !== null) {
		return (
			<Notice kind="warn">
				{w.failing} <RelativeTime time={webhook.failingSince} />
			</Notice>
		);
	}
	return null;
}

function Card({ webhook, show, onSwitch }: { webhook: Webhook; show: (open: Open) => void; onSwitch: () => void }) {
	const t = useT();
	const w = useWords();
	const { byId } = useStatuses();
	return (
		<li class="card outlet-card" data-testid="webhook-card" data-webhook-id={webhook.id}>
			<div class="outlet-name">
				<h2>{webhook.description ?? new URL(webhook.url).host}</h2>
				<span class="muted webhook-url">{webhook.url}</span>
			</div>
			<dl class="facts facts-two">
				<div>
					<dt>{w.events}</dt>
					<dd>{webhook.events.map((event) => w.event[event] ?? event).join(', ')}</dd>
				</div>
				<div>
					<dt>{w.outlets}</dt>
					<dd data-testid="webhook-outlets">
						{webhook.outletIds === null
							? w.allOutlets
							: webhook.outletIds.map((id) => byId.get(id)?.outlet.name ?? w.goneOutlet).join(', ')}
					</dd>
				</div>
				<div>
					<dt>{w.pending}</dt>
					<dd>{formatNumber(webhook.pending)}</dd>
				</div>
				<div>
					<dt>{w.lastSuccess}</dt>
					<dd>{webhook.lastSuccessAt ? <RelativeTime time={webhook.lastSuccessAt} /> : <Nothing />}</dd>
				</div>
			</dl>
			<State webhook={webhook} />
			<div class="outlet-card-foot">
				<TestButton webhook={webhook} />
				<Menu
					label={t.outlets.more(webhook.description ?? webhook.url)}
					testid="webhook-more"
					button={<Icon name="more" />}
					items={[
						{
							key: 'deliveries',
							label: w.deliveries,
							icon: 'clock',
							onSelect: () => show({ what: 'deliveries', webhook }),
						},
						{ key: 'edit', label: w.edit, icon: 'edit', onSelect: () => show({ what: 'form', webhook }) },
						{
							key: 'switch',
							label: webhook.isActive ? w.switchOff : w.switchOn,
							icon: webhook.isActive ? 'pause' : 'play',
							onSelect: onSwitch,
						},
						{
							key: 'rotate',
							label: w.rotate,
							icon: 'refresh',
							onSelect: () => show({ what: 'rotate', webhook }),
						},
						'line',
						{
							key: 'remove',
							label: w.remove,
							icon: 'trash',
							danger: true,
							onSelect: () => show({ what: 'remove', webhook }),
						},
					]}
				/>
			</div>
		</li>
	);
}

interface DialogsProps {
	open: Open | null;
	show: (open: Open | null) => void;
	refresh: () => Promise<void>;
}

function Dialogs({ open, show, refresh }: DialogsProps) {
	const w = useWords();
	const close = (): void => show(null);
	if (open === null) return null;
	if (open.what === 'secret') return <SecretDialog secret={open.secret} onClose={close} />;
	if (open.what === 'deliveries') return <DeliveriesDialog webhook={open.webhook} onClose={close} />;
	if (open.what === 'form') {
		const saved = (_webhook: Webhook, secret: string | null): void => {
			show(secret === null ? null : { what: 'secret', secret });
			if (secret === null) toast(w.saved);
			void refresh();
		};
		return <WebhookForm webhook={open.webhook} onSaved={saved} onClose={close} />;
	}
	const { webhook } = open;
	if (open.what === 'rotate') {
		const rotate = async (): Promise<void> => {
			const { secret } = await webhookRotate(webhook.id);
			if (secret === null) close();
			else show({ what: 'secret', secret });
		};
		return <Confirm title={w.rotate} text={w.rotateAsk} action={w.rotate} onConfirm={rotate} onClose={close} />;
	}
	const remove = async (): Promise<void> => {
		await webhookRemove(webhook.id);
		close();
		toast(w.removed);
		await refresh();
	};
	return <Confirm title={w.remove} text={w.removeAsk} action={w.remove} danger onConfirm={remove} onClose={close} />;
}

function Webhooks() {
	const t = useT();
	const w = useWords();
	const [list, setList] = useState<Webhook[] | null>(null);
	const [failure, setFailure] = useState<unknown>(null);
	const [open, show] = useState<Open | null>(null);
	const refresh = (): Promise<void> =>
		webhookList().then((page) => {
			setList(page.webhooks);
			setFailure(null);
		}, setFailure);
	const turn = (webhook: Webhook): void => {
		webhookEdit(webhook.id, { isActive: !webhook.isActive }).then(refresh, (error: unknown) =>
			toast(problemText(error, t), 'bad'),
		);
	};

	useTitle(t.app.webhooks);
	useEffect(() => {
		const ends = [addRefresher(refresh), listen('webhook', () => void refresh())];
		return () => ends.forEach((end) => end());
	}, []);
	return (
		<>
			<PageHead title={t.app.webhooks} lead={w.lead}>
				<Button
					kind="primary"
					icon="plus"
					onClick={() => show({ what: 'form', webhook: null })}
					data-testid="webhook-add"
				>
					{w.add}
				</Button>
			</PageHead>
			{failure !== null && (
				<Notice kind="bad" role="alert">
					{problemText(failure, t)}
				</Notice>
			)}
			{list === null ? (
				failure === null && <Skeleton rows={6} />
			) : list.length === 0 ? (
				<Empty icon="globe" title={w.empty} hint={w.emptyHint} />
			) : (
				<ul class="card-grid" data-testid="webhook-cards">
					{list.map((webhook) => (
						<Card key={webhook.id} webhook={webhook} show={show} onSwitch={() => turn(webhook)} />
					))}
				</ul>
			)}
			<Dialogs open={open} show={show} refresh={refresh} />
		</>
	);
}

/** By its address alone a USER finds nothing here. */
export function WebhooksPage() {
	return mayManageOutlets(useUser()) ? <Webhooks /> : <NotFoundPage />;
}
