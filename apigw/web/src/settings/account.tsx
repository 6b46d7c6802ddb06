/* SPDX-License-Identifier: GPL-3.0-or-later */
/* account: who one is, and one's own password. */
import { useState } from 'preact/hooks';
import { useT } from '../i18n/index.ts';
import { useStatuses } from '../live/statuses.ts';
import { Failure, useFieldText } from '../manage/parts.tsx';
import { Button } from '../ui/basic.tsx';
import { TextField } from '../ui/field.tsx';
import { toast } from '../ui/toast.tsx';
import { useUser } from '../user.ts';
import { passwordChange } from './calls.ts';
import { useWords } from './words.ts';

export const PASSWORD_MIN = 8;

const EMPTY = { now: '', next: '', again: '' };

function PasswordForm() {
	const t = useT();
	const w = useWords();
	const { username } = useUser();
	const [draft, setDraft] = useState(EMPTY);
	const [tried, setTried] = useState(false);
	const [busy, setBusy] = useState(false);
	const [failure, setFailure] = useState<unknown>(null);
	const fieldText = useFieldText(failure);
	const change = (part: Partial<typeof EMPTY>): void => setDraft((old) => ({ ...old, ...part }));
	const short = draft.next.length < PASSWORD_MIN;
	const differs = draft.next !== draft.again;

	const submit = async (event: Event): Promise<void> => {
		event.preventDefault();
		setTried(true);
		setFailure(null);
		if (draft.now === '' || short || differs) return;
		setBusy(true);
		try {
			await passwordChange(draft.now, draft.next);
			setDraft(EMPTY);
			setTried(false);
			toast(w.passwordChanged);
		} catch (error) {
			setFailure(error);
		}
		setBusy(false);
	};

	return (
		<form onSubmit={(event) => void submit(event)} noValidate data-testid="password-form">
			<Failure error={failure} />
			<input class="sr-only" type="text" autocomplete="username" value={username} readOnly tabIndex={-1} aria-hidden />
			<TextField
				label={w.passwordNow}
				type="password"
				autocomplete="current-password"
				value={draft.now}
				onValue={(now) => change({ now })}
				error={tried && draft.now === '' ? t.app.required : fieldText('currentPassword')}
				data-testid="password-now"
			/>
			<TextField
				label={w.passwordNew}
				hint={w.passwordHint}
				type="password"
				autocomplete="new-password"
				value={draft.next}
				onValue={(next) => change({ next })}
				error={tried && short ? w.passwordShort : fieldText('newPassword', w.passwordShort)}
				data-testid="password-new"
			/>
			<TextField
				label={w.passwordAgain}
				type="password"
				autocomplete="new-password"
				value={draft.again}
				onValue={(again) => change({ again })}
				error={tried && !short && differs ? w.passwordDiffers : null}
				data-testid="password-again"
			/>
			<div>
				<Button kind="primary" type="submit" busy={busy} data-testid="password-save">
					{w.passwordTitle}
				</Button>
			</div>
		</form>
	);
}

export function Account() {
	const t = useT();
	const w = useWords();
	const user = useUser();
	const { byId } = useStatuses();
	return (
		<div class="settings-stack">
			<section class="card settings-card" aria-label={w.account}>
				<dl class="facts facts-two">
					<div>
						<dt>{w.username}</dt>
						<dd data-testid="account-name">{user.username}</dd>
					</div>
					<div>
						<dt>{w.role}</dt>
						<dd>{t.app.role[user.role]}</dd>
					</div>
					{user.outletId !== null && (
						<div>
							<dt>{w.outlet}</dt>
							<dd>{byId.get(user.outletId)?.outlet.name ?? '–'}</dd>
						</div>
					)}
				</dl>
				<p class="hint">{w.roleHint[user.role]}</p>
			</section>
			<section class="card settings-card" aria-labelledby="password-title">
				<h2 id="password-title">{w.passwordTitle}</h2>
				<p class="hint">{w.passwordLead}</p>
				<PasswordForm />
			</section>
		</div>
	);
}
