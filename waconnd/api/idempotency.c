/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys belong to a user. Requests are compared by a hash over their operation and its fields,
 * without who sent them and when, and without passwords, of which no quick hash may be kept. What
 * is kept is written by the statements that do the work (answer_keep() in schema.sql), not here.
 */
#include "waconnd/api/idempotency.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/wa/kdf.h"
#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"

#define KEY_MAX 255

static void
hash_request(const Ipc__Request *request, uint8_t ret[32])
{
	Ipc__Request bare = *request;
	Ipc__UserAdd user;
	uint8_t *packed;
	size_t len;

	bare.has_id = bare.has_deadline_ms = 0;
	bare.token = bare.request_id = bare.remote = bare.idempotency_key = NULL;
	if (bare.op_case == IPC__REQUEST__OP_USER_ADD) {
		user = *bare.user_add;
		user.password = NULL;
		bare.user_add = &user;
	}
	packed = xmalloc(ipc__request__get_packed_size(&bare) + 1);
	len = ipc__request__pack(&bare, packed);
	sha256(packed, len, ret);
	OPENSSL_cleanse(packed, len);
	free(packed);
}

static const char *
owner(const struct call *c)
{
	return c->who.user_id[0] != '\0' ? c->who.user_id : c->who.name;
}

void
idempotency_params(const struct call *c, struct idempotency *ret)
{
	ret->user = ret->key = ret->hash = DB_TEXT(NULL);
	if (c->request->idempotency_key == NULL)
		return;
	memcpy(ret->digest, c->digest, sizeof(ret->digest));
	ret->user = DB_TEXT(owner(c));
	ret->key = DB_TEXT(c->request->idempotency_key);
	ret->hash = DB_BYTES(ret->digest, sizeof(ret->digest));
}

/* Columns of IDEMPOTENCY_GET: the same request?, status, body. */
static void
on_looked_up(struct call *c, const PGresult *r)
{
	if (PQntuples(r) == 0 && c->work != NULL)
		c->work(c);
	else if (PQntuples(r) == 0)
		call_problem(c, "idempotency_in_progress", NULL);
	else if (PQgetvalue(r, 0, 0)[0] != 't')
		call_problem(c, "idempotency_mismatch", NULL);
	else
		call_reply_text(c, (unsigned)strtoul(PQgetvalue(r, 0, 1), NULL, 10),
		    PQgetvalue(r, 0, 2), (size_t)PQgetlength(r, 0, 2), NULL);
}

static void
look_up(struct call *c)
{
	struct idempotency i;

	idempotency_params(c, &i);
	{
		const struct db_param params[] = {i.user, i.key, i.hash};

		call_query(c, SQL_IDEMPOTENCY_GET, params, 3, NULL, on_looked_up);
	}
}

/* Another request with this key that has no answer yet. */
static const struct call *
under_way(const struct call *c)
{
	const struct call *other;

	LIST_FOREACH(other, api_calls(c->api), entry)
	if (other != c && other->keyed &&
	    strcmp(other->request->idempotency_key, c->request->idempotency_key) == 0 &&
	    strcmp(owner(other), owner(c)) == 0)
		return other;
	return NULL;
}

void
idempotency_begin(struct call *c, void (*work)(struct call *c))
{
	const char *key = c->request->idempotency_key;
	const struct call *other;

	if (key == NULL) {
		work(c);
		return;
	}
	if (key[0] == '\0' || strlen(key) > KEY_MAX) {
		call_invalid(c, "Idempotency-Key", "invalid", "1 to 255 characters are expected.");
		return;
	}
	hash_request(c->request, c->digest);
	other = under_way(c);
	if (other != NULL) {
		call_problem(c,
		    CRYPTO_memcmp(other->digest, c->digest, sizeof(c->digest)) == 0
			? "idempotency_in_progress"
			: "idempotency_mismatch",
		    NULL);
		return;
	}
	c->keyed = true;
	c->work = work;
	look_up(c);
}

bool
idempotency_conflicted(struct call *c, const PGresult *result)
{
	const char *constraint =
	    result != NULL ? PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME) : NULL;

	if (constraint == NULL || strcmp(constraint, "idempotency_keys_pkey") != 0)
		return false;
	c->work = NULL;
	look_up(c);
	return true;
}

static void
on_purged(void *arg, enum db_error error, const PGresult *result)
{
	(void)arg;
	(void)result;
	if (error != DB_OK)
		log_debug("idempotency.purge", LOG_STR("why", db_error_text(error)));
}

void
idempotency_purge(struct db *db)
{
	(void)db_query(db, SQL_IDEMPOTENCY_PURGE, NULL, 0, on_purged, NULL);
}
