/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way of a request: its content from above, the keys of the device, a new session where the old
 * one does not serve, the message, the commit, and then both stanzas. One place at a time, as with
 * sends.
 */
#include "waconnd/link/resend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/link/bundle.h"
#include "waconnd/link/lid.h"
#include "waconnd/link/peer.h"
#include "waconnd/link/resend_limit.h"

#define TIMES_MAX 100
#define NEW_SESSION_FROM 2  /* asked so often, the session may be begun anew, within limits */
#define SAME_SESSION_FROM 3 /* … and is, if the time before was in the same one */

enum resend_state {
	RESEND_WAITING,
	RESEND_CONTENT,
	RESEND_MAP,
	RESEND_KEYS,
	RESEND_BUNDLE,
	RESEND_COMMIT
};

struct resend {
	TAILQ_ENTRY(resend) entry;
	struct resends *resends;
	enum resend_state state;
	uint64_t token;
	struct node *receipt;
	const char *id;	   /* in receipt */
	struct jid device; /* as Signal knows it */
	struct jid number; /* the same before its LID was known; or none */
	struct jid to;	   /* whom the message was sent to, by number */
	char count[16];	   /* as it goes back */
	unsigned times;
	uint32_t registration; /* as it told it; 0: not */
	struct wa_content *content;
	struct key_hold *map_hold, *hold;
	struct node *stanza;
};

struct resends {
	struct messaging *m;
	TAILQ_HEAD(, resend) all;
	size_t n, under_way;
	bool beginning; /* further up the stack */
	uint64_t next_token;
	struct resend_limit *limit;
};

struct resends *
resends_new(struct messaging *m)
{
	struct resends *r = xcalloc(1, sizeof(*r));

	r->m = m;
	TAILQ_INIT(&r->all);
	r->limit = resend_limit_new();
	return r;
}

static void
resend_free(struct resend *e)
{
	struct resends *r = e->resends;

	TAILQ_REMOVE(&r->all, e, entry);
	r->n--;
	if (e->state != RESEND_WAITING)
		r->under_way--;
	key_cache_forget(r->m->keys, e);
	key_hold_free(&e->map_hold);
	key_hold_free(&e->hold);
	wa_content_free(&e->content);
	node_free(&e->stanza);
	node_free(&e->receipt);
	free(e);
}

void
resends_free(struct resends **rp)
{
	struct resends *r = *rp;
	struct resend *e;

	if (r == NULL)
		return;
	while ((e = TAILQ_FIRST(&r->all)) != NULL)
		resend_free(e);
	resend_limit_free(&r->limit);
	free(r);
	*rp = NULL;
}

static void begin_waiting(struct resends *r);

/* Handled, one way or the other: only now, so that after a crash it comes again. */
static void
done(struct resend *e)
{
	struct resends *r = e->resends;

	link_ack(r->m->link, e->receipt);
	resend_free(e);
	begin_waiting(r);
}

/* Not handled, and not acknowledged: it comes again at the next login. */
static void
leave(struct resend *e)
{
	struct resends *r = e->resends;

	resend_free(e);
	begin_waiting(r);
}

static void
drop(struct resend *e, const char *why)
{
	log_info("resend.dropped", LOG_STR("outlet", link_outlet(e->resends->m->link)),
	    LOG_STR("id", e->id), LOG_STR("why", why));
	done(e);
}

/* -- out -- */

static void
on_committed(void *arg)
{
	struct resend *e = arg;
	struct node *stanza = e->stanza;

	FAULT_POINT("resend.committed");
	e->stanza = NULL;
	link_write(e->resends->m->link, stanza);
	FAULT_POINT("resend.written");
	done(e);
}

static void
copy_jid(const struct resend *e, const char *key, const char *as)
{
	struct jid jid;

	if (node_get_jid(e->receipt, key, &jid) == 0)
		node_set_jid(e->stanza, as, &jid);
}

/* The chat that the message is in, for our own other devices. */
static struct jid
destination_of(const struct resend *e)
{
	struct jid jid;

	if (node_get_jid(e->receipt, "recipient", &jid) == 0)
		return jid_without_device(&jid);
	return lid_find(e->resends->m, &e->to, &jid) ? jid : e->to;
}

static void
encrypt(struct resend *e)
{
	struct messaging *m = e->resends->m;
	const struct jid destination = destination_of(e);
	const struct wa_content content = peer_timed(m, &destination, e->content);
	const bool own = messaging_is_own_user(m, &e->device);
	const struct node *retry = node_find(e->receipt, "retry");
	const struct enc_attrs attrs = {
	    .count = e->count, .mediatype = wa_content_mediatype(e->content)};
	enum signal_result r = SIGNAL_INVALID;
	bool prekey = false;
	struct buf padded;

	e->stanza = node_new("message", "id", e->id, "type", wa_content_type(e->content), "t",
	    node_get(retry, "t"), "device_fanout", "false", NULL);
	copy_jid(e, "from", "to");
	copy_jid(e, "participant", "participant");
	copy_jid(e, "recipient", "recipient");
	if (messaging_plaintext(&content, own ? &destination : NULL, &padded) == 0)
		r = messaging_encrypt(m, &e->device, &padded, &attrs, e->stanza, &prekey);
	buf_done_secret(&padded);
	key_hold_free(&e->hold);
	if (r != SIGNAL_OK) {
		drop(e, signal_result_name(r));
		return;
	}
	if (prekey)
		messaging_add_identity(m, e->stanza);
	FAULT_POINT("resend.encrypted");
	e->state = RESEND_COMMIT;
	key_cache_commit(m->keys, on_committed, e);
}

/* -- session -- */

static void
on_bundle(void *arg, bool heard, unsigned code)
{
	struct resend *e = arg;

	if (!heard)
		leave(e);
	else if (code != 0)
		drop(e, "no bundle");
	else
		encrypt(e);
}

/* The keys that the device sent along. */
static bool
use_keys_sent(struct resend *e)
{
	struct signal_bundle bundle;

	return node_find(e->receipt, "keys") != NULL && bundle_read(e->receipt, &bundle) == 0 &&
	       bundle_begin(e->resends->m, &e->device, &bundle);
}

/* The registration id is another: that is another device by now. */
static bool
is_other_device(struct resend *e)
{
	const uint32_t known = signal_session_registration(e->resends->m->signal, &e->device);

	return e->registration != 0 && known != 0 && e->registration != known;
}

/* None is there, or it has proved to be of no use. */
static bool
needs_session(struct resend *e)
{
	struct resends *r = e->resends;
	const int64_t now = clock_monotonic_ms();
	uint8_t key[CURVE_KEY_LEN];
	bool same;

	if (signal_session_base_key(r->m->signal, &e->device, key) != 0)
		return true;
	if (e->times < NEW_SESSION_FROM)
		return false;
	same = resend_limit_same_session(r->limit, &e->device, e->id, key, now);
	return (same && e->times >= SAME_SESSION_FROM) ||
	       resend_limit_renew(r->limit, &e->device, now);
}

static void
on_keys(void *arg)
{
	struct resend *e = arg;
	struct messaging *m = e->resends->m;

	if (!jid_is_none(&e->number))
		signal_move_device(m->signal, &e->number, &e->device);
	if (use_keys_sent(e)) {
		encrypt(e);
		return;
	}
	if (is_other_device(e))
		signal_drop_device(m->signal, &e->device);
	if (!needs_session(e)) {
		encrypt(e);
		return;
	}
	e->state = RESEND_BUNDLE;
	bundles_ask(m->bundles, &e->device, 1, true, on_bundle, e);
}

static void
hold_keys(struct resend *e)
{
	struct device_names text, old;
	struct key_name names[5];
	const struct jid chat = destination_of(e);
	size_t n = messaging_device_names(e->resends->m, &e->device, &text, names);
	bool ready;

	if (!jid_is_none(&e->number))
		n += messaging_old_names(&e->number, &old, &names[n]);
	if (chat.server == JID_SERVER_LID)
		names[n++] = (struct key_name){KEY_PEER, chat.user};
	e->state = RESEND_KEYS;
	e->hold = key_cache_hold(e->resends->m->keys, names, n, on_keys, e, &ready);
	if (ready)
		on_keys(e);
}

/* Nobody gets what was said to another, even if he knows under which id. */
static bool
is_in_chat(const struct resend *e)
{
	struct messaging *m = e->resends->m;
	struct jid user = e->device, lid;

	if (user.server == JID_SERVER_HOSTED)
		user.server = JID_SERVER_PN;
	if (user.server == JID_SERVER_HOSTED_LID)
		user.server = JID_SERVER_LID;
	return messaging_is_own_user(m, &user) || jid_same_user(&user, &e->to) ||
	       (lid_find(m, &e->to, &lid) && jid_same_user(&user, &lid));
}

static void
on_map(void *arg)
{
	struct resend *e = arg;
	struct jid lid;

	if (lid_find(e->resends->m, &e->device, &lid)) {
		e->number = e->device;
		e->device = lid;
	}
	if (is_in_chat(e))
		hold_keys(e);
	else
		drop(e, "sent to somebody else");
}

/* -- content -- */

void
resends_content(
    struct resends *r, uint64_t token, const char *phone, const struct wa_content *content)
{
	struct key_name maps[2];
	struct resend *e;
	size_t n = 0;
	bool ready;

	TAILQ_FOREACH(e, &r->all, entry)
	if (e->state == RESEND_CONTENT && e->token == token)
		break;
	if (e == NULL)
		return;
	if (content == NULL || phone == NULL || phone[0] == '\0') {
		drop(e, "message not known");
		return;
	}
	e->content = wa_content_copy(content);
	e->state = RESEND_MAP;
	e->to = jid_make(JID_SERVER_PN, phone, 0);
	maps[n++] = (struct key_name){KEY_LID, e->to.user};
	if (e->device.server == JID_SERVER_PN)
		maps[n++] = (struct key_name){KEY_LID, e->device.user};
	e->map_hold = key_cache_hold(r->m->keys, maps, n, on_map, e, &ready);
	if (ready)
		on_map(e);
}

/* -- taking -- */

static uint32_t
read_registration(const struct node *stanza)
{
	size_t len = 0;
	const uint8_t *data = node_data(node_find(stanza, "registration"), &len);

	if (data == NULL || len != 4)
		return 0;
	return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

int
resend_read(const struct node *stanza, struct resend_request *ret)
{
	const struct node *retry = node_find(stanza, "retry");
	struct resend_request q = {.id = node_get(stanza, "id"), .times = 1};
	int64_t count;

	if (!stanza_id_is_plain(q.id) || node_get_jid(stanza, "from", &q.device) != 0 ||
	    !jid_is_user(&q.device) || !stanza_id_is_plain(q.device.user) || retry == NULL)
		return -1;
	if (node_get_int(retry, "count", &count) == 0 && count > 1)
		q.times = count < TIMES_MAX ? (unsigned)count : TIMES_MAX;
	q.registration = read_registration(stanza);
	*ret = q;
	return 0;
}

static void
begin(struct resend *e)
{
	struct resends *r = e->resends;
	const struct link_ops *ops;
	void *arg = NULL;

	e->state = RESEND_CONTENT;
	r->under_way++;
	ops = link_callbacks(r->m->link, &arg);
	if (ops->retry != NULL)
		ops->retry(arg, e->token, e->id);
	else
		drop(e, "nobody asks");
}

/* As many as there is room for, in order; one that is done at once makes room for the next. */
static void
begin_waiting(struct resends *r)
{
	struct resend *e, *next;

	if (r->beginning)
		return;
	r->beginning = true;
	for (e = TAILQ_FIRST(&r->all); e != NULL && r->under_way < RESENDS_MAX; e = next) {
		next = TAILQ_NEXT(e, entry);
		if (e->state == RESEND_WAITING)
			begin(e);
	}
	r->beginning = false;
}

static void
refuse(struct resends *r, const struct node *stanza, const char *why)
{
	log_info("resend.refused", LOG_STR("outlet", link_outlet(r->m->link)), LOG_STR("why", why));
	link_ack(r->m->link, stanza);
}

void
resends_take(struct resends *r, const struct node *stanza)
{
	struct resend_request q;
	struct resend *e;

	if (r->n >= RESENDS_WAITING_MAX) {
		log_warn("resend.overflow", LOG_STR("outlet", link_outlet(r->m->link)));
		return;
	}
	if (resend_read(stanza, &q) != 0) {
		refuse(r, stanza, "malformed");
		return;
	}
	if (!resend_limit_take(r->limit, &q.device, q.id, clock_monotonic_ms())) {
		refuse(r, stanza, "asked too often");
		return;
	}
	e = xcalloc(1, sizeof(*e));
	e->resends = r;
	e->receipt = node_dup(stanza);
	e->id = node_get(e->receipt, "id");
	e->device = q.device;
	e->registration = q.registration;
	e->token = ++r->next_token;
	e->times = q.times;
	(void)snprintf(e->count, sizeof(e->count), "%u", e->times);
	TAILQ_INSERT_TAIL(&r->all, e, entry);
	r->n++;
	begin_waiting(r);
}
