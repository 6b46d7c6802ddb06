/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * notice: notifications that change what we know of people: their devices (notice_devices.c), their
 * identity, their token for us, and which LIDs the members of a group have. Source: PROTOCOL
 * sections 9 and 10. The connection side acknowledges them.
 */
#ifndef LINK_NOTICE_H
#define LINK_NOTICE_H

#include "common/wa/plain.h"
#include "waconnd/link/messaging.h"

#define NOTICES_MAX 256	      /* of each kind on their way */
#define NOTICE_PAIRS_MAX 2048 /* learnt from one notification of a group */

struct notices *notices_new(struct messaging *m);
void notices_free(struct notices **n);
void notices_identity(struct notices *n, const struct node *notification);
void notices_privacy_token(struct notices *n, const struct node *notification);

/* -- notice_devices.c -- */
enum device_change { DEVICES_ADDED, DEVICES_REMOVED, DEVICES_UPDATED };
struct device_notice { /* one change: a child of the notification */
	enum device_change what;
	char hash[PHASH_LEN + 1];     /* of all devices afterwards, under the number; "" not told */
	char lid_hash[PHASH_LEN + 1]; /* … under the LID */
	size_t n;
	struct device_id devices[USER_DEVICES_MAX];
};
/* -1: no change. Pure. */
int device_notice_read(const struct node *change, struct device_notice *ret)
    __attribute__((warn_unused_result));
/* The list after it. False: what is known does not lead to what the server has. Pure. */
bool device_notice_apply(const struct device_notice *c, const struct jid *pn, const struct jid *lid,
    const struct device_list *list, struct device_list *ret);
void notice_devices(struct messaging *m, const struct node *notification);
/* <notification type="account_sync"> with <devices>: our own devices are others now. */
void notice_own_devices(struct messaging *m);
/* <notification type="w:gp2">: participants with both their addresses. */
void notice_group(struct messaging *m, const struct node *notification);

/* Whom it is from, under both addresses where it tells them (the other is none); no devices. -1: no
 * user. */
int notice_read_user(const struct node *notification, const char *lid_key, struct jid *ret_pn,
    struct jid *ret_lid) __attribute__((warn_unused_result));

#endif
