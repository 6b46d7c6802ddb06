/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Webhooks and their deliveries: their fields. What may stand in a URL is the daemon's to say. */
#include "apigw/routes/routes.h"

#define URL_MAX_BYTES 2000
#define DESCRIPTION_MAX_BYTES 200
#define EVENTS_MAX 16
#define EVENT_MAX_BYTES 64
#define OUTLETS_MAX 1000
#define KEEP_OLD_MAX (7 * 86400)
#define STATUS_MAX_BYTES 32

struct webhook_body {
	char *url, *description;
	json_t *events, *outlet_ids;
	protobuf_c_boolean is_active, has_is_active;
};

#define AT(field) offsetof(struct webhook_body, field)
#define FIELDS(is_new)                                                                         \
	{"url", BODY_STRING, is_new, 1, URL_MAX_BYTES, AT(url), 0},                            \
	    {"description", BODY_STRING, false, 0, DESCRIPTION_MAX_BYTES, AT(description), 0}, \
	    {"events", BODY_ANY, false, 0, 0, AT(events), 0},                                  \
	{                                                                                      \
		"outletIds", BODY_ANY, false, 0, 0, AT(outlet_ids), 0                          \
	}

static const struct body_field add_fields[] = {FIELDS(true), {0}};
static const struct body_field edit_fields[] = {
    FIELDS(false), {"isActive", BODY_BOOL, false, 0, 0, AT(is_active), AT(has_is_active)}, {0}};

static Ipc__WebhookFields *
read_webhook(struct call *c, const struct body_field *fields)
{
	Ipc__WebhookFields *m = call_alloc(c, sizeof(*m));
	struct webhook_body body = {0};

	ipc__webhook_fields__init(m);
	body_read(&c->body, "", c->body.root, fields, &body);
	m->url = body.url;
	m->description = body.description;
	m->events = routes_read_strings(
	    c, "events", body.events, EVENTS_MAX, EVENT_MAX_BYTES, &m->n_events);
	if (body.events != NULL && m->n_events == 0 && c->body.n_errors == 0)
		body_error(&c->body, "", "events", "too_short",
		    "Name at least one type of event, or leave the field out.");
	m->outlet_ids = routes_read_strings(
	    c, "outletIds", body.outlet_ids, OUTLETS_MAX, ROUTE_ID_MAX, &m->n_outlet_ids);
	/* null takes the filter away. */
	m->has_has_outlet_ids = m->has_outlet_ids =
	    json_object_get(c->body.root, "outletIds") != NULL;
	m->has_is_active = body.has_is_active;
	m->is_active = body.is_active;
	return m;
}

void
webhooks_add(struct call *c)
{
	c->request.webhook_add = read_webhook(c, add_fields);
}

void
webhooks_edit(struct call *c)
{
	static char none[] = "";

	c->request.webhook_edit = read_webhook(c, edit_fields);
	c->request.webhook_edit->id = c->id;
	if (json_is_null(json_object_get(c->body.root, "description")))
		c->request.webhook_edit->description = none;
}

static const struct body_field rotate_fields[] = {
    {"keepOldSeconds", BODY_UINT, false, 0, KEEP_OLD_MAX, offsetof(Ipc__WebhookRotate, keep_old_s),
	offsetof(Ipc__WebhookRotate, has_keep_old_s)},
    {0}};

void
webhooks_rotate(struct call *c)
{
	Ipc__WebhookRotate *m = call_alloc(c, sizeof(*m));

	ipc__webhook_rotate__init(m);
	if (c->body.root != NULL)
		body_read(&c->body, "", c->body.root, rotate_fields, m);
	m->id = c->id;
	c->request.webhook_rotate = m;
}

void
webhooks_deliveries(struct call *c)
{
	routes_build_list(c);
	c->request.delivery_list->status = call_query(c, "status", STATUS_MAX_BYTES);
	c->request.delivery_list->type = call_query(c, "type", EVENT_MAX_BYTES);
}
