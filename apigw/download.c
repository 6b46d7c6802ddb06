/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * First the daemon says what the file is, then its bytes come one read after another. What is sent
 * to a browser is named as what the daemon found it to be, and never runs there.
 */
#include "apigw/download.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apigw/conditional.h"
#include "common/xalloc.h"

#define READ_MS 30000
#define HEADERS_MAX 16384
#define TYPE_MAX 128
#define ETAG_MAX 80

struct download {
	struct call *call; /* until the reply has begun */
	struct gateway *gw;
	struct http_request *http;
	Ipc__Request request;
	char token[SESSION_TOKEN_MAX + 1], request_id[CALL_REQUEST_ID_MAX + 1], remote[64];
	char id[ROUTE_ID_MAX + 1];
	uint64_t at, left;
	uint64_t ipc_id;
};

/* ---- the bytes ---- */

static void
download_free(struct download *d)
{
	explicit_bzero(d->token, sizeof(d->token));
	free(d);
}

static void
on_gone(void *arg)
{
	struct download *d = arg;

	if (d->ipc_id != 0)
		ipc_client_forget(d->gw->ipc, d->ipc_id);
	if (d->call != NULL)
		call_free(d->call);
	download_free(d);
}

/* Too late for a problem document: the client sees the file cut off. */
static void
cut(struct download *d)
{
	struct http_request *http = d->http;

	download_free(d);
	http_stream_abort(http);
}

static void
on_read(void *arg, enum ipc_failure failure, const Ipc__Response *response)
{
	struct download *d = arg;
	size_t len;

	d->ipc_id = 0;
	if (failure != IPC_OK || response->status >= 400 || response->data.len == 0 ||
	    response->data.len > d->left) {
		cut(d);
		return;
	}
	len = response->data.len;
	if (http_stream_write(d->http, response->data.data, len) < 0) {
		download_free(d);
		return;
	}
	d->at += len;
	d->left -= len;
	if (d->left == 0) {
		http_stream_end(d->http);
		download_free(d);
	}
}

static void
read_more(void *arg)
{
	struct download *d = arg;
	enum ipc_failure failure = IPC_OK;
	Ipc__MediaRead m = IPC__MEDIA_READ__INIT;

	if (d->ipc_id != 0)
		return;
	m.id = d->id;
	m.has_offset = 1;
	m.offset = d->at;
	m.has_length = 1;
	m.length = d->left < IPC_MEDIA_CHUNK ? (uint32_t)d->left : IPC_MEDIA_CHUNK;
	d->request.op_case = IPC__REQUEST__OP_MEDIA_READ;
	d->request.media_read = &m;
	d->ipc_id = ipc_client_send(d->gw->ipc, &d->request, READ_MS, on_read, d, &failure);
	if (d->ipc_id == 0)
		cut(d);
}

/* ---- what the file is ---- */

/* By RFC 8187: what is neither letter nor digit is percent-encoded. */
static void
add_file_name(struct buf *headers, const char *name)
{
	buf_add_str(headers, "; filename*=UTF-8''");
	for (; *name != '\0'; name++) {
		const unsigned char c = (unsigned char)*name;

		if (c < 0x80 && (isalnum(c) || c == '-' || c == '.' || c == '_'))
			buf_add_u8(headers, c);
		else
			buf_addf(headers, "%%%02X", c);
	}
}

static bool
shows_safely(const char *type)
{
	return strncmp(type, "image/", 6) == 0 || strncmp(type, "video/", 6) == 0 ||
	       strncmp(type, "audio/", 6) == 0;
}

/* What goes into a header as it is. */
static const char *
plain(const json_t *media, const char *key, const char *other, size_t max)
{
	const char *text = json_string_value(json_object_get(media, key));

	if (text == NULL || strlen(text) > max)
		return other;
	for (const char *p = text; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			return other;
	return text;
}

static void
write_headers(const json_t *media, struct buf *headers)
{
	const char *type = plain(media, "mimeType", "application/octet-stream", TYPE_MAX);
	const char *sha256 = plain(media, "sha256", NULL, ETAG_MAX);
	const char *name = json_string_value(json_object_get(media, "fileName"));

	buf_addf(headers, "Accept-Ranges: bytes\r\nContent-Disposition: %s",
	    shows_safely(type) ? "inline" : "attachment");
	if (name != NULL && *name != '\0')
		add_file_name(headers, name);
	buf_add_str(headers, "\r\n");
	if (sha256 != NULL)
		buf_addf(headers, "ETag: \"%s\"\r\n", sha256);
}

/* With its quotes; false: it has none. */
static bool
etag_of(const json_t *media, char out[ETAG_MAX + 3])
{
	const char *sha256 = plain(media, "sha256", NULL, ETAG_MAX);

	if (sha256 != NULL)
		(void)snprintf(out, ETAG_MAX + 3, "\"%s\"", sha256);
	return sha256 != NULL;
}

static void
no_range(struct call *c, uint64_t size)
{
	struct buf headers = BUF_INIT(HEADERS_MAX);

	buf_addf(&headers, "Content-Range: bytes */%" PRIu64 "\r\n", size);
	call_problem_with(c, "range_not_satisfiable", &headers);
	buf_done(&headers);
}

static void
begin(struct download *d, struct call *c, const json_t *media, int range, uint64_t size)
{
	struct buf headers = BUF_INIT(HEADERS_MAX);

	call_headers(c, &headers, plain(media, "mimeType", "application/octet-stream", TYPE_MAX));
	write_headers(media, &headers);
	if (range > 0)
		buf_addf(&headers, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n",
		    d->at, d->at + d->left - 1, size);
	d->call = NULL;
	if (http_stream_begin_sized(d->http, range > 0 ? 206 : 200, &headers, d->left)) {
		d->http->gone = on_gone;
		d->http->drained = read_more;
		d->http->gone_arg = d;
		read_more(d);
	} else {
		download_free(d);
	}
	buf_done(&headers);
	call_free(c);
}

static void
on_media(struct download *d, const json_t *media)
{
	struct call *c = d->call;
	const char *id = json_string_value(json_object_get(media, "id"));
	const json_int_t size = json_integer_value(json_object_get(media, "size"));
	struct buf headers = BUF_INIT(HEADERS_MAX);
	char etag[ETAG_MAX + 3];
	const bool tagged = etag_of(media, etag);
	int range;

	if (id == NULL || strlen(id) > ROUTE_ID_MAX || size < 0) {
		download_free(d);
		call_problem(c, "internal", NULL);
	} else if (tagged && conditional_known(&c->http->head, etag)) {
		write_headers(media, &headers);
		download_free(d);
		call_reply(c, 304, NULL, &headers, NULL, 0);
	} else if ((range = conditional_range(&c->http->head, tagged ? etag : NULL, (uint64_t)size,
			&d->at, &d->left)) < 0) {
		download_free(d);
		no_range(c, (uint64_t)size);
	} else {
		memcpy(d->id, id, strlen(id) + 1);
		if (range == 0) {
			d->at = 0;
			d->left = (uint64_t)size;
		}
		begin(d, c, media, range, (uint64_t)size);
	}
	buf_done(&headers);
}

static void
on_answer(void *arg, enum ipc_failure failure, const Ipc__Response *response)
{
	struct download *d = arg;
	struct call *c = d->call;
	json_t *root;

	d->ipc_id = 0;
	d->http->gone = NULL;
	if (failure != IPC_OK) {
		download_free(d);
		call_failed(c, failure);
		return;
	}
	if (response->status >= 400) {
		download_free(d);
		call_pass(c, response);
		return;
	}
	root = json_loadb((const char *)response->body.data, response->body.len, 0, NULL);
	on_media(d, json_object_get(root, "media"));
	json_decref(root);
}

/* The call goes when the reply begins, and what it said of the client with it. */
static void
keep_identity(struct download *d, const struct call *c)
{
	ipc__request__init(&d->request);
	memcpy(d->token, c->token, sizeof(d->token));
	memcpy(d->request_id, c->request_id, sizeof(d->request_id));
	memcpy(d->remote, c->remote, sizeof(d->remote));
	d->request.token = d->token;
	d->request.request_id = d->request_id;
	d->request.remote = d->remote;
}

void
download_run(struct call *c)
{
	struct download *d = xcalloc(1, sizeof(*d));
	enum ipc_failure failure = IPC_OK;
	Ipc__Id id = IPC__ID__INIT;

	d->call = c;
	d->gw = c->gw;
	d->http = c->http;
	keep_identity(d, c);
	id.id = c->id;
	d->request.op_case = c->route->op;
	d->request.media_get = &id;
	d->ipc_id =
	    ipc_client_send(c->gw->ipc, &d->request, c->route->deadline_ms, on_answer, d, &failure);
	if (d->ipc_id == 0) {
		download_free(d);
		call_failed(c, failure);
		return;
	}
	c->http->gone = on_gone;
	c->http->gone_arg = d;
}
