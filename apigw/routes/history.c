/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The history of an outlet's connection, as JSON or as CSV, and the dashboard's figures. */
#include <string.h>

#include "apigw/accept.h"
#include "apigw/routes/routes.h"
#include "common/csv.h"

#define CSV_MAX (4u << 20)
#define DAYS_MAX 90

void
summary_get(struct call *c)
{
	Ipc__Summary *m = call_alloc(c, sizeof(*m));

	ipc__summary__init(m);
	routes_read_number(c, "days", 1, DAYS_MAX, &m->has_days, &m->days);
	c->request.summary = m;
}

/* What the client wants more: CSV, or JSON. */
static bool
wants_csv(const struct call *c)
{
	const char *accept = http_head_get(&c->http->head, "accept");
	size_t csv_place, json_place;
	const unsigned csv = accept_quality(accept, "text/csv", &csv_place);
	const unsigned json = accept_quality(accept, "application/json", &json_place);

	return accept != NULL && (csv > json || (csv == json && csv > 0 && csv_place < json_place));
}

void
outlets_events_answer(struct call *c, const Ipc__Response *response)
{
	static const char *const columns[] = {"at", "from", "to", "reason"};
	struct buf out = BUF_INIT(CSV_MAX);
	json_error_t error;
	json_t *root, *event;
	size_t i;

	if (!wants_csv(c)) {
		call_pass(c, response);
		return;
	}
	root = json_loadb((const char *)response->body.data, response->body.len, 0, &error);
	buf_add_str(&out, "at,from,to,reason\r\n");
	json_array_foreach(json_object_get(root, "events"), i, event)
	{
		for (size_t n = 0; n < sizeof(columns) / sizeof(columns[0]); n++) {
			if (n > 0)
				buf_add_u8(&out, ',');
			csv_add(&out, json_string_value(json_object_get(event, columns[n])));
		}
		buf_add_str(&out, "\r\n");
	}
	if (root == NULL || !buf_ok(&out))
		call_problem(c, "internal", NULL);
	else
		call_reply(c, 200, "text/csv; charset=utf-8", NULL, out.data, out.len);
	json_decref(root);
	buf_done(&out);
}
