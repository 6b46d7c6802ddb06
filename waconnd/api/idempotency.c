/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys belong to a user. Requests are compared by a hash over their operation and its fields,
 * without who sent them and when. What is kept is written by the statements that do the work
 * (MESSAGE_ADD, BLAST_CREATED), not here.
 */
#include "waconnd/api/idempotency.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/wa/kdf.h"
#include "common/xalloc.h"

#define KEY_MAX 255

static void
hash_request(const Ipc__Request *request, uint8_t ret[32])
{
	Ipc__Request bare = *request;
	uint8_t *packed;
	size_t len;

	bare.has_id = bare.has_deadline_ms = 0;
	bare.token = bare.request_id = bare.remote = bare.idempotency_key = NULL;
	packed = xmalloc(ipc__request__get_packed_size(&bare) + 1);
	len = ipc__request__pack(&bare, packed);
	sha256(packed, len, ret);
	OPENSSL_cleanse(packed, len);
	free(packed);
}

void
idempotency_params(const struct call *c, struct idempotency *ret)
{
	ret->user = ret->key = ret->hash = DB_TEXT(NULL);
	if (c->request->idempotency_key == NULL)
		return;
	hash_request(c->request, ret->digest);
	ret->user = DB_TEXT(c->who.user_id[0] != '\0' ? c->who.user_id : c->who.name);
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

void
idempotency_begin(struct call *c, void (*work)(struct call *c))
{
	const char *key = c->request->idempotency_key;

	if (key == NULL) {
		work(c);
		return;
	}
	if (key[0] == '\0' || strlen(key) > KEY_MAX) {
		call_invalid(c, "Idempotency-Key", "invalid", "1 to 255 characters are expected.");
		return;
	}
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
