/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tells subscribers of messages that came in. One that answers another is told when the database
 * has said which: others may be told before it.
 */
#include <stdlib.h>
#include <string.h>

#include "common/jsonw.h"
#include "common/xalloc.h"
#include "waconnd/outlet_internal.h"

#define EVENT_TEXT_MAX 1024 /* bytes of a message's text in an event */
#define EVENT_MAX (EVENT_TEXT_MAX * 6 + 2048)
#define WAITING_MAX 64 /* of an outlet; the rest is told without what it answers */

struct telling { /* an event that waits for the id of the message that is answered */
	LIST_ENTRY(telling) entry;
	struct outlet *o;
	uint64_t ticket;
	struct buf data;
	struct jsonw j; /* inside the object */
};

static void
tell(struct outlet *o, struct jsonw *j)
{
	jsonw_object_end(j);
	if (buf_ok(j->out))
		hub_publish(o->os->env.hub, "message", o->id, buf_str(j->out), j->out->len);
}

static void
telling_free(struct telling *t)
{
	LIST_REMOVE(t, entry);
	t->o->n_tellings--;
	buf_done(&t->data);
	free(t);
}

/* At most max bytes, without cutting a character of UTF-8 in two. */
static size_t
cut_utf8(const char *text, size_t max)
{
	size_t len = strnlen(text, max + 1);

	if (len <= max)
		return len;
	for (len = max; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80; len--)
		;
	return len;
}

static void
write_message(
    struct jsonw *j, const struct outlet *o, const struct link_message *m, const char *peer)
{
	jsonw_object(j, NULL);
	jsonw_str(j, "outletId", o->id);
	jsonw_str(j, "direction", m->from_me ? "out" : "in");
	jsonw_str(j, "peer", m->phone != NULL ? m->phone : peer);
	jsonw_str(j, "name", m->push_name);
	jsonw_str(j, "kind", outlet_kind(m));
	if (m->text != NULL)
		jsonw_strn(j, "text", m->text, cut_utf8(m->text, EVENT_TEXT_MAX));
	jsonw_time(j, "at", m->timestamp * 1000);
}

/* Column of MESSAGE_QUOTED: the id, or NULL. */
static void
on_quoted(void *arg, enum db_error error, const PGresult *r)
{
	struct telling *t = arg;

	if (error == DB_OK && PQntuples(r) == 1 && !PQgetisnull(r, 0, 0))
		jsonw_str(&t->j, "replyTo", PQgetvalue(r, 0, 0));
	tell(t->o, &t->j);
	telling_free(t);
}

void
outlet_tell(struct outlet *o, const struct link_message *m, const char *peer)
{
	struct telling *t = xcalloc(1, sizeof(*t));

	t->o = o;
	buf_init(&t->data, EVENT_MAX);
	jsonw_init(&t->j, &t->data);
	LIST_INSERT_HEAD(&o->tellings, t, entry);
	o->n_tellings++;
	write_message(&t->j, o, m, peer);
	if (m->content != NULL && m->content->quoted.id != NULL && o->n_tellings <= WAITING_MAX) {
		const struct db_param params[] = {DB_TEXT(o->id), DB_TEXT(peer), DB_TEXT(m->phone),
		    DB_TEXT(m->content->quoted.id)};

		t->ticket =
		    db_query(o->os->env.store->db, SQL_MESSAGE_QUOTED, params, 4, on_quoted, t);
	} else {
		tell(o, &t->j);
		telling_free(t);
	}
}

void
outlet_forget_tellings(struct outlet *o)
{
	struct telling *t;

	while ((t = LIST_FIRST(&o->tellings)) != NULL) {
		db_forget(o->os->env.store->db, t->ticket);
		telling_free(t);
	}
}
