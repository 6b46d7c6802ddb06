/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Streams of events: the daemon's words as they come, each with its id so that a reader resumes
 * where it was. Keeps no events. */
#include "apigw/events.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "apigw/call.h"
#include "common/xalloc.h"

#define HEADERS_MAX 4096
#define EVENT_MAX (1u << 20)
#define LAST_ID_MAX 128
#define KINDS_MAX 8
#define KINDS_TEXT_MAX 128

static const char *const kinds[] = {"status", "qr", "blast", "message", "webhook", NULL};

struct stream {
	LIST_ENTRY(stream) entry;
	struct gateway *gw;
	struct call *call; /* until the daemon has answered */
	struct http_request *http;
	uint64_t ipc_id;
};
LIST_HEAD(streams, stream);

struct events {
	struct streams streams;
	struct event *heartbeat;
};

static void
stream_free(struct stream *s)
{
	LIST_REMOVE(s, entry);
	if (s->call != NULL)
		call_free(s->call);
	free(s);
}

static void
on_gone(void *arg)
{
	struct stream *s = arg;

	ipc_client_forget(s->gw->ipc, s->ipc_id);
	stream_free(s);
}

/* A reader that does not keep up is dropped there; the subscription goes with it. */
static void
stream_write(struct stream *s, const void *data, size_t len)
{
	if (http_stream_write(s->http, data, len) < 0)
		on_gone(s);
}

/* Over, from this side: the browser comes back by itself. */
static void
stream_end(struct stream *s, const char *words)
{
	ipc_client_forget(s->gw->ipc, s->ipc_id);
	if (http_stream_write(s->http, words, strlen(words)) == 0)
		http_stream_end(s->http);
	stream_free(s);
}

static void
on_heartbeat(evutil_socket_t fd, short what, void *arg)
{
	struct events *e = arg;
	struct stream *s, *next;

	(void)fd;
	(void)what;
	for (s = LIST_FIRST(&e->streams); s != NULL; s = next) {
		next = LIST_NEXT(s, entry);
		if (s->call == NULL)
			stream_write(s, ": heartbeat\n\n", 13);
	}
}

static bool
one_line(const char *text)
{
	return text != NULL && *text != '\0' && strpbrk(text, "\r\n") == NULL;
}

static void
on_event(void *arg, enum ipc_failure failure, const Ipc__Event *event)
{
	struct stream *s = arg;
	struct buf out = BUF_INIT(EVENT_MAX);

	if (failure != IPC_OK) {
		stream_end(s, ": the daemon's connection broke; come back\n\n");
		return;
	}
	if (event->kind != NULL && strcmp(event->kind, "end") == 0) {
		stream_end(s, ": the token has ended, or sees something else now; come back\n\n");
		return;
	}
	if (one_line(event->event_id))
		buf_addf(&out, "id: %s\n", event->event_id);
	if (one_line(event->kind))
		buf_addf(&out, "event: %s\n", event->kind);
	buf_add_str(&out, "data: ");
	if (event->data.len > 0 && memchr(event->data.data, '\n', event->data.len) == NULL)
		buf_add(&out, event->data.data, event->data.len);
	buf_add_str(&out, "\n\n");
	if (buf_ok(&out))
		stream_write(s, out.data, out.len);
	buf_done(&out);
}

static void
stream_begin(struct stream *s)
{
	struct buf headers = BUF_INIT(HEADERS_MAX);
	static const char hello[] = "retry: 2000\n\n";

	call_headers(s->call, &headers, "text/event-stream; charset=utf-8");
	buf_add_str(&headers, "X-Accel-Buffering: no\r\n");
	http_stream_begin(s->http, 200, &headers);
	buf_done(&headers);
	call_free(s->call);
	s->call = NULL;
	stream_write(s, hello, sizeof(hello) - 1);
}

static void
on_answer(void *arg, enum ipc_failure failure, const Ipc__Response *response)
{
	struct stream *s = arg;
	struct call *c = s->call;

	if (failure == IPC_OK && response->status < 400) {
		stream_begin(s);
		return;
	}
	s->call = NULL;
	s->http->gone = NULL;
	stream_free(s);
	if (failure != IPC_OK)
		call_failed(c, failure);
	else
		call_pass(c, response);
}

static void
read_kinds(struct call *c, Ipc__Subscribe *sub)
{
	char *rest = call_query(c, "kinds", KINDS_TEXT_MAX), *word;

	sub->kinds = call_alloc(c, KINDS_MAX * sizeof(*sub->kinds));
	while ((word = strsep(&rest, ",")) != NULL) {
		size_t i = 0;

		while (kinds[i] != NULL && strcmp(kinds[i], word) != 0)
			i++;
		if (kinds[i] == NULL || sub->n_kinds == KINDS_MAX) {
			body_error(&c->body, "", "kinds", "invalid",
			    "status, qr, blast and message are known, with commas between.");
			return;
		}
		sub->kinds[sub->n_kinds++] = word;
	}
}

void
events_run(struct call *c)
{
	Ipc__Subscribe *sub = call_alloc(c, sizeof(*sub));
	const char *last = http_head_get(&c->http->head, "last-event-id");
	enum ipc_failure failure = IPC_OK;
	struct stream *s;

	if (strcmp(c->http->head.method, "HEAD") == 0) { /* a stream has no length to tell */
		call_not_allowed(c, "GET");
		return;
	}
	ipc__subscribe__init(sub);
	read_kinds(c, sub);
	sub->last_event_id = last != NULL && *last != '\0'
				 ? (char *)(uintptr_t)last
				 : call_query(c, "lastEventId", LAST_ID_MAX);
	if (sub->last_event_id != NULL && strlen(sub->last_event_id) > LAST_ID_MAX)
		body_error(&c->body, "", "Last-Event-ID", "too_long", "It is not one of ours.");
	if (c->body.n_errors > 0) {
		call_refuse(c);
		return;
	}
	c->request.subscribe = sub;
	s = xcalloc(1, sizeof(*s));
	s->gw = c->gw;
	s->call = c;
	s->http = c->http;
	LIST_INSERT_HEAD(&c->gw->events->streams, s, entry);
	s->ipc_id = ipc_client_subscribe(
	    c->gw->ipc, &c->request, c->route->deadline_ms, on_answer, on_event, s, &failure);
	if (s->ipc_id == 0) {
		s->call = NULL;
		stream_free(s);
		call_failed(c, failure);
		return;
	}
	c->http->gone = on_gone;
	c->http->gone_arg = s;
}

struct events *
events_new(struct event_base *base)
{
	struct events *e = xcalloc(1, sizeof(*e));

	LIST_INIT(&e->streams);
	e->heartbeat = event_new(base, -1, EV_PERSIST, on_heartbeat, e);
	event_add(e->heartbeat, &(struct timeval){.tv_sec = EVENTS_HEARTBEAT_S});
	return e;
}

void
events_free(struct events **events)
{
	struct events *e = *events;

	if (e == NULL)
		return;
	event_free(e->heartbeat);
	free(e);
	*events = NULL;
}
