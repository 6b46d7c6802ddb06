/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gathers requests for bundles into queries and begins the sessions. A device whose bundle is
 * missing or refused is left without a session: the asker goes on with the others.
 */
#include "waconnd/link/bundle.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/log.h"
#include "common/xalloc.h"

#define QUERIES_MAX 4 /* under way at once */
#define GATHER_MAX                                                                             \
	16 /* devices of several askers in one query: each costs a millisecond when the answer \
	      comes */

struct request {
	TAILQ_ENTRY(request) entry;
	bundle_cb cb;
	void *arg;
	bool fresh;
	size_t n;
	struct jid devices[];
};
TAILQ_HEAD(requests, request);

struct bundle_fetch {
	TAILQ_ENTRY(bundle_fetch) entry;
	struct bundles *b;
	struct requests requests;
};

struct bundles {
	struct messaging *m;
	struct requests waiting;
	TAILQ_HEAD(, bundle_fetch) fetches;
	unsigned n_fetches;
	struct event *later;
};

static void on_later(evutil_socket_t fd, short what, void *arg);

struct bundles *
bundles_new(struct messaging *m)
{
	struct bundles *b = xcalloc(1, sizeof(*b));

	b->m = m;
	TAILQ_INIT(&b->waiting);
	TAILQ_INIT(&b->fetches);
	b->later = event_new(link_base(m->link), -1, 0, on_later, b);
	if (b->later == NULL)
		abort();
	return b;
}

static void
requests_free(struct requests *requests)
{
	struct request *r;

	while ((r = TAILQ_FIRST(requests)) != NULL) {
		TAILQ_REMOVE(requests, r, entry);
		free(r);
	}
}

static void
fetch_free(struct bundle_fetch *f)
{
	TAILQ_REMOVE(&f->b->fetches, f, entry);
	f->b->n_fetches--;
	requests_free(&f->requests);
	free(f);
}

void
bundles_free(struct bundles **bp)
{
	struct bundles *b = *bp;
	struct bundle_fetch *f;

	if (b == NULL)
		return;
	while ((f = TAILQ_FIRST(&b->fetches)) != NULL)
		fetch_free(f);
	requests_free(&b->waiting);
	event_free(b->later);
	free(b);
	*bp = NULL;
}

/* -- answers -- */

bool
bundle_begin(struct messaging *m, const struct jid *device, const struct signal_bundle *bundle)
{
	enum signal_result r;
	bool changed;

	r = signal_begin_session(m->signal, device, bundle, &changed);
	if (changed)
		messaging_identity_changed(m, device);
	if (r != SIGNAL_OK)
		log_warn("bundle.refused", LOG_STR("outlet", link_outlet(m->link)),
		    LOG_PHONE("user", device->user), LOG_INT("device", device->device),
		    LOG_STR("why", signal_result_name(r)));
	return r == SIGNAL_OK;
}

/* Did somebody ask for this device, and is a session to be begun with it? */
static bool
is_wanted(const struct bundle_fetch *f, const struct jid *device)
{
	const struct request *r;
	bool asked = false;

	TAILQ_FOREACH(r, &f->requests, entry)
	for (size_t i = 0; i < r->n; i++) {
		if (!jid_equal(&r->devices[i], device))
			continue;
		asked = true;
		if (r->fresh)
			return true;
	}
	return asked && !signal_has_session(f->b->m->signal, device);
}

static void
read_user(const struct bundle_fetch *f, const struct node *user)
{
	struct signal_bundle bundle;
	struct jid device;
	int64_t code = 0;

	if (!node_is(user, "user") || node_get_jid(user, "jid", &device) != 0 ||
	    !is_wanted(f, &device))
		return;
	if (bundle_read(user, &bundle) == 0) {
		(void)bundle_begin(f->b->m, &device, &bundle);
		return;
	}
	if (node_get_int(node_find(user, "error"), "code", &code) != 0)
		code = 0;
	log_info("bundle.missing", LOG_STR("outlet", link_outlet(f->b->m->link)),
	    LOG_PHONE("user", device.user), LOG_INT("device", device.device),
	    LOG_INT("code", code));
}

static void
kick(struct bundles *b)
{
	if (!TAILQ_EMPTY(&b->waiting) && b->n_fetches < QUERIES_MAX)
		event_active(b->later, EV_TIMEOUT, 0);
}

static void
settle(struct requests *requests, bool heard, unsigned code)
{
	struct request *r;

	while ((r = TAILQ_FIRST(requests)) != NULL) {
		TAILQ_REMOVE(requests, r, entry);
		r->cb(r->arg, heard, code);
		free(r);
	}
}

static void
on_answer(void *arg, const struct node *answer)
{
	struct bundle_fetch *f = arg;
	struct bundles *b = f->b;
	const unsigned code = answer != NULL ? link_iq_error(answer) : 0;
	struct requests requests;

	if (code == 0)
		for (const struct node *n = node_first(node_find(answer, "list")); n != NULL;
		     n = node_next(n))
			read_user(f, n);
	TAILQ_INIT(&requests);
	TAILQ_CONCAT(&requests, &f->requests, entry);
	fetch_free(f);
	settle(&requests, answer != NULL, code);
	kick(b);
}

/* -- questions -- */

static size_t
place_of(const struct jid *devices, size_t n, const struct jid *device)
{
	size_t at = 0;

	while (at < n && !jid_equal(&devices[at], device))
		at++;
	return at;
}

static size_t
count_new(const struct jid *devices, size_t n, const struct request *r)
{
	size_t fresh = 0;

	for (size_t i = 0; i < r->n; i++)
		fresh += place_of(devices, n, &r->devices[i]) == n;
	return fresh;
}

static size_t
add_devices(struct jid *devices, size_t n, const struct request *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (place_of(devices, n, &r->devices[i]) == n)
			devices[n++] = r->devices[i];
	return n;
}

/* A device that is being fetched now is not fetched a second time: its asker waits. */
static bool
is_under_way(const struct bundles *b, const struct request *r)
{
	const struct bundle_fetch *f;
	const struct request *other;

	TAILQ_FOREACH(f, &b->fetches, entry)
	TAILQ_FOREACH(other, &f->requests, entry)
	for (size_t i = 0; i < r->n; i++)
		if (place_of(other->devices, other->n, &r->devices[i]) < other->n)
			return true;
	return false;
}

/* What others have brought meanwhile needs no asking. */
static void
drop_known(struct bundles *b, struct request *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		if (r->fresh || !signal_has_session(b->m->signal, &r->devices[i]))
			r->devices[n++] = r->devices[i];
	r->n = n;
}

/* The requests that can be asked now, as many as fit, move to `ret`. */
static size_t
take_requests(struct bundles *b, struct requests *ret, struct jid *devices)
{
	struct request *r, *next;
	size_t n = 0;

	for (r = TAILQ_FIRST(&b->waiting); r != NULL; r = next) {
		next = TAILQ_NEXT(r, entry);
		if (is_under_way(b, r))
			continue;
		drop_known(b, r);
		if (n > 0 && n + count_new(devices, n, r) > GATHER_MAX)
			break;
		n = add_devices(devices, n, r);
		TAILQ_REMOVE(&b->waiting, r, entry);
		TAILQ_INSERT_TAIL(ret, r, entry);
	}
	return n;
}

/* False when there is nothing to ask for now. */
static bool
send_query(struct bundles *b)
{
	struct jid devices[BUNDLE_DEVICES_MAX];
	struct bundle_fetch *f;
	struct requests taken;
	size_t n;

	TAILQ_INIT(&taken);
	n = take_requests(b, &taken, devices);
	if (n == 0) {
		settle(&taken, true, 0);
		return false;
	}
	f = xcalloc(1, sizeof(*f));
	f->b = b;
	TAILQ_INIT(&f->requests);
	TAILQ_CONCAT(&f->requests, &taken, entry);
	TAILQ_INSERT_TAIL(&b->fetches, f, entry);
	b->n_fetches++;
	link_iq(b->m->link, bundle_query(devices, n), on_answer, f);
	return true;
}

static void
on_later(evutil_socket_t fd, short what, void *arg)
{
	struct bundles *b = arg;

	(void)fd;
	(void)what;
	while (!TAILQ_EMPTY(&b->waiting) && b->n_fetches < QUERIES_MAX && send_query(b))
		;
}

void
bundles_ask(
    struct bundles *b, const struct jid *devices, size_t n, bool fresh, bundle_cb cb, void *arg)
{
	struct request *r;

	if (n > BUNDLE_DEVICES_MAX)
		n = BUNDLE_DEVICES_MAX;
	r = xcalloc(1, sizeof(*r) + n * sizeof(r->devices[0]));
	r->cb = cb;
	r->arg = arg;
	r->fresh = fresh;
	r->n = n;
	memcpy(r->devices, devices, n * sizeof(r->devices[0]));
	TAILQ_INSERT_TAIL(&b->waiting, r, entry);
	kick(b);
}
