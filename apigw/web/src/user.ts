/* SPDX-License-Identifier: GPL-3.0-or-later */
/* user: who is signed in, for the pages inside the shell. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { User } from './api/types.ts';

export const UserContext = createContext<User | null>(null);

export function useUser(): User {
	const user = useContext(UserContext);
	if (user === null) throw new Error('no user outside the shell');
	return user;
}
