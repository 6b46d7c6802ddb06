/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a link says, turned into events of the state machine, rows of the write batch and events of
 * the hub. It decides nothing: which end leads to which event is a table here, what follows is the
 * state machine's.
 */
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/jsonw.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/outlet_internal.h"

#define DEVICE_NAME "waconn"
#define ROUNDS_MAX 3	/* connections that show codes after one "connect" */
#define RESTARTS_MAX 2	/* 515 in a row before back-off */
#define STABLE_MS 60000 /* a link that lived so long begins back-off anew */

void
outlet_forget_codes(struct outlet *o)
{
	free(o->qr_text);
	o->qr_text = NULL;
	o->qr_sequence = 0;
	o->qr_expires_ms = 0;
	if (o->code_text != NULL)
		OPENSSL_cleanse(o->code_text, strlen(o->code_text));
	free(o->code_text);
	o->code_text = NULL;
	o->code_expires_ms = 0;
	outlet_passkey_forget(o);
}

void
outlet_own(struct outlet *o, const struct jid *own, const struct jid *lid)
{
	if (own != NULL && !jid_is_none(own))
		(void)jid_format(own, o->row.own_jid);
	if (lid != NULL && !jid_is_none(lid))
		(void)jid_format(lid, o->row.own_lid);
}

/* -- pairing and login -- */

static void
on_qr(void *arg, const char *text, unsigned sequence, int64_t expires_ms)
{
	struct outlet *o = arg;
	struct buf data = BUF_INIT(1024);
	struct jsonw j;

	if (o->state != OUT_LINKING && o->state != OUT_SCANNING)
		return;
	outlet_forget_codes(o);
	o->qr_text = xstrdup(text);
	o->qr_sequence = sequence;
	o->qr_expires_ms = expires_ms;
	(void)outlet_step(o, EV_QR, NULL);
	/* Without its text: who may link the outlet asks for it. */
	jsonw_init(&j, &data);
	jsonw_object(&j, NULL);
	jsonw_str(&j, "outletId", o->id);
	jsonw_int(&j, "sequence", sequence);
	jsonw_time(&j, "expiresAt", expires_ms);
	jsonw_object_end(&j);
	hub_publish(o->os->env.hub, "qr", o->id, buf_str(&data), data.len);
	buf_done(&data);
}

static void
on_code(void *arg, const char *text, int64_t expires_ms)
{
	struct outlet *o = arg;
	struct buf data = BUF_INIT(1024);
	struct jsonw j;

	if (o->state != OUT_LINKING && o->state != OUT_SCANNING)
		return;
	outlet_forget_codes(o);
	o->code_text = xstrdup(text);
	o->code_expires_ms = expires_ms;
	(void)outlet_step(o, EV_CODE, NULL);
	/* Without its text, as with a QR. */
	jsonw_init(&j, &data);
	jsonw_object(&j, NULL);
	jsonw_str(&j, "outletId", o->id);
	jsonw_str(&j, "method", "code");
	jsonw_time(&j, "expiresAt", expires_ms);
	jsonw_object_end(&j);
	hub_publish(o->os->env.hub, "qr", o->id, buf_str(&data), data.len);
	buf_done(&data);
}

static void
on_paired(void *arg, const struct jid *own, const struct jid *lid, const char *name)
{
	struct outlet *o = arg;

	outlet_own(o, own, lid);
	if (name != NULL)
		(void)snprintf(o->row.session_name, sizeof(o->row.session_name), "%s", name);
	o->linked = true;
	o->row.linked_at_ms = clock_wall_ms();
	outlet_session_error(o, NULL, 0);
	if (!outlet_step(o, EV_PAIRED, NULL))
		outlet_session_write(o, NULL, NULL);
}

static void
on_open(void *arg, const struct jid *own, const struct jid *lid)
{
	struct outlet *o = arg;

	outlet_own(o, own, lid);
	o->opened_ms = clock_monotonic_ms();
	(void)outlet_step(o, EV_OPENED, NULL);
}

static void
on_ready(void *arg)
{
	(void)outlet_step(arg, EV_READY, NULL);
}

static void
on_push_name(void *arg, const char *name)
{
	struct outlet *o = arg;

	if (name == NULL || name[0] == '\0' || strcmp(name, o->row.session_name) == 0)
		return;
	(void)snprintf(o->row.session_name, sizeof(o->row.session_name), "%s", name);
	outlet_session_write(o, NULL, NULL);
	outlet_publish(o);
}

/* -- messages -- */

static void
on_message(void *arg, const struct link_message *m)
{
	struct outlet *o = arg;
	const struct jid chat = jid_without_device(&m->chat);
	char peer[JID_TEXT_MAX];

	(void)jid_format(&chat, peer);
	outlet_received(o, m, peer);
	outlet_tell(o, m, peer);
	metric_add(o->os->received, m->kind, 1);
}

static void
on_receipt(void *arg, const char *id, enum link_receipt kind, int64_t t)
{
	struct outlet *o = arg;
	const bool read = kind == LINK_RECEIPT_READ;
	struct buf data = BUF_INIT(1024);
	struct jsonw j;

	batch_message_receipt(o->os->env.store->batch, o->id, id, read, t * 1000);
	jsonw_init(&j, &data);
	jsonw_object(&j, NULL);
	jsonw_str(&j, "outletId", o->id);
	jsonw_str(&j, "direction", "out");
	jsonw_str(&j, "waId", id);
	jsonw_str(&j, "status", read ? "READ" : "DELIVERED");
	jsonw_time(&j, "at", t * 1000);
	jsonw_object_end(&j);
	if (buf_ok(&data))
		hub_publish(o->os->env.hub, "message", o->id, buf_str(&data), data.len);
	buf_done(&data);
}

static void
on_retry(void *arg, uint64_t token, const char *id)
{
	outlet_retry(arg, token, id);
}

static void
on_sent(void *arg, void *send_arg, enum link_sent result, unsigned code)
{
	struct outlet *o = arg;

	if (o->os->on_sent != NULL)
		o->os->on_sent(o->os->on_sent_arg, o, send_arg, result, code);
}

static void
on_uploaded(void *arg, void *upload_arg, enum link_media_result result,
    const struct wa_media_ref *ref, const char *detail)
{
	struct outlet *o = arg;

	if (o->os->on_uploaded != NULL)
		o->os->on_uploaded(o->os->on_uploaded_arg, o, upload_arg, result, ref, detail);
}

static void
on_downloaded(void *arg, void *download_arg, enum link_media_result result, const char *direct_path,
    const char *detail)
{
	struct outlet *o = arg;

	if (o->os->on_downloaded != NULL)
		o->os->on_downloaded(
		    o->os->on_downloaded_arg, o, download_arg, result, direct_path, detail);
}

/* -- the end -- */

static bool
is_pairing(const struct outlet *o)
{
	return o->state == OUT_LINKING || o->state == OUT_SCANNING;
}

static enum outlet_event
after_network(struct outlet *o)
{
	if (is_pairing(o))
		return ++o->rounds < ROUNDS_MAX ? EV_END_RETRY : EV_END_GIVE_UP;
	return o->auto_reconnect && o->is_active ? EV_END_RETRY : EV_END_GIVE_UP;
}

static enum outlet_event
event_of_end(struct outlet *o, const struct link_reason *r, int64_t until_ms)
{
	if (r->end == LINK_END_TEMP_BANNED)
		return until_ms > clock_wall_ms() && o->auto_reconnect ? EV_END_BANNED
								       : EV_END_FATAL;
	if (r->end == LINK_END_OUTDATED && !o->outdated && o->os->env.version != NULL)
		return EV_END_OUTDATED;
	if ((r->end == LINK_END_QR_EXPIRED || r->end == LINK_END_CODE_EXPIRED) && is_pairing(o))
		return ++o->rounds < ROUNDS_MAX ? EV_END_QR : EV_END_GIVE_UP;
	switch (r->follow) {
	case LINK_FOLLOW_NONE:
		return EV_END_ASKED;
	case LINK_FOLLOW_NOW:
		return o->restarts++ < RESTARTS_MAX ? EV_END_RESTART : after_network(o);
	case LINK_FOLLOW_LATER:
		return o->auto_reconnect && o->is_active ? EV_END_LATER : EV_END_GIVE_UP;
	case LINK_FOLLOW_STOP:
		return r->erase ? EV_END_ERASED : EV_END_FATAL;
	case LINK_FOLLOW_BACKOFF:
		break;
	}
	return after_network(o);
}

/* A fault is not shown where a person asked for the end, or where it mends itself at once. */
static bool
shows_error(const struct outlet *o, enum outlet_event event)
{
	if (event == EV_END_ASKED || event == EV_END_RESTART || event == EV_END_QR ||
	    o->state == OUT_LOGGING_OUT)
		return false;
	return (o->state != OUT_CLOSING && o->state != OUT_PAUSING) || event == EV_END_FATAL ||
	       event == EV_END_ERASED;
}

/* Where no further attempt follows, the words must not say that one does. */
static struct link_reason
reason_shown(const struct outlet *o, const struct link_reason *r, enum outlet_event event)
{
	struct link_reason shown = *r;

	if (event == EV_END_OUTDATED) {
		shown.action = "Nothing: today's version is looked up and tried once.";
		shown.action_id = "Tidak perlu tindakan: versi terbaru dicari dan dicoba sekali.";
	} else if (event == EV_END_FATAL && r->end == LINK_END_OUTDATED && o->outdated) {
		shown.action = "The newest version that could be found was refused, too: upgrade "
			       "waconn, or set [whatsapp] version, then connect again.";
		shown.action_id = "Versi terbaru yang ditemukan juga ditolak: perbarui waconn, "
				  "atau atur [whatsapp] version, lalu koneksikan lagi.";
	}
	if (event != EV_END_GIVE_UP)
		return shown;
	if (is_pairing(o))
		return *link_reason(
		    o->way == LINK_PAIR_CODE ? LINK_END_CODE_EXPIRED : LINK_END_QR_EXPIRED);
	shown.action = "Connect it again: its automatic reconnect is off.";
	shown.action_id = "Koneksikan lagi: koneksi ulang otomatisnya mati.";
	return shown;
}

/* What does not end by being tried again turns into something else. Other ends between do not
 * count: the server said nothing then. */
static const struct link_reason *
reason_of_end(struct outlet *o, enum link_end end)
{
	const struct link_reason *r = link_reason(end);

	if (r->tries == 0)
		return r;
	o->same_ends = end == o->counted ? o->same_ends + 1 : 1;
	o->counted = end;
	if (o->same_ends <= r->tries)
		return r;
	o->same_ends = 0;
	return link_reason(r->last);
}

enum link_end
outlet_stored_end(const struct outlet *o)
{
	json_t *error = o->row.last_error != NULL ? json_loads(o->row.last_error, 0, NULL) : NULL;
	const char *code = json_string_value(json_object_get(error, "code"));
	enum link_end end = LINK_END_ASKED;

	for (int i = 0; code != NULL && i < LINK_END_COUNT; i++)
		if (strcmp(link_reason((enum link_end)i)->code, code) == 0)
			end = (enum link_end)i;
	json_decref(error);
	return end;
}

static void
on_ended(void *arg, enum link_end end, const char *detail, int64_t until_ms)
{
	struct outlet *o = arg;
	const struct link_reason *r = reason_of_end(o, end);
	enum outlet_event event;
	char why[256];

	o->last_heard_ms = outlet_heard_ms(o);
	if (o->last_heard_ms > o->row.last_seen_ms)
		o->row.last_seen_ms = o->last_heard_ms;
	outlet_forget_contents(o);
	outlets_bury(o->os, o->link, NULL);
	o->link = NULL;
	outlet_numbers_drop(o);
	if (o->opened_ms > 0 && clock_monotonic_ms() - o->opened_ms >= STABLE_MS)
		o->attempts = o->restarts = 0;
	o->opened_ms = 0;
	o->until_ms = until_ms;
	metric_add(o->os->link_ends, r->code != NULL ? r->code : "closed", 1);
	/* What a failed pairing left is of no use: the next begins with fresh keys. */
	if (!o->linked && r->follow == LINK_FOLLOW_STOP)
		batch_key_wipe(o->os->env.store->batch, o->id);
	event = event_of_end(o, r, until_ms);
	if (shows_error(o, event)) {
		const struct link_reason shown = reason_shown(o, r, event);

		outlet_session_error(o, &shown, until_ms);
	}
	(void)snprintf(why, sizeof(why), "%s%s%s", r->code != NULL ? r->code : "closed",
	    detail != NULL && detail[0] != '\0' ? ": " : "", detail != NULL ? detail : "");
	(void)outlet_step(o, event, event == EV_END_ASKED ? NULL : why);
}

static const struct link_ops link_ops = {
    .qr = on_qr,
    .code = on_code,
    .passkey = outlet_passkey_heard,
    .paired = on_paired,
    .open = on_open,
    .ready = on_ready,
    .push_name = on_push_name,
    .message = on_message,
    .receipt = on_receipt,
    .retry = on_retry,
    .sent = on_sent,
    .uploaded = on_uploaded,
    .downloaded = on_downloaded,
    .account = outlet_account_heard,
    .numbers = outlet_numbers_heard,
    .ended = on_ended,
};

void
outlet_link_begin(struct outlet *o, enum link_mode mode)
{
	struct outlets *os = o->os;
	struct link_params params = {
	    .mode = mode,
	    .outlet = o->id,
	    .expect_phone = o->number,
	    .device_name = DEVICE_NAME,
	};

	if (o->keys == NULL)
		o->keys = store_keys_new(os->env.store, o->id);
	params.keys = o->keys;
	o->opened_ms = 0;
	o->link = link_new(os->env.net, &params, &link_ops, o);
}

void
outlet_link_drop(struct outlet *o)
{
	outlet_forget_contents(o);
	outlet_forget_tellings(o);
	if (o->link != NULL)
		link_free(&o->link);
	outlet_numbers_drop(o);
}
