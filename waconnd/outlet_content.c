/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What messages say, between the database and an outlet's link: one received becomes a row, with
 * its file's key sealed; one that a device asks for again is read from its row. Sends nothing by
 * itself.
 */
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "waconnd/message_content.h"
#include "waconnd/outlet_internal.h"

#define CONTENTS_MAX 64 /* looked up at once for devices that ask again */
#define JSON_MAX (256u << 10)
#define SEALED_MAX (2u << 20)

struct content_query { /* a message on its way from the database to a link */
	LIST_ENTRY(content_query) entry;
	struct outlet *o;
	struct link *link; /* compared only */
	uint64_t token, ticket;
};

static void
query_free(struct content_query *q)
{
	LIST_REMOVE(q, entry);
	q->o->n_contents--;
	free(q);
}

void
outlet_forget_contents(struct outlet *o)
{
	struct content_query *q;

	while ((q = LIST_FIRST(&o->contents)) != NULL) {
		db_forget(o->os->env.store->db, q->ticket);
		query_free(q);
	}
}

/* -- asked again -- */

static const char *
column(const PGresult *r, int n)
{
	return PQgetisnull(r, 0, n) ? NULL : PQgetvalue(r, 0, n);
}

/* The file as this outlet uploaded it last. */
static void
set_file(const struct outlet *o, struct message_content *c, const char *media, const char *hex)
{
	char *aad =
	    message_content_upload_aad(o->id, media, wa_content_media_type(c->content.kind));
	struct wa_content *file = NULL;
	size_t len = 0;
	unsigned char *sealed = PQunescapeBytea((const unsigned char *)hex, &len);

	if (sealed != NULL &&
	    message_content_open(o->os->env.store->seal, aad, sealed, len, &file) == 0)
		message_content_set_file(c, file);
	wa_content_free(&file);
	PQfreemem(sealed);
	free(aad);
}

/* Columns of MESSAGE_CONTENT: kind, text, content, media, its sealed reference, number. */
static void
on_content(void *arg, enum db_error error, const PGresult *r)
{
	struct content_query *q = arg;
	struct outlet *o = q->o;
	struct message_content c;
	bool found = error == DB_OK && PQntuples(r) > 0 &&
		     message_content_read(column(r, 0), column(r, 1), column(r, 2), &c) == 0;

	if (found && column(r, 3) != NULL && column(r, 4) != NULL)
		set_file(o, &c, column(r, 3), column(r, 4));
	if (o->link != NULL && o->link == q->link)
		link_retry_content(o->link, q->token, found ? column(r, 5) : NULL,
		    found && message_content_needs(&c) == NULL ? &c.content : NULL);
	if (found)
		message_content_done(&c);
	query_free(q);
}

void
outlet_retry(struct outlet *o, uint64_t token, const char *id)
{
	const struct db_param params[] = {DB_TEXT(o->id), DB_TEXT(id)};
	struct content_query *q;

	if (o->n_contents >= CONTENTS_MAX) {
		link_retry_content(o->link, token, NULL, NULL);
		return;
	}
	q = xcalloc(1, sizeof(*q));
	q->o = o;
	q->link = o->link;
	q->token = token;
	LIST_INSERT_HEAD(&o->contents, q, entry);
	o->n_contents++;
	q->ticket = db_read(o->os->env.store->db, SQL_MESSAGE_CONTENT, params, 2, on_content, q);
}

/* -- received -- */

const char *
outlet_kind(const struct link_message *m)
{
	return m->content != NULL && wa_content_is_file(m->content->kind)
		   ? wa_content_kind_name(m->content->kind)
		   : m->kind;
}

void
outlet_received(struct outlet *o, const struct link_message *m, const char *peer)
{
	struct buf json = BUF_INIT(JSON_MAX), sealed = BUF_INIT(SEALED_MAX);
	char *aad = message_content_inbound_aad(o->id, peer, m->id);
	struct batch_inbound row = {
	    .outlet = o->id,
	    .peer = peer,
	    .phone = m->phone,
	    .wa_id = m->id,
	    .kind = outlet_kind(m),
	    .text = m->text,
	    .from_me = m->from_me,
	    .resent = m->resent,
	    .at_ms = m->timestamp * 1000,
	};

	if (m->content != NULL && message_content_write(m->content, &json) && buf_ok(&json))
		row.content = buf_str(&json);
	if (m->content != NULL &&
	    message_content_seal(o->os->env.store->seal, aad, m->content, &sealed)) {
		row.sealed_media = sealed.data;
		row.sealed_len = sealed.len;
	}
	batch_message_inbound(o->os->env.store->batch, &row);
	buf_done(&json);
	buf_done(&sealed);
	free(aad);
}

/* -- files -- */

void
outlets_on_uploaded(struct outlets *os,
    void (*cb)(void *arg, struct outlet *o, void *upload_arg, enum link_media_result result,
	const struct wa_media_ref *ref, const char *detail),
    void *arg)
{
	os->on_uploaded = cb;
	os->on_uploaded_arg = arg;
}

void
outlets_on_downloaded(struct outlets *os,
    void (*cb)(void *arg, struct outlet *o, void *download_arg, enum link_media_result result,
	const char *direct_path, const char *detail),
    void *arg)
{
	os->on_downloaded = cb;
	os->on_downloaded_arg = arg;
}
