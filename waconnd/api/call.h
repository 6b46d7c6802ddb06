/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * call: one request under way, from its arrival to its one answer.
 *
 * A call lives until one of the answering functions is called on it, which frees it. Its peer may
 * have gone by then: the answer is dropped. Handlers that wait (for the database, for a worker)
 * keep the pointer and must answer in the end.
 */
#ifndef API_CALL_H
#define API_CALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/jsonw.h"
#include "common/problem.h"
#include "waconnd/api/api.h"
#include "waconnd/api/scope.h"

enum role { ROLE_NONE, ROLE_USER, ROLE_ADMIN, ROLE_SUPERADMIN };
const char *role_name(enum role role);
int role_parse(const char *name, enum role *ret_role);

struct principal { /* who is asking */
	enum role role;
	char user_id[32];   /* "" for a local administrator */
	char name[65];	    /* user name, or "local:root" */
	char outlet_id[32]; /* of a USER, else "" */
	char token_id[32];
	uint64_t scopes; /* what its token may be used for */
	bool is_session;
};

struct forward_from { /* a call that another daemon forwarded (forward.h) */
	char asker[40];
	uint64_t serial;
};

struct call {
	LIST_ENTRY(call) entry;
	const struct api_env *env;
	struct api *api;
	uint64_t peer;	       /* its serial */
	Ipc__Request *request; /* owned */
	struct principal who;
	struct forward_from *from; /* owned; NULL: a peer of ours asks */
	int64_t since_us;	   /* monotonic */
	void *state; /* the handler's; freed with the call through free_state, or free() */
	void (*free_state)(void *state);
	void (*next)(struct call *c, const PGresult *result); /* of call_query */
	const char *on_conflict;			      /* of call_query */
	uint64_t ticket;	      /* of the statement under way; 0: none */
	void (*work)(struct call *c); /* of idempotency_begin */
	bool keyed;		      /* it works under its Idempotency-Key */
	uint8_t digest[32];	      /* … and this is what it asks for */
};
LIST_HEAD(calls, call);

/* -- answers: each frees the call -- */
void call_reply(struct call *c, unsigned status, const struct buf *body);
void call_reply_text(
    struct call *c, unsigned status, const char *json, size_t len, const char *etag);
void call_response(struct call *c, Ipc__Response *response); /* id is filled in */
void call_discard(struct call *c);			     /* frees it without an answer */
void call_problem(
    struct call *c, const char *code, const char *detail); /* detail NULL: the table's */
void call_retry_later(struct call *c, const char *code, const char *detail,
    unsigned retry_after_s); /* the same, with when */
void call_invalid(struct call *c, const char *field, const char *code,
    const char *detail); /* 422 for one field */
void call_invalid_fields(struct call *c, const struct problem_field *fields, size_t n);
void call_database_problem(struct call *c, enum db_error error);

/* -- help for handlers -- */
/*
 * Ask the database; `next` gets the result. A failure is answered here: database_unavailable,
 * internal, and a conflict with the code on_conflict (NULL: "conflict").
 */
void call_query(struct call *c, enum sql_id statement, const struct db_param *params, size_t n,
    const char *on_conflict, void (*next)(struct call *c, const PGresult *result));
/* The same for several statements in one transaction; `next` gets the last result that has rows. */
void call_transaction(struct call *c, const struct db_step *steps, size_t n,
    const char *on_conflict, void (*next)(struct call *c, const PGresult *result));
/* The same, where rows of the audited tables change: who changes them stands in the audit log under
 * `action`, in the same transaction. */
void call_change(struct call *c, const char *action, const struct db_step *steps, size_t n,
    const char *on_conflict, void (*next)(struct call *c, const PGresult *result));
/* Is the caller an API token that may less than its user? */
bool call_restricted(const struct call *c);
/* The outlet, if it exists and the caller may see it; else NULL, and the call is answered with
 * not_found. */
struct outlet *call_outlet(struct call *c, const char *id);
/* The outlet this caller is confined to; NULL: none. */
const char *call_scope(const struct call *c);
/* limit of a list: 1..1000, 100 when absent; 0 and the call answered when it is not valid. */
unsigned call_limit(struct call *c, const Ipc__List *list);
/* The same as text, "" when it was answered. */
struct call_limit_text {
	char text[16];
};
struct call_limit_text call_limit_of(struct call *c, const Ipc__List *list);
/* {"success":true, … : the writer inside the object; call_finish closes and replies. */
void call_begin(struct jsonw *j, struct buf *out);
void call_finish(struct call *c, struct jsonw *j, unsigned status);
/* A page of a list, as the statements answer it (one row: JSON array, next cursor):
 * {"success":true, KEY: […], "nextCursor": …}. */
void call_reply_page(struct call *c, const PGresult *result, const char *key);
/* A cursor that is a row's number: false, and the call answered, when it is not. */
bool call_cursor_is_number(struct call *c, const char *cursor);
/* The same of one that is an id: "outlet_…" with that prefix. Any other would be an empty page, as
 * if the list had ended. */
bool call_cursor_is_id(struct call *c, const char *cursor, const char *prefix);
/* One of a list that is sorted by a key and an id (cursor_of in schema.sql); `time`: the key is
 * one. */
bool call_cursor_is_key(struct call *c, const char *cursor, const char *prefix, bool time);
/* The whole answer in the first column, as statements make it that keep it under an
 * Idempotency-Key. */
void call_reply_kept(struct call *c, const PGresult *result, unsigned status);
/* {"success":true}. */
void call_reply_done(struct call *c);
/* The one JSON document in the first column as {"success":true, KEY: …}; no row: not_found. */
void call_reply_row(struct call *c, const PGresult *result, const char *key, unsigned status);
/* Writes a line into the audit log, without waiting. subject and detail (JSON) may be NULL. */
void call_audit(const struct call *c, const char *action, const char *subject, const char *detail);
/* The same with what was and what is now (JSON). */
void call_audit_change(const struct call *c, const char *action, const char *subject,
    const char *before, const char *after);

#define CALL_ANSWER_MAX (16u << 20)

#endif
