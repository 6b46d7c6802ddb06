/* SPDX-License-Identifier: GPL-3.0-or-later */
/* settings: what this browser remembers. A browser that forbids storage forgets, nothing worse. */

const PREFIX = 'waconn.';

export function readSetting(name: string): string | null {
	try {
		return localStorage.getItem(PREFIX + name);
	} catch {
		return null;
	}
}

export function writeSetting(name: string, value: string | null): void {
	try {
		if (value === null) localStorage.removeItem(PREFIX + name);
		else localStorage.setItem(PREFIX + name, value);
	} catch {
		// Not remembered, then.
	}
}

/** Drafts live as long as the tab, and go with the session. */
export function readDraft(name: string): string | null {
	try {
		return sessionStorage.getItem(PREFIX + name);
	} catch {
		return null;
	}
}

export function writeDraft(name: string, value: string | null): void {
	try {
		if (value === null) sessionStorage.removeItem(PREFIX + name);
		else sessionStorage.setItem(PREFIX + name, value);
	} catch {
		// Too big or forbidden: not kept.
	}
}
