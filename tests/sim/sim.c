/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The simulator as a whole: what is made once, keys derived from the seed, the tick that finds what
 * is overdue, and deliveries to phones, which wait for the loop's next turn so that a phone can
 * answer from inside of one.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/wa/kdf.h"
#include "common/wa/signal_crypto.h"
#include "common/xalloc.h"
#include "tests/sim/media.h"
#include "tests/sim/server.h"

#define CERT_MAX 4096
#define CERT_DAYS 3650
#define DELIVERIES_PER_TURN 16
#define DETAIL_MAX 256

struct phone_delivery {
	STAILQ_ENTRY(phone_delivery) entry;
	struct account *account;
	struct node *node;
};

/* -- derived keys --------------------------------------------------------------------- */

void
sim_derive(const struct sim *s, const char *label, uint8_t ret[32])
{
	uint8_t seed[8];

	for (size_t i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)(s->seed >> (56 - 8 * i));
	hmac_sha256(seed, sizeof(seed), label, strlen(label), ret);
}

static int
derive_pair(const struct sim *s, const char *label, struct curve_pair *ret_pair)
{
	uint8_t priv[CURVE_KEY_LEN];
	int r;

	sim_derive(s, label, priv);
	r = curve_from_private(priv, ret_pair);
	OPENSSL_cleanse(priv, sizeof(priv));
	return r;
}

static int
make_certificate(struct sim *s)
{
	const int64_t now = sim_now();
	struct curve_pair intermediate;

	buf_init(&s->cert, CERT_MAX);
	if (derive_pair(s, "noise/root", &s->root) != 0 ||
	    derive_pair(s, "noise/intermediate", &intermediate) != 0 ||
	    derive_pair(s, "noise/server", &s->server) != 0)
		return -1;
	return noise_cert_make(&s->root, &intermediate, s->server.pub, now - 86400,
	    now + (int64_t)CERT_DAYS * 86400, &s->cert);
}

/* -- deliveries to phones ------------------------------------------------------------- */

void
sim_deliver_phone(struct account *a, struct node *take_stanza)
{
	struct phone_delivery *d = xcalloc(1, sizeof(*d));

	d->account = a;
	d->node = take_stanza;
	STAILQ_INSERT_TAIL(&a->sim->deliveries, d, entry);
	event_active(a->sim->deliver, EV_TIMEOUT, 0);
}

static struct phone_delivery *
take_delivery(struct sim *s)
{
	struct phone_delivery *d = STAILQ_FIRST(&s->deliveries);

	if (d != NULL)
		STAILQ_REMOVE_HEAD(&s->deliveries, entry);
	return d;
}

static void
free_delivery(struct phone_delivery *d)
{
	node_free(&d->node);
	free(d);
}

static void
deliver(evutil_socket_t fd, short what, void *arg)
{
	struct sim *s = arg;
	struct phone_delivery *d;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < DELIVERIES_PER_TURN && (d = take_delivery(s)) != NULL; i++) {
		phone_deliver(account_device0(d->account), d->node);
		free_delivery(d);
	}
	if (!STAILQ_EMPTY(&s->deliveries))
		event_active(s->deliver, EV_TIMEOUT, 0);
}

/* -- life ----------------------------------------------------------------------------- */

static void
tick(evutil_socket_t fd, short what, void *arg)
{
	struct sim *s = arg;
	const int64_t now = clock_monotonic_ms();
	struct conn *c;

	(void)fd;
	(void)what;
	outbox_tick(s, now);
	TAILQ_FOREACH(c, &s->conns, entry)
	conn_tick(c, now);
}

int
sim_new(struct event_base *base, uint64_t seed, struct sim **ret_sim)
{
	static const struct timeval second = {1, 0};
	struct sim *s = xcalloc(1, sizeof(*s));

	s->base = base;
	s->seed = seed;
	TAILQ_INIT(&s->accounts);
	TAILQ_INIT(&s->conns);
	TAILQ_INIT(&s->watched);
	STAILQ_INIT(&s->deliveries);
	STAILQ_INIT(&s->faults);
	s->record = record_new(base);
	s->tick = event_new(base, -1, EV_PERSIST, tick, s);
	s->deliver = event_new(base, -1, 0, deliver, s);
	if (s->tick == NULL || s->deliver == NULL || event_add(s->tick, &second) != 0 ||
	    wa_signal_context_new(&s->signal) != 0 || make_certificate(s) != 0 ||
	    lws_loop_new(base, &s->loop) != 0) {
		sim_free(&s);
		return -1;
	}
	*ret_sim = s;
	return 0;
}

int
sim_listen(struct sim *s, const char *host, uint16_t port, const char *cert, const char *key)
{
	uint16_t at;

	if (ws_new(s, host, port, cert, key, &s->ws, &at) != 0)
		return -1;
	s->url = xasprintf("%s://%s:%u/ws/chat", cert != NULL ? "wss" : "ws", host, (unsigned)at);
	return 0;
}

struct media *
sim_media(struct sim *s)
{
	if (s->media == NULL)
		s->media = media_new(s);
	return s->media;
}

void
sim_run(struct sim *s)
{
	lws_loop_run(s->loop);
}

void
sim_free(struct sim **sp)
{
	struct sim *s = *sp;
	struct phone_delivery *d;

	if (s == NULL)
		return;
	lws_loop_free(&s->loop);
	ws_free(&s->ws);
	while ((d = take_delivery(s)) != NULL)
		free_delivery(d);
	account_free_all(s);
	fault_free_all(s);
	media_free(&s->media);
	record_free(&s->record);
	wa_signal_context_free(&s->signal);
	if (s->tick != NULL)
		event_free(s->tick);
	if (s->deliver != NULL)
		event_free(s->deliver);
	buf_done(&s->cert);
	OPENSSL_cleanse(&s->root, sizeof(s->root));
	OPENSSL_cleanse(&s->server, sizeof(s->server));
	free(s->url);
	free(s);
	*sp = NULL;
}

/* -- what others ask ------------------------------------------------------------------ */

struct event_base *
sim_base(struct sim *s)
{
	return s->base;
}

signal_context *
sim_signal(struct sim *s)
{
	return s->signal;
}

struct record *
sim_record(struct sim *s)
{
	return s->record;
}

uint64_t
sim_seed(const struct sim *s)
{
	return s->seed;
}

const char *
sim_url(const struct sim *s)
{
	return s->url;
}

const uint8_t *
sim_noise_root(const struct sim *s)
{
	return s->root.pub;
}

json_t *
sim_stats(struct sim *s)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
	    "connections", (json_int_t)s->conn_count, "connects", (json_int_t)s->stats.connects,
	    "logins", (json_int_t)s->stats.logins, "pairings", (json_int_t)s->stats.pairings,
	    "messages", (json_int_t)s->stats.messages, "receipts", (json_int_t)s->stats.receipts,
	    "retries", (json_int_t)s->stats.retries, "pings", (json_int_t)s->stats.pings, "pongs",
	    (json_int_t)s->stats.pongs, "uploads", (json_int_t)s->stats.uploads, "rotations",
	    (json_int_t)s->stats.rotations, "resumed", (json_int_t)s->stats.resumed);
}

int64_t
sim_now(void)
{
	return clock_wall_ms() / 1000;
}

void
violation(
    struct sim *s, const struct account *a, unsigned device, const char *rule, const char *fmt, ...)
{
	char detail[DETAIL_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	record_violation(s->record, a != NULL ? a->phone : "", device, rule, "%s", detail);
}

void
sim_submit(struct sim *s, const struct jid *from, struct node *take_stanza)
{
	static const struct {
		const char *tag;
		void (*handle)(struct sim *s, const struct peer *from, struct conn *c,
		    const struct node *stanza);
	} handlers[] = {
	    {"message", message_in},
	    {"receipt", receipt_in},
	};
	const struct peer peer = account_peer(s, from);

	if (peer.account == NULL)
		log_warn("submit.stranger", LOG_STR("tag", node_tag(take_stanza)));
	else
		for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
			if (node_is(take_stanza, handlers[i].tag))
				handlers[i].handle(s, &peer, NULL, take_stanza);
	node_free(&take_stanza);
}

/* -- nodes ---------------------------------------------------------------------------- */

void
node_graft(struct node *parent, const struct node *child)
{
	struct node *copy = node_child(parent, node_tag(child), NULL);
	const struct node_attr *at;
	const uint8_t *data;
	size_t len;

	for (size_t i = 0; (at = node_attr_at(child, i)) != NULL; i++) {
		if (at->jid != NULL)
			node_set_jid(copy, at->key, at->jid);
		else
			node_set(copy, at->key, at->text);
	}
	if ((data = node_data(child, &len)) != NULL)
		node_bytes(copy, data, len);
	for (const struct node *n = node_first(child); n != NULL; n = node_next(n))
		node_graft(copy, n);
}
