/* SPDX-License-Identifier: GPL-3.0-or-later */
/* page: the settings, part by part, each for the roles that may see it. */
import type { FunctionComponent } from 'preact';
import type { Role } from '../api/types.ts';
import { useT } from '../i18n/index.ts';
import { useTitle } from '../lib/hooks.ts';
import { Tabs } from '../manage/parts.tsx';
import { useLocation } from '../router.ts';
import { PageHead } from '../ui/basic.tsx';
import { useUser } from '../user.ts';
import { Account } from './account.tsx';
import { Audit } from './audit.tsx';
import { Rules } from './rules.tsx';
import { Templates } from './templates.tsx';
import { Tokens } from './tokens.tsx';
import { Users } from './users.tsx';
import { useWords } from './words.ts';

const HERE = '/settings';
const RANK: Record<Role, number> = { USER: 0, ADMIN: 1, SUPERADMIN: 2 };
const PARTS = [
	['account', 'USER', Account],
	['tokens', 'USER', Tokens],
	['templates', 'USER', Templates],
	['rules', 'ADMIN', Rules],
	['users', 'SUPERADMIN', Users],
	['audit', 'SUPERADMIN', Audit],
] as const satisfies readonly (readonly [string, Role, FunctionComponent])[];

export function SettingsPage() {
	const t = useT();
	const w = useWords();
	const { role } = useUser();
	const wanted = new URLSearchParams(useLocation().search).get('tab');
	const parts = PARTS.filter(([, least]) => RANK[role] >= RANK[least]);
	const [key, , Part] = parts.find(([each]) => each === wanted) ?? PARTS[0];
	const tabs = parts.map(([each]) => ({
		key: each as string,
		href: each === 'account' ? HERE : `${HERE}?tab=${each}`,
		label: w[each],
	}));
	if (RANK[role] >= RANK.ADMIN) tabs.push({ key: 'webhooks', href: '/webhooks', label: t.app.webhooks });

	useTitle(w[key]);
	return (
		<>
			<PageHead title={t.app.settings} lead={w.lead} />
			<Tabs label={w.parts} tabs={tabs} current={key} />
			<Part key={key} />
		</>
	);
}
