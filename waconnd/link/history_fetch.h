/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * history_fetch: histories that our own phone does not send along but leaves on the media hosts:
 * downloaded one after the other, read a piece a turn of the loop, and learnt from. Source:
 * PROTOCOL section 13 "History sync".
 *
 * The receipt has left by then: what is lost on the way is lost, which costs a look-up later.
 */
#ifndef LINK_HISTORY_FETCH_H
#define LINK_HISTORY_FETCH_H

#include "waconnd/link/messaging.h"

#define HISTORY_FETCHES_MAX 64		    /* waiting; more are dropped */
#define HISTORY_FETCH_BYTES_MAX (64u << 20) /* of one, deflated */

struct history_fetches;

struct history_fetches *history_fetches_new(struct messaging *m);
void history_fetches_free(struct history_fetches **h); /* after the transfers */
/* The reference is copied. */
void history_fetches_add(struct history_fetches *h, const struct wa_media_ref *ref);

#endif
