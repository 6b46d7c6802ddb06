/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Receipts and acknowledgements of clients: they end the wait for what was sent to them, and
 * receipts go on to whom they concern. Sources: PROTOCOL sections 10 and 13.
 */
#include <string.h>

#include "common/log.h"
#include "tests/sim/media.h"
#include "tests/sim/server.h"

#define ITEMS_MAX 256

struct receipt {
	struct sim *sim;
	const struct peer *from;
	struct conn *c; /* NULL: of a phone */
	const struct node *stanza;
	const char *id;
	const char *type; /* NULL: delivered */
	struct jid to;
	struct account *account; /* whose `to` is */
};

static void pass_to_all(const struct receipt *r);    /* devices of the account */
static void pass_to_one(const struct receipt *r);    /* the device that `to` names */
static void pass_to_others(const struct receipt *r); /* own devices but the sending one */
static void ask_for_media(const struct receipt *r);  /* the phone answers through the server */

static const struct receipt_kind {
	const char *type; /* NULL: delivered */
	bool acknowledges;
	bool once;			       /* more of them for one delivery are an error */
	void (*pass)(const struct receipt *r); /* to whom it concerns; NULL: nobody */
} kinds[] = {
    {NULL, true, true, pass_to_all},
    {"inactive", true, true, pass_to_all},
    {"sender", true, true, pass_to_one},
    {"peer_msg", true, false, pass_to_one},
    {"hist_sync", false, false, pass_to_one},
    {"read", false, false, pass_to_all},
    {"played", false, false, pass_to_all},
    {"read-self", false, false, pass_to_others},
    {"played-self", false, false, pass_to_others},
    {"retry", false, false, pass_to_one},
    {"server-error", false, false, ask_for_media},
};

static const struct receipt_kind *
kind_of(const char *type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (type == NULL ? kinds[i].type == NULL
				 : kinds[i].type != NULL && strcmp(type, kinds[i].type) == 0)
			return &kinds[i];
	return NULL;
}

/* -- what it ends --------------------------------------------------------------------- */

static void
acknowledges(const struct receipt *r, const struct receipt_kind *k, const char *id)
{
	struct device *d = r->from->device;
	struct outgoing *o;

	if (id == NULL || !k->acknowledges)
		return;
	o = outbox_find(d, "message", id);
	if (o != NULL)
		outbox_done(o);
	else if (k->once)
		conn_violation(r->c, "receipt_twice", "%s receipt of %.60s, %s",
		    k->type != NULL ? k->type : "delivery", id,
		    outbox_was_done(d, "message", id) ? "which was acknowledged before"
						      : "which was not sent to this device");
}

/* Of each message it names. */
static void
acknowledge_all(const struct receipt *r, const struct receipt_kind *k)
{
	const struct node *list = node_find(r->stanza, "list");
	unsigned count = 1;

	acknowledges(r, k, r->id);
	for (const struct node *n = node_first(list); n != NULL; n = node_next(n), count++)
		if (node_is(n, "item"))
			acknowledges(r, k, node_get(n, "id"));
	if (count > ITEMS_MAX)
		conn_violation(r->c, "receipt", "more than %d messages in one", ITEMS_MAX);
}

static int
read_id(const struct node *n, uint32_t *ret_id)
{
	size_t len;
	const uint8_t *b = node_data(node_find(n, "id"), &len);

	if (b == NULL || len != 3)
		return -1;
	*ret_id = (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
	return 0;
}

/* The shape of one who asks again; its one-time key is spent with it. */
static void
check_retry(const struct receipt *r)
{
	const struct node *retry = node_find(r->stanza, "retry");
	const struct node *key = node_find(node_find(r->stanza, "keys"), "key");
	size_t len = 0;
	const uint8_t *pub = node_data(node_find(key, "value"), &len);
	uint32_t id;
	int64_t count;

	if (node_get_int(retry, "count", &count) != 0 || !node_get_is(retry, "id", r->id) ||
	    node_get(retry, "t") == NULL || node_find(r->stanza, "registration") == NULL)
		conn_violation(r->c, "retry", "retry receipt of %.60s is malformed", r->id);
	if (key == NULL)
		return;
	if (pub == NULL || len != CURVE_KEY_LEN || read_id(key, &id) != 0)
		conn_violation(r->c, "retry", "retry receipt of %.60s: malformed key", r->id);
	else
		device_spend_prekey(r->from->device, id, pub);
}

static void
client_receipt(const struct receipt *r, const struct receipt_kind *k)
{
	struct node *ack = node_new(
	    "ack", "class", "receipt", "id", r->id, "type", node_get(r->stanza, "type"), NULL);

	r->sim->stats.receipts++;
	acknowledge_all(r, k);
	if (k->type != NULL && strcmp(k->type, "retry") == 0)
		check_retry(r);
	node_set_jid(ack, "from", &r->to);
	conn_send(r->c, ack);
}

/* -- on to whom it concerns ----------------------------------------------------------- */

/* In the address space in which the message was written. */
static struct node *
stanza_for(const struct receipt *r, const struct peer *to)
{
	const enum jid_server space =
	    to->device != NULL ? message_space(to->device, r->id) : JID_SERVER_LID;
	const struct jid from = account_jid(r->from->account, peer_number(r->from), space);
	struct node *n = node_new("receipt", "id", r->id, "type", r->type, NULL);
	struct account *other;
	struct jid chat;

	node_set_jid(n, "from", &from);
	if (node_get_jid(r->stanza, "recipient", &chat) == 0 &&
	    (other = account_by_jid(r->sim, &chat)) != NULL) {
		chat = account_jid(other, 0, space);
		node_set_jid(n, "recipient", &chat);
	}
	node_set_int(n, "t", sim_now());
	for (const struct node *child = node_first(r->stanza); child != NULL;
	     child = node_next(child))
		node_graft(n, child);
	return n;
}

static void
pass(const struct receipt *r, const struct peer *to)
{
	if (to->device != NULL)
		outbox_put(to->device, stanza_for(r, to));
	else
		sim_deliver_phone(to->account, stanza_for(r, to));
}

static bool
wrote(const struct device *d, const char *id)
{
	return id_map_get(&d->sent, "message", id) != NULL;
}

/* Companions show what the phone sees of a companion's messages; phones only what concerns them. */
static void
pass_to_all(const struct receipt *r)
{
	const struct peer phone = {r->account, NULL};
	bool companion_wrote = false;

	for (unsigned i = 0; i < r->account->device_count; i++) {
		const struct peer p = {r->account, r->account->devices[i]};

		companion_wrote = companion_wrote || wrote(p.device, r->id);
		pass(r, &p);
	}
	if (r->c != NULL || !companion_wrote)
		pass(r, &phone);
}

static void
pass_to_others(const struct receipt *r)
{
	const struct account *a = r->from->account;

	for (unsigned i = 0; i < a->device_count; i++) {
		const struct peer p = {r->from->account, a->devices[i]};

		if (!peer_equal(&p, r->from))
			pass(r, &p);
	}
}

static void
pass_to_one(const struct receipt *r)
{
	const struct peer one = account_peer(r->sim, &r->to);

	if (peer_exists(&one, &r->to) && !peer_equal(&one, r->from))
		pass(r, &one);
}

static void
ask_for_media(const struct receipt *r)
{
	const struct node *rmr = node_find(r->stanza, "rmr");
	const struct jid own = account_jid(r->from->account, 0, JID_SERVER_PN);
	struct node *n;
	const char *wrong;
	struct jid chat;

	if (r->from->device == NULL)
		return;
	if (r->account != r->from->account || node_get_jid(rmr, "jid", &chat) != 0 ||
	    node_get(rmr, "from_me") == NULL) {
		conn_violation(r->c, "media_retry", "%.60s: not to oneself, or without rmr", r->id);
		return;
	}
	n = outbox_notification(r->sim, &own, "mediaretry");
	node_set(n, "id", r->id);
	wrong = media_ask(sim_media(r->sim), r->id, r->stanza, n);
	if (wrong != NULL) {
		conn_violation(r->c, "media_retry", "%.60s: %s", r->id, wrong);
		node_free(&n);
		return;
	}
	node_graft(n, rmr);
	outbox_put(r->from->device, n);
}

void
receipt_in(struct sim *s, const struct peer *from, struct conn *c, const struct node *stanza)
{
	struct receipt r = {.sim = s,
	    .from = from,
	    .c = c,
	    .stanza = stanza,
	    .id = node_get(stanza, "id"),
	    .type = node_get(stanza, "type")};
	const struct receipt_kind *k = kind_of(r.type);

	if (r.id == NULL || node_get_jid(stanza, "to", &r.to) != 0 || k == NULL) {
		if (c != NULL)
			conn_violation(c, "receipt", "without id or to, or of type %.20s",
			    r.type != NULL ? r.type : "none");
		return;
	}
	if (k->type != NULL && strcmp(k->type, "retry") == 0)
		s->stats.retries++;
	if (c != NULL)
		client_receipt(&r, k);
	/* In a group it is the writer's. */
	if (r.to.server == JID_SERVER_GROUP && node_get_jid(stanza, "participant", &r.to) != 0) {
		if (c != NULL)
			conn_violation(c, "receipt", "%.60s: in a group without participant", r.id);
		return;
	}
	r.account = account_by_jid(s, &r.to);
	if (r.account != NULL && k->pass != NULL)
		k->pass(&r);
}

/* -- acknowledgements ----------------------------------------------------------------- */

static bool
same_text(const char *a, const char *b)
{
	return a == NULL ? b == NULL : b != NULL && strcmp(a, b) == 0;
}

/* `to` is whom it came from; the type is repeated, which is left open for messages. */
static void
check_ack(struct conn *c, const struct node *ack, const struct node *sent)
{
	struct jid to, from;

	if (node_get_jid(ack, "to", &to) != 0 || node_get_jid(sent, "from", &from) != 0 ||
	    !jid_same_user(&to, &from))
		conn_violation(c, "ack", "ack of %s %.60s to somebody else", node_tag(sent),
		    node_get(sent, "id"));
	if (node_get_jid(sent, "participant", &from) == 0 &&
	    (node_get_jid(ack, "participant", &to) != 0 || !jid_equal(&to, &from)))
		conn_violation(c, "ack", "ack of %s %.60s with another participant", node_tag(sent),
		    node_get(sent, "id"));
	if (!node_is(sent, "message") && !same_text(node_get(ack, "type"), node_get(sent, "type")))
		conn_violation(c, "ack", "ack of %s %.60s with another type", node_tag(sent),
		    node_get(sent, "id"));
}

void
ack_in(struct conn *c, const struct node *ack)
{
	const char *tag = node_get(ack, "class"), *id = node_get(ack, "id");
	struct outgoing *o;

	if (tag == NULL || id == NULL) {
		conn_violation(c, "ack", "without class or id");
		return;
	}
	o = outbox_find_acked(c->device, ack);
	if (o == NULL) {
		conn_violation(c, "ack_twice", "%.20s %.60s, %s", tag, id,
		    outbox_was_done(c->device, tag, id) ? "which was acknowledged before"
							: "which was not sent to this device");
		return;
	}
	check_ack(c, ack, o->node);
	outbox_done(o);
}
