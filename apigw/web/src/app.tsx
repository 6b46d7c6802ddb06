/* SPDX-License-Identifier: GPL-3.0-or-later */
/* app: which page for which address, and who may see it. */
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { Problem } from './api/client.ts';
import { useT } from './i18n/index.ts';
import { startLive, stopLive, useConnection } from './live/connection.ts';
import { followStatuses } from './live/statuses.ts';
import { LoginPage } from './pages/login.tsx';
import { NotFoundPage } from './pages/not-found.tsx';
import { OutletsPage } from './pages/outlets.tsx';
import { StatusPage } from './pages/status.tsx';
import { type Location, navigate, useLocation } from './router.ts';
import { loadSession, useSession } from './session.ts';
import { Shell } from './shell.tsx';
import { Notice, Skeleton } from './ui/basic.tsx';
import { Logo } from './ui/icons.tsx';
import { later } from './ui/later.tsx';
import { Toasts } from './ui/toast.tsx';

const HOME = '/outlet-status';
const RETRY_MS = 3000;
/** By then the first page is there. */
const PREPARE_MS = 1500;

const blast = later(async () => (await import('./blast/pages.ts')).BlastPage);
const progress = later(async () => (await import('./blast/pages.ts')).ProgressPage);

const contacts = later(async () => (await import('./contacts/page.tsx')).ContactsPage);
const settings = later(async () => (await import('./settings/page.tsx')).SettingsPage);
const webhooks = later(async () => (await import('./webhooks/page.tsx')).WebhooksPage);

const pages: readonly [pattern: RegExp, page: (match: RegExpExecArray) => ComponentChildren][] = [
	[/^\/outlet-status\/?$/, () => <StatusPage />],
	[/^\/outlets\/?$/, () => <OutletsPage />],
	[/^\/blast\/?$/, () => <blast.Page />],
	[/^\/blasts\/?$/, () => <blast.Page />],
	[/^\/contacts\/?$/, () => <contacts.Page />],
	[/^\/settings\/?$/, () => <settings.Page />],
	[/^\/webhooks\/?$/, () => <webhooks.Page />],
	[/^\/blasts\/([^/]+)\/?$/, (match) => <progress.Page key={match[1]} id={decodeURIComponent(match[1]!)} />],
];

function pageFor(path: string): ComponentChildren {
	for (const [pattern, page] of pages) {
		const match = pattern.exec(path);
		if (match) return page(match);
	}
	return <NotFoundPage />;
}

/** Only an address of our own: "//elsewhere" is none. */
function nextPage(location: Location): string {
	const next = new URLSearchParams(location.search).get('next') ?? '';
	return /^\/(?![/\\])/.test(next) && !next.startsWith('/login') ? next : HOME;
}

/** Asks who we are until there is an answer: the gateway may be up before the daemon. */
function useFirstLook(): void {
	useEffect(() => {
		let timer: number | undefined;
		let over = false;
		const look = (): void => {
			loadSession().catch((error: unknown) => {
				if (over || (error instanceof Problem && error.status === 401)) return;
				timer = window.setTimeout(look, RETRY_MS);
			});
		};
		look();
		return () => {
			over = true;
			window.clearTimeout(timer);
		};
	}, []);
}

function Waiting() {
	const t = useT();
	const { trouble } = useConnection();
	return (
		<main class="waiting">
			<Logo />
			{trouble === 'none' ? (
				<Skeleton rows={3} />
			) : (
				<Notice kind="warn" icon={trouble === 'offline' ? 'offline' : 'alert'} role="alert">
					{trouble === 'offline' ? t.problem.network : t.problem.byCode[`${trouble}_unavailable`]}
				</Notice>
			)}
		</main>
	);
}

export function App() {
	const location = useLocation();
	const session = useSession();
	const signedIn = session.state === 'in';
	const atLogin = location.path === '/login';

	useFirstLook();
	useEffect(() => {
		if (session.state === 'out' && !atLogin) {
			const here = location.path + location.search;
			navigate(here === '/' || here === HOME ? '/login' : `/login?next=${encodeURIComponent(here)}`, {
				replace: true,
			});
		} else if (signedIn && (atLogin || location.path === '/')) {
			navigate(atLogin ? nextPage(location) : HOME, { replace: true });
		}
	}, [session.state, location]);
	useEffect(() => {
		if (!signedIn) return;
		startLive();
		const unfollow = followStatuses();
		const timer = window.setTimeout(() => {
			blast.prepare();
			progress.prepare();
		}, PREPARE_MS);
		return () => {
			window.clearTimeout(timer);
			unfollow();
			stopLive();
		};
	}, [signedIn]);

	let view: ComponentChildren = <Waiting />;
	if (session.state === 'out') view = <LoginPage ended={session.ended} />;
	else if (session.state === 'in') view = <Shell user={session.user}>{pageFor(location.path)}</Shell>;
	return (
		<>
			{view}
			<Toasts />
		</>
	);
}
