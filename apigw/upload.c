/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A body in pieces becomes chunks of IPC, few under way at a time: while the daemon has its hands
 * full the client is not read from. Never looks into the file.
 */
#include "apigw/upload.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "apigw/multipart.h"
#include "common/utf8.h"
#include "common/xalloc.h"

#define CHUNK_MS 30000
#define PART "file"

struct upload {
	struct call *call;
	struct gateway *gw;
	struct http_request *http; /* NULL: the client is gone */
	struct multipart *form;
	struct buf chunk;
	bool has_file, ended;	   /* the file's part has come; the body's end has come */
	char id[ROUTE_ID_MAX + 1]; /* of the media; "" until the daemon has begun it */
	char file_name[MULTIPART_NAME_MAX + 1];
	uint32_t n;			     /* chunks sent */
	uint64_t begin_id, chunk_id, end_id; /* of IPC; 0: not asked */
	bool over;			     /* refused, but what was begun must be ended first */
	const char *code, *detail;	     /* of the problem */
	const char *field, *field_code;	     /* NULL: it has none */
};

/* ---- the end of an upload ---- */

static void
on_aborted(void *arg, enum ipc_failure failure, const Ipc__Response *response)
{
	(void)arg;
	(void)failure;
	(void)response;
}

static void
init_request(const struct upload *u, Ipc__Request *q, Ipc__Request__OpCase op)
{
	*q = u->call->request;
	q->op_case = op;
}

/* What the daemon has of it is of no use. */
static void
abort_media(struct upload *u)
{
	enum ipc_failure failure;
	Ipc__Request q;
	Ipc__Id id = IPC__ID__INIT;

	if (u->id[0] == '\0')
		return;
	init_request(u, &q, IPC__REQUEST__OP_MEDIA_ABORT);
	id.id = u->id;
	q.media_abort = &id;
	(void)ipc_client_send(u->gw->ipc, &q, CHUNK_MS, on_aborted, NULL, &failure);
}

static void
forget(struct upload *u, uint64_t id)
{
	if (id != 0)
		ipc_client_forget(u->gw->ipc, id);
}

/* Everything but the call, which is still to be answered. */
static struct call *
let_go(struct upload *u)
{
	struct call *c = u->call;

	forget(u, u->begin_id);
	forget(u, u->chunk_id);
	forget(u, u->end_id);
	multipart_free(&u->form);
	buf_done(&u->chunk);
	if (u->http != NULL) {
		u->http->gone = NULL;
		u->http->piece = NULL;
	}
	free(u);
	return c;
}

/* Where the daemon has not said yet under which id it has begun, this waits for it. */
static void
conclude(struct upload *u)
{
	const struct upload copy = *u;
	struct call *c;

	u->over = true;
	if (u->begin_id != 0)
		return;
	abort_media(u);
	c = let_go(u);
	if (copy.http == NULL) {
		call_free(c);
	} else if (copy.field == NULL) {
		call_problem(c, copy.code, copy.detail);
	} else {
		body_error(&c->body, "", copy.field, copy.field_code, copy.detail);
		call_invalid(c);
	}
}

static void
on_gone(void *arg)
{
	struct upload *u = arg;

	u->http = NULL;
	conclude(u);
}

static void
refuse(struct upload *u, const char *code, const char *detail)
{
	u->code = code;
	u->detail = detail;
	conclude(u);
}

/* True: the daemon's answer was none, or a refusal, and the upload is over. */
static bool
failed(struct upload *u, enum ipc_failure failure, const Ipc__Response *response)
{
	const bool gone = u->http == NULL;
	struct call *c;

	if (failure == IPC_OK && response != NULL && response->status < 400)
		return false;
	abort_media(u);
	c = let_go(u);
	if (gone)
		call_free(c);
	else if (response == NULL)
		call_failed(c, failure);
	else
		call_pass(c, response);
	return true;
}

/* ---- to the daemon ---- */

static void
on_end(void *arg, enum ipc_failure failure, const Ipc__Response *response)
{
	struct upload *u = arg;

	u->end_id = 0;
	if (!failed(u, failure, response))
		call_pass(let_go(u), response);
}

static void
send_end(struct upload *u)
{
	enum ipc_failure failure = IPC_OK;
	Ipc__Request q;
	Ipc__Id id = IPC__ID__INIT;

	init_request(u, &q, IPC__REQUEST__OP_MEDIA_END);
	id.id = u->id;
	q.media_end = &id;
	u->end_id = ipc_client_send(u->gw->ipc, &q, CHUNK_MS, on_end, u, &failure);
	if (u->end_id == 0)
		(void)failed(u, failure, NULL);
}

static void on_chunk(void *arg, enum ipc_failure failure, const Ipc__Response *response);

/* One at a time: the next is gathered meanwhile. */
static void
send_chunk(struct upload *u)
{
	const size_t len = u->chunk.len < IPC_MEDIA_CHUNK ? u->chunk.len : IPC_MEDIA_CHUNK;
	enum ipc_failure failure = IPC_OK;
	Ipc__Request q;
	Ipc__MediaChunk m = IPC__MEDIA_CHUNK__INIT;

	init_request(u, &q, IPC__REQUEST__OP_MEDIA_CHUNK);
	m.id = u->id;
	m.has_n = 1;
	m.n = u->n++;
	m.has_bytes = 1;
	m.bytes.data = u->chunk.data;
	m.bytes.len = len;
	q.media_chunk = &m;
	u->chunk_id = ipc_client_send(u->gw->ipc, &q, CHUNK_MS, on_chunk, u, &failure);
	if (u->chunk_id == 0)
		(void)failed(u, failure, NULL);
	else
		buf_drop(&u->chunk, len);
}

/* Sends what can be sent, and lets the client go on where there is room for what it sends. */
static void
work(struct upload *u)
{
	if (u->id[0] == '\0' || u->chunk_id != 0 || u->end_id != 0)
		return;
	if (u->chunk.len >= IPC_MEDIA_CHUNK || (u->ended && u->chunk.len > 0)) {
		send_chunk(u);
		return;
	}
	if (u->ended)
		send_end(u);
}

static void
go_on(struct upload *u)
{
	if (!u->ended && u->chunk.len < IPC_MEDIA_CHUNK)
		http_body_resume(u->http);
	work(u);
}

static void
on_chunk(void *arg, enum ipc_failure failure, const Ipc__Response *response)
{
	struct upload *u = arg;

	if (failed(u, failure, response))
		return;
	u->chunk_id = 0;
	go_on(u);
}

static void
take_id(struct upload *u, const Ipc__Response *response)
{
	json_t *root = json_loadb((const char *)response->body.data, response->body.len, 0, NULL);
	const char *id = json_string_value(json_object_get(json_object_get(root, "media"), "id"));

	if (id != NULL && strlen(id) <= ROUTE_ID_MAX)
		memcpy(u->id, id, strlen(id) + 1);
	json_decref(root);
}

static void
on_begun(void *arg, enum ipc_failure failure, const Ipc__Response *response)
{
	struct upload *u = arg;

	u->begin_id = 0;
	if (failed(u, failure, response))
		return;
	take_id(u, response);
	if (u->over)
		conclude(u);
	else if (u->id[0] == '\0')
		refuse(u, "internal", NULL);
	else
		go_on(u);
}

static void
send_begin(struct upload *u)
{
	enum ipc_failure failure = IPC_OK;
	Ipc__Request q;
	Ipc__MediaBegin m = IPC__MEDIA_BEGIN__INIT;

	init_request(u, &q, IPC__REQUEST__OP_MEDIA_BEGIN);
	m.file_name = u->file_name;
	q.media_begin = &m;
	u->begin_id = ipc_client_send(u->gw->ipc, &q, CHUNK_MS, on_begun, u, &failure);
	if (u->begin_id == 0)
		(void)failed(u, failure, NULL);
}

/* ---- from the client ---- */

/* The first of what is wrong with the form; said when the form's piece is through. */
static void
wrong(struct upload *u, const char *field, const char *field_code, const char *detail)
{
	if (u->code != NULL)
		return;
	u->code = "validation_failed";
	u->field = field;
	u->field_code = field_code;
	u->detail = detail;
}

/* A path that some clients send along is none of our business. */
static const char *
base_name(const char *name)
{
	for (const char *p = name; *p != '\0'; p++)
		if (*p == '/' || *p == '\\')
			name = p + 1;
	return name;
}

static bool
is_file_name(const char *name)
{
	size_t left = strlen(name), n;

	for (const unsigned char *s = (const unsigned char *)name; left > 0; s += n, left -= n) {
		n = utf8_sequence(s, left);
		if (n == 0 || *s < 0x20 || *s == 0x7f)
			return false;
	}
	return true;
}

static void
on_part(void *arg, const char *name, const char *file_name)
{
	struct upload *u = arg;

	if (strcmp(name, PART) != 0) {
		wrong(u, "form", "unknown_field", "One field is expected: file.");
	} else if (u->has_file) {
		wrong(u, PART, "too_many", "One file is expected.");
	} else if (file_name == NULL || !is_file_name(file_name)) {
		wrong(u, PART, file_name == NULL ? "wrong_type" : "invalid",
		    "A file with its name (UTF-8, no control characters) is expected.");
	} else {
		u->has_file = true;
		file_name = base_name(file_name);
		memcpy(u->file_name, file_name, strlen(file_name) + 1);
	}
}

static void
on_data(void *arg, const void *bytes, size_t len)
{
	struct upload *u = arg;

	if (u->code == NULL)
		buf_add(&u->chunk, bytes, len);
}

/* The body is through. */
static void
on_body_end(struct upload *u)
{
	if (!multipart_complete(u->form)) {
		refuse(u, "bad_request", "The form data ends in the middle.");
		return;
	}
	if (!u->has_file)
		wrong(u, PART, "required", "This field is needed.");
	else if (u->n == 0 && u->chunk.len == 0)
		wrong(u, PART, "too_short", "The file is empty.");
	if (u->code != NULL) {
		conclude(u);
		return;
	}
	u->ended = true;
	work(u);
}

static void
on_piece(void *arg, const void *data, size_t len)
{
	struct upload *u = arg;
	const bool had_file = u->has_file;

	if (u->over)
		return;
	if (len == 0) {
		on_body_end(u);
		return;
	}
	if (multipart_take(u->form, data, len) < 0) {
		refuse(u, "bad_request", "The form data is not well-formed.");
		return;
	}
	if (u->code != NULL) {
		conclude(u);
		return;
	}
	/* No more of it until the daemon takes it. */
	if ((u->has_file && u->id[0] == '\0') || u->chunk.len >= IPC_MEDIA_CHUNK)
		http_body_pause(u->http);
	if (!had_file && u->has_file)
		send_begin(u);
	else
		work(u);
}

void
upload_run(struct call *c)
{
	static const struct multipart_ops ops = {on_part, on_data};
	struct upload *u = xcalloc(1, sizeof(*u));

	u->call = c;
	u->gw = c->gw;
	u->http = c->http;
	u->form = multipart_new(http_head_get(&c->http->head, "content-type"), &ops, u);
	buf_init(&u->chunk, IPC_MEDIA_CHUNK + MULTIPART_PIECE_MAX * 2);
	if (u->form == NULL) {
		call_problem(let_go(u), "unsupported_media_type",
		    "Send the file as multipart/form-data, in the field \"file\".");
		return;
	}
	c->http->piece = on_piece;
	c->http->gone = on_gone;
	c->http->gone_arg = u;
}
