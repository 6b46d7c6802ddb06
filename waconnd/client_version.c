/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One timer: when it fires, the kept version is read; when that is old, the page is fetched, read
 * and the result kept. It decides nothing about outlets, and a fault of it leaves everything as it
 * was.
 */
#include "waconnd/client_version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/http_client.h"
#include "common/log.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/link/link_url.h"

#define PREFIX "2.3000."
#define TEXT_MAX 32
#define SETTING "client_version"
#define WHATSAPP_HOST "web.whatsapp.com"
#define PLACE "https://web.whatsapp.com/sw.js"
#define PAGE_MAX (8u << 20)
#define FETCH_MS 30000
#define DAY_MS (24 * 3600 * (int64_t)1000)
#define AGAIN_PART 24  /* after a fault: in this part of the period */
#define QUIET_PART 144 /* after a look-up, no other is asked for that long: 10 minutes of a day */
#define QUIET_FAILED_PART 1440 /* … after one that failed: a minute */
#define AHEAD_MAX 100000000u   /* of the one built in; N grows by some millions a year */

struct client_version {
	struct client_version_env env;
	char *url;
	struct http_client *http;
	struct http_call *call;
	uint64_t ticket;      /* of the kept one being read; 0: none */
	uint64_t keep_ticket; /* of what was found being kept */
	struct event *timer, *refreshed;
	uint32_t n;
	int64_t quiet_until_ms; /* monotonic: until then no look-up brings anything new */
	void (*on_refreshed)(void *arg);
	void *on_refreshed_arg;
};

/* -- texts -- */

const char *
client_version_place(const char *whatsapp_url)
{
	struct link_url url;
	char err[128];

	if (link_url_parse(whatsapp_url, &url, err, sizeof(err)) < 0 || !url.tls)
		return NULL;
	return strcmp(url.host, WHATSAPP_HOST) == 0 ? PLACE : NULL;
}

/* Up to ten digits without a leading zero; the length, or 0. */
static size_t
read_number(const char *p, size_t len, uint32_t *ret)
{
	uint64_t n = 0;
	size_t i = 0;

	if (len == 0 || p[0] == '0')
		return 0;
	for (; i < len && p[i] >= '0' && p[i] <= '9'; i++) {
		n = n * 10 + (uint64_t)(p[i] - '0');
		if (n > UINT32_MAX)
			return 0;
	}
	*ret = (uint32_t)n;
	return i;
}

int
client_version_read(const char *text, uint32_t *ret_n)
{
	const size_t prefix = strlen(PREFIX), len = strlen(text);
	uint32_t n;

	if (len <= prefix || memcmp(text, PREFIX, prefix) != 0 ||
	    read_number(text + prefix, len - prefix, &n) != len - prefix)
		return -1;
	*ret_n = n;
	return 0;
}

/* After the colon: the number and the end of the member. The number, or 0. */
static uint32_t
read_member(const char *p, size_t len)
{
	uint32_t n = 0;
	size_t i = 0;

	while (i < len && p[i] == ' ')
		i++;
	i += read_number(p + i, len - i, &n);
	return i < len && (p[i] == ',' || p[i] == '}') ? n : 0;
}

int
client_version_find(const char *page, size_t len, uint32_t *ret_n)
{
	static const char key[] = "\"client_revision";
	const size_t key_len = sizeof(key) - 1;
	const char *end = page + len, *p = page;
	uint32_t found = 0;

	while ((p = memmem(p, (size_t)(end - p), key, key_len)) != NULL) {
		/* Inside a string of JavaScript all quotes are escaped. */
		const char *colon = p > page && p[-1] == '\\' ? "\\\":" : "\":";
		const size_t colon_len = strlen(colon);
		uint32_t n;

		p += key_len;
		if ((size_t)(end - p) < colon_len || memcmp(p, colon, colon_len) != 0)
			continue; /* another key */
		p += colon_len;
		n = read_member(p, (size_t)(end - p));
		if (n == 0 || (found != 0 && n != found))
			return -1;
		found = n;
	}
	if (found == 0)
		return -1;
	*ret_n = found;
	return 0;
}

/* -- one of them is taken -- */

static bool
may_be(const struct client_version *v, uint32_t n)
{
	return n >= v->env.least && n - v->env.least <= AHEAD_MAX;
}

static void
take(struct client_version *v, uint32_t n, const char *from)
{
	if (n == v->n)
		return;
	log_info("client_version.changed", LOG_INT("from", v->n), LOG_INT("to", n),
	    LOG_STR("source", from));
	v->n = n;
	v->env.changed(v->env.arg, n);
}

static void
on_kept(void *arg, enum db_error error, const PGresult *result)
{
	struct client_version *v = arg;

	(void)result;
	v->keep_ticket = 0;
	if (error != DB_OK)
		log_warn("client_version.not_kept", LOG_STR("why", db_error_text(error)));
	event_active(v->refreshed, EV_TIMEOUT, 0);
}

static void
keep(struct client_version *v)
{
	char text[TEXT_MAX];
	const struct db_param params[] = {DB_TEXT(SETTING), DB_TEXT(text)};

	(void)snprintf(text, sizeof(text), PREFIX "%u", v->n);
	if (v->keep_ticket != 0)
		db_forget(v->env.db, v->keep_ticket);
	v->keep_ticket = db_query(v->env.db, SQL_SETTING_PUT, params, 2, on_kept, v);
}

/* -- looking up -- */

/* About so long: daemons that were started together do not ask together for ever. */
static void
again_in(struct client_version *v, int64_t ms)
{
	const int64_t tenth = ms / 10 + 1;
	const int64_t wait = ms - tenth + rng_below((uint32_t)(2 * tenth));
	const struct timeval tv = {wait / 1000, wait % 1000 * 1000};

	(void)evtimer_add(v->timer, &tv);
}

static const char *
read_page(const struct client_version *v, const struct http_answer *a, uint32_t *ret_n)
{
	uint32_t n;

	if (a->failed != NULL)
		return a->failed;
	if (a->status != 200)
		return "the answer's status is not 200";
	if (client_version_find(a->body, a->len, &n) < 0)
		return "the page names no version";
	if (n < v->env.least)
		n = v->env.least;
	if (!may_be(v, n))
		return "the page's version cannot be true";
	*ret_n = n;
	return NULL;
}

static void
on_page(void *arg, const struct http_answer *a)
{
	struct client_version *v = arg;
	uint32_t n = 0;
	const char *why = read_page(v, a, &n);

	v->call = NULL;
	v->quiet_until_ms = clock_monotonic_ms() +
			    v->env.period_ms / (why == NULL ? QUIET_PART : QUIET_FAILED_PART);
	if (why != NULL) {
		log_warn("client_version.lookup", LOG_STR("error", why),
		    LOG_INT("status", a->status), LOG_INT("used", v->n));
		again_in(v, v->env.period_ms / AGAIN_PART);
		event_active(v->refreshed, EV_TIMEOUT, 0);
	} else {
		take(v, n, "looked up");
		again_in(v, v->env.period_ms);
		keep(v);
	}
}

/* As a browser asks for it. */
static void
look_up(struct client_version *v)
{
	static const char *const headers[] = {"sec-fetch-site: none",
	    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
	    "Chrome/131.0.0.0 Safari/537.36",
	    NULL};
	const struct http_get get = {
	    .url = v->url, .headers = headers, .max_bytes = PAGE_MAX, .timeout_ms = FETCH_MS};

	if (v->call == NULL)
		v->call = http_client_get(v->http, &get, on_page, v);
}

/* Columns: value, when in milliseconds. What another daemon found counts as ours. */
static bool
take_kept(struct client_version *v, const PGresult *result)
{
	const int64_t age_ms = clock_wall_ms() - strtoll(PQgetvalue(result, 0, 1), NULL, 10);
	uint32_t n;

	if (client_version_read(PQgetvalue(result, 0, 0), &n) < 0 || !may_be(v, n))
		return false;
	take(v, n, "kept");
	if (age_ms < 0 || age_ms >= v->env.period_ms * 9 / 10)
		return false;
	again_in(v, v->env.period_ms - age_ms);
	return true;
}

static void
on_setting(void *arg, enum db_error error, const PGresult *result)
{
	struct client_version *v = arg;

	v->ticket = 0;
	/* A refusal had it looked up meanwhile: that is newer, and set the timer. */
	if (clock_monotonic_ms() < v->quiet_until_ms)
		return;
	if (error != DB_OK || PQntuples(result) == 0 || !take_kept(v, result))
		look_up(v);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct client_version *v = arg;
	const struct db_param name = DB_TEXT(SETTING);

	(void)fd;
	(void)what;
	if (v->ticket == 0)
		v->ticket = db_query(v->env.db, SQL_SETTING_GET, &name, 1, on_setting, v);
}

static void
on_refreshed(evutil_socket_t fd, short what, void *arg)
{
	struct client_version *v = arg;

	(void)fd;
	(void)what;
	if (v->on_refreshed != NULL)
		v->on_refreshed(v->on_refreshed_arg);
}

void
client_version_refresh(struct client_version *v)
{
	if (v->call == NULL && clock_monotonic_ms() < v->quiet_until_ms)
		event_active(v->refreshed, EV_TIMEOUT, 0);
	else
		look_up(v);
}

void
client_version_on_refreshed(struct client_version *v, void (*cb)(void *arg), void *arg)
{
	v->on_refreshed = cb;
	v->on_refreshed_arg = arg;
}

uint32_t
client_version_now(const struct client_version *v)
{
	return v->n;
}

/* -- life -- */

struct client_version *
client_version_new(const struct client_version_env *env)
{
	struct client_version *v = xcalloc(1, sizeof(*v));

	v->env = *env;
	v->url = xstrdup(env->url);
	v->n = env->least;
	if (v->env.period_ms <= 0)
		v->env.period_ms = DAY_MS;
	v->timer = evtimer_new(env->base, on_timer, v);
	v->refreshed = evtimer_new(env->base, on_refreshed, v);
	if (v->timer == NULL || v->refreshed == NULL)
		abort();
	v->http = http_client_new(env->base, env->ca);
	if (v->http == NULL) {
		client_version_free(&v);
		return NULL;
	}
	on_timer(-1, 0, v);
	return v;
}

void
client_version_free(struct client_version **vp)
{
	struct client_version *v = *vp;

	if (v == NULL)
		return;
	if (v->ticket != 0)
		db_forget(v->env.db, v->ticket);
	if (v->keep_ticket != 0)
		db_forget(v->env.db, v->keep_ticket);
	http_client_free(&v->http);
	event_free(v->timer);
	event_free(v->refreshed);
	free(v->url);
	free(v);
	*vp = NULL;
}
