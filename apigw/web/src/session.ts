/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session: who is signed in. The cookie is the browser's; what is held here is only what /auth/me said. */
import { call } from './api/client.ts';
import type { User } from './api/types.ts';
import { readSetting, writeDraft, writeSetting } from './lib/settings.ts';
import { createStore, useStore } from './lib/store.ts';
import { navigate } from './router.ts';

/** `unknown` until the first answer; `ended` when a session ran out, so that the login page can say so. */
export type Session = { state: 'unknown' } | { state: 'out'; ended: boolean } | { state: 'in'; user: User };

const session = createStore<Session>({ state: 'unknown' });
/** Whether somebody was signed in here: whether it is worth asking, since the cookie cannot be seen. */
const SEEN = 'signedIn';

function enter(user: User): void {
	writeSetting(SEEN, '1');
	session.set({ state: 'in', user });
}

function leave(ended: boolean): void {
	writeSetting(SEEN, null);
	session.set({ state: 'out', ended });
}

export function useSession(): Session {
	return useStore(session);
}

export function getSession(): Session {
	return session.get();
}

export async function loadSession(): Promise<void> {
	if (window.location.pathname === '/login' && readSetting(SEEN) === null) {
		leave(false);
		return;
	}
	const { user } = await call<{ user: User }>('/auth/me');
	enter(user);
}

export async function signIn(username: string, password: string): Promise<void> {
	const { user } = await call<{ user: User }>('/auth/login', { method: 'POST', body: { username, password } });
	enter(user);
}

export async function signOut(): Promise<void> {
	const now = session.get();
	await call('/auth/logout', { method: 'POST' }).catch(() => {});
	if (now.state === 'in') writeDraft(blastDraftName(now.user), null);
	leave(false);
	navigate('/login', { replace: true });
}

/** A call was answered 401: whoever was signed in is no more. */
export function sessionLost(): void {
	const now = session.get();
	if (now.state !== 'out') leave(now.state === 'in');
}

/** Each user's own: who signs in after a session ran out may be someone else. */
export function blastDraftName(user: User): string {
	return `blast.${user.id}`;
}

export function mayManageOutlets(user: User): boolean {
	return user.role !== 'USER';
}
