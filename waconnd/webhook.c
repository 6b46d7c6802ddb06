/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Claims, sends, and writes down what became of it. It decides nothing about order or retries of
 * others: that is webhook_claim's and webhook_finish's, in the database, for all daemons alike.
 * Neither a URL, which may hold a token, nor a secret nor a payload is logged.
 */
#include "waconnd/webhook.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/rng.h"
#include "common/utf8.h"
#include "common/xalloc.h"
#include "waconnd/config.h"
#include "waconnd/webhook_outcome.h"
#include "waconnd/webhook_sign.h"

#define WAKE_MS 100
#define TICK_MS 1000   /* retries that are due, and what no event told of */
#define SWEEP_TICKS 20 /* bounds of queues and logs */
#define FLIGHTS_MAX 32
#define FLIGHTS_EACH "8" /* of one webhook, over all daemons */
#define REQUEST_MS 15000
#define ANSWER_KEPT 1024
#define QUEUE_MAX "100000"
#define LOG_MAX "10000"
#define HEADER_MAX 512

struct flight { /* a delivery on its way, until its outcome is written */
	LIST_ENTRY(flight) entry;
	struct webhooks *w;
	char delivery[24];
	char webhook[40];
	unsigned attempts; /* before this one */
	int64_t since_ms;
	struct http_call *call;
	uint64_t ticket;
};

struct webhooks {
	struct webhooks_env env;
	struct http_client *http;
	struct hub_sub *sub;
	struct event *ev_wake, *ev_tick;
	LIST_HEAD(, flight) flights;
	unsigned n_flights, ticks;
	uint64_t claim_ticket, sweep_ticket;
	bool again; /* something came while a claim was asked for */
	bool stopping;
	struct metric *outcomes, *seconds;
};

char *
webhook_aad(const char *id)
{
	return xasprintf("webhook:%s", id);
}

static void claim(struct webhooks *w);

static void
flight_free(struct flight *f)
{
	if (f->call != NULL)
		http_client_cancel(f->w->http, &f->call);
	if (f->ticket != 0)
		db_forget(f->w->env.store->db, f->ticket);
	LIST_REMOVE(f, entry);
	f->w->n_flights--;
	free(f);
}

/* -- what became of it -- */

/* Column of DELIVERY_FINISH: the webhook when it was disabled by this. */
static void
on_finished(void *arg, enum db_error error, const PGresult *result)
{
	struct flight *f = arg;
	struct webhooks *w = f->w;

	f->ticket = 0;
	if (error != DB_OK) {
		/* Its claim ends by itself, and it is sent once more. */
		log_warn("webhook.not_kept", LOG_STR("webhook", f->webhook),
		    LOG_STR("why", db_error_text(error)));
	} else if (PQntuples(result) == 1 && !PQgetisnull(result, 0, 0)) {
		log_warn("webhook.disabled", LOG_STR("webhook", f->webhook));
		hub_publish(w->env.hub, "webhook", NULL, PQgetvalue(result, 0, 0),
		    (size_t)PQgetlength(result, 0, 0));
	}
	flight_free(f);
	claim(w);
}

/* What the database takes as text: other bytes become question marks. */
static char *
clean(const char *text, size_t len)
{
	char *out = xstrndup(text, len);
	size_t n = 0, step;

	for (size_t i = 0; i < len; i += step, n += step) {
		step = utf8_sequence((const unsigned char *)text + i, len - i);
		if (step == 0 || text[i] == '\0') {
			step = 1;
			out[n] = '?';
		} else {
			memcpy(out + n, text + i, step);
		}
	}
	out[n] = '\0';
	return out;
}

static void
finish(struct flight *f, const struct http_answer *a, const struct webhook_outcome *o)
{
	const int64_t took = clock_monotonic_ms() - f->since_ms;
	char attempts[16], delay[24], hold[24], give_up[24], status[16], took_text[24];
	char *body = a->failed == NULL ? clean(a->body, a->len) : NULL,
	     *why = o->why[0] != '\0' ? clean(o->why, strlen(o->why)) : NULL;

	(void)snprintf(attempts, sizeof(attempts), "%u", f->attempts);
	(void)snprintf(delay, sizeof(delay), "%" PRId64, o->delay_ms);
	(void)snprintf(hold, sizeof(hold), "%" PRId64, o->hold_ms);
	(void)snprintf(
	    give_up, sizeof(give_up), "%" PRIu64, f->w->env.config->retry_seconds * UINT64_C(1000));
	(void)snprintf(status, sizeof(status), "%u", a->status);
	(void)snprintf(took_text, sizeof(took_text), "%" PRId64, took);
	{
		const struct db_param params[] = {DB_TEXT(f->delivery),
		    DB_TEXT(f->w->env.store->boot), DB_TEXT(attempts), DB_TEXT(o->word),
		    DB_TEXT(delay), DB_TEXT(hold), DB_TEXT(give_up),
		    DB_TEXT(a->failed == NULL ? status : NULL), DB_TEXT(body), DB_TEXT(why),
		    DB_TEXT(took_text)};

		/* However long the database is away: what has arrived need not go again. */
		f->ticket =
		    db_read(f->w->env.store->db, SQL_DELIVERY_FINISH, params, 11, on_finished, f);
	}
	free(body);
	free(why);
}

static void
on_answer(void *arg, const struct http_answer *a)
{
	struct flight *f = arg;
	struct webhooks *w = f->w;
	struct webhook_outcome o;

	f->call = NULL;
	webhook_judge(a, f->attempts + 1, w->env.config->backoff_ms, rng_below(UINT32_MAX), &o);
	metric_add(w->outcomes, o.word, 1);
	metric_observe(w->seconds, NULL, (double)(clock_monotonic_ms() - f->since_ms) / 1000);
	if (o.why[0] != '\0')
		log_info("webhook.failed", LOG_STR("webhook", f->webhook),
		    LOG_STR("delivery", f->delivery), LOG_INT("attempt", f->attempts + 1),
		    LOG_STR("why", o.why));
	finish(f, a, &o);
}

/* -- sending -- */

/* Opens a sealed secret and signs with it. */
static int
sign(const struct webhooks *w, const char *webhook, const void *sealed, size_t sealed_len,
    const char *id, int64_t at_s, const char *body, size_t len, struct buf *out)
{
	struct buf secret = BUF_INIT(WEBHOOK_SECRET_MAX);
	char *aad = webhook_aad(webhook);
	int r = seal_open(w->env.store->seal, aad, sealed, sealed_len, &secret);

	if (r == 0)
		r = webhook_sign(buf_str(&secret), id, at_s, body, len, out);
	buf_done_secret(&secret);
	free(aad);
	return r;
}

/* A bytea as text, as a statement without binary results answers it. The caller frees it. */
static unsigned char *
bytes_of(const PGresult *r, int row, int column, size_t *ret_len)
{
	return PQunescapeBytea((const unsigned char *)PQgetvalue(r, row, column), ret_len);
}

static int
signatures(const struct webhooks *w, const PGresult *r, int row, int64_t at_s, struct buf *out)
{
	const char *body = PQgetvalue(r, row, 5);
	int status = 0;

	for (int column = 6; status == 0 && column <= 7; column++) {
		unsigned char *sealed;
		size_t len;

		if (PQgetisnull(r, row, column))
			continue;
		sealed = bytes_of(r, row, column, &len);
		status = sealed == NULL ? -1
					: sign(w, PQgetvalue(r, row, 1), sealed, len,
					      PQgetvalue(r, row, 3), at_s, body, strlen(body), out);
		PQfreemem(sealed);
	}
	return status;
}

static void
post(struct flight *f, const char *url, const char *id, const char *body, int64_t at_s,
    const char *signature)
{
	struct webhooks *w = f->w;
	char id_header[HEADER_MAX], at_header[HEADER_MAX], signature_header[HEADER_MAX];
	const char *const headers[] = {id_header, at_header, signature_header,
	    "Content-Type: application/json", "User-Agent: waconn/" WACONND_VERSION,
	    "Expect:", NULL};
	const struct http_guard guard = {.may_connect = webhook_may_connect,
	    .arg = (void *)(uintptr_t)&w->env.config->places,
	    .plain = w->env.config->places.plain};
	const struct http_request request = {.url = url,
	    .headers = headers,
	    .post_bytes = body,
	    .post_len = strlen(body),
	    .guard = &guard,
	    .cut = true,
	    .max_bytes = ANSWER_KEPT,
	    .timeout_ms = REQUEST_MS};

	(void)snprintf(id_header, sizeof(id_header), "webhook-id: %s", id);
	(void)snprintf(at_header, sizeof(at_header), "webhook-timestamp: %" PRId64, at_s);
	(void)snprintf(
	    signature_header, sizeof(signature_header), "webhook-signature: %s", signature);
	f->call = http_client_request(w->http, &request, on_answer, f);
}

/* Columns of DELIVERY_CLAIM: delivery, webhook, url, event id, type, payload, sealed secret, old
 * one, attempts. */
static void
fly(struct webhooks *w, const PGresult *r, int row)
{
	struct flight *f = xcalloc(1, sizeof(*f));
	struct buf signature = BUF_INIT(HEADER_MAX);
	const int64_t at_s = clock_wall_ms() / 1000;

	f->w = w;
	(void)snprintf(f->delivery, sizeof(f->delivery), "%s", PQgetvalue(r, row, 0));
	(void)snprintf(f->webhook, sizeof(f->webhook), "%s", PQgetvalue(r, row, 1));
	f->attempts = (unsigned)strtoul(PQgetvalue(r, row, 8), NULL, 10);
	f->since_ms = clock_monotonic_ms();
	LIST_INSERT_HEAD(&w->flights, f, entry);
	w->n_flights++;
	if (signatures(w, r, row, at_s, &signature) < 0) {
		const struct http_answer none = {
		    .failed = "the secret cannot be opened: rotate it"};

		log_error("webhook.secret", LOG_STR("webhook", f->webhook));
		on_answer(f, &none);
	} else {
		post(f, PQgetvalue(r, row, 2), PQgetvalue(r, row, 3), PQgetvalue(r, row, 5), at_s,
		    buf_str(&signature));
	}
	buf_done(&signature);
}

/* Ours already, while its outcome waits for the database. */
static bool
is_flying(const struct webhooks *w, const char *delivery)
{
	const struct flight *f;

	LIST_FOREACH(f, &w->flights, entry)
	if (strcmp(f->delivery, delivery) == 0)
		return true;
	return false;
}

static void
on_claimed(void *arg, enum db_error error, const PGresult *result)
{
	struct webhooks *w = arg;
	const int n = error == DB_OK ? PQntuples(result) : 0;

	w->claim_ticket = 0;
	/* A lease that is over says that another daemon may have claimed them meanwhile. */
	if (w->stopping || !instance_holds(w->env.instance))
		return;
	for (int i = 0; i < n; i++)
		if (!is_flying(w, PQgetvalue(result, i, 0)))
			fly(w, result, i);
	if (w->again)
		claim(w);
}

static void
claim(struct webhooks *w)
{
	char most[16];
	const struct db_param params[] = {
	    DB_TEXT(w->env.store->boot), DB_TEXT(most), DB_TEXT(FLIGHTS_EACH)};

	w->again = w->claim_ticket != 0;
	if (w->again || w->stopping || w->n_flights >= FLIGHTS_MAX || !db_up(w->env.store->db) ||
	    !instance_holds(w->env.instance))
		return;
	(void)snprintf(most, sizeof(most), "%u", FLIGHTS_MAX - w->n_flights);
	w->claim_ticket = db_query(w->env.store->db, SQL_DELIVERY_CLAIM, params, 3, on_claimed, w);
}

/* -- when -- */

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	claim(arg);
}

void
webhooks_look(struct webhooks *w)
{
	static const struct timeval soon = {.tv_usec = WAKE_MS * 1000};

	if (w != NULL && !evtimer_pending(w->ev_wake, NULL))
		(void)evtimer_add(w->ev_wake, &soon);
}

/* What subscribers hear of is in the queue, or will be in a moment. */
static void
on_event(void *arg, const struct hub_event *event)
{
	(void)event;
	webhooks_look(arg);
}

static void
on_swept(void *arg, enum db_error error, const PGresult *result)
{
	struct webhooks *w = arg;

	(void)result;
	w->sweep_ticket = 0;
	if (error != DB_OK)
		log_debug("webhook.sweep", LOG_STR("why", db_error_text(error)));
}

static void
sweep(struct webhooks *w)
{
	char give_up[24];
	const struct db_param params[] = {DB_TEXT(give_up), DB_TEXT(QUEUE_MAX), DB_TEXT(LOG_MAX)};

	if (w->sweep_ticket != 0 || !db_up(w->env.store->db))
		return;
	(void)snprintf(
	    give_up, sizeof(give_up), "%" PRIu64, w->env.config->retry_seconds * UINT64_C(1000));
	w->sweep_ticket = db_query(w->env.store->db, SQL_DELIVERY_SWEEP, params, 3, on_swept, w);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct webhooks *w = arg;

	(void)fd;
	(void)what;
	claim(w);
	if (++w->ticks % SWEEP_TICKS == 0)
		sweep(w);
}

/* -- life -- */

struct webhooks *
webhooks_new(const struct webhooks_env *env)
{
	static const struct timeval tick = {.tv_sec = TICK_MS / 1000};
	struct webhooks *w = xcalloc(1, sizeof(*w));

	w->env = *env;
	LIST_INIT(&w->flights);
	w->ev_wake = evtimer_new(env->base, on_wake, w);
	w->ev_tick = event_new(env->base, -1, EV_PERSIST, on_tick, w);
	if (w->ev_wake == NULL || w->ev_tick == NULL || event_add(w->ev_tick, &tick) < 0)
		abort();
	w->outcomes = metrics_counter(env->metrics, "waconn_webhook_attempts_total",
	    "Attempts to deliver an event to a webhook.", "outcome");
	w->seconds = metrics_seconds(
	    env->metrics, "waconn_webhook_seconds", "How long webhooks take to answer.", NULL);
	w->http = http_client_new(env->base, env->config->tls_ca);
	if (w->http == NULL) {
		webhooks_free(&w);
		return NULL;
	}
	w->sub = hub_subscribe(env->hub, NULL, ~0u, NULL, on_event, w);
	return w;
}

void
webhooks_stop(struct webhooks *w)
{
	if (w != NULL)
		w->stopping = true;
}

bool
webhooks_idle(const struct webhooks *w)
{
	return w == NULL || w->n_flights == 0;
}

void
webhooks_free(struct webhooks **wp)
{
	struct webhooks *w = *wp;

	if (w == NULL)
		return;
	hub_unsubscribe(w->env.hub, &w->sub);
	while (!LIST_EMPTY(&w->flights))
		flight_free(LIST_FIRST(&w->flights));
	if (w->claim_ticket != 0)
		db_forget(w->env.store->db, w->claim_ticket);
	if (w->sweep_ticket != 0)
		db_forget(w->env.store->db, w->sweep_ticket);
	http_client_free(&w->http);
	event_free(w->ev_wake);
	event_free(w->ev_tick);
	free(w);
	*wp = NULL;
}
