/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conn_internal: between conn.c and conn_out.c. */
#ifndef SIM_CONN_INTERNAL_H
#define SIM_CONN_INTERNAL_H

#include "tests/sim/server.h"

void conn_out_init(struct conn *c);
void conn_out_done(struct conn *c);
/* A frame with this body. */
void conn_out_frame(struct conn *c, const struct buf *body);
/* Something may be written now, or at another time than was thought. */
void conn_out_wake(struct conn *c);
/* The silence is over. */
void conn_resume(struct conn *c);

#endif
