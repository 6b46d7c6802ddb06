/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who may connect when, and to which address: the queue of connects, paced over all links, and the
 * look-up of the server's name, one at a time, kept for a minute. It opens no connection itself.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/rng.h"
#include "waconnd/link/link_net_private.h"

#define FRESH_MS 60000
#define MAY_NOT_MS 1000
#define JITTER_PERCENT 50 /* a wait is lengthened by up to that much */

static void
arm(struct link_net *net, int64_t ms)
{
	const struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

	if (event_add(net->dial_timer, &tv) < 0)
		log_error("link.dial_timer", LOG_INT("ms", ms));
}

/* -- the name -- */

static bool
is_fresh(const struct link_net *net)
{
	return net->url.literal ||
	       (net->lookup.n > 0 && clock_monotonic_ms() < net->lookup.fresh_until_ms);
}

static void
take_addresses(struct link_lookup *k, const struct evutil_addrinfo *list)
{
	k->n = k->next = 0;
	for (const struct evutil_addrinfo *ai = list; ai != NULL && k->n < LINK_ADDRESSES_MAX;
	     ai = ai->ai_next) {
		const void *raw = NULL;

		if (ai->ai_family == AF_INET)
			raw = &((const struct sockaddr_in *)(const void *)ai->ai_addr)->sin_addr;
		else if (ai->ai_family == AF_INET6)
			raw = &((const struct sockaddr_in6 *)(const void *)ai->ai_addr)->sin6_addr;
		if (raw != NULL && inet_ntop(ai->ai_family, raw, k->addresses[k->n],
				       sizeof(k->addresses[0])) != NULL)
			k->n++;
	}
	k->fresh_until_ms = clock_monotonic_ms() + FRESH_MS;
}

/* May come from inside evdns_getaddrinfo; the resolver is put away by the loop, not under its own
 * feet. */
static void
on_resolved(int error, struct evutil_addrinfo *list, void *arg)
{
	struct link_net *net = arg;
	struct link_lookup *k = &net->lookup;

	k->request = NULL;
	if (error == EVUTIL_EAI_CANCEL)
		return;
	k->failed = NULL;
	if (error == 0)
		take_addresses(k, list);
	else
		k->failed = evutil_gai_strerror(error);
	if (list != NULL)
		evutil_freeaddrinfo(list);
	/* Old addresses are better than none. */
	if (error == 0 && k->n == 0)
		k->failed = "the name has no address";
	else if (error != 0 && k->n > 0)
		k->fresh_until_ms = clock_monotonic_ms() + FRESH_MS;
	k->finished = true;
	arm(net, 0);
}

/* A new resolver for each look-up, so that a changed resolv.conf counts. */
static void
look_up(struct link_net *net)
{
	const struct evutil_addrinfo hints = {
	    .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = EVUTIL_AI_ADDRCONFIG};
	struct link_lookup *k = &net->lookup;
	char port[8];

	if (k->dns != NULL)
		return;
	k->dns = evdns_base_new(
	    net->base, EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (k->dns == NULL) {
		k->failed = "no name server is configured";
		k->finished = true;
		arm(net, 0);
		return;
	}
	(void)snprintf(port, sizeof(port), "%u", net->url.port);
	k->request = evdns_getaddrinfo(k->dns, net->url.host, port, &hints, on_resolved, net);
}

static void
put_away(struct link_lookup *k)
{
	if (k->request != NULL)
		evdns_getaddrinfo_cancel(k->request);
	k->request = NULL;
	if (k->dns != NULL)
		evdns_base_free(k->dns, 0);
	k->dns = NULL;
	k->finished = false;
}

/* -- the queue -- */

static struct link_dial *
pop(struct link_net *net)
{
	struct link_dial *d = TAILQ_FIRST(&net->dials);

	TAILQ_REMOVE(&net->dials, d, entry);
	d->queued = false;
	return d;
}

/* Those who queue again from inside wait for the next look-up. */
static void
fail_all(struct link_net *net, const char *why)
{
	struct link_dial *d;
	size_t n = 0;

	TAILQ_FOREACH(d, &net->dials, entry)
	n++;
	for (; n > 0 && !TAILQ_EMPTY(&net->dials); n--) {
		d = pop(net);
		d->turn(d, NULL, why);
	}
}

static const char *
next_address(struct link_net *net)
{
	struct link_lookup *k = &net->lookup;

	if (net->url.literal)
		return net->url.host;
	return k->addresses[k->next++ % k->n];
}

static void
pump(struct link_net *net)
{
	int64_t wait;

	while (!TAILQ_EMPTY(&net->dials) && is_fresh(net)) {
		struct link_dial *d;

		if (!link_net_may_send(net)) {
			arm(net, MAY_NOT_MS);
			return;
		}
		if (!link_pace_take(&net->pace, clock_monotonic_ms())) {
			wait = link_pace_wait_ms(&net->pace, clock_monotonic_ms());
			arm(net, wait + (int64_t)(wait * rng_below(JITTER_PERCENT + 1) / 100));
			return;
		}
		d = pop(net);
		d->turn(d, next_address(net), NULL);
	}
	if (!TAILQ_EMPTY(&net->dials))
		look_up(net);
}

static void
on_dial_timer(evutil_socket_t fd, short what, void *arg)
{
	struct link_net *net = arg;
	struct link_lookup *k = &net->lookup;

	(void)fd;
	(void)what;
	if (k->finished) {
		put_away(k);
		if (k->n == 0)
			fail_all(net, k->failed);
	}
	pump(net);
}

void
link_dial_queue(struct link_net *net, struct link_dial *d)
{
	TAILQ_INSERT_TAIL(&net->dials, d, entry);
	d->queued = true;
	if (!event_pending(net->dial_timer, EV_TIMEOUT, NULL))
		arm(net, 0);
}

void
link_dial_cancel(struct link_net *net, struct link_dial *d)
{
	if (d->queued)
		TAILQ_REMOVE(&net->dials, d, entry);
	d->queued = false;
}

int
link_dial_init(struct link_net *net, unsigned per_second)
{
	TAILQ_INIT(&net->dials);
	link_pace_init(&net->pace, per_second, clock_monotonic_ms());
	net->dial_timer = event_new(net->base, -1, 0, on_dial_timer, net);
	return net->dial_timer != NULL ? 0 : -1;
}

void
link_dial_done(struct link_net *net)
{
	put_away(&net->lookup);
	if (net->dial_timer != NULL)
		event_free(net->dial_timer);
	net->dial_timer = NULL;
}
