/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * notice: notifications that change what we know of people: their devices, their identity, their
 * token for us. Source: PROTOCOL sections 9 and 10. The connection side acknowledges them.
 */
#ifndef LINK_NOTICE_H
#define LINK_NOTICE_H

#include "waconnd/link/messaging.h"

#define NOTICES_MAX 256 /* tokens on their way */

struct notices *notices_new(struct messaging *m);
void notices_free(struct notices **n);
void notices_devices(struct notices *n, const struct node *notification);
void notices_identity(struct notices *n, const struct node *notification);
void notices_privacy_token(struct notices *n, const struct node *notification);

#endif
