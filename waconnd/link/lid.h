/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lid: which LID belongs to which telephone number (KEY_LID). Source: PROTOCOL section 10 "LID map
 * sources". Pairs are of users, without devices.
 */
#ifndef LINK_LID_H
#define LINK_LID_H

#include "waconnd/link/messaging.h"

/* The LID of a number whose KEY_LID is held; false when none is known. `pn` may have a device: the
 * LID gets it too. */
bool lid_find(struct messaging *m, const struct jid *pn, struct jid *ret_lid);
/* A pair was seen; anything but a PN and a LID is ignored. The commit is the caller's. */
void lid_learn(struct messaging *m, const struct jid *pn, const struct jid *lid);

#endif
