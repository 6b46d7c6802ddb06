/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * number_rows: what WhatsApp answered about numbers, as the parameters of NUMBER_KEEP. What it did
 * not answer is left out.
 */
#ifndef NUMBER_ROWS_H
#define NUMBER_ROWS_H

#include "waconnd/link/link.h"
#include "waconnd/store/array.h"

#define NUMBER_ROWS_PARAMS 3

struct number_rows {
	struct array phones, present, businesses;
	struct db_param params[NUMBER_ROWS_PARAMS]; /* as long as the rows */
	size_t n;
};

void number_rows_init(struct number_rows *rows, const struct link_checked *checked);
void number_rows_done(struct number_rows *rows);

#endif
