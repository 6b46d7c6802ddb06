/* SPDX-License-Identifier: GPL-3.0-or-later */
/* login: name and password. Which of the two was wrong is never said, nor known here. */
import { useRef, useState } from 'preact/hooks';
import { Problem } from '../api/client.ts';
import { type Messages, useT } from '../i18n/index.ts';
import { problemText } from '../i18n/problem.ts';
import { useTitle } from '../lib/hooks.ts';
import { signIn } from '../session.ts';
import { LangSwitch, ThemeMenu } from '../shell.tsx';
import { Button, IconButton, Notice } from '../ui/basic.tsx';
import { Field, TextField } from '../ui/field.tsx';
import { Logo } from '../ui/icons.tsx';

function loginProblem(error: unknown, t: Messages): string {
	return error instanceof Problem && error.status === 401
		? (t.problem.byCode.login_failed ?? '')
		: problemText(error, t);
}

function PasswordField({
	value,
	onValue,
	error,
}: {
	value: string;
	onValue: (value: string) => void;
	error: string | null;
}) {
	const t = useT();
	const [shown, setShown] = useState(false);
	return (
		<Field label={t.login.password} error={error}>
			{(ids) => (
				<div class="input-group">
					<input
						{...ids}
						class="input"
						type={(shown ? 'text' : 'password') as 'password'}
						name="password"
						autocomplete="current-password"
						value={value}
						onInput={(event) => onValue(event.currentTarget.value)}
						data-testid="login-password"
					/>
					<IconButton
						icon={shown ? 'eyeOff' : 'eye'}
						label={shown ? t.login.hide : t.login.show}
						aria-pressed={shown}
						onClick={() => setShown(!shown)}
					/>
				</div>
			)}
		</Field>
	);
}

function LoginForm() {
	const t = useT();
	const [username, setUsername] = useState('');
	const [password, setPassword] = useState('');
	const [busy, setBusy] = useState(false);
	const [tried, setTried] = useState(false);
	const [failure, setFailure] = useState<unknown>(null);
	const nameField = useRef<HTMLInputElement>(null);

	const submit = async (event: Event): Promise<void> => {
		event.preventDefault();
		setTried(true);
		setFailure(null);
		if (username.trim() === '' || password === '') return;
		setBusy(true);
		try {
			await signIn(username.trim(), password);
		} catch (error) {
			setFailure(error);
			setBusy(false);
			nameField.current?.select();
		}
	};

	return (
		<form onSubmit={(event) => void submit(event)} noValidate data-testid="login-form">
			{failure !== null && (
				<Notice kind="bad" role="alert">
					{loginProblem(failure, t)}
				</Notice>
			)}
			<TextField
				label={t.login.username}
				name="username"
				autocomplete="username"
				autocapitalize="none"
				spellcheck={false}
				autofocus
				inputRef={nameField}
				value={username}
				onValue={setUsername}
				error={tried && username.trim() === '' ? t.app.required : null}
				data-testid="login-username"
			/>
			<PasswordField
				value={password}
				onValue={setPassword}
				error={tried && password === '' ? t.app.required : null}
			/>
			<Button kind="primary" type="submit" busy={busy} data-testid="login-submit">
				{busy ? t.login.busy : t.login.submit}
			</Button>
		</form>
	);
}

export function LoginPage({ ended }: { ended: boolean }) {
	const t = useT();
	useTitle(t.login.title);
	return (
		<div class="login">
			<header class="login-tools">
				<LangSwitch />
				<ThemeMenu />
			</header>
			<main class="login-card">
				<div class="login-brand">
					<Logo />
					<span>waconn</span>
				</div>
				<h1>{t.login.title}</h1>
				<p class="lead">{t.login.lead}</p>
				{ended && (
					<Notice kind="info" role="status">
						{t.login.expired}
					</Notice>
				)}
				<LoginForm />
			</main>
		</div>
	);
}
