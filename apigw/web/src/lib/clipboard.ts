/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clipboard: a text for pasting elsewhere, also where the page came over plain HTTP and browsers offer no clipboard. */

function copyBySelection(text: string, near: HTMLElement): boolean {
	const field = document.createElement('textarea');
	field.value = text;
	field.readOnly = true;
	field.className = 'sr-only';
	// Beside what asked for it: an open dialog keeps the focus inside.
	near.append(field);
	field.select();
	try {
		return document.execCommand('copy');
	} finally {
		field.remove();
		near.focus();
	}
}

/** Whether it is there now. `near`: the button that was pressed. */
export async function copyText(text: string, near: HTMLElement): Promise<boolean> {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		return copyBySelection(text, near);
	}
}
