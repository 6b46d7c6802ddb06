/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A simulated phone: device 0 of an account. It reads what is sent to it, notes it in the record,
 * answers with receipts as real phones do, and writes when a test says so. The server calls it, and
 * it calls the server, both directly: a delivery may well lead to another one before it returns.
 */
#include <stdlib.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "tests/sim/phone_internal.h"

static const char *const receipts_name[] = {
    [PHONE_RECEIPTS_NONE] = "none",
    [PHONE_RECEIPTS_DELIVERED] = "delivered",
    [PHONE_RECEIPTS_READ] = "read",
};

struct phone *
phone_new(struct sim *s, struct account *a)
{
	struct phone *p = xcalloc(1, sizeof(*p));

	p->sim = s;
	p->account = a;
	p->receipts = PHONE_RECEIPTS_DELIVERED;
	STAILQ_INIT(&p->awaited);
	STAILQ_INIT(&p->sent);
	STAILQ_INIT(&p->groups);
	STAILQ_INIT(&p->group_sent);
	STAILQ_INIT(&p->kept);
	return p;
}

void
phone_free(struct phone **p)
{
	if (*p == NULL)
		return;
	phone_message_done(*p);
	phone_send_done(*p);
	phone_group_done(*p);
	phone_kept_done(*p);
	phone_store_done(*p);
	phone_keys_done(*p);
	free((*p)->vouched);
	free(*p);
	*p = NULL;
}

void
phone_reinstall(struct phone *p, bool told)
{
	phone_message_done(p);
	phone_send_done(p);
	phone_group_done(p);
	phone_kept_done(p);
	phone_store_done(p);
	phone_keys_done(p);
	free(p->vouched);
	p->vouched = NULL;
	p->generation++;
	account_renew(p->account, told);
}

void
phone_set_receipts(struct phone *p, enum phone_receipts receipts)
{
	p->receipts = receipts;
}

void
phone_set_retries(struct phone *p, unsigned n)
{
	p->retries = n;
}

json_t *
phone_json(struct phone *p)
{
	return json_pack(
	    "{s:s, s:i}", "receipts", receipts_name[p->receipts], "retries", (int)p->retries);
}

void
phone_device_changed(struct phone *p, const struct jid *device)
{
	struct account *a = account_by_jid(p->sim, device);
	struct jid lid;

	if (a == NULL)
		return;
	lid = account_lid(a, device->device);
	phone_store_forget(p, &lid);
}

struct jid
phone_self(const struct phone *p, const struct jid *other)
{
	return other->server == JID_SERVER_PN ? account_pn(p->account, 0)
					      : account_lid(p->account, 0);
}

/* -- receipts --------------------------------------------------------------------------- */

void
phone_receipt(
    struct phone *p, const char *id, const struct jid *to, const char *type, const struct jid *chat)
{
	const struct jid self = phone_self(p, to);
	struct node *n = node_new("receipt", "id", id, "type", type, NULL);

	node_set_jid(n, "to", to);
	if (chat != NULL && !jid_is_none(chat))
		node_set_jid(n, "recipient", chat);
	sim_submit(p->sim, &self, n);
}

static void
receipt_record(
    const struct phone *p, const struct account *from, const char *id, const struct node *stanza)
{
	if (id != NULL)
		record_receipt(sim_record(p->sim), account_phone(from), account_phone(p->account),
		    id, node_get(stanza, "type"));
}

/* What became of a message of this phone: of the id, and perhaps of more ids. Phones' own receipts
 * are not recorded. */
static void
receipt_in(struct phone *p, const struct node *stanza)
{
	const struct node *list = node_find(stanza, "list");
	struct account *from_account;
	struct jid from;

	if (node_get_jid(stanza, "from", &from) != 0 ||
	    (from_account = account_by_jid(p->sim, &from)) == NULL)
		return;
	if (from.device != 0) {
		receipt_record(p, from_account, node_get(stanza, "id"), stanza);
		for (const struct node *n = node_first(list); n != NULL; n = node_next(n))
			receipt_record(p, from_account, node_get(n, "id"), stanza);
	}
	if (node_get_is(stanza, "type", "retry"))
		phone_resend(p, stanza);
}

/* The server took what the phone sent, or did not. */
static void
ack_in(struct phone *p, const struct node *stanza)
{
	const char *error = node_get(stanza, "error");

	if (error != NULL)
		log_warn("phone.refused", LOG_PHONE("phone", account_phone(p->account)),
		    LOG_STR("id", node_get(stanza, "id")), LOG_STR("error", error));
}

static const struct {
	const char *tag;
	void (*handle)(struct phone *p, const struct node *stanza);
} deliveries[] = {
    {"message", phone_message_in},
    {"receipt", receipt_in},
    {"ack", ack_in},
};

void
phone_deliver(struct phone *p, const struct node *stanza)
{
	for (size_t i = 0; i < sizeof(deliveries) / sizeof(deliveries[0]); i++)
		if (node_is(stanza, deliveries[i].tag))
			deliveries[i].handle(p, stanza);
}
