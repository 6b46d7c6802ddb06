/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The backlog: what came while we were away. The server announces it, gives it batch by batch as we
 * ask, and says when all of it is out; a server that says nothing does not hold us up for long.
 * Nothing is sent before it is in, so that our ratchets do not cross what is on its way. Source:
 * PROTOCOL section 7, offline batches.
 */
#include <stdlib.h>

#include "common/log.h"
#include "waconnd/link/link_private.h"

#define BATCH 100
#define SILENT_MS 2000 /* no announcement, or nothing more of a batch */
#define QUIET_MAX 5    /* so often without anything new: go on without the rest */

static void
finish(struct link *l)
{
	if (!l->login.draining)
		return;
	l->login.draining = false;
	if (l->login.drain != NULL)
		(void)event_del(l->login.drain);
	link_login_next(l);
}

static void
ask(struct link *l)
{
	struct node *ib = node_new("ib", NULL);

	node_set_int(node_child(ib, "offline_batch", NULL), "count", BATCH);
	l->login.batch_left = BATCH;
	link_write(l, ib);
}

static void
arm(struct link *l)
{
	const struct timeval tv = {SILENT_MS / 1000, (SILENT_MS % 1000) * 1000};

	if (event_add(l->login.drain, &tv) < 0)
		abort();
}

static void
on_quiet(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;
	struct link_login *g = &l->login;

	(void)fd;
	(void)what;
	link_enter(l);
	if (!link_is_open(l) || g->offline_done) {
		; /* nothing to wait for */
	} else if (g->announced && ++g->quiet < QUIET_MAX) {
		ask(l);
		arm(l);
	} else {
		if (g->announced)
			log_warn("link.backlog_incomplete", LOG_STR("outlet", l->outlet));
		finish(l);
	}
	link_exit(l);
}

void
link_offline_preview(struct link *l, const struct node *preview)
{
	int64_t count = 0;

	if (l->login.offline_done || node_get_int(preview, "count", &count) < 0 || count <= 0)
		return;
	log_debug("link.backlog", LOG_STR("outlet", l->outlet), LOG_INT("count", count));
	l->login.announced = true;
	ask(l);
}

void
link_offline_stanza(struct link *l)
{
	struct link_login *g = &l->login;

	if (!g->announced || g->offline_done)
		return;
	g->quiet = 0;
	if (g->batch_left > 0 && --g->batch_left == 0)
		ask(l);
	if (g->draining)
		arm(l);
}

void
link_offline_done(struct link *l)
{
	l->login.offline_done = true;
	finish(l);
}

void
link_offline_wait(struct link *l)
{
	struct link_login *g = &l->login;

	g->draining = true;
	if (g->offline_done) {
		finish(l);
		return;
	}
	g->drain = event_new(l->net->base, -1, 0, on_quiet, l);
	if (g->drain == NULL)
		abort();
	arm(l);
}
