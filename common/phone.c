/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Telephone numbers as people write them. A leading "+" or "00" is an international number; a
 * leading "0" is a national one of the default country; "62 0812…" has the trunk zero left in by
 * mistake, which is dropped.
 */
#include "common/phone.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PHONE_RAW_MAX 24 /* digits as written, with "00" and a trunk zero */

static bool
is_separator(char c)
{
	return c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '/' || c == '\t';
}

/* The digits of text; -1 for anything that is neither digit nor separator nor a leading plus. */
static int
collect_digits(const char *text, char *raw, size_t *ret_len, bool *ret_plus)
{
	size_t n = 0;
	bool plus = false;

	for (const char *p = text; *p != '\0'; p++) {
		if (isdigit((unsigned char)*p)) {
			if (n == PHONE_RAW_MAX)
				return -1;
			raw[n++] = *p;
		} else if (*p == '+' && n == 0 && !plus) {
			plus = true;
		} else if (!is_separator(*p)) {
			return -1;
		}
	}
	raw[n] = '\0';
	*ret_len = n;
	*ret_plus = plus;
	return 0;
}

int
phone_normalise(const char *text, const char *country, char ret_digits[PHONE_DIGITS_MAX + 1])
{
	char raw[PHONE_RAW_MAX + 1], full[PHONE_RAW_MAX + 8];
	const char *digits = raw;
	size_t n, country_len = strlen(country);
	bool plus;

	if (country_len > 4 || collect_digits(text, raw, &n, &plus) < 0)
		return -1;
	if (!plus && n >= 2 && raw[0] == '0' && raw[1] == '0') {
		digits += 2;
		plus = true;
	}
	if (!plus && digits[0] == '0') {
		(void)snprintf(full, sizeof(full), "%s%s", country, digits + 1);
	} else if (strncmp(digits, country, country_len) == 0 && digits[country_len] == '0') {
		(void)snprintf(full, sizeof(full), "%s%s", country, digits + country_len + 1);
	} else {
		(void)snprintf(full, sizeof(full), "%s", digits);
	}
	n = strlen(full);
	if (n < PHONE_DIGITS_MIN || n > PHONE_DIGITS_MAX || full[0] == '0')
		return -1;
	memcpy(ret_digits, full, n + 1);
	return 0;
}

void
phone_shorten(const char *digits, char *out, size_t size)
{
	size_t n = strlen(digits);

	if (n <= 8)
		(void)snprintf(out, size, "%.2s…", digits);
	else
		(void)snprintf(out, size, "%.5s…%s", digits, digits + n - 3);
}
