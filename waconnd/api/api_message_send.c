/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sending one message outside any blast. What it says is checked field by field, what it refers to
 * (a file, an earlier message) is looked up, and all of it is kept as the row that the engine
 * sends. What is answered with 202 is in the database.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/media_type.h"
#include "common/phone.h"
#include "common/wa/content.h"
#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/idempotency.h"
#include "waconnd/api/message_id.h"
#include "waconnd/api/request.h"

#define ERRORS_MAX 12
#define CONTENT_MAX (1u << 20)
#define NAME_MAX_BYTES 255
#define TITLE_MAX_BYTES 1024
#define URL_MAX_BYTES 2048

struct send {
	char kind[16];
	char *content; /* JSON, or NULL */
	const char *text;
};

static void
send_free(void *state)
{
	struct send *s = state;

	free(s->content);
	free(s);
}

/* -- fields -- */

struct errors {
	struct problem_field list[ERRORS_MAX];
	size_t n;
};

static void
wrong(struct errors *e, bool is_wrong, const char *field, const char *code, const char *detail)
{
	if (is_wrong && e->n < ERRORS_MAX)
		e->list[e->n++] = (struct problem_field){field, code, detail};
}

static bool
too_long(const char *text, size_t max)
{
	return text != NULL && strlen(text) > max;
}

static void
check_media(const Ipc__MediaPart *m, struct errors *e)
{
	enum wa_content_kind kind;

	wrong(e, m->id == NULL || m->id[0] == '\0', "media.id", "required",
	    "The id that POST /api/media answered.");
	wrong(e, too_long(m->caption, REQUEST_TEXT_MAX), "media.caption", "too_long",
	    "At most 65536 bytes.");
	wrong(e, m->file_name != NULL && !request_is_name(m->file_name, NAME_MAX_BYTES),
	    "media.fileName", "invalid", "At most 255 bytes, no control characters.");
	wrong(e,
	    m->kind != NULL &&
		(wa_content_kind_parse(m->kind, &kind) < 0 || !wa_content_is_file(kind)),
	    "media.kind", "invalid",
	    "image, video, gif, audio, voice, document or sticker, as the file's type allows.");
}

static void
check_location(const Ipc__Location *l, struct errors *e)
{
	wrong(e, !l->has_latitude || !isfinite(l->latitude) || fabs(l->latitude) > 90,
	    "location.latitude", "out_of_range", "-90 to 90 degrees.");
	wrong(e, !l->has_longitude || !isfinite(l->longitude) || fabs(l->longitude) > 180,
	    "location.longitude", "out_of_range", "-180 to 180 degrees.");
	wrong(e, too_long(l->name, TITLE_MAX_BYTES), "location.name", "too_long",
	    "At most 1024 bytes.");
	wrong(e, too_long(l->address, TITLE_MAX_BYTES), "location.address", "too_long",
	    "At most 1024 bytes.");
}

static void
check_contact(const Ipc__ContactCard *k, struct errors *e)
{
	char phone[PHONE_DIGITS_MAX + 1];

	wrong(e, k->name == NULL || !request_is_name(k->name, NAME_MAX_BYTES), "contact.name",
	    "invalid", "1 to 255 bytes, no control characters.");
	wrong(e, k->phone == NULL || phone_normalise(k->phone, PHONE_COUNTRY_DEFAULT, phone) < 0,
	    "contact.phone", "invalid_number", "A telephone number such as 0812… or +62 812…");
}

static void
check_preview(const Ipc__MessageSend *q, struct errors *e)
{
	const Ipc__LinkPreview *p = q->preview;
	const bool is_link = p->url != NULL && (strncmp(p->url, "https://", 8) == 0 ||
						   strncmp(p->url, "http://", 7) == 0);

	wrong(e, q->text == NULL, "preview", "not_with", "A preview belongs to a text.");
	wrong(e, p->title == NULL || p->title[0] == '\0' || too_long(p->title, TITLE_MAX_BYTES),
	    "preview.title", "length", "1 to 1024 bytes.");
	wrong(e, too_long(p->description, TITLE_MAX_BYTES), "preview.description", "too_long",
	    "At most 1024 bytes.");
	wrong(e,
	    !is_link || strlen(p->url) > URL_MAX_BYTES ||
		(q->text != NULL && strstr(q->text, p->url) == NULL),
	    "preview.url", "invalid", "A link (https://…) as it stands in the text.");
}

/* One of them, and the first that is there says what is wrong with the others. */
static void
check_one_kind(const Ipc__MessageSend *q, struct errors *e)
{
	const struct {
		const char *field;
		bool given;
	} parts[] = {{"text", q->text != NULL}, {"media", q->media != NULL},
	    {"location", q->location != NULL}, {"contact", q->contact != NULL}};
	size_t given = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		given += parts[i].given;
		wrong(e, parts[i].given && given > 1, parts[i].field, "not_with",
		    "Give one of text, media, location and contact; the text of a file is its "
		    "media.caption.");
	}
	wrong(e, given == 0, "text", "required", "Give text, media, location or contact.");
}

static void
check_fields(const Ipc__MessageSend *q, struct errors *e)
{
	char phone[PHONE_DIGITS_MAX + 1];

	wrong(e, q->to == NULL || phone_normalise(q->to, PHONE_COUNTRY_DEFAULT, phone) < 0, "to",
	    "invalid_number", "A telephone number such as 0812… or +62 812…");
	wrong(e, q->text != NULL && (q->text[0] == '\0' || too_long(q->text, REQUEST_TEXT_MAX)),
	    "text", "length", "1 to 65536 bytes.");
	check_one_kind(q, e);
	if (q->media != NULL)
		check_media(q->media, e);
	if (q->location != NULL)
		check_location(q->location, e);
	if (q->contact != NULL)
		check_contact(q->contact, e);
	if (q->preview != NULL)
		check_preview(q, e);
	wrong(e, q->reply_to != NULL && message_id_number(q->reply_to) == NULL, "replyTo",
	    "invalid", "The id of a message, such as msg_123.");
}

/* -- the row -- */

static void
write_location(struct jsonw *j, const Ipc__Location *l)
{
	jsonw_object(j, "location");
	jsonw_real(j, "latitude", l->latitude);
	jsonw_real(j, "longitude", l->longitude);
	if (l->name != NULL && l->name[0] != '\0')
		jsonw_str(j, "name", l->name);
	if (l->address != NULL && l->address[0] != '\0')
		jsonw_str(j, "address", l->address);
	jsonw_object_end(j);
}

static void
write_contact(struct jsonw *j, const Ipc__ContactCard *k)
{
	char phone[PHONE_DIGITS_MAX + 1];

	jsonw_object(j, "contact");
	jsonw_str(j, "name", k->name);
	if (phone_normalise(k->phone, PHONE_COUNTRY_DEFAULT, phone) == 0)
		jsonw_str(j, "phone", phone);
	jsonw_object_end(j);
}

static void
write_preview(struct jsonw *j, const Ipc__LinkPreview *p)
{
	jsonw_object(j, "preview");
	jsonw_str(j, "title", p->title);
	if (p->description != NULL && p->description[0] != '\0')
		jsonw_str(j, "description", p->description);
	jsonw_str(j, "url", p->url);
	jsonw_object_end(j);
}

/* Columns of MESSAGE_REFERS: media's JSON, its type, its name, its size, width, height; the
 * answered message's id, who wrote it, its text. */
enum { R_ID, R_TYPE, R_NAME, R_SIZE, R_WIDTH, R_HEIGHT, R_WA_ID, R_WRITER, R_TEXT };

static const char *
column(const PGresult *r, int n)
{
	return r != NULL && !PQgetisnull(r, 0, n) ? PQgetvalue(r, 0, n) : NULL;
}

static void
write_media(struct jsonw *j, const Ipc__MediaPart *m, const PGresult *r)
{
	const char *name = m->file_name != NULL ? m->file_name : column(r, R_NAME);

	jsonw_object(j, "media");
	jsonw_str(j, "id", column(r, R_ID));
	jsonw_str(j, "mimeType", column(r, R_TYPE));
	jsonw_int(j, "size", strtoll(column(r, R_SIZE), NULL, 10));
	if (name != NULL)
		jsonw_str(j, "fileName", name);
	if (column(r, R_WIDTH) != NULL && column(r, R_HEIGHT) != NULL) {
		jsonw_int(j, "width", strtoll(column(r, R_WIDTH), NULL, 10));
		jsonw_int(j, "height", strtoll(column(r, R_HEIGHT), NULL, 10));
	}
	jsonw_object_end(j);
}

static void
write_quoted(struct jsonw *j, const char *reply_to, const PGresult *r)
{
	jsonw_str(j, "replyTo", reply_to);
	jsonw_object(j, "quoted");
	jsonw_str(j, "waId", column(r, R_WA_ID));
	if (column(r, R_WRITER) != NULL)
		jsonw_str(j, "participant", column(r, R_WRITER));
	if (column(r, R_TEXT) != NULL)
		jsonw_str(j, "text", column(r, R_TEXT));
	jsonw_object_end(j);
}

static const char *
kind_of(const Ipc__MessageSend *q, const PGresult *r)
{
	if (q->location != NULL)
		return "location";
	if (q->contact != NULL)
		return "contact";
	if (q->media == NULL)
		return "text";
	return q->media->kind != NULL ? q->media->kind : media_type_kind(column(r, R_TYPE));
}

static void
make_content(struct call *c, const PGresult *r)
{
	const Ipc__MessageSend *q = c->request->message_send;
	struct send *s = c->state;
	struct buf out = BUF_INIT(CONTENT_MAX);
	struct jsonw j;

	(void)snprintf(s->kind, sizeof(s->kind), "%s", kind_of(q, r));
	s->text = q->media != NULL ? q->media->caption : q->text;
	if (s->text != NULL && s->text[0] == '\0')
		s->text = NULL;
	if (q->media == NULL && q->location == NULL && q->contact == NULL && q->preview == NULL &&
	    q->reply_to == NULL)
		return;
	jsonw_init(&j, &out);
	jsonw_object(&j, NULL);
	if (q->media != NULL)
		write_media(&j, q->media, r);
	if (q->location != NULL)
		write_location(&j, q->location);
	if (q->contact != NULL)
		write_contact(&j, q->contact);
	if (q->preview != NULL)
		write_preview(&j, q->preview);
	if (q->reply_to != NULL)
		write_quoted(&j, q->reply_to, r);
	jsonw_object_end(&j);
	s->content = xstrdup(buf_str(&out));
	buf_done(&out);
}

/* -- into the queue -- */

/* Answers with the document that the statement made. */
static void
on_added(struct call *c, const PGresult *result)
{
	struct outlet *o = outlets_find(c->env->outlets, c->request->message_send->outlet_id);

	if (PQntuples(result) != 1) {
		call_problem(c, "internal", NULL);
		return;
	}
	call_audit(c, "message_send", c->request->message_send->outlet_id, NULL);
	if (o != NULL)
		blasts_added(c->env->blasts, o);
	call_reply_text(c, 202, PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0), NULL);
}

static void
add(struct call *c)
{
	const Ipc__MessageSend *q = c->request->message_send;
	const struct send *s = c->state;
	struct outlet *o = call_outlet(c, q->outlet_id);
	char phone[PHONE_DIGITS_MAX + 1];
	struct idempotency key;

	if (o == NULL)
		return;
	if (outlet_unhealthy(o) != 0) {
		call_problem(c, "outlet_not_healthy", NULL);
		return;
	}
	if (phone_normalise(q->to, PHONE_COUNTRY_DEFAULT, phone) < 0) {
		call_problem(c, "internal", NULL);
		return;
	}
	idempotency_params(c, &key);
	{
		const struct db_param old[] = {key.user, key.key};
		const struct db_param params[] = {DB_TEXT(outlet_id(o)), DB_TEXT(phone),
		    DB_TEXT(s->kind), DB_TEXT(s->text), DB_TEXT(s->content), key.user, key.key,
		    key.hash};
		const struct db_step steps[] = {
		    {SQL_IDEMPOTENCY_END, old, 2}, {SQL_MESSAGE_ADD, params, 8}};

		call_transaction(c, steps, 2, NULL, on_added);
	}
}

/* What the fields refer to is there, and may be used so. */
static void
on_referred(struct call *c, const PGresult *r)
{
	const Ipc__MessageSend *q = c->request->message_send;
	struct errors e = {.n = 0};

	if (q->media != NULL && column(r, R_ID) == NULL) {
		wrong(&e, true, "media.id", "not_found",
		    "There is no such file, or you may not see it.");
	} else if (q->media != NULL) {
		const char *kind = kind_of(q, r);
		const bool silent = strcmp(kind, "audio") == 0 || strcmp(kind, "voice") == 0 ||
				    strcmp(kind, "sticker") == 0;

		wrong(&e, !media_type_may_be(column(r, R_TYPE), kind), "media.kind",
		    "not_of_this_type", "The file's type does not allow this kind.");
		wrong(&e, silent && q->media->caption != NULL && q->media->caption[0] != '\0',
		    "media.caption", "not_with",
		    "WhatsApp shows no text with audio, voice notes and stickers.");
	}
	wrong(&e, q->reply_to != NULL && column(r, R_WA_ID) == NULL, "replyTo", "not_found",
	    "There is no such message of this outlet with this recipient, or it has not been sent "
	    "yet.");
	if (e.n > 0) {
		call_invalid_fields(c, e.list, e.n);
		return;
	}
	make_content(c, r);
	add(c);
}

static void
look_up(struct call *c)
{
	const Ipc__MessageSend *q = c->request->message_send;
	char phone[PHONE_DIGITS_MAX + 1];

	if (q->media == NULL && q->reply_to == NULL) {
		make_content(c, NULL);
		add(c);
	} else if (phone_normalise(q->to, PHONE_COUNTRY_DEFAULT, phone) < 0) {
		call_problem(c, "internal", NULL);
	} else {
		const struct db_param params[] = {DB_TEXT(q->media != NULL ? q->media->id : NULL),
		    DB_TEXT(media_scope(c)), DB_TEXT(q->outlet_id), DB_TEXT(phone),
		    DB_TEXT(q->reply_to != NULL ? message_id_number(q->reply_to) : NULL)};

		call_query(c, SQL_MESSAGE_REFERS, params, 5, NULL, on_referred);
	}
}

void
api_message_send(struct call *c)
{
	const Ipc__MessageSend *q = c->request->message_send;
	struct errors e = {.n = 0};

	if (call_outlet(c, q->outlet_id) == NULL)
		return;
	check_fields(q, &e);
	if (e.n > 0) {
		call_invalid_fields(c, e.list, e.n);
		return;
	}
	c->state = xcalloc(1, sizeof(struct send));
	c->free_state = send_free;
	idempotency_begin(c, look_up);
}
