/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dialog: the browser's own modal dialog: it keeps the focus inside, closes on Escape and gives the focus back. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { problemText } from '../i18n/problem.ts';
import { useT } from '../i18n/index.ts';
import { Button, IconButton, Notice } from './basic.tsx';

interface DialogProps {
	title: string;
	onClose: () => void;
	children: ComponentChildren;
	/** A question: no close button in the corner, and announced as an alert. */
	question?: boolean;
	'data-testid'?: string;
}

export function Dialog({ title, onClose, children, question, ...rest }: DialogProps) {
	const t = useT();
	const id = useId();
	const ref = useRef<HTMLDialogElement>(null);

	useEffect(() => {
		const dialog = ref.current!;
		const opener = document.activeElement;
		dialog.showModal();
		return () => {
			dialog.close();
			if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
		};
	}, []);

	return (
		<dialog
			{...rest}
			ref={ref}
			class={question ? 'dialog dialog-question' : 'dialog'}
			role={question ? 'alertdialog' : 'dialog'}
			aria-modal="true"
			aria-labelledby={id}
			onCancel={(event) => {
				event.preventDefault();
				onClose();
			}}
			onMouseDown={(event) => {
				// The backdrop belongs to the dialog element itself; its inside is one child that covers it.
				if (event.target === ref.current) onClose();
			}}
		>
			<div class="dialog-body">
				<div class="dialog-head">
					<h2 id={id}>{title}</h2>
					{!question && (
						<IconButton icon="close" label={t.app.close} onClick={onClose} data-testid="dialog-close" />
					)}
				</div>
				{children}
			</div>
		</dialog>
	);
}

interface ConfirmProps {
	title: string;
	text: string;
	action: string;
	keep?: string;
	danger?: boolean;
	/** Resolves when done; what it throws is shown in the dialog. */
	onConfirm: () => Promise<void>;
	onClose: () => void;
}

export function Confirm({ title, text, action, keep, danger, onConfirm, onClose }: ConfirmProps) {
	const t = useT();
	const [busy, setBusy] = useState(false);
	const [failure, setFailure] = useState<unknown>(null);

	const confirm = async (): Promise<void> => {
		setBusy(true);
		setFailure(null);
		try {
			await onConfirm();
		} catch (error) {
			setFailure(error);
			setBusy(false);
		}
	};

	return (
		<Dialog title={title} onClose={onClose} question data-testid="confirm">
			<p>{text}</p>
			{failure !== null && (
				<Notice kind="bad" role="alert">
					{problemText(failure, t)}
				</Notice>
			)}
			<div class="dialog-actions">
				<Button onClick={onClose} data-testid="confirm-no" autofocus>
					{keep ?? t.app.cancel}
				</Button>
				<Button
					kind={danger ? 'danger' : 'primary'}
					busy={busy}
					onClick={() => void confirm()}
					data-testid="confirm-yes"
				>
					{action}
				</Button>
			</div>
		</Dialog>
	);
}
