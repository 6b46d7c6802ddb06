/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recipients: whom a blast goes to: numbers one a line, "number,name", or CSV whose first line
 * names the columns. Numbers are taken as they are written; the daemon says which are none.
 */
#ifndef WACONNCTL_RECIPIENTS_H
#define WACONNCTL_RECIPIENTS_H

#include <stdio.h>

#include "common/buf.h"
#include "ipc.pb-c.h"

#define RECIPIENTS_MAX 200000
#define RECIPIENTS_COLUMNS_MAX 50
#define RECIPIENTS_BYTES_MAX (16u << 20)

struct recipients {
	Ipc__Recipient **list; /* valid until recipients_done */
	size_t n;
};

/* -1: there are too many; said in err. */
int recipients_add(struct recipients *r, const char *phone, struct buf *err)
    __attribute__((warn_unused_result));
/* Reads lines until the end. -1: err says which line is wrong. */
int recipients_read(struct recipients *r, FILE *in, struct buf *err)
    __attribute__((warn_unused_result));
void recipients_done(struct recipients *r);

#endif
