/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One message, outside any blast: a text, a file, a place or a card. */
#include "apigw/routes/routes.h"

#define NUMBER_MAX_BYTES 64
#define TEXT_MAX_BYTES 65536
#define NAME_MAX_BYTES 255
#define TITLE_MAX_BYTES 1024
#define URL_MAX_BYTES 2048
#define KIND_MAX_BYTES 16

#define TEXT(type, field) offsetof(type, field), 0
#define REAL(type, field) offsetof(type, field), offsetof(type, has_##field)

static const struct body_field media_fields[] = {
    {"id", BODY_STRING, true, 1, ROUTE_ID_MAX, TEXT(Ipc__MediaPart, id)},
    {"caption", BODY_STRING, false, 0, TEXT_MAX_BYTES, TEXT(Ipc__MediaPart, caption)},
    {"fileName", BODY_STRING, false, 1, NAME_MAX_BYTES, TEXT(Ipc__MediaPart, file_name)},
    {"kind", BODY_STRING, false, 1, KIND_MAX_BYTES, TEXT(Ipc__MediaPart, kind)},
    {0},
};

Ipc__MediaPart *
routes_read_media(struct call *c, const char *prefix, const json_t *object)
{
	Ipc__MediaPart *m = call_alloc(c, sizeof(*m));

	ipc__media_part__init(m);
	body_read(&c->body, prefix, object, media_fields, m);
	return m;
}

static const struct body_field location_fields[] = {
    {"latitude", BODY_REAL, true, -90, 90, REAL(Ipc__Location, latitude)},
    {"longitude", BODY_REAL, true, -180, 180, REAL(Ipc__Location, longitude)},
    {"name", BODY_STRING, false, 0, TITLE_MAX_BYTES, TEXT(Ipc__Location, name)},
    {"address", BODY_STRING, false, 0, TITLE_MAX_BYTES, TEXT(Ipc__Location, address)},
    {0},
};

static const struct body_field contact_fields[] = {
    {"name", BODY_STRING, true, 1, NAME_MAX_BYTES, TEXT(Ipc__ContactCard, name)},
    {"phone", BODY_STRING, true, 1, NUMBER_MAX_BYTES, TEXT(Ipc__ContactCard, phone)},
    {0},
};

static const struct body_field preview_fields[] = {
    {"title", BODY_STRING, true, 1, TITLE_MAX_BYTES, TEXT(Ipc__LinkPreview, title)},
    {"description", BODY_STRING, false, 0, TITLE_MAX_BYTES, TEXT(Ipc__LinkPreview, description)},
    {"url", BODY_STRING, true, 1, URL_MAX_BYTES, TEXT(Ipc__LinkPreview, url)},
    {0},
};

struct message_body {
	char *to, *text, *reply_to;
	json_t *media, *location, *contact, *preview;
};

#define AT(field) offsetof(struct message_body, field), 0

static const struct body_field fields[] = {
    {"to", BODY_STRING, true, 1, NUMBER_MAX_BYTES, AT(to)},
    {"text", BODY_STRING, false, 1, TEXT_MAX_BYTES, AT(text)},
    {"media", BODY_ANY, false, 0, 0, AT(media)},
    {"location", BODY_ANY, false, 0, 0, AT(location)},
    {"contact", BODY_ANY, false, 0, 0, AT(contact)},
    {"preview", BODY_ANY, false, 0, 0, AT(preview)},
    {"replyTo", BODY_STRING, false, 1, ROUTE_ID_MAX, AT(reply_to)},
    {0},
};

/* Absent, or an object by its table. */
#define READ(c, body, m, name, type, init)                                                   \
	do {                                                                                 \
		if ((body).name != NULL) {                                                   \
			(m)->name = call_alloc(c, sizeof(type));                             \
			init((m)->name);                                                     \
			body_read(&(c)->body, #name, (body).name, name##_fields, (m)->name); \
		}                                                                            \
	} while (0)

void
messages_send(struct call *c)
{
	struct message_body body = {0};
	Ipc__MessageSend *m = call_alloc(c, sizeof(*m));

	ipc__message_send__init(m);
	body_read(&c->body, "", c->body.root, fields, &body);
	m->outlet_id = c->id;
	m->to = body.to;
	m->text = body.text;
	m->reply_to = body.reply_to;
	if (body.media != NULL)
		m->media = routes_read_media(c, "media", body.media);
	READ(c, body, m, location, Ipc__Location, ipc__location__init);
	READ(c, body, m, contact, Ipc__ContactCard, ipc__contact_card__init);
	READ(c, body, m, preview, Ipc__LinkPreview, ipc__link_preview__init);
	if (body.text == NULL && body.media == NULL && body.location == NULL &&
	    body.contact == NULL)
		body_error(
		    &c->body, "", "text", "required", "Give text, media, location or contact.");
	c->request.message_send = m;
}
