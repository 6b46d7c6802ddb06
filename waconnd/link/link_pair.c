/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Linking: QR codes shown in turn (link_pair_code.c: a code to type; link_passkey.c: what may come
 * between), the phone's answer verified and saved before it is answered, the number checked against
 * the outlet's. Source: PROTOCOL section 5.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/link/link_private.h"
#include "waconnd/link/link_qr.h"

#define CLIENT_CHROME '1' /* fits the registration's platform type */
#define QR_TEXT_MAX 2048
#define KEY_TYPE_DJB 0x05

struct link_pair {
	struct link_qr qr;
	struct event *next; /* when the code that is shown expires */
	char *iq_id;	    /* of pair-success, to be answered when the keys are saved */
	char *name;	    /* business or platform, for people */
	struct buf reply;
	uint32_t key_index;
};

static void show(struct link *l);

bool
link_pair_open(const struct link *l)
{
	return l->phase == LINK_PAIRING && l->pair->iq_id == NULL;
}

static void
on_next(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;

	(void)fd;
	(void)what;
	if (!link_pair_open(l))
		return;
	link_enter(l);
	if (link_qr_next(&l->pair->qr, clock_wall_ms()))
		show(l);
	else
		link_fail(l, LINK_END_QR_EXPIRED, NULL);
	link_exit(l);
}

struct link_pair *
link_pair_new(struct link *l)
{
	struct link_pair *p = xcalloc(1, sizeof(*p));

	buf_init(&p->reply, 8192);
	p->next = event_new(l->net->base, -1, 0, on_next, l);
	if (p->next == NULL)
		abort();
	return p;
}

void
link_pair_free(struct link_pair **pp)
{
	struct link_pair *p = *pp;

	if (p == NULL)
		return;
	event_free(p->next);
	buf_done(&p->reply);
	free(p->iq_id);
	free(p->name);
	free(p);
	*pp = NULL;
}

/* -- codes -- */

static void
show(struct link *l)
{
	struct link_qr *qr = &l->pair->qr;
	const struct credentials *c = &l->credentials;
	const int64_t ms = qr->expires_ms - clock_wall_ms();
	const struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
	struct buf text = BUF_INIT(QR_TEXT_MAX);

	adv_qr_text(
	    link_qr_ref(qr), c->noise.pub, c->identity.pub, c->adv_secret, CLIENT_CHROME, &text);
	if (ms <= 0 || event_add(l->pair->next, &tv) < 0)
		link_fail(l, LINK_END_QR_EXPIRED, NULL);
	else
		l->ops->qr(l->arg, buf_str(&text), qr->sequence, qr->expires_ms);
	buf_done_secret(&text);
}

static void
answer_result(struct link *l, const char *id)
{
	struct node *iq = node_new("iq", "type", "result", "id", id, NULL);
	const struct jid server = jid_server_self();

	node_set_jid(iq, "to", &server);
	link_write(l, iq);
}

void
link_pair_device(struct link *l, const struct node *iq)
{
	struct link_pair *p = l->pair;

	answer_result(l, node_get(iq, "id"));
	if (!link_pair_open(l) || l->passkey != NULL)
		return;
	if (l->code != NULL) {
		link_code_begin(l);
		return;
	}
	link_qr_refs(&p->qr, node_find(iq, "pair-device"));
	if (!link_qr_next(&p->qr, clock_wall_ms())) {
		link_fail(l, LINK_END_PROTOCOL, "the server gave no code to show");
		return;
	}
	link_set_deadline(l, 0);
	show(l);
}

static void
on_refreshed(struct link *l, int err)
{
	if (err < 0)
		link_fail(l, LINK_END_STORAGE, "the new keys could not be saved");
	else if (l->phase == LINK_PAIRING && link_qr_redraw(&l->pair->qr))
		show(l);
}

/* The server retires what the shown code holds: a new secret, drawn when it is saved. */
void
link_pair_refresh(struct link *l, const struct node *notification)
{
	(void)notification;
	/* With a code the secret comes from what the phone sends; with a passkey it is new. */
	if (!link_pair_open(l) || l->code != NULL || l->passkey != NULL)
		return;
	rng_bytes(l->credentials.adv_secret, sizeof(l->credentials.adv_secret));
	link_save_credentials(l);
	link_commit(l, on_refreshed);
}

void
link_pair_hold(struct link *l)
{
	(void)event_del(l->pair->next);
}

/* -- the scan -- */

static void
answer_error(struct link *l, const char *id, int code, const char *text)
{
	struct node *iq = node_new("iq", "type", "error", "id", id, NULL), *error;
	const struct jid server = jid_server_self();

	node_set_jid(iq, "to", &server);
	error = node_child(iq, "error", NULL);
	node_set_int(error, "code", code);
	node_set(error, "text", text);
	link_write(l, iq);
}

static void
answer_signed(struct link *l)
{
	struct link_pair *p = l->pair;
	struct node *iq = node_new("iq", "type", "result", "id", p->iq_id, NULL), *identity;
	const struct jid server = jid_server_self();

	node_set_jid(iq, "to", &server);
	identity = node_child(node_child(iq, "pair-device-sign", NULL), "device-identity", NULL);
	node_set_int(identity, "key-index", p->key_index);
	node_bytes(identity, p->reply.data, p->reply.len);
	link_write(l, iq);
}

static void
on_saved(struct link *l, int err)
{
	if (err < 0) {
		answer_error(l, l->pair->iq_id, 500, "internal-error");
		link_fail(l, LINK_END_PAIRING_FAILED, "the new keys could not be saved");
		return;
	}
	FAULT_POINT("pair.saved");
	answer_signed(l);
	link_unified_session(l);
	if (link_step(l, LINK_EV_PAIRED))
		l->ops->paired(l->arg, &l->credentials.own, &l->credentials.own_lid, l->pair->name);
	FAULT_POINT("pair.answered");
}

/* The primary device is trusted from here on: its key signed ours. */
static void
save_primary(struct link *l, const struct jid *lid, const uint8_t account_key[CURVE_KEY_LEN])
{
	const struct jid primary = jid_without_device(lid);
	char user[JID_USER_MAX + 8], name[JID_USER_MAX + 16];
	uint8_t key[1 + CURVE_KEY_LEN] = {KEY_TYPE_DJB};

	if (jid_is_none(lid))
		return;
	jid_signal_name(&primary, user, sizeof(user));
	(void)snprintf(name, sizeof(name), "%s.0", user);
	memcpy(key + 1, account_key, CURVE_KEY_LEN);
	l->keys->ops->put(l->keys, KEY_IDENTITY, name, key, sizeof(key));
}

static void
save(struct link *l, const struct link_pairing *g, struct adv_result *adv)
{
	struct credentials *c = &l->credentials;

	c->paired = true;
	c->own = g->own;
	c->own_lid = g->lid;
	free(c->account);
	c->account = buf_take(&adv->account, &c->account_len);
	(void)snprintf(c->platform, sizeof(c->platform), "%s", g->platform);
	l->pair->key_index = adv->key_index;
	buf_add(&l->pair->reply, adv->reply.data, adv->reply.len);
	save_primary(l, &g->lid, adv->account_key);
	link_save_credentials(l);
	link_commit(l, on_saved);
}

static void
on_removed(void *arg, const struct node *answer)
{
	(void)answer;
	link_fail(arg, LINK_END_WRONG_NUMBER, NULL);
}

static void
refuse_number(struct link *l, const struct link_pairing *g)
{
	log_warn("link.wrong_number", LOG_STR("outlet", l->outlet),
	    LOG_PHONE("expected", l->expect_phone), LOG_PHONE("scanned", g->own.user));
	answer_error(l, l->pair->iq_id, 401, "not-authorized");
	if (link_step(l, LINK_EV_REFUSED))
		link_remove_device(l, &g->own, on_removed);
}

static bool
is_expected(const struct link *l, const struct jid *own)
{
	return l->expect_phone == NULL || strcmp(l->expect_phone, own->user) == 0;
}

void
link_pair_success(struct link *l, const struct node *iq)
{
	struct link_pair *p = l->pair;
	struct link_pairing g;
	struct adv_result adv = {0};
	int error;

	/* Once: a repeat finds the answer on its way. */
	if (!link_pair_open(l) || node_get(iq, "id") == NULL)
		return;
	p->iq_id = xstrdup(node_get(iq, "id"));
	(void)event_del(p->next);
	link_code_done(l);
	link_passkey_done(l);
	error = link_pairing_read(node_find(iq, "pair-success"), &g);
	if (error == 0)
		error = adv_accept(g.container, g.container_len, l->credentials.adv_secret,
		    &l->credentials.identity, &adv);
	if (error < 0) {
		answer_error(
		    l, p->iq_id, error == ADV_E_PROTOBUF ? 500 : 401, adv_error_text(error));
		link_fail(l, LINK_END_PAIRING_FAILED, adv_error_text(error));
	} else if (!is_expected(l, &g.own)) {
		refuse_number(l, &g);
	} else {
		FAULT_POINT("pair.verified");
		p->name = link_pairing_name(&g);
		save(l, &g, &adv);
	}
	adv_result_done(&adv);
}
