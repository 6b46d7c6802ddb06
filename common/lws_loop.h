/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lws_loop: libwebsockets inside a libevent loop, in one thread.
 *
 * Debian's libwebsockets runs on a libuv loop, and that loop is embedded here in libevent through
 * its backend descriptor. What a libevent callback changed in libwebsockets (a write asked for, a
 * close) takes effect at the next turn. Nothing but this module knows libuv.
 */
#ifndef COMMON_LWS_LOOP_H
#define COMMON_LWS_LOOP_H

#include <event2/event.h>
#include <libwebsockets.h>

struct lws_loop;

/* -1 when there is no descriptor or memory left. */
int lws_loop_new(struct event_base *base, struct lws_loop **ret_loop)
    __attribute__((warn_unused_result));
/*
 * Makes the context on this loop: info->options gets LWS_SERVER_OPTION_LIBUV and
 * info->foreign_loops is set here. At most one a loop; it belongs to the loop. NULL when
 * libwebsockets refuses.
 */
struct lws_context *lws_loop_context(struct lws_loop *loop, struct lws_context_creation_info *info);
/* Both loops together until event_base_loopbreak or event_base_loopexit. */
void lws_loop_run(struct lws_loop *loop);
/* Closes what is open (callbacks come) and frees the context. */
void lws_loop_free(struct lws_loop **loop);

#endif
