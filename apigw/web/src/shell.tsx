/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shell: what surrounds every page of a signed-in user: the bar, the navigation, the banners. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { User } from './api/types.ts';
import { LANGS, setLang, useLang, useT } from './i18n/index.ts';
import { clockTime } from './lib/time.ts';
import { useConnection } from './live/connection.ts';
import { useStatuses } from './live/statuses.ts';
import { navigate, useLocation } from './router.ts';
import { mayManageOutlets, signOut } from './session.ts';
import { setTheme, THEMES, useTheme } from './theme.ts';
import { Icon, type IconName, Logo } from './ui/icons.tsx';
import { Menu } from './ui/menu.tsx';
import { UserContext } from './user.ts';

const THEME_ICONS: Record<(typeof THEMES)[number], IconName> = { system: 'system', light: 'sun', dark: 'moon' };

export function LangSwitch() {
	const t = useT();
	const lang = useLang();
	return (
		<div class="segments segments-small" role="group" aria-label={t.app.language} data-testid="lang">
			{LANGS.map((each) => (
				<button
					key={each}
					type="button"
					lang={each}
					aria-pressed={lang === each}
					data-lang={each}
					title={each === 'id' ? 'Bahasa Indonesia' : 'English'}
					onClick={() => setLang(each)}
				>
					{each.toUpperCase()}
				</button>
			))}
		</div>
	);
}

export function ThemeMenu() {
	const t = useT();
	const theme = useTheme();
	return (
		<Menu
			label={t.app.theme.label}
			testid="theme"
			button={<Icon name={THEME_ICONS[theme]} />}
			items={THEMES.map((each) => ({
				key: each,
				label: t.app.theme[each],
				icon: THEME_ICONS[each],
				checked: theme === each,
				onSelect: () => setTheme(each),
			}))}
		/>
	);
}

function UserMenu({ user }: { user: User }) {
	const t = useT();
	return (
		<Menu
			label={`${t.app.account}: ${user.username}`}
			testid="user-menu"
			buttonClass="user-button"
			button={
				<>
					<span class="avatar" aria-hidden="true" data-letter={user.username.slice(0, 1).toUpperCase()} />
					<span class="user-name">{user.username}</span>
					<Icon name="chevron" size={16} />
				</>
			}
			head={
				<div class="menu-head">
					<strong>{user.username}</strong>
					<span>{t.app.role[user.role]}</span>
				</div>
			}
			items={[
				{
					key: 'settings',
					label: t.app.settings,
					icon: 'sliders',
					onSelect: () => navigate('/settings'),
				},
				...(mayManageOutlets(user)
					? [
							{
								key: 'webhooks',
								label: t.app.webhooks,
								icon: 'globe' as const,
								onSelect: () => navigate('/webhooks'),
							},
						]
					: []),
				{ key: 'logout', label: t.app.logout, icon: 'logout', onSelect: () => void signOut() },
			]}
		/>
	);
}

function Nav() {
	const t = useT();
	const { path } = useLocation();
	const links: [href: string, label: string, icon: IconName, current: boolean][] = [
		['/outlet-status', t.app.status, 'pulse', path.startsWith('/outlet-status')],
		['/outlets', t.app.outlets, 'store', /^\/outlets(\/|$)/.test(path)],
		['/blast', t.app.blast, 'send', /^\/blasts?(\/|$)/.test(path)],
		['/contacts', t.app.contacts, 'user', /^\/contacts(\/|$)/.test(path)],
	];
	return (
		<nav class="nav" aria-label={t.app.mainMenu}>
			{links.map(([href, label, icon, current]) => (
				<a key={href} href={href} aria-current={current ? 'page' : undefined}>
					<Icon name={icon} size={20} />
					<span>{label}</span>
				</a>
			))}
		</nav>
	);
}

function Banners() {
	const t = useT();
	const lang = useLang();
	const { trouble, lastRefresh } = useConnection();
	const { databaseStale } = useStatuses();
	const since = lastRefresh === null ? '' : ` ${t.live.since(clockTime(lastRefresh, lang))}`;
	const down = trouble === 'offline' || trouble === 'daemon' ? trouble : null;
	return (
		<div class="banners" aria-live="assertive">
			{down && (
				<div class="banner banner-bad" data-testid={`banner-${down}`}>
					<Icon name={down === 'daemon' ? 'alert' : 'offline'} />
					<span>{t.live[down] + since}</span>
				</div>
			)}
			{!down && (databaseStale || trouble === 'database') && (
				<div class="banner banner-warn" data-testid="banner-stale">
					<Icon name="alert" />
					<span>{t.live.stale}</span>
				</div>
			)}
		</div>
	);
}

/** A new page begins at its heading, for those who hear it rather than see it. */
function useFocusOnPage(): void {
	const { path } = useLocation();
	const first = useRef(true);
	useEffect(() => {
		if (first.current) first.current = false;
		else document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
	}, [path]);
}

export function Shell({ user, children }: { user: User; children: ComponentChildren }) {
	const t = useT();
	const { trouble } = useConnection();
	useFocusOnPage();
	return (
		<UserContext.Provider value={user}>
			<a class="skip" href="#main">
				{t.app.skip}
			</a>
			<header class="topbar">
				<div class="topbar-in">
					<a class="brand" href="/outlet-status" aria-label="waconn">
						<Logo />
						<span>waconn</span>
					</a>
					<Nav />
					<div class="topbar-tools">
						<LangSwitch />
						<ThemeMenu />
						<UserMenu user={user} />
					</div>
				</div>
			</header>
			<Banners />
			<main id="main" tabIndex={-1} class={trouble === 'none' ? 'page' : 'page is-stale'}>
				{children}
			</main>
		</UserContext.Provider>
	);
}
