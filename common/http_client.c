/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libcurl tells which sockets and which time it waits for; libevent waits and tells libcurl. Calls
 * that are over are delivered from an event of their own, so that a callback never runs inside
 * libcurl or inside a call. It knows nothing of what it fetches.
 */
#include "common/http_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/xalloc.h"

#define CONNECT_MS 20000L
#define CONNECTIONS_MAX 64L
#define BODY_MAX (64u << 10) /* of an answer that is not the file asked for */
#define LOOPBACK "127.0.0.1,::1,localhost"

struct http_call {
	TAILQ_ENTRY(http_call) entry;
	struct http_client *client;
	CURL *easy;
	struct curl_slist *headers;
	struct buf body;
	struct http_file post, into; /* fd -1: none */
	uint64_t sent, taken, max_bytes;
	bool too_large, unwritten;
	struct http_guard guard; /* may_connect NULL: none */
	bool refused, cut, was_cut;
	char error[CURL_ERROR_SIZE];
	http_client_cb cb;
	void *arg;
	bool done; /* on the list of those to be delivered */
	CURLcode result;
};
TAILQ_HEAD(http_calls, http_call);

struct http_client {
	struct event_base *base;
	CURLM *multi;
	char *ca;
	struct event *timer, *deliver;
	struct http_calls open, done;
};

/* -- what is over -- */

static void
finish(struct http_call *call, CURLcode result)
{
	struct http_client *c = call->client;

	if (call->done)
		return;
	call->done = true;
	call->result = result;
	TAILQ_REMOVE(&c->open, call, entry);
	TAILQ_INSERT_TAIL(&c->done, call, entry);
	event_active(c->deliver, EV_TIMEOUT, 0);
}

/* Taken out of its list already. */
static void
call_free(struct http_call *call)
{
	if (call->easy != NULL) {
		(void)curl_multi_remove_handle(call->client->multi, call->easy);
		curl_easy_cleanup(call->easy);
	}
	curl_slist_free_all(call->headers);
	buf_done(&call->body);
	free(call);
}

static bool
is_too_large(const struct http_call *call)
{
	return call->body.overflow || call->too_large || call->result == CURLE_FILESIZE_EXCEEDED;
}

static const char *
failure(const struct http_call *call)
{
	if (call->result == CURLE_OK || call->was_cut)
		return NULL;
	if (call->refused)
		return "the address is not one that may be asked";
	if (is_too_large(call))
		return "the answer is too large";
	if (call->unwritten)
		return "the answer could not be written to its file";
	return call->error[0] != '\0' ? call->error : curl_easy_strerror(call->result);
}

static void
answer(struct http_call *call)
{
	struct http_answer a = {.failed = failure(call)};
	curl_off_t after = 0;
	char *location = NULL;
	long status = 0;

	a.too_large = a.failed != NULL && is_too_large(call);
	a.no_tls = call->result == CURLE_SSL_CONNECT_ERROR;
	a.refused = a.failed != NULL && call->refused;
	if (a.failed == NULL) {
		(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
		(void)curl_easy_getinfo(call->easy, CURLINFO_REDIRECT_URL, &location);
		(void)curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &after);
		a.status = (unsigned)status;
		a.body = buf_str(&call->body);
		a.len = call->body.len;
		a.location = location;
		a.retry_after_s = after > 0 && after < UINT16_MAX ? (unsigned)after : 0;
	}
	call->cb(call->arg, &a);
}

static void
on_deliver(evutil_socket_t fd, short what, void *arg)
{
	struct http_client *c = arg;
	struct http_call *call;

	(void)fd;
	(void)what;
	/* One a turn: what a callback begins, and fails at once, waits for the next. */
	if ((call = TAILQ_FIRST(&c->done)) == NULL)
		return;
	TAILQ_REMOVE(&c->done, call, entry);
	answer(call);
	call_free(call);
	if (!TAILQ_EMPTY(&c->done))
		event_active(c->deliver, EV_TIMEOUT, 0);
}

static void
collect(struct http_client *c)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(c->multi, &left)) != NULL) {
		struct http_call *call = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		finish(call, message->data.result);
	}
}

/* -- between the two loops -- */

static void
act(struct http_client *c, curl_socket_t fd, int what)
{
	int running;

	(void)curl_multi_socket_action(c->multi, fd, what, &running);
	collect(c);
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	act(arg, fd,
	    ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
		((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* libcurl wants to hear of this socket; `socketp` is its event, NULL at first. */
static int
want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socketp)
{
	struct http_client *c = arg;
	struct event *ev = socketp;
	short events = EV_PERSIST;

	(void)easy;
	if (ev != NULL)
		event_free(ev);
	ev = NULL;
	if (what != CURL_POLL_REMOVE) {
		events |= (what & CURL_POLL_IN) != 0 ? EV_READ : 0;
		events |= (what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0;
		ev = event_new(c->base, fd, events, on_socket, c);
		if (ev == NULL || event_add(ev, NULL) < 0)
			abort();
	}
	(void)curl_multi_assign(c->multi, fd, ev);
	return 0;
}

static int
want_timer(CURLM *multi, long ms, void *arg)
{
	struct http_client *c = arg;
	const struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	(void)multi;
	if (ms < 0)
		(void)event_del(c->timer);
	else
		(void)event_add(c->timer, &tv);
	return 0;
}

/* -- life -- */

struct http_client *
http_client_new(struct event_base *base, const char *ca)
{
	struct http_client *c = xcalloc(1, sizeof(*c));

	c->base = base;
	c->ca = ca != NULL ? xstrdup(ca) : NULL;
	TAILQ_INIT(&c->open);
	TAILQ_INIT(&c->done);
	c->timer = event_new(base, -1, 0, on_timer, c);
	c->deliver = event_new(base, -1, 0, on_deliver, c);
	if (c->timer == NULL || c->deliver == NULL)
		abort();
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		c->multi = curl_multi_init();
	if (c->multi == NULL) {
		http_client_free(&c);
		return NULL;
	}
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS_MAX);
	return c;
}

static void
calls_free(struct http_calls *calls)
{
	struct http_call *call;

	while ((call = TAILQ_FIRST(calls)) != NULL) {
		TAILQ_REMOVE(calls, call, entry);
		call_free(call);
	}
}

void
http_client_free(struct http_client **cp)
{
	struct http_client *c = *cp;

	if (c == NULL)
		return;
	calls_free(&c->open);
	calls_free(&c->done);
	if (c->multi != NULL) {
		(void)curl_multi_cleanup(c->multi);
		curl_global_cleanup();
	}
	event_free(c->timer);
	event_free(c->deliver);
	free(c->ca);
	free(c);
	*cp = NULL;
}

/* -- a call -- */

static size_t
take_body(char *data, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;
	long status = 0;

	(void)size; /* always 1 */
	(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (call->cut && n > call->max_bytes - call->body.len) {
		buf_add(&call->body, data, (size_t)call->max_bytes - call->body.len);
		call->was_cut = true;
		return 0;
	}
	if (call->into.fd < 0 || status != 200) {
		buf_add(&call->body, data, n);
		return buf_ok(&call->body) ? n : 0;
	}
	call->too_large = n > call->max_bytes - call->taken;
	for (size_t done = 0; !call->too_large && done < n;) {
		const ssize_t r =
		    pwrite(call->into.fd, data + done, n - done, (off_t)(call->taken + done));

		if (r < 0 && errno != EINTR) {
			call->unwritten = true;
			return 0;
		}
		done += r > 0 ? (size_t)r : 0;
	}
	call->taken += n;
	return call->too_large ? 0 : n;
}

static size_t
give_body(char *to, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;
	const uint64_t left = call->post.len - call->sent;
	ssize_t r;

	(void)size; /* always 1 */
	do
		r = pread(call->post.fd, to, left < n ? (size_t)left : n, (off_t)call->sent);
	while (r < 0 && errno == EINTR);
	if (r < 0 || (r == 0 && left > 0))
		return CURL_READFUNC_ABORT;
	call->sent += (uint64_t)r;
	return (size_t)r;
}

/* A connection that was kept had gone: libcurl sends it again over a fresh one. */
static int
rewind_body(void *arg, curl_off_t offset, int origin)
{
	struct http_call *call = arg;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > call->post.len)
		return CURL_SEEKFUNC_FAIL;
	call->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

bool
http_is_loopback(const char *url)
{
	CURLU *u = curl_url();
	char *host = NULL;
	struct in_addr a;
	bool is = false;

	if (u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		is = strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
		     (inet_pton(AF_INET, host, &a) == 1 && ntohl(a.s_addr) >> 24 == 127);
	curl_free(host);
	curl_url_cleanup(u);
	return is;
}

static void
set_post(struct http_call *call, const struct http_request *request)
{
	CURL *e = call->easy;

	if (request->post == NULL && request->post_bytes == NULL)
		return;
	(void)curl_easy_setopt(e, CURLOPT_POST, 1L);
	if (request->post == NULL) {
		(void)curl_easy_setopt(
		    e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->post_len);
		(void)curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, request->post_bytes);
		return;
	}
	(void)curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->post->len);
	(void)curl_easy_setopt(e, CURLOPT_READFUNCTION, give_body);
	(void)curl_easy_setopt(e, CURLOPT_READDATA, call);
	(void)curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, rewind_body);
	(void)curl_easy_setopt(e, CURLOPT_SEEKDATA, call);
}

static void
set_limits(struct http_call *call, const struct http_request *request)
{
	CURL *e = call->easy;

	(void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	(void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	if (!request->cut)
		(void)curl_easy_setopt(
		    e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->max_bytes);
	if (request->stall_ms == 0)
		return;
	(void)curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
	(void)curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)(request->stall_ms + 999) / 1000);
}

/* Every connection begins here, after its name was resolved: nothing stands between the look at the
 * address and its use. */
static curl_socket_t
open_guarded(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_call *call = arg;

	(void)purpose;
	if (!call->guard.may_connect(call->guard.arg, &address->addr)) {
		call->refused = true;
		return CURL_SOCKET_BAD;
	}
	call->refused = false;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void
set_guard(struct http_call *call)
{
	CURL *e = call->easy;

	if (call->guard.may_connect == NULL)
		return;
	(void)curl_easy_setopt(e, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_guarded);
	(void)curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, call);
}

/* What libcurl refuses here shows as a call that failed. */
static CURLcode
set_options(struct http_call *call, const struct http_request *request)
{
	CURL *e = call->easy;
	const bool loopback = http_is_loopback(request->url);
	const bool plain = request->guard != NULL ? request->guard->plain : loopback;
	CURLcode r = curl_easy_setopt(e, CURLOPT_URL, request->url);

	if (r == CURLE_OK)
		r = curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, plain ? "http,https" : "https");
	if (r == CURLE_OK && call->client->ca != NULL)
		r = curl_easy_setopt(e, CURLOPT_CAINFO, call->client->ca);
	if (loopback && request->trust_loopback) {
		(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	(void)curl_easy_setopt(e, CURLOPT_PRIVATE, call);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, call->error);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, call);
	(void)curl_easy_setopt(e, CURLOPT_HTTPHEADER, call->headers);
	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(e, CURLOPT_NOPROXY, LOOPBACK);
	/* A name that is still being looked up must not hold the loop up when the call is given up.
	 */
	(void)curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	set_limits(call, request);
	set_post(call, request);
	set_guard(call);
	return r;
}

static void
add_headers(struct http_call *call, const char *const *headers)
{
	for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
		struct curl_slist *longer = curl_slist_append(call->headers, headers[i]);

		if (longer == NULL)
			abort();
		call->headers = longer;
	}
}

struct http_call *
http_client_request(
    struct http_client *c, const struct http_request *request, http_client_cb cb, void *arg)
{
	const struct http_file none = {.fd = -1};
	struct http_call *call = xcalloc(1, sizeof(*call));
	CURLcode r = CURLE_FAILED_INIT;

	call->client = c;
	call->cb = cb;
	call->arg = arg;
	call->post = request->post != NULL ? *request->post : none;
	call->into = request->into != NULL ? *request->into : none;
	call->max_bytes = request->max_bytes;
	call->cut = request->cut;
	if (request->guard != NULL)
		call->guard = *request->guard;
	buf_init(&call->body, request->into == NULL || request->max_bytes < BODY_MAX
				  ? (size_t)request->max_bytes
				  : BODY_MAX);
	TAILQ_INSERT_TAIL(&c->open, call, entry);
	add_headers(call, request->headers);
	call->easy = curl_easy_init();
	if (call->easy != NULL)
		r = set_options(call, request);
	if (r == CURLE_OK && curl_multi_add_handle(c->multi, call->easy) != CURLM_OK)
		r = CURLE_FAILED_INIT;
	if (r != CURLE_OK)
		finish(call, r);
	return call;
}

struct http_call *
http_client_get(struct http_client *c, const struct http_get *get, http_client_cb cb, void *arg)
{
	const struct http_request request = {.url = get->url,
	    .headers = get->headers,
	    .max_bytes = get->max_bytes,
	    .timeout_ms = get->timeout_ms};

	return http_client_request(c, &request, cb, arg);
}

void
http_client_cancel(struct http_client *c, struct http_call **callp)
{
	struct http_call *call = *callp;

	if (call == NULL)
		return;
	TAILQ_REMOVE(call->done ? &c->done : &c->open, call, entry);
	call_free(call);
	*callp = NULL;
}
