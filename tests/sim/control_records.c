/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages, receipts and violations, and waiting for them: a call with `wait` is kept until enough
 * match or its time is over, and answered from the loop.
 */
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "tests/sim/control_internal.h"
#include "tests/sim/record.h"

/* What a call asks for, with its strings. */
struct question {
	enum record_kind kind;
	struct record_filter filter;
	uint32_t limit;
	char id[CONTROL_ID_MAX + 1];
	char to[PHONE_DIGITS_MAX + 1], from[PHONE_DIGITS_MAX + 1];
};

/* A call that waits. */
struct control_pending {
	LIST_ENTRY(control_pending) entry;
	struct control *control;
	struct evhttp_request *request;
	struct record_waiter *waiter;
	struct question question;
};

/* The filter's strings are the question's own: to be called where it has come to rest. */
static void
question_settle(struct question *q)
{
	q->filter.match[RECORD_ID] = q->id[0] != '\0' ? q->id : NULL;
	q->filter.match[RECORD_TO] = q->to[0] != '\0' ? q->to : NULL;
	q->filter.match[RECORD_FROM] = q->from[0] != '\0' ? q->from : NULL;
}

static json_t *
question_answer(struct control *control, const struct question *q)
{
	return record_list(sim_record(control->sim), q->kind, &q->filter, q->limit);
}

static void
pending_answer(void *arg)
{
	struct control_pending *p = arg;

	LIST_REMOVE(p, entry);
	control_answer(p->request, question_answer(p->control, &p->question));
	free(p);
}

void
control_pending_end(struct control *control)
{
	while (!LIST_EMPTY(&control->pending)) {
		struct control_pending *p = LIST_FIRST(&control->pending);

		record_wait_cancel(&p->waiter);
		pending_answer(p);
	}
}

static void
question_wait(struct control_call *c, const struct question *q, uint32_t count, uint32_t wait_s)
{
	struct control_pending *p = xcalloc(1, sizeof(*p));

	p->control = c->control;
	p->request = c->request;
	p->question = *q;
	question_settle(&p->question);
	p->waiter = record_wait(sim_record(c->sim), q->kind, &p->question.filter, count,
	    wait_s * 1000, pending_answer, p);
	if (p->waiter == NULL) {
		free(p);
		control_fail(c, HTTP_SERVUNAVAIL, "too many wait already");
		return;
	}
	LIST_INSERT_HEAD(&c->control->pending, p, entry);
}

static bool
question_read(struct control_call *c, struct question *q)
{
	const char *id;

	q->limit = UINT32_MAX;
	if (!control_args_text(c, "id", false, CONTROL_ID_MAX, &id) ||
	    !control_args_phone(c, "to", false, q->to) ||
	    !control_args_phone(c, "from", false, q->from) ||
	    !control_args_number(c, "after", RECORD_NO_ROW - 1, &q->filter.after, NULL) ||
	    !control_args_number(c, "limit", UINT32_MAX, &q->limit, NULL))
		return false;
	if (id != NULL)
		memcpy(q->id, id, strlen(id) + 1);
	question_settle(q);
	return true;
}

static void
question_run(struct control_call *c, struct question *q)
{
	uint32_t wait_s = 0, count = 1;

	if (!question_read(c, q) ||
	    !control_args_number(c, "wait", CONTROL_WAIT_MAX_S, &wait_s, NULL) ||
	    !control_args_number(c, "count", RECORD_MESSAGES_MAX, &count, NULL))
		return;
	if (wait_s == 0)
		control_ok(c, question_answer(c->control, q));
	else
		question_wait(c, q, count, wait_s);
}

void
control_messages(struct control_call *c)
{
	static const char *const names[] = {
	    "id", "to", "from", "own", "after", "limit", "wait", "count", NULL};
	static const char *const own_words[] = {"false", "true", "all", NULL};
	struct question q = {.kind = RECORD_MESSAGES};
	int own;

	if (!control_args_only(c, names) || !control_args_word(c, "own", own_words, &own))
		return;
	q.filter.others_only = own <= 0;
	q.filter.own_only = own == 1;
	question_run(c, &q);
}

void
control_receipts(struct control_call *c)
{
	static const char *const names[] = {
	    "id", "to", "from", "after", "limit", "wait", "count", NULL};
	struct question q = {.kind = RECORD_RECEIPTS};

	if (control_args_only(c, names))
		question_run(c, &q);
}

void
control_violations(struct control_call *c)
{
	static const char *const names[] = {"phone", NULL};
	char phone[PHONE_DIGITS_MAX + 1];

	if (control_args_only(c, names) && control_args_phone(c, "phone", false, phone))
		control_ok(
		    c, record_violations(sim_record(c->sim), phone[0] != '\0' ? phone : NULL));
}
