/* SPDX-License-Identifier: GPL-3.0-or-later */
/* connect-dialog: the QR to scan or the code to type, renewed as it expires; closes itself when the outlet is connected. */
import { useEffect, useState } from 'preact/hooks';
import { outletPairingCode, outletQrImage } from '../api/calls.ts';
import type { LinkMethod, OutletStatus } from '../api/types.ts';
import { type Messages, useLang, useT } from '../i18n/index.ts';
import { problemText } from '../i18n/problem.ts';
import { copyText } from '../lib/clipboard.ts';
import { useNow } from '../lib/clock.ts';
import { duration } from '../lib/time.ts';
import { useStatuses } from '../live/statuses.ts';
import { Button, Notice, PhoneNumber } from '../ui/basic.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icons.tsx';
import { later } from '../ui/later.tsx';
import { Troubles } from '../ui/outlet-parts.tsx';
import { toast } from '../ui/toast.tsx';
import { type Code, type Linking, useLinking } from './linking.ts';

const passkey = later(async () => (await import('./passkey-panel.tsx')).PasskeyPanel);

function CodeImage({ outlet, code }: { outlet: OutletStatus; code: Code }) {
	const t = useT();
	const now = useNow();
	const expired = code.expiresAt !== null && code.expiresAt <= now;
	const [broken, setBroken] = useState(0);
	return (
		<img
			key={`${code.sequence}.${broken}`}
			class={`qr-image${expired ? ' is-expired' : ''}`}
			src={outletQrImage(outlet.outletId, code.sequence) + (broken > 0 ? `&again=${broken}` : '')}
			alt={t.qr.alt(outlet.outlet.name)}
			width={264}
			height={264}
			data-testid="qr-image"
			data-sequence={code.sequence}
			onError={() => window.setTimeout(() => setBroken(broken + 1), 1000)}
		/>
	);
}

function CodeText({ code, text }: { code: Code; text: string }) {
	const t = useT();
	const now = useNow();
	const expired = code.expiresAt !== null && code.expiresAt <= now;
	const copy = async (near: HTMLElement): Promise<void> => {
		if (await copyText(text, near)) toast(t.qr.copied);
	};
	return (
		<div class="code">
			<output class={`code-text${expired ? ' is-expired' : ''}`} data-testid="pairing-code">
				{text}
			</output>
			<Button icon="copy" onClick={(event) => void copy(event.currentTarget)} data-testid="pairing-code-copy">
				{t.qr.copy}
			</Button>
		</div>
	);
}

function Countdown({ code }: { code: Code }) {
	const t = useT();
	const lang = useLang();
	const now = useNow();
	if (code.expiresAt === null) return <>{t.qr.ready}</>;
	const seconds = Math.ceil((code.expiresAt - now) / 1000);
	return <>{seconds > 0 ? t.qr.renewsIn(duration(seconds, lang)) : t.qr.renewing}</>;
}

interface Words {
	preparing: string;
	taken: string;
}

function wordsOf(t: Messages, method: LinkMethod): Words {
	return method === 'qr'
		? { preparing: t.qr.preparing, taken: t.qr.scanned }
		: { preparing: t.qr.codePreparing, taken: t.qr.codeTyped };
}

function Stage({ outlet, linking, words }: { outlet: OutletStatus; linking: Linking; words: Words }) {
	if (linking.step === 'code') {
		const { text } = linking.code;
		return text === null ? (
			<CodeImage outlet={outlet} code={linking.code} />
		) : (
			<CodeText code={linking.code} text={text} />
		);
	}
	if (linking.step === 'connected') {
		return (
			<span class="qr-done">
				<Icon name="check" size={64} />
			</span>
		);
	}
	return (
		<span class="qr-wait">
			<span class="spinner spinner-big" aria-hidden="true" />
			<span>{linking.step === 'taken' ? words.taken : words.preparing}</span>
		</span>
	);
}

function Steps({ outlet, method }: { outlet: OutletStatus; method: LinkMethod }) {
	const t = useT();
	return (
		<div class="qr-steps">
			<ol>
				<li>{t.qr.step1}</li>
				<li>{t.qr.step2}</li>
				<li>{method === 'qr' ? t.qr.step3 : t.qr.codeStep3}</li>
			</ol>
			<p class="qr-number">
				<span class="muted">{t.qr.number}</span>
				<strong>
					<PhoneNumber digits={outlet.outlet.whatsappNumber} />
				</strong>
			</p>
		</div>
	);
}

function Failure({ outlet, error, onRetry }: { outlet: OutletStatus; error: unknown; onRetry: () => void }) {
	const t = useT();
	const now = useStatuses().byId.get(outlet.outletId);
	return (
		<div class="qr-failed">
			<Notice kind="bad" role="alert">
				<strong>{t.qr.failed}</strong>
				{error !== null && <p>{problemText(error, t)}</p>}
				{error === null && now && <Troubles status={now} />}
			</Notice>
			<div class="dialog-actions">
				<Button kind="primary" icon="refresh" onClick={onRetry} data-testid="qr-retry">
					{t.app.retry}
				</Button>
			</div>
		</div>
	);
}

const METHODS: readonly LinkMethod[] = ['qr', 'code'];

function MethodPicker({ method, onMethod }: { method: LinkMethod; onMethod: (method: LinkMethod) => void }) {
	const t = useT();
	return (
		<div class="segments" role="group" aria-label={t.qr.method}>
			{METHODS.map((one) => (
				<button
					key={one}
					type="button"
					aria-pressed={method === one}
					onClick={() => onMethod(one)}
					data-testid={`link-by-${one}`}
				>
					{t.qr.methods[one]}
				</button>
			))}
		</div>
	);
}

function spokenOf(t: Messages, outlet: OutletStatus, linking: Linking, words: Words): string {
	switch (linking.step) {
		case 'preparing':
			return words.preparing;
		case 'code':
			return linking.code.text === null ? t.qr.ready : t.qr.codeReady(linking.code.text);
		case 'taken':
			return words.taken;
		case 'passkey':
			return t.passkeyTitle;
		case 'connected':
			return t.qr.connected(outlet.outlet.name);
		case 'failed':
			return '';
	}
}

interface CourseProps {
	outlet: OutletStatus;
	method: LinkMethod;
	onMethod: (method: LinkMethod) => void;
	onClose: () => void;
}

function Course({ outlet, method, onMethod, onClose }: CourseProps) {
	const t = useT();
	const { linking, restart } = useLinking(outlet.outletId, method);
	const words = wordsOf(t, method);

	useEffect(() => {
		if (linking.step !== 'connected') return;
		toast(t.qr.connected(outlet.outlet.name));
		onClose();
	}, [linking.step]);
	return (
		<>
			<p class="sr-only" role="status">
				{spokenOf(t, outlet, linking, words)}
			</p>
			{linking.step !== 'passkey' && <MethodPicker method={method} onMethod={onMethod} />}
			{linking.step === 'passkey' ? (
				<passkey.Page outlet={outlet} />
			) : linking.step === 'failed' ? (
				<Failure outlet={outlet} error={linking.error} onRetry={restart} />
			) : (
				<div class="qr" data-step={linking.step}>
					<div class="qr-side">
						<div class={`qr-stage${method === 'code' ? ' is-code' : ''}`}>
							<Stage outlet={outlet} linking={linking} words={words} />
						</div>
						<p class="qr-countdown muted" data-testid="qr-countdown">
							{linking.step === 'code' && <Countdown code={linking.code} />}
						</p>
					</div>
					<Steps outlet={outlet} method={method} />
				</div>
			)}
		</>
	);
}

/** An outlet that somebody is linking by code already is not to lose that code by a look at it. */
function useFirstMethod(outlet: OutletStatus): [LinkMethod | null, (method: LinkMethod) => void] {
	const mayHaveCode = outlet.liveStatus.status === 'CONNECTING' && !outlet.liveStatus.qrCode;
	const [method, setMethod] = useState<LinkMethod | null>(mayHaveCode ? null : 'qr');

	useEffect(() => {
		if (!mayHaveCode) return;
		outletPairingCode(outlet.outletId).then(
			() => setMethod('code'),
			() => setMethod('qr'),
		);
	}, []);
	return [method, setMethod];
}

export function ConnectDialog({ outlet, onClose }: { outlet: OutletStatus; onClose: () => void }) {
	const t = useT();
	const [method, setMethod] = useFirstMethod(outlet);
	return (
		<Dialog title={t.qr.title(outlet.outlet.name)} onClose={onClose} data-testid="qr-modal">
			{method !== null && <Course outlet={outlet} method={method} onMethod={setMethod} onClose={onClose} />}
		</Dialog>
	);
}
