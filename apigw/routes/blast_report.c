/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A blast's recipients as CSV, however many: the daemon is asked for a page when the one before has
 * left for the client, so that neither holds more than one. In chunks (RFC 9112, section 7.1): a
 * report that could not be completed is seen to be cut off.
 */
#include <stdlib.h>
#include <string.h>

#include "apigw/routes/routes.h"
#include "common/csv.h"
#include "common/xalloc.h"

#define PAGE 500
#define PAGE_MAX (512u << 10) /* bytes of CSV */
#define HEADERS_MAX 16384
#define CURSOR_MAX 32

struct report {
	struct call *call; /* until the reply has begun */
	struct gateway *gw;
	struct http_request *http;
	Ipc__Request request;
	char token[SESSION_TOKEN_MAX + 1], request_id[CALL_REQUEST_ID_MAX + 1], remote[64];
	char id[ROUTE_ID_MAX + 1], cursor[CURSOR_MAX + 1];
	unsigned deadline_ms;
	uint64_t ipc_id;
	bool whole; /* all pages have been written */
	bool plain; /* HTTP/1.0: no chunks, the end of the connection is the end */
};

static const char columns[] = "phone,outletId,messageId,status,reason,queuedAt,sendingAt,sentAt,"
			      "deliveredAt,readAt,failedAt\r\n";

static void
report_free(struct report *r)
{
	explicit_bzero(r->token, sizeof(r->token));
	free(r);
}

static void
on_gone(void *arg)
{
	struct report *r = arg;

	if (r->ipc_id != 0)
		ipc_client_forget(r->gw->ipc, r->ipc_id);
	if (r->call != NULL)
		call_free(r->call);
	report_free(r);
}

/* Too late for a problem document: the client sees the table cut off. */
static void
cut(struct report *r)
{
	struct http_request *http = r->http;

	report_free(r);
	http_stream_abort(http);
}

static void
add_row(struct buf *out, const json_t *recipient)
{
	static const char *const fields[] = {"phone", "outletId", "messageId", "status", "reason"};
	static const char *const times[] = {
	    "queuedAt", "sendingAt", "sentAt", "deliveredAt", "readAt", "failedAt"};
	const json_t *at = json_object_get(recipient, "times");

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (i > 0)
			buf_add_u8(out, ',');
		csv_add(out, json_string_value(json_object_get(recipient, fields[i])));
	}
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		buf_add_u8(out, ',');
		csv_add(out, json_string_value(json_object_get(at, times[i])));
	}
	buf_add_str(out, "\r\n");
}

/* The page as a chunk; the cursor of the next one is kept. -1: it is none. */
static int
make_chunk(struct report *r, const Ipc__Response *response, bool first, struct buf *out)
{
	struct buf rows = BUF_INIT(PAGE_MAX);
	json_error_t error;
	json_t *root = json_loadb((const char *)response->body.data, response->body.len, 0, &error);
	const char *next = json_string_value(json_object_get(root, "nextCursor"));
	const json_t *list = json_object_get(root, "recipients");
	json_t *one;
	size_t i;
	int rc = -1;

	if (first)
		buf_add_str(&rows, columns);
	json_array_foreach((json_t *)(uintptr_t)list, i, one) add_row(&rows, one);
	if (json_is_array(list) && buf_ok(&rows) && (next == NULL || strlen(next) <= CURSOR_MAX)) {
		if (!r->plain && rows.len > 0)
			buf_addf(out, "%zx\r\n", rows.len);
		buf_add(out, rows.data, rows.len);
		if (!r->plain && rows.len > 0)
			buf_add_str(out, "\r\n");
		r->whole = next == NULL;
		memcpy(r->cursor, next != NULL ? next : "", next != NULL ? strlen(next) + 1 : 1);
		if (r->whole && !r->plain)
			buf_add_str(out, "0\r\n\r\n");
		rc = 0;
	}
	json_decref(root);
	buf_done(&rows);
	return rc;
}

static void ask(void *arg);

static void
on_page(void *arg, enum ipc_failure failure, const Ipc__Response *response)
{
	struct report *r = arg;
	struct buf out = BUF_INIT(PAGE_MAX + 1024);
	int rc;

	r->ipc_id = 0;
	if (failure != IPC_OK || response->status >= 400 ||
	    make_chunk(r, response, false, &out) < 0) {
		buf_done(&out);
		cut(r);
		return;
	}
	rc = http_stream_write(r->http, out.data, out.len);
	buf_done(&out);
	if (rc < 0) {
		report_free(r);
	} else if (r->whole) {
		http_stream_end(r->http);
		report_free(r);
	}
}

static void
begin(struct report *r, const struct buf *first)
{
	struct buf headers = BUF_INIT(HEADERS_MAX);
	struct call *c = r->call;
	const bool head = strcmp(c->http->head.method, "HEAD") == 0;

	call_headers(c, &headers, "text/csv; charset=utf-8");
	buf_addf(&headers, "Content-Disposition: attachment; filename=\"%s.csv\"\r\n", r->id);
	if (!r->plain)
		buf_add_str(&headers, "Transfer-Encoding: chunked\r\n");
	http_stream_begin(r->http, 200, &headers);
	buf_done(&headers);
	call_free(c);
	r->call = NULL;
	r->http->drained = ask;
	if (!head && http_stream_write(r->http, first->data, first->len) < 0) {
		report_free(r);
	} else if (head || r->whole) {
		http_stream_end(r->http);
		report_free(r);
	}
}

/* The first page says whether there is such a blast. */
static void
on_first(void *arg, enum ipc_failure failure, const Ipc__Response *response)
{
	struct report *r = arg;
	struct call *c = r->call;
	struct buf out = BUF_INIT(PAGE_MAX + 1024);

	r->ipc_id = 0;
	if (failure == IPC_OK && response->status < 400 &&
	    make_chunk(r, response, true, &out) == 0) {
		begin(r, &out);
		buf_done(&out);
		return;
	}
	buf_done(&out);
	r->http->gone = NULL;
	report_free(r);
	if (failure != IPC_OK)
		call_failed(c, failure);
	else if (response->status >= 400)
		call_pass(c, response);
	else
		call_problem(c, "internal", NULL);
}

/* The next page. */
static void
ask(void *arg)
{
	struct report *r = arg;
	enum ipc_failure failure = IPC_OK;
	Ipc__List list = IPC__LIST__INIT;
	struct call *c = r->call;

	if (r->ipc_id != 0)
		return;
	list.id = r->id;
	list.has_limit = 1;
	list.limit = PAGE;
	list.cursor = r->cursor[0] != '\0' ? r->cursor : NULL;
	r->request.blast_recipients = &list;
	r->ipc_id = ipc_client_send(
	    r->gw->ipc, &r->request, r->deadline_ms, c != NULL ? on_first : on_page, r, &failure);
	if (r->ipc_id != 0)
		return;
	if (c == NULL) {
		cut(r);
		return;
	}
	r->http->gone = NULL;
	report_free(r);
	call_failed(c, failure);
}

void
blasts_report(struct call *c)
{
	struct report *r = xcalloc(1, sizeof(*r));

	r->call = c;
	r->gw = c->gw;
	r->http = c->http;
	r->plain = c->http->head.old;
	r->deadline_ms = c->route->deadline_ms;
	memcpy(r->token, c->token, sizeof(r->token));
	memcpy(r->request_id, c->request_id, sizeof(r->request_id));
	memcpy(r->remote, c->remote, sizeof(r->remote));
	memcpy(r->id, c->id, sizeof(r->id));
	r->request = c->request;
	r->request.token = r->token;
	r->request.request_id = r->request_id;
	r->request.remote = r->remote;
	r->http->gone = on_gone;
	r->http->gone_arg = r;
	ask(r);
}
