/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sorted, so that two who keep the same numbers do not wait for each other. Asks no database. */
#include "waconnd/number_rows.h"

#include <stdlib.h>
#include <string.h>

static int
compare_numbers(const void *a, const void *b)
{
	const struct link_number *x = a, *y = b;

	return strcmp(x->phone, y->phone);
}

void
number_rows_init(struct number_rows *rows, const struct link_checked *checked)
{
	struct link_number sorted[LINK_CHECK_MAX] = {0};
	const size_t n = checked->n < LINK_CHECK_MAX ? checked->n : LINK_CHECK_MAX;

	array_init(&rows->phones, ARRAY_TEXT);
	array_init(&rows->present, ARRAY_BOOL);
	array_init(&rows->businesses, ARRAY_TEXT);
	if (n > 0)
		memcpy(sorted, checked->numbers, n * sizeof(sorted[0]));
	qsort(sorted, n, sizeof(sorted[0]), compare_numbers);
	for (size_t i = 0; i < n; i++) {
		const struct link_number *a = &sorted[i];

		if (a->state == LINK_NUMBER_UNKNOWN)
			continue;
		array_text(&rows->phones, a->phone);
		array_bool(&rows->present, a->state == LINK_NUMBER_PRESENT);
		array_text(&rows->businesses, a->business[0] != '\0' ? a->business : NULL);
	}
	rows->n = rows->phones.n;
	rows->params[0] = array_param(&rows->phones);
	rows->params[1] = array_param(&rows->present);
	rows->params[2] = array_param(&rows->businesses);
}

void
number_rows_done(struct number_rows *rows)
{
	array_done(&rows->phones);
	array_done(&rows->present);
	array_done(&rows->businesses);
}
