/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Contacts, opt-outs, templates and settings: their fields. The import of contacts is
 * contacts_import.c's. */
#include <string.h>

#include "apigw/routes/routes.h"

#define PHONE_MAX_BYTES 64
#define NAME_MAX_BYTES 200
#define TAG_MAX_BYTES 64
#define TAGS_MAX 20
#define PHONES_MAX 10000
#define TEXT_MAX_BYTES 65536
#define WORDS_MAX 100

/* ---- contacts ---- */

void
contacts_list(struct call *c)
{
	routes_build_list(c);
	c->request.contact_list->tag = call_query(c, "tag", TAG_MAX_BYTES);
}

struct contact_body {
	char *phone, *name;
	json_t *tags, *vars;
};

static const struct body_field contact_fields[] = {
    {"phone", BODY_STRING, true, 1, PHONE_MAX_BYTES, offsetof(struct contact_body, phone), 0},
    {"name", BODY_STRING, false, 0, NAME_MAX_BYTES, offsetof(struct contact_body, name), 0},
    {"tags", BODY_ANY, false, 0, 0, offsetof(struct contact_body, tags), 0},
    {"vars", BODY_ANY, false, 0, 0, offsetof(struct contact_body, vars), 0},
    {0},
};

static Ipc__Contacts *
contacts_new(struct call *c, size_t n)
{
	Ipc__Contacts *m = call_alloc(c, sizeof(*m));

	ipc__contacts__init(m);
	m->outlet_id = c->id;
	m->contacts = call_alloc(c, (n + 1) * sizeof(*m->contacts));
	for (size_t i = 0; i < n; i++) {
		m->contacts[i] = call_alloc(c, sizeof(**m->contacts));
		ipc__contact__init(m->contacts[i]);
	}
	m->n_contacts = n;
	return m;
}

void
contacts_add(struct call *c)
{
	Ipc__Contacts *m = contacts_new(c, 1);
	Ipc__Contact *k = m->contacts[0];
	struct contact_body body = {0};

	body_read(&c->body, "", c->body.root, contact_fields, &body);
	k->phone = body.phone;
	k->name = body.name;
	k->tags = routes_read_strings(c, "tags", body.tags, TAGS_MAX, TAG_MAX_BYTES, &k->n_tags);
	if (body.vars != NULL)
		k->vars = routes_read_vars(c, "", body.vars, &k->n_vars);
	c->request.contact_add = m;
}

/* ---- numbers: of the path, of ?phone=, or of a body {"phone": …} or {"phones": […]} ---- */

struct phones_body {
	char *phone, *reason;
	json_t *phones;
};

#define PHONES_FIELDS                                                                              \
	{"phone", BODY_STRING, false, 1, PHONE_MAX_BYTES, offsetof(struct phones_body, phone), 0}, \
	{                                                                                          \
		"phones", BODY_ANY, false, 0, 0, offsetof(struct phones_body, phones), 0           \
	}

static const struct body_field phones_fields[] = {PHONES_FIELDS, {0}};
static const struct body_field opt_out_fields[] = {PHONES_FIELDS,
    {"reason", BODY_STRING, false, 1, NAME_MAX_BYTES, offsetof(struct phones_body, reason), 0},
    {0}};

static char **
read_phones(struct call *c, const struct body_field *fields, const char *path_phone, size_t *ret_n,
    char **ret_reason)
{
	char *query_phone = call_query(c, "phone", PHONE_MAX_BYTES), **one;
	struct phones_body body = {0};

	if (path_phone != NULL && path_phone[0] != '\0')
		body.phone = (char *)(uintptr_t)path_phone;
	else if (c->body.root != NULL)
		body_read(&c->body, "", c->body.root, fields, &body);
	else
		body.phone = query_phone;
	if (c->body.root != NULL && query_phone != NULL)
		body_error(&c->body, "", "phone", "repeated",
		    "Give numbers in the address or in the body, not in both.");
	if (ret_reason != NULL)
		*ret_reason = body.reason;
	*ret_n = 0;
	if (body.phones != NULL) {
		if (json_is_array(body.phones) && json_array_size(body.phones) == 0)
			body_error(
			    &c->body, "", "phones", "too_short", "Give at least one number.");
		return routes_read_strings(
		    c, "phones", body.phones, PHONES_MAX, PHONE_MAX_BYTES, ret_n);
	}
	if (body.phone == NULL) {
		if (c->body.n_errors == 0)
			body_error(&c->body, "", "phone", "required", "Give a telephone number.");
		return NULL;
	}
	one = call_alloc(c, sizeof(*one));
	one[(*ret_n)++] = body.phone;
	return one;
}

void
contacts_remove(struct call *c)
{
	size_t n;
	char **phones = read_phones(c, phones_fields, NULL, &n, NULL);
	Ipc__Contacts *m = contacts_new(c, n);

	for (size_t i = 0; i < n; i++)
		m->contacts[i]->phone = phones[i];
	c->request.contact_remove = m;
}

void
opt_outs_add(struct call *c)
{
	Ipc__OptOuts *m = call_alloc(c, sizeof(*m));

	ipc__opt_outs__init(m);
	m->phones = read_phones(c, opt_out_fields, NULL, &m->n_phones, &m->reason);
	c->request.opt_out_add = m;
}

void
opt_outs_remove(struct call *c)
{
	Ipc__OptOuts *m = call_alloc(c, sizeof(*m));

	ipc__opt_outs__init(m);
	m->phones = read_phones(c, phones_fields, c->id, &m->n_phones, NULL);
	c->request.opt_out_remove = m;
}

/* ---- templates ---- */

#define AT(field) offsetof(Ipc__TemplateFields, field), 0

static const struct body_field add_fields[] = {
    {"name", BODY_STRING, true, 1, NAME_MAX_BYTES, AT(name)},
    {"text", BODY_STRING, true, 1, TEXT_MAX_BYTES, AT(text)},
    {"outletId", BODY_STRING, false, 1, ROUTE_ID_MAX, AT(outlet_id)},
    {0},
};
static const struct body_field edit_fields[] = {
    {"name", BODY_STRING, false, 1, NAME_MAX_BYTES, AT(name)},
    {"text", BODY_STRING, false, 1, TEXT_MAX_BYTES, AT(text)},
    {0},
};

static Ipc__TemplateFields *
read_template(struct call *c, const struct body_field *fields)
{
	Ipc__TemplateFields *m = call_alloc(c, sizeof(*m));

	ipc__template_fields__init(m);
	body_read(&c->body, "", c->body.root, fields, m);
	return m;
}

void
templates_add(struct call *c)
{
	c->request.template_add = read_template(c, add_fields);
}

void
templates_edit(struct call *c)
{
	c->request.template_edit = read_template(c, edit_fields);
	c->request.template_edit->id = c->id;
}

/* ---- settings ---- */

struct settings_body {
	json_t *out_words, *in_words, *pause;
	char *out_reply, *in_reply;
	uint32_t audit_days;
	protobuf_c_boolean has_audit_days;
};

#define IN(field) offsetof(struct settings_body, field)

static const struct body_field settings_fields[] = {
    {"optOutWords", BODY_ANY, false, 0, 0, IN(out_words), 0},
    {"optInWords", BODY_ANY, false, 0, 0, IN(in_words), 0},
    {"optOutReply", BODY_STRING, false, 0, TEXT_MAX_BYTES, IN(out_reply), 0},
    {"optInReply", BODY_STRING, false, 0, TEXT_MAX_BYTES, IN(in_reply), 0},
    {"autoPause", BODY_ANY, false, 0, 0, IN(pause), 0},
    {"auditDays", BODY_UINT, false, 0, 36500, IN(audit_days), IN(has_audit_days)},
    {0},
};

static const struct body_field pause_fields[] = {
    {"failurePercent", BODY_UINT, true, 0, 100, offsetof(Ipc__Settings, pause_percent),
	offsetof(Ipc__Settings, has_pause_percent)},
    {"minimum", BODY_UINT, true, 1, 100000, offsetof(Ipc__Settings, pause_minimum),
	offsetof(Ipc__Settings, has_pause_minimum)},
    {"restrictions", BODY_UINT, false, 0, 100, offsetof(Ipc__Settings, pause_restrictions),
	offsetof(Ipc__Settings, has_pause_restrictions)},
    {0},
};

/* null takes a reply away, as an empty one does. */
static char *
reply_text(const struct call *c, const char *field, char *text)
{
	static char none[] = "";

	return json_is_null(json_object_get(c->body.root, field)) ? none : text;
}

void
settings_edit(struct call *c)
{
	Ipc__Settings *m = call_alloc(c, sizeof(*m));
	struct settings_body body = {0};

	ipc__settings__init(m);
	body_read(&c->body, "", c->body.root, settings_fields, &body);
	m->has_has_opt_out_words = m->has_opt_out_words = body.out_words != NULL;
	m->opt_out_words = routes_read_strings(
	    c, "optOutWords", body.out_words, WORDS_MAX, TAG_MAX_BYTES, &m->n_opt_out_words);
	m->has_has_opt_in_words = m->has_opt_in_words = body.in_words != NULL;
	m->opt_in_words = routes_read_strings(
	    c, "optInWords", body.in_words, WORDS_MAX, TAG_MAX_BYTES, &m->n_opt_in_words);
	m->opt_out_reply = reply_text(c, "optOutReply", body.out_reply);
	m->opt_in_reply = reply_text(c, "optInReply", body.in_reply);
	if (body.pause != NULL)
		body_read(&c->body, "autoPause", body.pause, pause_fields, m);
	m->has_audit_days = body.has_audit_days;
	m->audit_days = body.audit_days;
	c->request.settings_edit = m;
}
