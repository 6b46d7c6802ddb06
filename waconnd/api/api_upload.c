/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files on their way in: begun, then chunk by chunk into the database, each answered when it is
 * there, then completed with what was seen of it on the way: size, hash, type, measures. What is
 * not completed goes: with its connection, or by the hourly sweep.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/media_measure.h"
#include "common/media_type.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/request.h"

#define UPLOADS_MAX 128
#define IDLE_MS (5 * 60 * 1000)
#define SIZE_MAX_BYTES (2000u << 20) /* what WhatsApp takes */
#define FILE_NAME_MAX 255
#define SHA256_LEN 32

struct upload {
	LIST_ENTRY(upload) entry;
	char id[32];
	char *owner, *file_name;
	uint64_t peer;	 /* serial */
	int64_t used_ms; /* monotonic */
	bool begun;	 /* its row is there */
	bool dropped;	 /* … and is to go as soon as it is */
	EVP_MD_CTX *hash;
	uint64_t size;
	uint32_t n, stored; /* chunks that came, and that are in the database */
	uint8_t head[MEDIA_TYPE_HEAD];
	size_t head_len;
	struct media_measure measure;
};

struct uploads {
	struct db *db;
	const struct config *config;
	uint64_t sweep_ticket; /* of unused files; 0: none is under way */
	LIST_HEAD(, upload) list;
	unsigned n;
};

struct uploads *
uploads_new(struct db *db, const struct config *config)
{
	struct uploads *us = xcalloc(1, sizeof(*us));

	us->db = db;
	us->config = config;
	LIST_INIT(&us->list);
	return us;
}

static void
upload_free(struct uploads *us, struct upload *u)
{
	LIST_REMOVE(u, entry);
	us->n--;
	EVP_MD_CTX_free(u->hash);
	free(u->owner);
	free(u->file_name);
	free(u);
}

void
uploads_free(struct uploads **usp)
{
	struct uploads *us = *usp;
	struct upload *u;

	if (us == NULL)
		return;
	while ((u = LIST_FIRST(&us->list)) != NULL)
		upload_free(us, u);
	if (us->sweep_ticket != 0)
		db_forget(us->db, us->sweep_ticket);
	free(us);
	*usp = NULL;
}

static void
on_swept(void *arg, enum db_error error, const PGresult *result)
{
	(void)arg;
	(void)result;
	if (error != DB_OK)
		log_warn("media.sweep", LOG_STR("error", db_error_text(error)));
}

static void sweep_unused(struct uploads *us);

/* A few at a time, until there are no more. */
static void
on_unused(void *arg, enum db_error error, const PGresult *result)
{
	struct uploads *us = arg;

	us->sweep_ticket = 0;
	on_swept(NULL, error, result);
	if (error != DB_OK || PQntuples(result) == 0)
		return;
	log_info("media.unused", LOG_INT("removed", PQntuples(result)));
	sweep_unused(us);
}

static void
sweep_unused(struct uploads *us)
{
	char days[16];

	(void)snprintf(days, sizeof(days), "%u", us->config->media_days);
	{
		const struct db_param params[] = {DB_TEXT(days)};

		if (us->config->media_days > 0 && us->sweep_ticket == 0)
			us->sweep_ticket =
			    db_query(us->db, SQL_MEDIA_SWEEP_UNUSED, params, 1, on_unused, us);
	}
}

void
uploads_sweep(struct uploads *us)
{
	(void)db_query(us->db, SQL_MEDIA_SWEEP, NULL, 0, on_swept, NULL);
	sweep_unused(us);
}

/* With what of it is in the database. */
static void
upload_drop(struct uploads *us, struct upload *u)
{
	const struct db_param params[] = {DB_TEXT(u->id), DB_TEXT(u->owner)};

	if (!u->begun) {
		u->dropped = true;
		return;
	}
	(void)db_query(us->db, SQL_MEDIA_ABORT, params, 2, on_swept, NULL);
	upload_free(us, u);
}

void
uploads_drop_peer(struct uploads *us, uint64_t peer)
{
	struct upload *u, *next;

	for (u = LIST_FIRST(&us->list); u != NULL; u = next) {
		next = LIST_NEXT(u, entry);
		if (u->peer == peer)
			upload_drop(us, u);
	}
}

/* Those that nobody goes on with. */
static void
drop_idle(struct uploads *us)
{
	const int64_t now = clock_monotonic_ms();
	struct upload *u, *next;

	for (u = LIST_FIRST(&us->list); u != NULL; u = next) {
		next = LIST_NEXT(u, entry);
		if (now - u->used_ms <= IDLE_MS)
			continue;
		if (u->begun)
			upload_drop(us, u);
		else
			upload_free(us, u); /* the database did not say: the sweep looks */
	}
}

static struct upload *
find_any(const struct uploads *us, const char *id)
{
	struct upload *u;

	LIST_FOREACH(u, &us->list, entry)
	{
		if (strcmp(u->id, id) == 0)
			return u;
	}
	return NULL;
}

/* The caller's own, on this connection; else NULL, and the call is answered. */
static struct upload *
find(struct call *c, const char *id)
{
	struct upload *u = id != NULL ? find_any(api_uploads(c->api), id) : NULL;

	if (u != NULL && !u->dropped && u->peer == c->peer &&
	    strcmp(u->owner, media_owner(c)) == 0) {
		u->used_ms = clock_monotonic_ms();
		return u;
	}
	call_problem(c, "upload_lost", NULL);
	return NULL;
}

/* -- begin -- */

static void
on_begun(struct call *c, const PGresult *result)
{
	const char *id = c->state;
	struct upload *u = find_any(api_uploads(c->api), id);
	struct buf out;
	struct jsonw j;

	(void)result;
	if (u != NULL) {
		u->begun = true;
		if (u->dropped)
			upload_drop(api_uploads(c->api), u);
	}
	call_begin(&j, &out);
	jsonw_object(&j, "media");
	jsonw_str(&j, "id", id);
	jsonw_object_end(&j);
	call_finish(c, &j, 200);
}

static struct upload *
upload_new(struct call *c, const char *file_name)
{
	struct uploads *us = api_uploads(c->api);
	struct upload *u = xcalloc(1, sizeof(*u));

	rng_id("media_", u->id, sizeof(u->id));
	u->owner = xstrdup(media_owner(c));
	u->file_name = file_name != NULL && file_name[0] != '\0' ? xstrdup(file_name) : NULL;
	u->peer = c->peer;
	u->used_ms = clock_monotonic_ms();
	u->hash = EVP_MD_CTX_new();
	if (u->hash == NULL || EVP_DigestInit_ex(u->hash, EVP_sha256(), NULL) != 1)
		abort();
	LIST_INSERT_HEAD(&us->list, u, entry);
	us->n++;
	return u;
}

void
api_media_begin(struct call *c)
{
	const char *file_name = c->request->media_begin->file_name;
	struct uploads *us = api_uploads(c->api);
	struct upload *u;

	if (file_name != NULL && file_name[0] != '\0' &&
	    !request_is_name(file_name, FILE_NAME_MAX)) {
		call_invalid(c, "file", "invalid",
		    "A file name of at most 255 bytes without control characters.");
		return;
	}
	if (us->n >= UPLOADS_MAX)
		drop_idle(us);
	if (us->n >= UPLOADS_MAX || api_peer(c->api, c->peer) == NULL) {
		call_problem(c, "overloaded", NULL);
		return;
	}
	u = upload_new(c, file_name);
	c->state = xstrdup(u->id);
	{
		const struct db_param params[] = {
		    DB_TEXT(u->id), DB_TEXT(u->owner), DB_TEXT(u->file_name)};

		call_query(c, SQL_MEDIA_BEGIN, params, 3, NULL, on_begun);
	}
}

/* -- chunks -- */

static void
on_stored(struct call *c, const PGresult *result)
{
	struct upload *u = find(c, c->request->media_chunk->id);

	(void)result;
	if (u == NULL)
		return;
	u->stored++;
	call_reply_text(c, 200, "{\"success\":true}", strlen("{\"success\":true}"), NULL);
}

static void
note_bytes(struct upload *u, const uint8_t *bytes, size_t len)
{
	size_t n = sizeof(u->head) - u->head_len;

	if (n > len)
		n = len;
	memcpy(u->head + u->head_len, bytes, n);
	u->head_len += n;
	if (EVP_DigestUpdate(u->hash, bytes, len) != 1)
		abort();
	media_measure_add(&u->measure, bytes, len);
	u->size += len;
	u->n++;
}

void
api_media_chunk(struct call *c)
{
	const Ipc__MediaChunk *q = c->request->media_chunk;
	struct upload *u = find(c, q->id);
	char n[16];

	if (u == NULL)
		return;
	/* Only the last may be short: reading counts on it. */
	if (q->n != u->n || q->bytes.len == 0 || q->bytes.len > IPC_MEDIA_CHUNK ||
	    u->size % IPC_MEDIA_CHUNK != 0) {
		call_problem(c, "conflict", "The file's chunks do not come in their order.");
		return;
	}
	if (u->size + q->bytes.len > SIZE_MAX_BYTES) {
		call_problem(c, "payload_too_large", NULL);
		return;
	}
	note_bytes(u, q->bytes.data, q->bytes.len);
	(void)snprintf(n, sizeof(n), "%u", q->n);
	{
		const struct db_param params[] = {
		    DB_TEXT(u->id), DB_TEXT(n), DB_BYTES(q->bytes.data, q->bytes.len)};

		call_query(c, SQL_MEDIA_CHUNK_ADD, params, 3, NULL, on_stored);
	}
}

/* -- the end -- */

static void
on_completed(struct call *c, const PGresult *result)
{
	call_reply_row(c, result, "media", 201);
}

static struct db_param
known(const char *number)
{
	return DB_TEXT(strcmp(number, "0") == 0 ? NULL : number);
}

void
api_media_end(struct call *c)
{
	struct upload *u = find(c, c->request->media_end->id);
	uint8_t hash[SHA256_LEN];
	unsigned hash_len = 0;
	char size[24], width[16], height[16], seconds[16];

	if (u == NULL)
		return;
	if (u->n == 0 || u->stored != u->n) {
		call_problem(c, "conflict", "Not all of the file has come.");
		return;
	}
	if (EVP_DigestFinal_ex(u->hash, hash, &hash_len) != 1 || hash_len != sizeof(hash))
		abort();
	(void)snprintf(size, sizeof(size), "%llu", (unsigned long long)u->size);
	(void)snprintf(width, sizeof(width), "%u", u->measure.width);
	(void)snprintf(height, sizeof(height), "%u", u->measure.height);
	(void)snprintf(seconds, sizeof(seconds), "%u", media_measure_seconds(&u->measure));
	call_audit(c, "media_add", u->id, NULL);
	{
		const struct db_param params[] = {DB_TEXT(u->id), DB_TEXT(u->owner),
		    DB_BYTES(hash, sizeof(hash)), DB_TEXT(size),
		    DB_TEXT(media_type_detect(u->head, u->head_len, u->file_name)), known(width),
		    known(height), known(seconds)};

		call_query(c, SQL_MEDIA_COMPLETE, params, 8, NULL, on_completed);
	}
	upload_free(api_uploads(c->api), u);
}

void
api_media_abort(struct call *c)
{
	struct upload *u = find(c, c->request->media_abort->id);

	if (u == NULL)
		return;
	upload_drop(api_uploads(c->api), u);
	call_reply_text(c, 200, "{\"success\":true}", strlen("{\"success\":true}"), NULL);
}
