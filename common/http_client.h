/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * http_client: HTTP requests to servers outside, by libcurl's multi-socket API on the event loop:
 * nothing waits, names are resolved in libcurl's own thread.
 *
 * Only https:// URLs, and http:// ones of a loopback address; certificates are verified, but
 * where a request trusts a loopback address; redirects are not followed: who asks names the place.
 * An answer has a size and a time that it may take. A request may instead bring a rule of its own
 * for where it may go (struct http_guard).
 */
#ifndef COMMON_HTTP_CLIENT_H
#define COMMON_HTTP_CLIENT_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct http_client;
struct http_call;

struct http_get {
	const char *url;
	const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
	size_t max_bytes;	    /* of the body; more is a failure */
	unsigned timeout_ms;	    /* from the call to the last byte */
};

/* Anything beyond a small document that is read into memory. Files are written and read piece by
 * piece, by offset from their beginning, and stay the caller's: open until the callback, or the
 * cancel. */
struct http_file {
	int fd;
	uint64_t len; /* of what is sent */
};
/* For a place that somebody else has chosen: asked of every address before it is connected to,
 * whatever the name was resolved to; no proxy is used, which would resolve it again. */
struct http_guard {
	bool (*may_connect)(void *arg, const struct sockaddr *address);
	void *arg;
	bool plain; /* http:// is allowed, too */
};
struct http_request {
	const char *url;
	const char *const *headers;
	const struct http_file *post; /* what is sent; NULL: a GET, or */
	const void *post_bytes;	      /* … this, copied */
	size_t post_len;
	const struct http_guard *guard; /* NULL: none */
	bool cut; /* of the body only max_bytes are wanted: more is no failure */
	const struct http_file *into; /* where a body of a status 200 goes; NULL: into the answer */
	uint64_t max_bytes;	      /* of the body */
	uint64_t timeout_ms;
	unsigned stall_ms;   /* so long may nothing move; 0: no such limit */
	bool trust_loopback; /* a loopback address needs no certificate */
};

struct http_answer {
	const char *failed; /* a sentence; NULL: there is a whole answer */
	bool too_large;	    /* that is what failed */
	bool no_tls;	    /* the server does not speak TLS: that is what failed */
	bool refused;	    /* the guard refused every address: that is what failed */
	unsigned status;
	const char *body; /* NUL-terminated; valid during the call */
	size_t len;
	const char *location;	/* where a redirect leads; NULL: it is none */
	unsigned retry_after_s; /* 0: not said */
};
typedef void (*http_client_cb)(void *arg, const struct http_answer *answer);

/* ca: a PEM bundle to trust instead of the system's, or NULL. NULL when libcurl does not start. */
struct http_client *http_client_new(struct event_base *base, const char *ca);
/* Callbacks of what is under way do not come. Not from inside a callback. */
void http_client_free(struct http_client **c);
/* Whether the URL names a loopback address: the only ones to be asked without TLS. */
bool http_is_loopback(const char *url);
/* The callback comes once, from the loop; the call is over then. Everything is copied. */
struct http_call *http_client_get(
    struct http_client *c, const struct http_get *get, http_client_cb cb, void *arg);
struct http_call *http_client_request(
    struct http_client *c, const struct http_request *request, http_client_cb cb, void *arg);
/* Its callback will not come. */
void http_client_cancel(struct http_client *c, struct http_call **call);

#endif
