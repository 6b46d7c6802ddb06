/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Blasts asked for through the API's socket: requests that are valid as they stand, and the calls
 * that the tests of blasts have in common. Included by one .c each.
 */
#ifndef TESTS_WACONND_API_BLAST_H
#define TESTS_WACONND_API_BLAST_H

#include "tests/unit/waconnd/api_world.h"

UNUSED static char o1[] = "o1", o2[] = "o2", o3[] = "o3", absent[] = "absent";

/* -- requests -- */

struct request { /* a blast that is valid as it stands: two numbers over o1 */
	Ipc__Blast blast;
	char *outlets[4];
	Ipc__Recipient recipients[8];
	Ipc__Recipient *list[8];
	Ipc__Pace pace;
	char key[64];
};

UNUSED static void
request_init(struct request *r, size_t n_recipients, ...)
{
	static char text[] = "Halo {{name|Kakak}}";
	va_list phones;

	memset(r, 0, sizeof(*r));
	ipc__blast__init(&r->blast);
	ipc__pace__init(&r->pace);
	r->blast.text = text;
	r->blast.outlets = r->outlets;
	r->outlets[0] = o1;
	r->blast.n_outlets = 1;
	r->blast.recipients = r->list;
	r->blast.n_recipients = n_recipients;
	va_start(phones, n_recipients);
	for (size_t i = 0; i < n_recipients; i++) {
		ipc__recipient__init(&r->recipients[i]);
		r->recipients[i].phone = va_arg(phones, char *);
		r->list[i] = &r->recipients[i];
	}
	va_end(phones);
}

UNUSED static void
ask(struct request *r, Ipc__Request__OpCase op, const char *token, const char *outcome)
{
	Ipc__Request q = IPC__REQUEST__INIT;

	q.op_case = op;
	q.blast_create = &r->blast;
	q.idempotency_key = r->key[0] != '\0' ? r->key : NULL;
	api_ask(&q, token);
	api_assert(outcome);
}

UNUSED static void
create(struct request *r, const char *token, const char *outcome)
{
	ask(r, IPC__REQUEST__OP_BLAST_CREATE, token, outcome);
}

UNUSED static void
preview(struct request *r, const char *token, const char *outcome)
{
	ask(r, IPC__REQUEST__OP_BLAST_PREVIEW, token, outcome);
}

UNUSED static void
by_id(Ipc__Request__OpCase op, const char *id, const char *token, const char *outcome)
{
	Ipc__Id m = IPC__ID__INIT;
	Ipc__Request q = IPC__REQUEST__INIT;

	m.id = xstrdup(id);
	q.op_case = op;
	q.blast_get = &m;
	api_ask(&q, token);
	free(m.id);
	api_assert(outcome);
}
#define BY_ID(op, id, token, outcome) by_id(IPC__REQUEST__OP_##op, id, token, outcome)

UNUSED static void
list(Ipc__Request__OpCase op, Ipc__List *m, const char *token, const char *outcome)
{
	Ipc__Request q = IPC__REQUEST__INIT;

	q.op_case = op;
	q.blast_list = m;
	api_ask(&q, token);
	api_assert(outcome);
}

UNUSED static const char *
sql(const char *text)
{
	return world_sql(aw.w, text);
}

UNUSED static void
assert_nothing_kept(void)
{
	assert_string_equal(
	    sql("SELECT (SELECT count(*) FROM blasts) + (SELECT count(*) FROM messages) + "
		"(SELECT count(*) FROM idempotency_keys)"),
	    "0");
}

#endif
