/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phone: telephone numbers as people write them, to digits with country code. The daemon decides; this only tells early. */

const COUNTRY = '62';
const DIGITS_MIN = 7;
const DIGITS_MAX = 15;

/** "0812-3456", "+62 812 3456", "62 0812 3456" give "628123456"; null if it is no telephone number. */
export function normalisePhone(text: string): string | null {
	const trimmed = text.trim();
	if (!/^\+?[\d\s\-./()]+$/.test(trimmed)) return null;
	let digits = trimmed.replace(/\D/g, '');
	const international = trimmed.startsWith('+');

	if (!international && digits.startsWith('00')) digits = digits.slice(2);
	else if (!international && digits.startsWith('0')) digits = COUNTRY + digits.slice(1);
	// The trunk zero left in by mistake.
	if (digits.startsWith(`${COUNTRY}0`)) digits = COUNTRY + digits.slice(COUNTRY.length + 1);
	if (digits.length < DIGITS_MIN || digits.length > DIGITS_MAX || digits.startsWith('0')) return null;
	return digits;
}

/** Groups for the eye: "6281234567890" gives ["+62", "812", "3456", "7890"]. */
export function phoneGroups(digits: string): string[] {
	if (!/^\d+$/.test(digits)) return [digits];
	const hasCountry = digits.startsWith(COUNTRY);
	const rest = hasCountry ? digits.slice(COUNTRY.length) : digits;
	const groups = hasCountry ? [`+${COUNTRY}`, rest.slice(0, 3)] : [`+${rest.slice(0, 3)}`];
	for (let at = 3; at < rest.length; at += 4) groups.push(rest.slice(at, at + 4));
	return groups.filter((group) => group !== '');
}
