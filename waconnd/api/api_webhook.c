/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Webhooks: list, get, add, edit, remove, another secret, a test. A secret's text stands in the
 * answer that makes it and nowhere else; the database has it sealed.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/idempotency.h"
#include "waconnd/api/request.h"
#include "waconnd/store/array.h"
#include "waconnd/webhook.h"
#include "waconnd/webhook_sign.h"

#define WEBHOOKS_MAX "20"
#define OUTLETS_MAX 1000
#define DESCRIPTION_MAX 200
#define KEEP_OLD_S 86400
#define KEEP_OLD_MAX_S (7 * 86400)
#define ERRORS_MAX 4

/* As triggers put them (schema.sql). */
static const char *const event_types[] = {"outlet.status", "message.received", "message.status",
    "recipient.status", "blast.status", "blast.progress", "webhook.disabled", NULL};
#define EVENT_RULE                                                                          \
	"outlet.status, message.received, message.status, recipient.status, blast.status, " \
	"blast.progress, webhook.disabled; each once."

struct secret_new { /* a call's state */
	char id[32];
	char text[WEBHOOK_SECRET_MAX];
};

static void
secret_free(void *state)
{
	OPENSSL_cleanse(state, sizeof(struct secret_new));
	free(state);
}

/* A new secret for the webhook, sealed into `out`. */
static struct secret_new *
secret_make(struct call *c, const char *id, struct buf *out)
{
	struct secret_new *s = xcalloc(1, sizeof(*s));
	char *aad = webhook_aad(id);

	c->state = s;
	c->free_state = secret_free;
	(void)snprintf(s->id, sizeof(s->id), "%s", id);
	webhook_secret_make(s->text);
	seal_close(c->env->store->seal, aad, s->text, strlen(s->text), out);
	free(aad);
	return s;
}

/* Answers with the secret's text, which what is kept under an Idempotency-Key is without. */
static void
reply_secret(struct call *c, const PGresult *result, unsigned status)
{
	const struct secret_new *s = c->state;
	struct buf out;
	struct jsonw j;

	call_begin(&j, &out);
	jsonw_str(&j, "secret", s->text);
	jsonw_raw(&j, "webhook", PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0));
	jsonw_object_end(&j);
	call_reply(c, status, &out);
	buf_done_secret(&out);
}

/* -- list, get -- */

static void
on_listed(struct call *c, const PGresult *result)
{
	call_reply_page(c, result, "webhooks");
}

void
api_webhook_list(struct call *c)
{
	const Ipc__List *q = c->request->webhook_list;
	const struct call_limit_text limit = call_limit_of(c, q);
	const struct db_param params[] = {DB_TEXT(q->cursor), DB_TEXT(limit.text)};

	if (limit.text[0] != '\0' && call_cursor_is_key(c, q->cursor, "webhook_", true))
		call_query(c, SQL_WEBHOOK_LIST, params, 2, NULL, on_listed);
}

static void
on_webhook(struct call *c, const PGresult *result)
{
	call_reply_row(c, result, "webhook", 200);
}

void
api_webhook_get(struct call *c)
{
	const struct db_param id = DB_TEXT(c->request->webhook_get->id);

	call_query(c, SQL_WEBHOOK_GET, &id, 1, NULL, on_webhook);
}

/* -- what may stand in one -- */

static bool
events_are_valid(const Ipc__WebhookFields *f)
{
	for (size_t i = 0; i < f->n_events; i++) {
		if (!request_is_one_of(f->events[i], event_types))
			return false;
		for (size_t k = 0; k < i; k++)
			if (strcmp(f->events[i], f->events[k]) == 0)
				return false;
	}
	return true;
}

static bool
outlets_are_known(const struct call *c, const Ipc__WebhookFields *f)
{
	for (size_t i = 0; i < f->n_outlet_ids; i++)
		if (outlets_find(c->env->outlets, f->outlet_ids[i]) == NULL)
			return false;
	return f->n_outlet_ids <= OUTLETS_MAX;
}

static size_t
check(const struct call *c, const Ipc__WebhookFields *f, struct problem_field *errors)
{
	const char *detail = "Give the URL to send events to.", *wrong = NULL;
	size_t n = 0;

	if (f->url != NULL)
		wrong = webhook_url_wrong(&c->env->config->webhooks.places, f->url, &detail);
	else if (f->id == NULL)
		wrong = "required";
	if (wrong != NULL)
		errors[n++] = (struct problem_field){"url", wrong, detail};
	if (f->description != NULL && f->description[0] != '\0' &&
	    !request_is_name(f->description, DESCRIPTION_MAX))
		errors[n++] = (struct problem_field){
		    "description", "invalid", "At most 200 bytes, no control characters."};
	if (!events_are_valid(f))
		errors[n++] = (struct problem_field){"events", "unknown", EVENT_RULE};
	if (!outlets_are_known(c, f))
		errors[n++] = (struct problem_field){"outletIds", "not_found",
		    "One of them is not an outlet, or they are too many."};
	return n;
}

/* What it is told of where nothing is said: all but what comes for every recipient of a blast. */
static void
fill_events(const Ipc__WebhookFields *f, struct array *out)
{
	array_init(out, ARRAY_TEXT);
	for (size_t i = 0; i < f->n_events; i++)
		array_text(out, f->events[i]);
	for (size_t i = 0; f->n_events == 0 && event_types[i] != NULL; i++)
		if (strcmp(event_types[i], "recipient.status") != 0)
			array_text(out, event_types[i]);
}

static void
fill_outlets(const Ipc__WebhookFields *f, struct array *out)
{
	array_init(out, ARRAY_TEXT);
	for (size_t i = 0; i < f->n_outlet_ids; i++)
		array_text(out, f->outlet_ids[i]);
}

/* -- add -- */

static void
on_added(struct call *c, const PGresult *result)
{
	if (PQntuples(result) != 1)
		call_problem(c, "conflict",
		    "There are " WEBHOOKS_MAX " webhooks already: remove one first.");
	else
		reply_secret(c, result, 201);
}

static void
add(struct call *c)
{
	const Ipc__WebhookFields *f = c->request->webhook_add;
	struct buf sealed = BUF_INIT(WEBHOOK_SECRET_MAX + SEAL_OVERHEAD);
	struct array events, outlets;
	struct idempotency key;
	char id[32];

	rng_id("webhook_", id, sizeof(id));
	(void)secret_make(c, id, &sealed);
	fill_events(f, &events);
	fill_outlets(f, &outlets);
	idempotency_params(c, &key);
	{
		const struct db_param params[] = {DB_TEXT(id), DB_TEXT(f->url),
		    DB_TEXT(f->description), array_param(&events),
		    f->n_outlet_ids > 0 ? array_param(&outlets) : DB_TEXT(NULL),
		    DB_BYTES(sealed.data, sealed.len), DB_TEXT(c->who.name), DB_TEXT(WEBHOOKS_MAX),
		    key.user, key.key, key.hash};
		const struct db_step step = {SQL_WEBHOOK_ADD, params, 11};

		call_change(c, "webhook_add", &step, 1, "conflict", on_added);
	}
	array_done(&events);
	array_done(&outlets);
	buf_done(&sealed);
}

void
api_webhook_add(struct call *c)
{
	struct problem_field errors[ERRORS_MAX];
	const size_t n = check(c, c->request->webhook_add, errors);

	if (n > 0)
		call_invalid_fields(c, errors, n);
	else
		idempotency_begin(c, add);
}

/* -- edit, remove -- */

static void
on_edited(struct call *c, const PGresult *result)
{
	webhooks_look(c->env->webhooks);
	call_reply_row(c, result, "webhook", 200);
}

void
api_webhook_edit(struct call *c)
{
	const Ipc__WebhookFields *f = c->request->webhook_edit;
	struct problem_field errors[ERRORS_MAX];
	const size_t n = check(c, f, errors);
	const struct db_param id = DB_TEXT(f->id);
	struct array events, outlets;

	if (n > 0) {
		call_invalid_fields(c, errors, n);
		return;
	}
	fill_events(f, &events);
	fill_outlets(f, &outlets);
	{
		const char *active = f->is_active ? "t" : "f";
		const struct db_param params[] = {DB_TEXT(f->id), DB_TEXT(f->url),
		    DB_TEXT(f->description), f->n_events > 0 ? array_param(&events) : DB_TEXT(NULL),
		    DB_TEXT(f->has_outlet_ids ? "t" : "f"),
		    f->n_outlet_ids > 0 ? array_param(&outlets) : DB_TEXT(NULL),
		    DB_TEXT(f->has_is_active ? active : NULL)};
		const struct db_step steps[] = {
		    {SQL_WEBHOOK_EDIT, params, 7}, {SQL_WEBHOOK_RETRY, &id, 1}};

		call_change(c, "webhook_edit", steps, 2, "conflict", on_edited);
	}
	array_done(&events);
	array_done(&outlets);
}

static void
on_removed(struct call *c, const PGresult *result)
{
	if (PQntuples(result) != 1)
		call_problem(c, "not_found", NULL);
	else
		call_reply_done(c);
}

void
api_webhook_remove(struct call *c)
{
	const struct db_param id = DB_TEXT(c->request->webhook_remove->id);
	const struct db_step step = {SQL_WEBHOOK_REMOVE, &id, 1};

	call_change(c, "webhook_remove", &step, 1, NULL, on_removed);
}

/* -- another secret -- */

static void
on_rotated(struct call *c, const PGresult *result)
{
	if (PQntuples(result) != 1)
		call_problem(c, "not_found", NULL);
	else
		reply_secret(c, result, 200);
}

static void
rotate(struct call *c)
{
	const Ipc__WebhookRotate *q = c->request->webhook_rotate;
	struct buf sealed = BUF_INIT(WEBHOOK_SECRET_MAX + SEAL_OVERHEAD);
	struct idempotency key;
	char keep[16];

	(void)secret_make(c, q->id, &sealed);
	(void)snprintf(
	    keep, sizeof(keep), "%u", q->has_keep_old_s ? q->keep_old_s : (unsigned)KEEP_OLD_S);
	idempotency_params(c, &key);
	{
		const struct db_param params[] = {DB_TEXT(q->id), DB_BYTES(sealed.data, sealed.len),
		    DB_TEXT(keep), key.user, key.key, key.hash};
		const struct db_step step = {SQL_WEBHOOK_ROTATE, params, 6};

		call_change(c, "webhook_rotate", &step, 1, "conflict", on_rotated);
	}
	buf_done(&sealed);
}

void
api_webhook_rotate(struct call *c)
{
	const Ipc__WebhookRotate *q = c->request->webhook_rotate;

	if (q->keep_old_s > KEEP_OLD_MAX_S)
		call_invalid(c, "keepOldSeconds", "out_of_range", "0 to 604800 (a week).");
	else
		idempotency_begin(c, rotate);
}

/* -- a test -- */

static void
on_tested(struct call *c, const PGresult *result)
{
	if (PQntuples(result) != 1) {
		call_problem(c, "not_found", NULL);
		return;
	}
	call_audit(c, "webhook_test", c->request->webhook_test->id, NULL);
	webhooks_look(c->env->webhooks);
	call_reply_kept(c, result, 202);
}

static void
test(struct call *c)
{
	struct idempotency key;

	idempotency_params(c, &key);
	{
		const struct db_param params[] = {
		    DB_TEXT(c->request->webhook_test->id), key.user, key.key, key.hash};

		call_query(c, SQL_WEBHOOK_TEST, params, 4, NULL, on_tested);
	}
}

void
api_webhook_test(struct call *c)
{
	idempotency_begin(c, test);
}
