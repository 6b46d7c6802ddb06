/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A blast's body (CONTRACT section 6). Whether numbers are valid and outlets healthy is the
 * daemon's to say, in the preview. */
#include <stdio.h>
#include <string.h>

#include "apigw/routes/routes.h"

#define OUTLETS_MAX 1000
#define RECIPIENTS_MAX 200000
#define PHONE_MAX_BYTES 64
#define NAME_MAX_BYTES 200
#define TEXT_MAX_BYTES 65536
#define DAYS_MAX 3650
#define MEDIA_MAX 10
#define VARIANTS_MAX 20
#define TAGS_MAX 20
#define TAG_MAX_BYTES 64
#define PREFIX_SIZE 64

struct blast_body {
	char *name;
	json_t *outlets, *audience, *message, *pace, *skip;
	int64_t schedule_at, expires_at;
	protobuf_c_boolean has_schedule_at, has_expires_at;
};

#define AT(field) offsetof(struct blast_body, field)

static const struct body_field blast_fields[] = {
    {"name", BODY_STRING, false, 0, NAME_MAX_BYTES, AT(name), 0},
    {"outlets", BODY_ANY, true, 0, 0, AT(outlets), 0},
    {"audience", BODY_ANY, true, 0, 0, AT(audience), 0},
    {"message", BODY_ANY, true, 0, 0, AT(message), 0},
    {"pace", BODY_ANY, false, 0, 0, AT(pace), 0},
    {"skip", BODY_ANY, false, 0, 0, AT(skip), 0},
    {"scheduleAt", BODY_TIME, false, 0, 0, AT(schedule_at), AT(has_schedule_at)},
    {"expiresAt", BODY_TIME, false, 0, 0, AT(expires_at), AT(has_expires_at)},
    {0},
};

static char **
read_ids(struct call *c, const char *field, const json_t *v, const char *detail, size_t *ret_n)
{
	size_t n = json_array_size(v);
	char **ids;

	if (!json_is_array(v) || n == 0 || n > OUTLETS_MAX) {
		body_error(
		    &c->body, "", field, json_is_array(v) ? "out_of_range" : "wrong_type", detail);
		return NULL;
	}
	ids = call_alloc(c, n * sizeof(*ids));
	for (size_t i = 0; i < n; i++) {
		const json_t *id = json_array_get(v, i);

		if (!json_is_string(id) || json_string_length(id) > ROUTE_ID_MAX)
			body_error(&c->body, "", field, "wrong_type", "Outlet ids are strings.");
		else
			ids[(*ret_n)++] = (char *)(uintptr_t)json_string_value(id);
	}
	return ids;
}

static void
read_outlets(struct call *c, const json_t *v, Ipc__Blast *m)
{
	if (json_is_string(v) && strcmp(json_string_value(v), "all") == 0) {
		m->has_all_outlets = 1;
		m->all_outlets = 1;
		return;
	}
	m->outlets = read_ids(c, "outlets", v,
	    "\"all\" or a list of 1 to 1000 outlet ids is expected.", &m->n_outlets);
}

struct recipient_body {
	char *phone, *name;
	json_t *vars;
};

static const struct body_field recipient_fields[] = {
    {"phone", BODY_STRING, true, 0, PHONE_MAX_BYTES, offsetof(struct recipient_body, phone), 0},
    {"name", BODY_STRING, false, 0, NAME_MAX_BYTES, offsetof(struct recipient_body, name), 0},
    {"vars", BODY_ANY, false, 0, 0, offsetof(struct recipient_body, vars), 0},
    {0},
};

static void
read_recipient(struct call *c, size_t i, const json_t *v, Ipc__Recipient *r)
{
	struct recipient_body body = {0};
	char prefix[PREFIX_SIZE];

	ipc__recipient__init(r);
	(void)snprintf(prefix, sizeof(prefix), "audience.numbers[%zu]", i);
	if (json_is_object(v)) {
		body_read(&c->body, prefix, v, recipient_fields, &body);
		r->phone = body.phone;
		r->name = body.name;
		if (body.vars != NULL)
			r->vars = routes_read_vars(c, prefix, body.vars, &r->n_vars);
	} else if (json_is_string(v) && json_string_length(v) <= PHONE_MAX_BYTES) {
		r->phone = (char *)(uintptr_t)json_string_value(v);
	} else {
		body_error(&c->body, prefix, "", json_is_string(v) ? "too_long" : "wrong_type",
		    "A number as a string, or {phone, name, vars}, is expected.");
	}
}

struct audience_body {
	char *type;
	char *media;
	json_t *numbers, *tags;
};

static const struct body_field audience_fields[] = {
    {"type", BODY_STRING, true, 1, 16, offsetof(struct audience_body, type), 0},
    {"numbers", BODY_ANY, false, 0, 0, offsetof(struct audience_body, numbers), 0},
    {"tags", BODY_ANY, false, 0, 0, offsetof(struct audience_body, tags), 0},
    {"mediaId", BODY_STRING, false, 1, ROUTE_ID_MAX, offsetof(struct audience_body, media), 0},
    {0},
};

static void
read_numbers(struct call *c, const struct audience_body *body, Ipc__Blast *m)
{
	const size_t n = json_array_size(body->numbers);
	Ipc__Recipient *all;

	if (!json_is_array(body->numbers) || n == 0 || n > RECIPIENTS_MAX) {
		body_error(&c->body, "audience", "numbers",
		    json_is_array(body->numbers) ? "out_of_range" : "wrong_type",
		    "A list of 1 to 200000 numbers is expected.");
		return;
	}
	all = call_alloc(c, n * sizeof(*all));
	m->recipients = call_alloc(c, n * sizeof(*m->recipients));
	for (size_t i = 0; i < n && c->body.n_errors < BODY_ERRORS_MAX; i++) {
		read_recipient(c, i, json_array_get(body->numbers, i), &all[i]);
		m->recipients[m->n_recipients++] = &all[i];
	}
}

static void
read_contacts(struct call *c, const struct audience_body *body, Ipc__Blast *m)
{
	m->has_from_contacts = 1;
	m->from_contacts = 1;
	m->contact_tags = routes_read_strings(
	    c, "audience.tags", body->tags, TAGS_MAX, TAG_MAX_BYTES, &m->n_contact_tags);
}

static void
read_csv(struct call *c, const struct audience_body *body, Ipc__Blast *m)
{
	if (body->media == NULL)
		body_error(&c->body, "audience", "mediaId", "required",
		    "Upload the table with POST /media and give its id.");
	m->csv_media_id = body->media;
}

static const struct {
	const char *type;
	void (*read)(struct call *c, const struct audience_body *body, Ipc__Blast *m);
} audiences[] = {
    {"numbers", read_numbers},
    {"contacts", read_contacts},
    {"csv", read_csv},
};

static void
read_audience(struct call *c, const json_t *v, Ipc__Blast *m)
{
	struct audience_body body = {0};

	body_read(&c->body, "audience", v, audience_fields, &body);
	if (body.type == NULL)
		return;
	for (size_t i = 0; i < sizeof(audiences) / sizeof(audiences[0]); i++) {
		if (strcmp(audiences[i].type, body.type) == 0) {
			audiences[i].read(c, &body, m);
			return;
		}
	}
	body_error(&c->body, "audience", "type", "unsupported_audience",
	    "\"numbers\", \"contacts\" and \"csv\" are available.");
}

struct message_body {
	char *text, *media_mode;
	json_t *media, *variants;
};

static const struct body_field message_fields[] = {
    {"text", BODY_STRING, false, 0, TEXT_MAX_BYTES, offsetof(struct message_body, text), 0},
    {"media", BODY_ANY, false, 0, 0, offsetof(struct message_body, media), 0},
    {"mediaMode", BODY_STRING, false, 1, 16, offsetof(struct message_body, media_mode), 0},
    {"variants", BODY_ANY, false, 0, 0, offsetof(struct message_body, variants), 0},
    {0},
};

static void
read_media(struct call *c, const json_t *v, Ipc__Blast *m)
{
	const size_t n = json_array_size(v);

	if (!json_is_array(v) || n == 0 || n > MEDIA_MAX) {
		body_error(&c->body, "message", "media",
		    json_is_array(v) ? "out_of_range" : "wrong_type",
		    "A list of 1 to 10 files ({id}) is expected.");
		return;
	}
	m->media = call_alloc(c, n * sizeof(*m->media));
	for (size_t i = 0; i < n; i++) {
		char prefix[PREFIX_SIZE];

		(void)snprintf(prefix, sizeof(prefix), "message.media[%zu]", i);
		m->media[m->n_media++] = routes_read_media(c, prefix, json_array_get(v, i));
	}
}

static void
read_variants(struct call *c, const json_t *v, Ipc__Blast *m)
{
	const size_t n = json_array_size(v);

	if (!json_is_array(v) || n == 0 || n > VARIANTS_MAX) {
		body_error(&c->body, "message", "variants",
		    json_is_array(v) ? "out_of_range" : "wrong_type",
		    "A list of 1 to 20 texts is expected.");
		return;
	}
	m->variants = call_alloc(c, n * sizeof(*m->variants));
	for (size_t i = 0; i < n; i++) {
		const json_t *text = json_array_get(v, i);
		char prefix[PREFIX_SIZE];

		(void)snprintf(prefix, sizeof(prefix), "message.variants[%zu]", i);
		if (!json_is_string(text) || json_string_length(text) == 0 ||
		    json_string_length(text) > TEXT_MAX_BYTES)
			body_error(&c->body, prefix, "",
			    json_is_string(text) ? "out_of_range" : "wrong_type",
			    "A text is expected.");
		else
			m->variants[m->n_variants++] = (char *)(uintptr_t)json_string_value(text);
	}
}

static void
read_message(struct call *c, const json_t *v, Ipc__Blast *m)
{
	struct message_body body = {0};

	body_read(&c->body, "message", v, message_fields, &body);
	if (body.text == NULL && body.media == NULL && body.variants == NULL)
		body_error(&c->body, "message", "text", "required", "This field is needed.");
	if (body.media != NULL)
		read_media(c, body.media, m);
	if (body.variants != NULL)
		read_variants(c, body.variants, m);
	m->text = body.text;
	m->media_mode = body.media_mode;
}

struct skip_body {
	protobuf_c_boolean same, has_same, absent, has_absent, has_days;
	uint32_t days;
};

static const struct body_field skip_fields[] = {
    {"sameMessage", BODY_BOOL, false, 0, 0, offsetof(struct skip_body, same),
	offsetof(struct skip_body, has_same)},
    {"blastedWithinDays", BODY_UINT, false, 0, DAYS_MAX, offsetof(struct skip_body, days),
	offsetof(struct skip_body, has_days)},
    {"notOnWhatsapp", BODY_BOOL, false, 0, 0, offsetof(struct skip_body, absent),
	offsetof(struct skip_body, has_absent)},
    {0},
};

static void
read_skip(struct call *c, const json_t *v, Ipc__Blast *m)
{
	struct skip_body body = {0};

	if (v == NULL)
		return;
	body_read(&c->body, "skip", v, skip_fields, &body);
	m->has_skip_not_on_whatsapp = body.has_absent;
	m->skip_not_on_whatsapp = body.absent;
	m->has_skip_same_message = body.has_same;
	m->skip_same_message = body.same;
	m->has_skip_blasted_within_days = body.has_days;
	m->skip_blasted_within_days = body.days;
}

void
blasts_build(struct call *c)
{
	struct blast_body body = {0};
	Ipc__Blast *m = call_alloc(c, sizeof(*m));

	ipc__blast__init(m);
	body_read(&c->body, "", c->body.root, blast_fields, &body);
	m->name = body.name;
	if (body.outlets != NULL)
		read_outlets(c, body.outlets, m);
	if (body.audience != NULL)
		read_audience(c, body.audience, m);
	if (body.message != NULL)
		read_message(c, body.message, m);
	read_skip(c, body.skip, m);
	routes_read_pace(c, body.pace, false, &m->pace);
	m->has_schedule_at_ms = body.has_schedule_at;
	m->schedule_at_ms = body.schedule_at;
	m->has_expires_at_ms = body.has_expires_at;
	m->expires_at_ms = body.expires_at;
	if (body.has_schedule_at && body.has_expires_at && body.expires_at <= body.schedule_at)
		body_error(
		    &c->body, "", "expiresAt", "out_of_range", "It must be later than scheduleAt.");
	c->request.blast_create = m;
}

void
blasts_recipients(struct call *c)
{
	routes_build_list(c);
	c->request.blast_recipients->outlet_id = call_query(c, "outletId", ROUTE_ID_MAX);
	c->request.blast_recipients->reason = call_query(c, "reason", TAG_MAX_BYTES);
}

/* -- commands -- */

static const struct body_field command_fields[] = {
    {"outletId", BODY_STRING, false, 1, ROUTE_ID_MAX, offsetof(Ipc__Id, outlet_id), 0},
    {0},
};

/* pause, resume: of one outlet's part when it is named. */
void
blasts_command(struct call *c)
{
	Ipc__Id *m = call_alloc(c, sizeof(*m));

	ipc__id__init(m);
	if (c->body.root != NULL)
		body_read(&c->body, "", c->body.root, command_fields, m);
	m->id = c->id;
	c->request.blast_pause = m;
}

struct move_body {
	char *from;
	json_t *to;
};

static const struct body_field move_fields[] = {
    {"from", BODY_STRING, true, 1, ROUTE_ID_MAX, offsetof(struct move_body, from), 0},
    {"to", BODY_ANY, true, 0, 0, offsetof(struct move_body, to), 0},
    {0},
};

void
blasts_move(struct call *c)
{
	struct move_body body = {0};
	Ipc__BlastMove *m = call_alloc(c, sizeof(*m));

	ipc__blast_move__init(m);
	body_read(&c->body, "", c->body.root, move_fields, &body);
	m->id = c->id;
	m->from = body.from;
	if (body.to != NULL)
		m->to = read_ids(
		    c, "to", body.to, "A list of 1 to 1000 outlet ids is expected.", &m->n_to);
	c->request.blast_move = m;
}
