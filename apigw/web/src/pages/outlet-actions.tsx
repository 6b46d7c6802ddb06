/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outlet-actions: what a person can do to an outlet, with the questions asked before; the same on every page. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { outletCommand, type OutletCommand, outletConnect, outletRemove } from '../api/calls.ts';
import type { OutletStatus } from '../api/types.ts';
import { useT, words } from '../i18n/index.ts';
import { problemText } from '../i18n/problem.ts';
import { applyStatus, forgetOutlet } from '../live/statuses.ts';
import { Confirm } from '../ui/dialog.tsx';
import { toast } from '../ui/toast.tsx';
import { ConnectDialog } from './connect-dialog.tsx';

type Question = Exclude<OutletCommand, 'resume'> | 'remove';

export interface OutletActions {
	openConnect: (status: OutletStatus) => void;
	reconnect: (status: OutletStatus) => void;
	resume: (status: OutletStatus) => void;
	ask: (question: Question, status: OutletStatus) => void;
	/** To be put somewhere on the page. */
	dialogs: ComponentChildren;
}

async function run(command: OutletCommand, status: OutletStatus): Promise<void> {
	const answer = await outletCommand(status.outletId, command);
	if (answer?.status?.outletId) applyStatus(answer.status);
	toast(words().outlets.done[command](status.outlet.name));
}

async function remove(status: OutletStatus): Promise<void> {
	await outletRemove(status.outletId);
	forgetOutlet(status.outletId);
	toast(words().outlets.removed(status.outlet.name));
}

async function reconnect(status: OutletStatus): Promise<void> {
	const answer = await outletConnect(status.outletId, 'qr');
	if (answer?.status?.outletId) applyStatus(answer.status);
	toast(words().outlets.done.connect(status.outlet.name));
}

function sayFailure(error: unknown): void {
	toast(problemText(error, words()), 'bad');
}

export function useOutletActions(): OutletActions {
	const t = useT();
	const [asked, setAsked] = useState<{ question: Question; status: OutletStatus } | null>(null);
	const [connecting, setConnecting] = useState<OutletStatus | null>(null);

	const confirm = async (): Promise<void> => {
		if (asked === null) return;
		if (asked.question === 'remove') await remove(asked.status);
		else await run(asked.question, asked.status);
		setAsked(null);
	};

	return {
		openConnect: setConnecting,
		reconnect: (status) => void reconnect(status).catch(sayFailure),
		resume: (status) => void run('resume', status).catch(sayFailure),
		ask: (question, status) => setAsked({ question, status }),
		dialogs: (
			<>
				{connecting && (
					<ConnectDialog key={connecting.outletId} outlet={connecting} onClose={() => setConnecting(null)} />
				)}
				{asked && (
					<Confirm
						{...t.outlets.confirm[asked.question](asked.status.outlet.name)}
						action={t.outlets[asked.question]}
						danger={asked.question === 'remove' || asked.question === 'logout'}
						onConfirm={confirm}
						onClose={() => setAsked(null)}
					/>
				)}
			</>
		),
	};
}
