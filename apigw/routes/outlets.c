/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Outlets: their fields, connecting, and the QR code as data or as a picture. */
#include <string.h>

#include "apigw/accept.h"
#include "apigw/qr_image.h"
#include "apigw/routes/routes.h"
#include "common/webauthn.h"

#define NAME_MAX_BYTES 200
#define NUMBER_MAX_BYTES 32
#define IMAGE_MAX (4u << 20)

struct outlet_body {
	char *name, *number;
	protobuf_c_boolean is_active, has_is_active, auto_reconnect, has_auto_reconnect;
	json_t *pace;
};

#define AT(field) offsetof(struct outlet_body, field)
#define OUTLET_FIELDS(needed)                                                                      \
	{"name", BODY_STRING, needed, 1, NAME_MAX_BYTES, AT(name), 0},                             \
	    {"whatsappNumber", BODY_STRING, needed, 1, NUMBER_MAX_BYTES, AT(number), 0},           \
	    {"isActive", BODY_BOOL, false, 0, 0, AT(is_active), AT(has_is_active)},                \
	    {"autoReconnect", BODY_BOOL, false, 0, 0, AT(auto_reconnect), AT(has_auto_reconnect)}, \
	    {"pace", BODY_ANY, false, 0, 0, AT(pace), 0},                                          \
	{                                                                                          \
		0                                                                                  \
	}

static const struct body_field add_fields[] = {OUTLET_FIELDS(true)};
static const struct body_field edit_fields[] = {OUTLET_FIELDS(false)};

static Ipc__OutletFields *
read_outlet(struct call *c, const struct body_field *fields)
{
	Ipc__OutletFields *m = call_alloc(c, sizeof(*m));
	struct outlet_body body = {0};

	ipc__outlet_fields__init(m);
	body_read(&c->body, "", c->body.root, fields, &body);
	m->name = body.name;
	m->whatsapp_number = body.number;
	m->has_is_active = body.has_is_active;
	m->is_active = body.is_active;
	m->has_auto_reconnect = body.has_auto_reconnect;
	m->auto_reconnect = body.auto_reconnect;
	routes_read_pace(c, body.pace, true, &m->pace);
	return m;
}

void
outlets_add(struct call *c)
{
	c->request.outlet_add = read_outlet(c, add_fields);
}

void
outlets_edit(struct call *c)
{
	c->request.outlet_edit = read_outlet(c, edit_fields);
	c->request.outlet_edit->id = c->id;
}

static const struct body_field connect_fields[] = {
    {"method", BODY_STRING, false, 1, 8, offsetof(Ipc__Connect, method), 0},
    {"phoneNumber", BODY_STRING, false, 1, NUMBER_MAX_BYTES, offsetof(Ipc__Connect, phone_number),
	0},
    {0},
};

void
outlets_connect(struct call *c)
{
	static char qr[] = "qr";
	Ipc__Connect *m = call_alloc(c, sizeof(*m));

	ipc__connect__init(m);
	if (c->body.root != NULL)
		body_read(&c->body, "", c->body.root, connect_fields, m);
	m->id = c->id;
	if (m->method == NULL)
		m->method = qr;
	if (strcmp(m->method, "qr") != 0 && strcmp(m->method, "code") != 0)
		body_error(&c->body, "", "method", "invalid", "\"qr\" or \"code\" is expected.");
	c->request.outlet_connect = m;
}

/* ---- the passkey ---- */

/* What PublicKeyCredential.toJSON() gives; the last two say nothing that is needed. */
struct passkey_body {
	char *id, *raw_id, *type, *attachment;
	json_t *response, *extensions;
};

#define PASSKEY(field) offsetof(struct passkey_body, field)
static const struct body_field passkey_fields[] = {
    {"id", BODY_STRING, true, 1, WEBAUTHN_TEXT_MAX, PASSKEY(id), 0},
    {"rawId", BODY_STRING, true, 1, WEBAUTHN_TEXT_MAX, PASSKEY(raw_id), 0},
    {"type", BODY_STRING, true, 1, 32, PASSKEY(type), 0},
    {"response", BODY_ANY, true, 0, 0, PASSKEY(response), 0},
    {"authenticatorAttachment", BODY_STRING, false, 1, 32, PASSKEY(attachment), 0},
    {"clientExtensionResults", BODY_ANY, false, 0, 0, PASSKEY(extensions), 0},
    {0},
};

#define ANSWER(field) offsetof(Ipc__Passkey, field)
static const struct body_field assertion_fields[] = {
    {"clientDataJSON", BODY_STRING, true, 1, WEBAUTHN_TEXT_MAX, ANSWER(client_data_json), 0},
    {"authenticatorData", BODY_STRING, true, 1, WEBAUTHN_TEXT_MAX, ANSWER(authenticator_data), 0},
    {"signature", BODY_STRING, true, 1, WEBAUTHN_TEXT_MAX, ANSWER(signature), 0},
    {"userHandle", BODY_STRING, false, 0, WEBAUTHN_TEXT_MAX, ANSWER(user_handle), 0},
    {0},
};

void
outlets_passkey(struct call *c)
{
	Ipc__Passkey *m = call_alloc(c, sizeof(*m));
	struct passkey_body body = {0};

	ipc__passkey__init(m);
	body_read(&c->body, "", c->body.root, passkey_fields, &body);
	if (body.response != NULL)
		body_read(&c->body, "response", body.response, assertion_fields, m);
	m->outlet_id = c->id;
	m->id = body.id;
	m->raw_id = body.raw_id;
	m->type = body.type;
	c->request.outlet_passkey_answer = m;
}

/* ---- the QR code ---- */

static const struct qr_format {
	const char *name, *type;
	int (*draw)(const char *text, struct buf *out); /* NULL: the daemon's JSON as it is */
} qr_formats[] = {
    {"json", "application/json", NULL},
    {"svg", "image/svg+xml", qr_svg},
    {"png", "image/png", qr_png},
    {0},
};

/* What the client wants most; of several alike, what it names first. NULL: it takes none of them.
 */
static const struct qr_format *
accepted_format(const char *accept)
{
	const struct qr_format *best = NULL;
	unsigned best_quality = 0;
	size_t best_place = 0;

	for (const struct qr_format *f = qr_formats; f->name != NULL; f++) {
		size_t place;
		unsigned quality = accept_quality(accept, f->type, &place);

		if (quality > best_quality ||
		    (quality == best_quality && quality > 0 && place < best_place)) {
			best = f;
			best_quality = quality;
			best_place = place;
		}
	}
	return best;
}

static const struct qr_format *
chosen_format(struct call *c)
{
	char name[16];
	const struct qr_format *f = qr_formats;
	int r = http_query_get(c->http->head.query, "format", name, sizeof(name));

	if (r == 0)
		return accepted_format(http_head_get(&c->http->head, "accept"));
	while (f->name != NULL && (r < 0 || strcmp(f->name, name) != 0))
		f++;
	return f->name != NULL ? f : NULL;
}

void
outlets_qr(struct call *c)
{
	char name[16];

	if (chosen_format(c) == NULL &&
	    http_query_get(c->http->head.query, "format", name, sizeof(name)) != 0)
		body_error(&c->body, "", "format", "invalid", "json, svg or png is expected.");
	routes_build_id(c);
}

static void
answer_image(struct call *c, const struct qr_format *f, const Ipc__Response *response)
{
	struct buf image = BUF_INIT(IMAGE_MAX);
	json_error_t error;
	json_t *root = json_loadb((const char *)response->body.data, response->body.len, 0, &error);
	const char *text = json_string_value(json_object_get(root, "qr"));

	if (text == NULL || f->draw(text, &image) < 0)
		call_problem(c, "internal", NULL);
	else
		call_reply(c, 200, f->type, NULL, image.data, image.len);
	json_decref(root);
	buf_done_secret(&image);
}

void
outlets_qr_answer(struct call *c, const Ipc__Response *response)
{
	const struct qr_format *f = chosen_format(c);

	if (f == NULL)
		call_problem(c, "not_acceptable", NULL);
	else if (f->draw == NULL)
		call_pass(c, response);
	else
		answer_image(c, f, response);
}
