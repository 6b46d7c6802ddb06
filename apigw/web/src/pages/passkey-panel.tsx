/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * passkey-panel: what WhatsApp asks for before it links an account that has a passkey: the line for a browser's console, the field for
 * its answer, and the code to compare with the phone's. A passkey answers pages of WhatsApp only, so it cannot be asked for from here.
 */
import { useEffect, useState } from 'preact/hooks';
import { outletCommand, outletPasskey, outletPasskeyAnswer, outletPasskeyConfirm } from '../api/calls.ts';
import { Problem } from '../api/client.ts';
import type { OutletStatus, PasskeyAnswer } from '../api/types.ts';
import { type Messages, useT } from '../i18n/index.ts';
import { problemText } from '../i18n/problem.ts';
import { copyText } from '../lib/clipboard.ts';
import { listen } from '../live/connection.ts';
import { Button, Notice } from '../ui/basic.tsx';
import { Field } from '../ui/field.tsx';
import { toast } from '../ui/toast.tsx';
import { useWords, type Words } from './passkey-words.ts';

const POLL_MS = 2000;
const SITE = 'https://web.whatsapp.com';

function consoleLine(options: unknown): string {
	return `copy(JSON.stringify(await navigator.credentials.get({publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(${JSON.stringify(options)})})))`;
}

/** What there is to do now, kept current. */
function usePasskey(outletId: string): [PasskeyAnswer | null, (answer: PasskeyAnswer) => void] {
	const [passkey, setPasskey] = useState<PasskeyAnswer | null>(null);

	useEffect(() => {
		let gone = false;
		const look = (): void => {
			outletPasskey(outletId).then(
				(answer) => {
					if (!gone) setPasskey(answer);
				},
				() => {},
			);
		};
		look();
		const stop = listen('qr', look);
		const timer = window.setInterval(look, POLL_MS);
		return () => {
			gone = true;
			stop();
			window.clearInterval(timer);
		};
	}, [outletId]);
	return [passkey, setPasskey];
}

/** The field that is wrong says more than "not valid". */
function answerProblem(error: unknown, t: Messages, w: Words): string {
	if (error instanceof SyntaxError) return w.notJson;
	if (error instanceof Problem && error.code === 'validation_failed') return w.wrong(error.errors[0]?.code ?? '');
	return problemText(error, t);
}

interface StepProps {
	outletId: string;
	passkey: PasskeyAnswer;
	onNext: (answer: PasskeyAnswer) => void;
}

function Ask({ outletId, passkey, onNext }: StepProps) {
	const t = useT();
	const w = useWords();
	const [text, setText] = useState('');
	const [error, setError] = useState<string | null>(null);
	const [busy, setBusy] = useState(false);
	const copy = async (near: HTMLElement): Promise<void> => {
		if (await copyText(consoleLine(passkey.options), near)) toast(w.copied);
	};
	const give = async (): Promise<void> => {
		setBusy(true);
		setError(null);
		try {
			onNext(await outletPasskeyAnswer(outletId, JSON.parse(text)));
		} catch (problem) {
			setError(answerProblem(problem, t, w));
		} finally {
			setBusy(false);
		}
	};
	return (
		<>
			<ol class="passkey-steps">
				<li>
					{w.step1}{' '}
					<a href={SITE} target="_blank" rel="noreferrer">
						{SITE}
					</a>
				</li>
				<li>
					{w.step2}{' '}
					<Button icon="copy" onClick={(event) => void copy(event.currentTarget)} data-testid="passkey-copy">
						{w.copy}
					</Button>
				</li>
				<li>{w.step3}</li>
			</ol>
			<Field label={w.answer} error={error}>
				{(ids) => (
					<textarea
						{...ids}
						class="input passkey-answer"
						rows={4}
						spellcheck={false}
						autocomplete="off"
						value={text}
						onInput={(event) => setText(event.currentTarget.value)}
						data-testid="passkey-answer"
					/>
				)}
			</Field>
			<div class="dialog-actions">
				<Button kind="primary" disabled={busy || text.trim() === ''} onClick={() => void give()} data-testid="passkey-give">
					{w.give}
				</Button>
			</div>
		</>
	);
}

function Compare({ outletId, passkey, onNext }: StepProps) {
	const t = useT();
	const w = useWords();
	const [error, setError] = useState<unknown>(null);
	const say = (answer: Promise<unknown>): void => {
		setError(null);
		answer.then((next) => next && onNext(next as PasskeyAnswer), setError);
	};
	return (
		<>
			<p>{w.compare}</p>
			<output class="code-text" data-testid="passkey-code">
				{passkey.code}
			</output>
			{error !== null && (
				<Notice kind="bad" role="alert">
					{problemText(error, t)}
				</Notice>
			)}
			<div class="dialog-actions">
				<Button onClick={() => say(outletCommand(outletId, 'disconnect').then(() => null))} data-testid="passkey-differs">
					{w.differs}
				</Button>
				<Button kind="primary" onClick={() => say(outletPasskeyConfirm(outletId))} data-testid="passkey-same">
					{w.same}
				</Button>
			</div>
		</>
	);
}

export function PasskeyPanel({ outlet }: { outlet: OutletStatus }) {
	const t = useT();
	const w = useWords();
	const [passkey, setPasskey] = usePasskey(outlet.outletId);
	const props = passkey && { outletId: outlet.outletId, passkey, onNext: setPasskey };
	return (
		<div class="passkey" data-testid="passkey-panel" data-step={passkey?.step ?? ''}>
			<Notice kind="warn">
				<strong>{t.passkeyTitle}</strong>
				<p>{w.lead}</p>
			</Notice>
			{props && passkey.step === 'assertion' && <Ask {...props} />}
			{props && passkey.step === 'confirm' && <Compare {...props} />}
			{(passkey === null || passkey.step === 'checking' || passkey.step === 'finishing') && (
				<p class="qr-wait" role="status">
					<span class="spinner spinner-big" aria-hidden="true" />
					<span>{w.checking}</span>
				</p>
			)}
		</div>
	);
}
