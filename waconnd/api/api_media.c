/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that are there: what they are, and their bytes. Who uploaded one sees it, and so do
 * administrators. */
#include <stdio.h>
#include <string.h>

#include "waconnd/api/api_internal.h"
#include "waconnd/api/scope.h"

const char *
media_owner(const struct call *c)
{
	return c->who.user_id[0] != '\0' ? c->who.user_id : c->who.name;
}

const char *
media_scope(const struct call *c)
{
	return c->who.role >= ROLE_ADMIN ? NULL : media_owner(c);
}

static void
on_got(struct call *c, const PGresult *result)
{
	call_reply_row(c, result, "media", 200);
}

void
api_media_get(struct call *c)
{
	const struct db_param params[] = {
	    DB_TEXT(c->request->media_get->id), DB_TEXT(media_scope(c))};

	call_query(c, SQL_MEDIA_GET, params, 2, NULL, on_got);
}

/* Columns of MEDIA_REMOVE: JSON of what was there; is it gone. */
static void
on_removed(struct call *c, const PGresult *result)
{
	const char *id = c->request->media_remove->id;

	if (PQntuples(result) != 1) {
		call_problem(c, "not_found", NULL);
	} else if (PQgetvalue(result, 0, 1)[0] != 't') {
		call_problem(c, "media_in_use", NULL);
	} else {
		call_audit_change(c, "media_remove", id, PQgetvalue(result, 0, 0), NULL);
		call_reply_done(c);
	}
}

void
api_media_remove(struct call *c)
{
	const struct db_param params[] = {
	    DB_TEXT(c->request->media_remove->id), DB_TEXT(media_scope(c))};

	call_query(c, SQL_MEDIA_REMOVE, params, 2, NULL, on_removed);
}

/* "\x…" as PostgreSQL writes bytea. */
static void
on_read(struct call *c, const PGresult *result)
{
	Ipc__Response response = IPC__RESPONSE__INIT;
	unsigned char *bytes;
	size_t len;

	if (PQntuples(result) != 1 || PQgetisnull(result, 0, 0)) {
		call_problem(c, "not_found", NULL);
		return;
	}
	bytes = PQunescapeBytea((const unsigned char *)PQgetvalue(result, 0, 0), &len);
	if (bytes == NULL || len == 0) {
		PQfreemem(bytes);
		call_problem(c, "range_not_satisfiable", NULL);
		return;
	}
	response.has_status = 1;
	response.status = 200;
	response.has_data = 1;
	response.data.data = bytes;
	response.data.len = len;
	call_response(c, &response);
	PQfreemem(bytes);
}

/* What is in one chunk: less than was asked for when it ends there. */
void
api_media_read(struct call *c)
{
	const Ipc__MediaRead *q = c->request->media_read;
	char chunk[24], from[16], length[16];

	const bool is_received = downloads_is_handle(q->id);

	if (!scope_allows(c->who.scopes, is_received ? SCOPE_MESSAGES_READ : SCOPE_MEDIA_READ)) {
		call_problem(c, "scope_missing", NULL);
		return;
	}
	if (is_received) {
		downloads_read(c);
		return;
	}
	if (q->length == 0 || q->length > IPC_MEDIA_CHUNK ||
	    q->offset / IPC_MEDIA_CHUNK > INT32_MAX) {
		call_invalid(c, "length", "out_of_range", "1 to 262144 bytes of the file.");
		return;
	}
	(void)snprintf(
	    chunk, sizeof(chunk), "%llu", (unsigned long long)(q->offset / IPC_MEDIA_CHUNK));
	(void)snprintf(from, sizeof(from), "%u", (unsigned)(q->offset % IPC_MEDIA_CHUNK));
	(void)snprintf(length, sizeof(length), "%u", q->length);
	{
		const struct db_param params[] = {DB_TEXT(q->id), DB_TEXT(media_scope(c)),
		    DB_TEXT(chunk), DB_TEXT(from), DB_TEXT(length)};

		call_query(c, SQL_MEDIA_READ, params, 5, NULL, on_read);
	}
}
