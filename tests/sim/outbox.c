/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a companion is to get: messages, receipts and notifications, kept until they are
 * acknowledged and sent again, in order, at the next login if they were not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "tests/sim/server.h"

static void
watch(struct outgoing *o)
{
	struct sim *s = o->device->account->sim;

	if (!o->watched)
		TAILQ_INSERT_TAIL(&s->watched, o, watch);
	o->watched = true;
}

static void
unwatch(struct outgoing *o)
{
	if (o->watched)
		TAILQ_REMOVE(&o->device->account->sim->watched, o, watch);
	o->watched = false;
}

static void
send_now(struct outgoing *o, int offline)
{
	struct node *copy = node_dup(o->node);

	if (offline >= 0)
		node_set_int(copy, "offline", offline);
	o->sent_ms = clock_monotonic_ms();
	watch(o);
	conn_send(o->device->conn, copy);
}

void
outbox_put(struct device *d, struct node *take_stanza)
{
	struct outgoing *o;

	if (d->outbox_count >= OUTBOX_MAX) {
		log_warn("outbox.full", LOG_PHONE("phone", d->account->phone),
		    LOG_INT("device", d->number));
		node_free(&take_stanza);
		return;
	}
	o = xcalloc(1, sizeof(*o));
	o->device = d;
	o->node = take_stanza;
	TAILQ_INSERT_TAIL(&d->outbox, o, entry);
	d->outbox_count++;
	if (d->conn != NULL && d->active)
		send_now(o, -1);
}

struct node *
outbox_notification(struct sim *s, const struct jid *from, const char *type)
{
	struct node *n = node_new("notification", "type", type, NULL);
	char id[24];

	(void)snprintf(id, sizeof(id), "%u", ++s->last_notification);
	node_set_jid(n, "from", from);
	node_set(n, "id", id);
	node_set_int(n, "t", sim_now());
	return n;
}

/* -- at login ------------------------------------------------------------------------- */

static int
count(const struct device *d, const char *tag)
{
	const struct outgoing *o;
	int n = 0;

	TAILQ_FOREACH(o, &d->outbox, entry)
	n += node_is(o->node, tag);
	return n;
}

void
outbox_backlog(struct device *d)
{
	struct outgoing *o;
	struct node *ib = node_new("ib", NULL);
	struct node *preview = node_child(ib, "offline_preview", NULL);
	const int n = (int)d->outbox_count;
	const struct jid server = jid_server_self();
	int i = 0;

	node_set_jid(ib, "from", &server);
	node_set_int(preview, "count", n);
	node_set_int(preview, "appdata", 0);
	node_set_int(preview, "message", count(d, "message"));
	node_set_int(preview, "notification", count(d, "notification"));
	node_set_int(preview, "receipt", count(d, "receipt"));
	conn_send(d->conn, ib);
	TAILQ_FOREACH(o, &d->outbox, entry)
	send_now(o, i++);
	ib = node_new("ib", NULL);
	node_set_jid(ib, "from", &server);
	node_set_int(node_child(ib, "offline", NULL), "count", n);
	conn_send(d->conn, ib);
}

void
outbox_unsend(struct device *d)
{
	struct outgoing *o;

	TAILQ_FOREACH(o, &d->outbox, entry)
	{
		unwatch(o);
		o->sent_ms = 0;
	}
}

/* -- acknowledged, or not ------------------------------------------------------------- */

struct outgoing *
outbox_find(struct device *d, const char *tag, const char *id)
{
	struct outgoing *o;

	TAILQ_FOREACH(o, &d->outbox, entry)
	if (o->sent_ms != 0 && node_is(o->node, tag) && node_get_is(o->node, "id", id))
		return o;
	return NULL;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL ? b == NULL : b != NULL && strcmp(a, b) == 0;
}

static bool
answers(const struct node *ack, const struct node *sent)
{
	struct jid to, from;

	return node_get_jid(ack, "to", &to) == 0 && node_get_jid(sent, "from", &from) == 0 &&
	       jid_equal(&to, &from) && same_text(node_get(ack, "type"), node_get(sent, "type"));
}

struct outgoing *
outbox_find_acked(struct device *d, const struct node *ack)
{
	const char *tag = node_get(ack, "class"), *id = node_get(ack, "id");
	struct outgoing *o;

	TAILQ_FOREACH(o, &d->outbox, entry)
	if (o->sent_ms != 0 && node_is(o->node, tag) && node_get_is(o->node, "id", id) &&
	    answers(ack, o->node))
		return o;
	return outbox_find(d, tag, id);
}

static void
outgoing_free(struct outgoing *o)
{
	unwatch(o);
	TAILQ_REMOVE(&o->device->outbox, o, entry);
	o->device->outbox_count--;
	node_free(&o->node);
	free(o);
}

void
outbox_done(struct outgoing *o)
{
	id_map_put(&o->device->acked, node_tag(o->node), node_get(o->node, "id"), 1);
	outgoing_free(o);
}

bool
outbox_was_done(const struct device *d, const char *tag, const char *id)
{
	return id_map_get(&d->acked, tag, id) != NULL;
}

void
outbox_clear(struct device *d)
{
	struct outgoing *o;

	while ((o = TAILQ_FIRST(&d->outbox)) != NULL)
		outgoing_free(o);
}

/* Whoever is kept waiting by a fault cannot be late. */
static bool
excused(const struct device *d)
{
	return d->conn == NULL || d->conn->silent_until_ms != 0 || d->conn->delay_ms != 0;
}

void
outbox_tick(struct sim *s, int64_t now_ms)
{
	struct outgoing *o;

	while ((o = TAILQ_FIRST(&s->watched)) != NULL && now_ms - o->sent_ms > ACK_LIMIT_MS) {
		const struct device *d = o->device;

		unwatch(o);
		if (!excused(d))
			violation(s, d->account, d->number, "ack_late",
			    "%s %s not acknowledged within %d s", node_tag(o->node),
			    node_get(o->node, "id"), ACK_LIMIT_MS / 1000);
	}
}
