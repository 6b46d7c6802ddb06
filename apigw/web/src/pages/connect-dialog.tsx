/* SPDX-License-Identifier: GPL-3.0-or-later */
/* connect-dialog: the QR to scan, renewed as it expires; closes itself when the outlet is connected. */
import { useEffect, useState } from 'preact/hooks';
import { outletQrImage } from '../api/calls.ts';
import type { OutletStatus } from '../api/types.ts';
import { useLang, useT } from '../i18n/index.ts';
import { problemText } from '../i18n/problem.ts';
import { useNow } from '../lib/clock.ts';
import { duration } from '../lib/time.ts';
import { useStatuses } from '../live/statuses.ts';
import { Button, Notice, PhoneNumber } from '../ui/basic.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icons.tsx';
import { Troubles } from '../ui/outlet-parts.tsx';
import { toast } from '../ui/toast.tsx';
import { type Code, type Linking, useLinking } from './linking.ts';

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

function Countdown({ code }: { code: Code }) {
	const t = useT();
	const lang = useLang();
	const now = useNow();
	if (code.expiresAt === null) return <>{t.qr.ready}</>;
	const seconds = Math.ceil((code.expiresAt - now) / 1000);
	return <>{seconds > 0 ? t.qr.renewsIn(duration(seconds, lang)) : t.qr.renewing}</>;
}

function Stage({ outlet, linking }: { outlet: OutletStatus; linking: Linking }) {
	const t = useT();
	if (linking.step === 'code') return <CodeImage outlet={outlet} code={linking.code} />;
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
			<span>{linking.step === 'scanned' ? t.qr.scanned : t.qr.preparing}</span>
		</span>
	);
}

function Steps({ outlet }: { outlet: OutletStatus }) {
	const t = useT();
	return (
		<div class="qr-steps">
			<ol>
				<li>{t.qr.step1}</li>
				<li>{t.qr.step2}</li>
				<li>{t.qr.step3}</li>
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

export function ConnectDialog({ outlet, onClose }: { outlet: OutletStatus; onClose: () => void }) {
	const t = useT();
	const { linking, restart } = useLinking(outlet.outletId);
	const spoken = {
		preparing: t.qr.preparing,
		code: t.qr.ready,
		scanned: t.qr.scanned,
		connected: t.qr.connected(outlet.outlet.name),
		failed: '',
	}[linking.step];

	useEffect(() => {
		if (linking.step !== 'connected') return;
		toast(t.qr.connected(outlet.outlet.name));
		onClose();
	}, [linking.step]);
	return (
		<Dialog title={t.qr.title(outlet.outlet.name)} onClose={onClose} data-testid="qr-modal">
			<p class="sr-only" role="status">
				{spoken}
			</p>
			{linking.step === 'failed' ? (
				<Failure outlet={outlet} error={linking.error} onRetry={restart} />
			) : (
				<div class="qr" data-step={linking.step}>
					<div class="qr-side">
						<div class="qr-stage">
							<Stage outlet={outlet} linking={linking} />
						</div>
						<p class="qr-countdown muted" data-testid="qr-countdown">
							{linking.step === 'code' && <Countdown code={linking.code} />}
						</p>
					</div>
					<Steps outlet={outlet} />
				</div>
			)}
		</Dialog>
	);
}
