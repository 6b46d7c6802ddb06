/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * phone: telephone numbers as people write them, to digits with country code.
 *
 * "0812-3456-7890", "+62 812 3456 7890", "(0812) 3456.7890", "62 0812…" and "62812…" all give
 * "6281234567890" for the default country code 62.
 */
#ifndef COMMON_PHONE_H
#define COMMON_PHONE_H

#include <stddef.h>

#define PHONE_DIGITS_MIN 7
#define PHONE_DIGITS_MAX 15
#define PHONE_COUNTRY_DEFAULT "62"

/* -1 if it is no telephone number (letters, too short, too long, empty). */
int phone_normalise(const char *text, const char *country, char ret_digits[PHONE_DIGITS_MAX + 1])
    __attribute__((warn_unused_result));
/* "62812…745" into out (at least 16 bytes), for logs. */
void phone_shorten(const char *digits, char *out, size_t size);

#endif
