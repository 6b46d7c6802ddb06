/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * number_check: which numbers are on WhatsApp, asked in batches of contact queries (usync), one
 * after the other with seconds between them: many at once get a number banned. Source: PROTOCOL
 * section 14.
 */
#ifndef LINK_NUMBER_CHECK_H
#define LINK_NUMBER_CHECK_H

#include "waconnd/link/messaging.h"

#define NUMBER_CHECK_BATCH 50

struct number_checks *number_checks_new(struct messaging *m);
/* What is under way comes back as UNHEARD first. */
void number_checks_free(struct number_checks **cs);
/* false: too many wait already. The result comes through link_ops.numbers, not from inside. */
bool number_checks_add(struct number_checks *cs, const char *const *phones, size_t n,
    void *check_arg) __attribute__((warn_unused_result));

#endif
