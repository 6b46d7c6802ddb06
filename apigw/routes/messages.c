/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One message, outside any blast. */
#include "apigw/routes/routes.h"

#define NUMBER_MAX_BYTES 64
#define TEXT_MAX_BYTES 65536

static const struct body_field fields[] = {
    {"to", BODY_STRING, true, 1, NUMBER_MAX_BYTES, offsetof(Ipc__MessageSend, to), 0},
    {"text", BODY_STRING, true, 1, TEXT_MAX_BYTES, offsetof(Ipc__MessageSend, text), 0},
    {0},
};

void
messages_send(struct call *c)
{
	Ipc__MessageSend *m = call_alloc(c, sizeof(*m));

	ipc__message_send__init(m);
	body_read(&c->body, "", c->body.root, fields, m);
	m->outlet_id = c->id;
	c->request.message_send = m;
}
