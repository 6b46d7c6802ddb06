/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers to be checked. Whether they are telephone numbers is the daemon's to say. */
#include "apigw/routes/routes.h"

#define NUMBERS_MAX 200
#define NUMBER_MAX_BYTES 64

struct check_body {
	char *outlet;
	json_t *numbers;
};

static const struct body_field fields[] = {
    {"outletId", BODY_STRING, true, 1, ROUTE_ID_MAX, offsetof(struct check_body, outlet), 0},
    {"numbers", BODY_ANY, true, 0, 0, offsetof(struct check_body, numbers), 0},
    {0},
};

static void
read_numbers(struct call *c, const json_t *v, Ipc__NumberCheck *m)
{
	const size_t n = json_array_size(v);

	if (!json_is_array(v) || n == 0 || n > NUMBERS_MAX) {
		body_error(&c->body, "", "numbers",
		    json_is_array(v) ? "out_of_range" : "wrong_type",
		    "A list of 1 to 200 numbers is expected.");
		return;
	}
	m->numbers = call_alloc(c, n * sizeof(*m->numbers));
	for (size_t i = 0; i < n; i++) {
		const json_t *number = json_array_get(v, i);

		if (!json_is_string(number) || json_string_length(number) > NUMBER_MAX_BYTES) {
			body_error(&c->body, "", "numbers", "wrong_type",
			    "Numbers are strings of at most 64 bytes.");
			return;
		}
		m->numbers[m->n_numbers++] = (char *)(uintptr_t)json_string_value(number);
	}
}

void
numbers_check(struct call *c)
{
	Ipc__NumberCheck *m = call_alloc(c, sizeof(*m));
	struct check_body body = {0};

	ipc__number_check__init(m);
	body_read(&c->body, "", c->body.root, fields, &body);
	m->outlet_id = body.outlet;
	if (body.numbers != NULL)
		read_numbers(c, body.numbers, m);
	c->request.number_check = m;
}
