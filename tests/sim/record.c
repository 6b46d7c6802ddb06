/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keeps messages and receipts in two tables and violations in a list, all bounded, and tells
 * waiters. A waiter counts what matches as it arrives, so nothing is searched twice; it is told
 * from the loop, never from inside the delivery of a stanza.
 */
#include "tests/sim/record.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/utf8.h"
#include "common/xalloc.h"

struct violation {
	STAILQ_ENTRY(violation) entry;
	unsigned device;
	char *phone, *rule, *detail;
};

struct record_waiter {
	LIST_ENTRY(record_waiter) entry;
	struct record *record;
	enum record_kind kind;
	struct record_filter filter;
	uint32_t missing; /* 0: told at the next turn of the loop */
	struct event *timer;
	void (*done)(void *arg);
	void *arg;
	char *strings[RECORD_INDEXED];
};

struct record {
	struct event_base *base;
	struct record_table *table[2]; /* by enum record_kind */
	STAILQ_HEAD(, violation) violations;
	size_t violation_count;
	uint64_t violations_dropped;
	LIST_HEAD(, record_waiter) waiters;
	size_t waiter_count;
};

struct record *
record_new(struct event_base *base)
{
	struct record *r = xcalloc(1, sizeof(*r));

	r->base = base;
	r->table[RECORD_MESSAGES] = record_table_new(RECORD_MESSAGES_MAX);
	r->table[RECORD_RECEIPTS] = record_table_new(RECORD_RECEIPTS_MAX);
	STAILQ_INIT(&r->violations);
	LIST_INIT(&r->waiters);
	return r;
}

static void
violation_free(struct violation *v)
{
	free(v->phone);
	free(v->rule);
	free(v->detail);
	free(v);
}

void
record_free(struct record **r)
{
	struct violation *v;

	if (*r == NULL)
		return;
	while (!LIST_EMPTY(&(*r)->waiters)) {
		struct record_waiter *w = LIST_FIRST(&(*r)->waiters);

		record_wait_cancel(&w);
	}
	while ((v = STAILQ_FIRST(&(*r)->violations)) != NULL) {
		STAILQ_REMOVE_HEAD(&(*r)->violations, entry);
		violation_free(v);
	}
	record_table_free(&(*r)->table[RECORD_MESSAGES]);
	record_table_free(&(*r)->table[RECORD_RECEIPTS]);
	free(*r);
	*r = NULL;
}

/* -- waiting ---------------------------------------------------------------------------- */

static void
waiter_told(evutil_socket_t fd, short what, void *arg)
{
	struct record_waiter *w = arg;
	void (*done)(void *) = w->done;
	void *done_arg = w->arg;

	(void)fd, (void)what;
	record_wait_cancel(&w);
	done(done_arg);
}

static void
waiters_tell(struct record *r, enum record_kind kind, const struct record_row *row)
{
	struct record_waiter *w;

	LIST_FOREACH(w, &r->waiters, entry)
	{
		if (w->kind != kind || w->missing == 0 || !record_filter_match(&w->filter, row))
			continue;
		if (--w->missing == 0)
			event_active(w->timer, EV_TIMEOUT, 0);
	}
}

/* How many match already, as far as the waiter needs to know. */
static uint32_t
count_matches(const struct record_table *t, const struct record_filter *f, uint32_t enough)
{
	struct record_cursor c = {0};
	uint32_t n = 0;

	while (n < enough && record_table_next(t, f, &c) != NULL)
		n++;
	return n;
}

struct record_waiter *
record_wait(struct record *r, enum record_kind kind, const struct record_filter *filter,
    uint32_t count, uint32_t timeout_ms, void (*done)(void *arg), void *arg)
{
	const struct timeval tv = {
	    .tv_sec = timeout_ms / 1000, .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
	struct record_waiter *w;

	if (r->waiter_count >= RECORD_WAITERS_MAX)
		return NULL;
	w = xcalloc(1, sizeof(*w));
	*w = (struct record_waiter){
	    .record = r, .kind = kind, .filter = *filter, .done = done, .arg = arg};
	for (size_t i = 0; i < RECORD_INDEXED; i++)
		if (filter->match[i] != NULL)
			w->filter.match[i] = w->strings[i] = xstrdup(filter->match[i]);
	w->missing = count - count_matches(r->table[kind], &w->filter, count);
	w->timer = event_new(r->base, -1, 0, waiter_told, w);
	if (w->timer == NULL || event_add(w->timer, &tv) != 0) {
		log_error("record.wait", LOG_STR("reason", "no timer"));
		abort();
	}
	if (w->missing == 0)
		event_active(w->timer, EV_TIMEOUT, 0);
	LIST_INSERT_HEAD(&r->waiters, w, entry);
	r->waiter_count++;
	return w;
}

void
record_wait_cancel(struct record_waiter **w)
{
	if (*w == NULL)
		return;
	LIST_REMOVE(*w, entry);
	(*w)->record->waiter_count--;
	event_free((*w)->timer);
	for (size_t i = 0; i < RECORD_INDEXED; i++)
		free((*w)->strings[i]);
	free(*w);
	*w = NULL;
}

/* -- messages and receipts ---------------------------------------------------------------- */

/* The text, at most RECORD_TEXT_MAX bytes of it and no half character; the caller frees it. */
static char *
text_cut(const char *text)
{
	size_t len = strnlen(text, RECORD_TEXT_MAX + 1);

	if (len > RECORD_TEXT_MAX)
		for (len = RECORD_TEXT_MAX; len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80;)
			len--;
	return xstrndup(text, len);
}

static struct record_row *
message_find(struct record *r, const char *id, const char *to, const char *from)
{
	const struct record_filter f = {.match = {id, to, from}};
	struct record_cursor c = {0};

	return record_table_next(r->table[RECORD_MESSAGES], &f, &c);
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool
record_message_add(struct record *r, const struct record_message *m)
{
	char *text = m->text != NULL ? text_cut(m->text) : NULL;
	const char *const field[RECORD_FIELD_COUNT] = {
	    m->id, m->to, m->from, m->kind, m->from_jid, m->chat, text, m->enc_type, m->content};
	struct record_row *row = message_find(r, m->id, m->to, m->from);
	bool same = true;

	if (row != NULL) {
		row->count++;
		same = same_text(row->field[RECORD_TEXT], text);
	} else if ((row = record_table_add(r->table[RECORD_MESSAGES], field)) != NULL) {
		row->at = clock_wall_ms();
		row->own = m->own;
		row->device_sent = m->device_sent;
		waiters_tell(r, RECORD_MESSAGES, row);
	}
	free(text);
	return same;
}

bool
record_message_repeat(struct record *r, const char *id, const char *to, const char *from)
{
	struct record_row *row = message_find(r, id, to, from);

	if (row == NULL)
		return false;
	row->count++;
	return true;
}

void
record_receipt(struct record *r, const char *from_phone, const char *to_phone, const char *id,
    const char *type)
{
	const char *const field[RECORD_FIELD_COUNT] = {
	    id, to_phone, from_phone, type != NULL && type[0] != '\0' ? type : "delivered"};
	struct record_row *row = record_table_add(r->table[RECORD_RECEIPTS], field);

	if (row == NULL)
		return;
	row->at = clock_wall_ms();
	waiters_tell(r, RECORD_RECEIPTS, row);
}

/* -- violations ----------------------------------------------------------------------------- */

void
record_violation(
    struct record *r, const char *phone, unsigned device, const char *rule, const char *fmt, ...)
{
	struct violation *v;
	struct buf detail = BUF_INIT(512);
	char text[512];
	va_list ap;

	if (r->violation_count >= RECORD_VIOLATIONS_MAX) {
		r->violations_dropped++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	utf8_clean(text, &detail);
	v = xcalloc(1, sizeof(*v));
	v->device = device;
	v->phone = xstrdup(phone);
	v->rule = xstrdup(rule);
	v->detail = xstrdup(buf_str(&detail));
	buf_done(&detail);
	STAILQ_INSERT_TAIL(&r->violations, v, entry);
	r->violation_count++;
	log_warn("record.violation", LOG_PHONE("phone", phone), LOG_INT("device", device),
	    LOG_STR("rule", rule), LOG_STR("detail", v->detail));
}

/* -- as JSON ---------------------------------------------------------------------------------- */

/* A string, or null for none. Ids and types are as strangers wrote them. */
static json_t *
text_json(const char *text)
{
	json_t *j = text != NULL ? json_string(text) : json_null();

	return j != NULL ? j : json_string("(not UTF-8)");
}

static json_t *
content_json(const char *text)
{
	json_t *j = text != NULL ? json_loads(text, 0, NULL) : NULL;

	return j != NULL ? j : json_null();
}

static json_t *
message_json(const struct record_row *row)
{
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:i, s:I, s:o, s:o}",
	    "seq", (int)row->number, "id", text_json(row->field[RECORD_ID]), "to",
	    text_json(row->field[RECORD_TO]), "from", text_json(row->field[RECORD_FROM]), "fromJid",
	    text_json(row->field[RECORD_FROM_JID]), "kind", text_json(row->field[RECORD_KIND]),
	    "text", text_json(row->field[RECORD_TEXT]), "chat", text_json(row->field[RECORD_CHAT]),
	    "own", row->own, "deviceSent", row->device_sent, "count", (int)row->count, "at",
	    (json_int_t)row->at, "encType", text_json(row->field[RECORD_ENC_TYPE]), "content",
	    content_json(row->field[RECORD_CONTENT]));
}

static json_t *
receipt_json(const struct record_row *row)
{
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:I}", "seq", (int)row->number, "id",
	    text_json(row->field[RECORD_ID]), "from", text_json(row->field[RECORD_FROM]), "to",
	    text_json(row->field[RECORD_TO]), "type", text_json(row->field[RECORD_KIND]), "at",
	    (json_int_t)row->at);
}

json_t *
record_list(
    struct record *r, enum record_kind kind, const struct record_filter *filter, uint32_t limit)
{
	static json_t *(*const write[])(const struct record_row *) = {
	    [RECORD_MESSAGES] = message_json, [RECORD_RECEIPTS] = receipt_json};
	static const char *const name[] = {
	    [RECORD_MESSAGES] = "messages", [RECORD_RECEIPTS] = "receipts"};
	const struct record_table *t = r->table[kind];
	struct record_cursor c = {0};
	const struct record_row *row;
	json_t *list = json_array();
	json_int_t count = 0;

	while ((row = record_table_next(t, filter, &c)) != NULL)
		if (count++ < limit)
			json_array_append_new(list, write[kind](row));
	return json_pack("{s:o, s:I, s:I}", name[kind], list, "count", count, "dropped",
	    (json_int_t)record_table_dropped(t));
}

json_t *
record_violations(struct record *r, const char *phone)
{
	json_t *list = json_array();
	const struct violation *v;

	STAILQ_FOREACH(v, &r->violations, entry)
	if (phone == NULL || strcmp(v->phone, phone) == 0)
		json_array_append_new(
		    list, json_pack("{s:s, s:i, s:s, s:s}", "phone", v->phone, "device",
			      (int)v->device, "rule", v->rule, "detail", v->detail));
	return json_pack(
	    "{s:o, s:I}", "violations", list, "dropped", (json_int_t)r->violations_dropped);
}
