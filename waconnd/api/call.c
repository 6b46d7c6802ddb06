/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of a call: answers, problems, and the database queries in between. Knows no operation.
 */
#include "waconnd/api/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/utf8.h"
#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/forward.h"
#include "waconnd/api/idempotency.h"

#define LIST_LIMIT_DEFAULT 100
#define LIST_LIMIT_MAX 1000
#define SLOW_MS 1000
#define CURSOR_DIGITS_MAX 18
#define CURSOR_KEY_MAX 256 /* bytes */
#define ID_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

static const char *const role_names[] = {
    [ROLE_NONE] = "NONE",
    [ROLE_USER] = "USER",
    [ROLE_ADMIN] = "ADMIN",
    [ROLE_SUPERADMIN] = "SUPERADMIN",
};

const char *
role_name(enum role role)
{
	return role_names[role];
}

int
role_parse(const char *name, enum role *ret_role)
{
	for (int r = ROLE_USER; r <= ROLE_SUPERADMIN; r++) {
		if (strcmp(role_names[r], name) == 0) {
			*ret_role = (enum role)r;
			return 0;
		}
	}
	return -1;
}

struct call *
call_new(struct api *api, const struct api_env *env, uint64_t peer, Ipc__Request *take_request)
{
	struct call *c = xcalloc(1, sizeof(*c));

	c->api = api;
	c->env = env;
	c->peer = peer;
	c->request = take_request;
	c->since_us = clock_monotonic_us();
	LIST_INSERT_HEAD(api_calls(api), c, entry);
	return c;
}

static void
call_free(struct call *c)
{
	LIST_REMOVE(c, entry);
	if (c->ticket != 0)
		db_forget(c->env->store->db, c->ticket);
	if (c->state != NULL) {
		if (c->free_state != NULL)
			c->free_state(c->state);
		else
			free(c->state);
	}
	ipc__request__free_unpacked(c->request, NULL);
	free(c->from);
	free(c);
}

void
call_discard(struct call *c)
{
	call_free(c);
}

void
call_response(struct call *c, Ipc__Response *response)
{
	struct ipc_peer *peer = api_peer(c->api, c->peer);
	int64_t us = clock_monotonic_us() - c->since_us, ms = us / 1000;

	response->has_id = 1;
	response->id = c->request->id;
	if (peer != NULL)
		ipc_reply(peer, response);
	forward_answered(api_forward(c->api), c, response);
	api_metrics_answered(api_metrics_of(c->api), c->request, us);
	if (ms >= SLOW_MS)
		log_warn("api.slow", LOG_STR("requestId", c->request->request_id),
		    LOG_INT("op", c->request->op_case), LOG_INT("ms", ms));
	call_free(c);
}

void
call_reply_text(struct call *c, unsigned status, const char *json, size_t len, const char *etag)
{
	Ipc__Response response = IPC__RESPONSE__INIT;
	char *tag = etag != NULL ? xstrdup(etag) : NULL;

	response.has_status = 1;
	response.status = status;
	response.has_body = 1;
	response.body.len = len;
	/* protobuf-c has no const bytes; ipc_reply only reads them. */
	memcpy(&response.body.data, &json, sizeof(json));
	response.etag = tag;
	call_response(c, &response);
	free(tag);
}

void
call_reply(struct call *c, unsigned status, const struct buf *body)
{
	if (!buf_ok(body)) {
		call_problem(
		    c, "internal", "The answer would be too long. Ask for fewer with limit.");
		return;
	}
	call_reply_text(c, status, buf_str(body), body->len, NULL);
}

static void
answer_problem(struct call *c, const struct problem *p, const char *detail, unsigned retry_after_s,
    const struct problem_field *fields, size_t n)
{
	Ipc__Response response = IPC__RESPONSE__INIT;
	struct buf out = BUF_INIT(65536);

	problem_write(&out, p, detail, c->request->request_id, fields, n);
	response.has_status = 1;
	response.status = p->status;
	response.has_body = 1;
	response.body.data = out.data;
	response.body.len = out.len;
	if (retry_after_s == 0 && (p->status == 503 || p->status == 429))
		retry_after_s = p->status == 503 ? 2 : 60;
	response.has_retry_after_s = retry_after_s > 0;
	response.retry_after_s = retry_after_s;
	log_debug("api.problem", LOG_STR("requestId", c->request->request_id),
	    LOG_STR("code", p->code), LOG_INT("op", c->request->op_case),
	    LOG_STR("who", c->who.name));
	call_response(c, &response);
	buf_done(&out);
}

void
call_problem(struct call *c, const char *code, const char *detail)
{
	answer_problem(c, problem_find(code), detail, 0, NULL, 0);
}

void
call_retry_later(struct call *c, const char *code, const char *detail, unsigned retry_after_s)
{
	answer_problem(c, problem_find(code), detail, retry_after_s, NULL, 0);
}

void
call_invalid(struct call *c, const char *field, const char *code, const char *detail)
{
	const struct problem_field f = {field, code, detail};

	call_invalid_fields(c, &f, 1);
}

void
call_invalid_fields(struct call *c, const struct problem_field *fields, size_t n)
{
	answer_problem(c, problem_find("validation_failed"), NULL, 0, fields, n);
}

void
call_database_problem(struct call *c, enum db_error error)
{
	if (error == DB_E_SQL || error == DB_E_CONFLICT) {
		log_error("api.sql", LOG_STR("requestId", c->request->request_id),
		    LOG_INT("op", c->request->op_case));
		call_problem(c, "internal", NULL);
	} else if (error == DB_E_LOST) {
		call_problem(c, "database_unavailable",
		    "The connection to the database broke: look whether a change was made before "
		    "you repeat it.");
	} else {
		call_problem(c, error == DB_E_FULL ? "overloaded" : "database_unavailable", NULL);
	}
}

static void
on_result(void *arg, enum db_error error, const PGresult *result)
{
	struct call *c = arg;

	c->ticket = 0;
	if (error == DB_OK)
		c->next(c, result);
	else if (error != DB_E_CONFLICT)
		call_database_problem(c, error);
	else if (!idempotency_conflicted(c, result))
		call_problem(c, c->on_conflict != NULL ? c->on_conflict : "conflict", NULL);
}

void
call_transaction(struct call *c, const struct db_step *steps, size_t n, const char *on_conflict,
    void (*next)(struct call *c, const PGresult *result))
{
	c->next = next;
	c->on_conflict = on_conflict;
	c->ticket = db_transaction(c->env->store->db, steps, n, on_result, c);
}

void
call_query(struct call *c, enum sql_id statement, const struct db_param *params, size_t n,
    const char *on_conflict, void (*next)(struct call *c, const PGresult *result))
{
	const struct db_step step = {statement, params, n};

	call_transaction(c, &step, 1, on_conflict, next);
}

void
call_change(struct call *c, const char *action, const struct db_step *steps, size_t n,
    const char *on_conflict, void (*next)(struct call *c, const PGresult *result))
{
	const struct db_param who[] = {DB_TEXT(c->who.name), DB_TEXT(c->request->remote),
	    DB_TEXT(action), DB_TEXT(c->request->request_id)};
	struct db_step *all = xcalloc(n + 1, sizeof(*all));

	all[0] = (struct db_step){SQL_AUDIT_WHO, who, 4};
	memcpy(all + 1, steps, n * sizeof(*steps));
	log_info("audit", LOG_STR("who", c->who.name), LOG_STR("action", action),
	    LOG_STR("requestId", c->request->request_id));
	call_transaction(c, all, n + 1, on_conflict, next);
	free(all);
}

bool
call_restricted(const struct call *c)
{
	return c->who.scopes != SCOPES_ALL;
}

const char *
call_scope(const struct call *c)
{
	return c->who.outlet_id[0] != '\0' ? c->who.outlet_id : NULL;
}

struct outlet *
call_outlet(struct call *c, const char *id)
{
	const char *scope = call_scope(c);
	struct outlet *o = NULL;

	if (id != NULL && (scope == NULL || strcmp(scope, id) == 0))
		o = outlets_find(c->env->outlets, id);
	if (o == NULL)
		call_problem(c, "not_found", NULL);
	return o;
}

unsigned
call_limit(struct call *c, const Ipc__List *list)
{
	if (!list->has_limit)
		return LIST_LIMIT_DEFAULT;
	if (list->limit < 1 || list->limit > LIST_LIMIT_MAX) {
		call_invalid(c, "limit", "out_of_range", "limit is 1 to 1000");
		return 0;
	}
	return list->limit;
}

struct call_limit_text
call_limit_of(struct call *c, const Ipc__List *list)
{
	struct call_limit_text t = {""};
	const unsigned limit = call_limit(c, list);

	if (limit != 0)
		(void)snprintf(t.text, sizeof(t.text), "%u", limit);
	return t;
}

void
call_begin(struct jsonw *j, struct buf *out)
{
	buf_init(out, CALL_ANSWER_MAX);
	jsonw_init(j, out);
	jsonw_object(j, NULL);
	jsonw_bool(j, "success", true);
}

void
call_finish(struct call *c, struct jsonw *j, unsigned status)
{
	struct buf *out = j->out;

	jsonw_object_end(j);
	call_reply(c, status, out);
	buf_done(out);
}

void
call_reply_page(struct call *c, const PGresult *result, const char *key)
{
	struct buf out;
	struct jsonw j;

	call_begin(&j, &out);
	jsonw_raw(&j, key, PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0));
	jsonw_str(&j, "nextCursor", PQgetisnull(result, 0, 1) ? NULL : PQgetvalue(result, 0, 1));
	call_finish(c, &j, 200);
}

bool
call_cursor_is_number(struct call *c, const char *cursor)
{
	if (cursor == NULL || (cursor[0] != '\0' && strlen(cursor) <= CURSOR_DIGITS_MAX &&
				  cursor[strspn(cursor, "0123456789")] == '\0'))
		return true;
	call_invalid(c, "cursor", "invalid", "Give a nextCursor as it was answered.");
	return false;
}

bool
call_cursor_is_id(struct call *c, const char *cursor, const char *prefix)
{
	const size_t n = strlen(prefix);

	if (cursor == NULL || (strncmp(cursor, prefix, n) == 0 && cursor[n] != '\0' &&
				  cursor[n + strspn(cursor + n, ID_LETTERS)] == '\0'))
		return true;
	call_invalid(c, "cursor", "invalid", "Give a nextCursor as it was answered.");
	return false;
}

/* Is the key before the point one that the database can read? */
static bool
is_key(const char *cursor, size_t len, bool time)
{
	unsigned char key[CURSOR_KEY_MAX];
	size_t n = 0;

	if (len % 2 != 0 || len / 2 > sizeof(key))
		return false;
	for (; n < len / 2; n++) {
		const char pair[] = {cursor[2 * n], cursor[2 * n + 1], '\0'};

		key[n] = (unsigned char)strtoul(pair, NULL, 16);
		if (key[n] == 0 || (time && (key[n] < '0' || key[n] > '9')))
			return false;
	}
	if (time)
		return n > 0 && n <= CURSOR_DIGITS_MAX - 1;
	for (size_t at = 0, step; at < n; at += step)
		if ((step = utf8_sequence(key + at, n - at)) == 0)
			return false;
	return true;
}

bool
call_cursor_is_key(struct call *c, const char *cursor, const char *prefix, bool time)
{
	const size_t len = cursor != NULL ? strspn(cursor, "0123456789abcdef") : 0;

	if (cursor == NULL)
		return true;
	if (cursor[len] == '.' && is_key(cursor, len, time))
		return call_cursor_is_id(c, cursor + len + 1, prefix);
	call_invalid(c, "cursor", "invalid", "Give a nextCursor as it was answered.");
	return false;
}

void
call_reply_kept(struct call *c, const PGresult *result, unsigned status)
{
	if (PQntuples(result) != 1 || PQgetisnull(result, 0, 0))
		call_problem(c, "internal", NULL);
	else
		call_reply_text(
		    c, status, PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0), NULL);
}

void
call_reply_done(struct call *c)
{
	struct buf out;
	struct jsonw j;

	call_begin(&j, &out);
	call_finish(c, &j, 200);
}

void
call_reply_row(struct call *c, const PGresult *result, const char *key, unsigned status)
{
	struct buf out;
	struct jsonw j;

	if (PQntuples(result) != 1) {
		call_problem(c, "not_found", NULL);
		return;
	}
	call_begin(&j, &out);
	jsonw_raw(&j, key, PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0));
	call_finish(c, &j, status);
}

static void
on_audited(void *arg, enum db_error error, const PGresult *result)
{
	(void)arg;
	(void)result;
	if (error != DB_OK)
		log_error("audit.lost", LOG_STR("why", db_error_text(error)));
}

static void
add_line(const struct call *c, const char *action, const char *subject, const char *detail,
    const char *before, const char *after)
{
	const struct db_param params[] = {
	    DB_TEXT(c->who.name),
	    DB_TEXT(c->request->remote),
	    DB_TEXT(action),
	    DB_TEXT(subject),
	    DB_TEXT(detail),
	    DB_TEXT(c->request->request_id),
	    DB_TEXT(before),
	    DB_TEXT(after),
	};

	if (subject != NULL && subject[0] >= '0' && subject[0] <= '9')
		log_info("audit", LOG_STR("who", c->who.name), LOG_STR("action", action),
		    LOG_PHONE("subject", subject), LOG_STR("requestId", c->request->request_id));
	else
		log_info("audit", LOG_STR("who", c->who.name), LOG_STR("action", action),
		    LOG_STR("subject", subject), LOG_STR("requestId", c->request->request_id));
	(void)db_query(c->env->store->db, SQL_AUDIT_ADD, params, 8, on_audited, NULL);
}

void
call_audit(const struct call *c, const char *action, const char *subject, const char *detail)
{
	add_line(c, action, subject, detail, NULL, NULL);
}

void
call_audit_change(const struct call *c, const char *action, const char *subject, const char *before,
    const char *after)
{
	add_line(c, action, subject, NULL, before, after);
}
