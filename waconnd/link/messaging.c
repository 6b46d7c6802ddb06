/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The message side's life, and the few things that more than one of its parts does. */
#include "waconnd/link/messaging.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/wa/message.h"
#include "common/wa/plain.h"
#include "common/xalloc.h"
#include "waconnd/link/bundle.h"
#include "waconnd/link/history_fetch.h"
#include "waconnd/link/notice.h"
#include "waconnd/link/number_check.h"
#include "waconnd/link/phone_ask.h"
#include "waconnd/link/receipt.h"
#include "waconnd/link/receive.h"
#include "waconnd/link/resend.h"
#include "waconnd/link/send.h"
#include "waconnd/link/token_issue.h"
#include "waconnd/link/transfer.h"
#include "waconnd/link/usync.h"

#define KEYS_BYTES_MAX (256u << 10) /* of one link in memory while it is busy */
#define IDLE_S 60		    /* and nothing when it is not */
#define PLAINTEXT_MAX (MESSAGE_BYTES_MAX + 256)
#define CIPHERTEXT_MAX (2 * MESSAGE_BYTES_MAX)

static void
on_failed(void *arg, const char *what)
{
	struct messaging *m = arg;

	link_fail(m->link, LINK_END_STORAGE, what);
}

static void
on_enter(void *arg)
{
	struct messaging *m = arg;

	link_enter(m->link);
}

static void
on_leave(void *arg)
{
	struct messaging *m = arg;

	link_exit(m->link);
}

static void
on_idle(evutil_socket_t fd, short what, void *arg)
{
	struct messaging *m = arg;

	(void)fd;
	(void)what;
	key_cache_trim(m->keys, 0);
}

struct messaging *
messaging_new(struct link *l)
{
	struct messaging *m = xcalloc(1, sizeof(*m));
	const struct key_cache_owner owner = {
	    .arg = m, .failed = on_failed, .enter = on_enter, .exit = on_leave};

	m->link = l;
	m->keys = key_cache_new(link_keys(l), KEYS_BYTES_MAX, &owner);
	m->signal = signal_store_new(link_signal_context(l), m->keys, link_credentials(l));
	m->devices = device_cache_new();
	m->usync = usync_new(m);
	m->bundles = bundles_new(m);
	m->sends = sends_new(m);
	m->receiver = receiver_new(m);
	m->receipts = receipts_new(m);
	m->resends = resends_new(m);
	m->notices = notices_new(m);
	m->issues = token_issues_new(m);
	m->transfers = transfers_new(m);
	m->histories = history_fetches_new(m);
	m->checks = number_checks_new(m);
	m->asks = phone_asks_new(m);
	m->idle = evtimer_new(link_base(l), on_idle, m);
	if (m->idle == NULL)
		abort();
	return m;
}

void
messaging_free(struct messaging **mp)
{
	struct messaging *m = *mp;

	if (m == NULL)
		return;
	sends_free(&m->sends);
	transfers_free(&m->transfers);
	history_fetches_free(&m->histories);
	number_checks_free(&m->checks);
	receiver_free(&m->receiver);
	receipts_free(&m->receipts);
	resends_free(&m->resends);
	phone_asks_free(&m->asks);
	notices_free(&m->notices);
	token_issues_free(&m->issues);
	usync_free(&m->usync);
	bundles_free(&m->bundles);
	device_cache_free(&m->devices);
	signal_store_free(&m->signal);
	key_cache_free(&m->keys);
	event_free(m->idle);
	free(m);
	*mp = NULL;
}

void
messaging_open(struct messaging *m)
{
	messaging_touch(m);
}

void
messaging_touch(struct messaging *m)
{
	const struct timeval idle = {IDLE_S, 0};

	(void)event_add(m->idle, &idle);
}

const struct jid *
messaging_own(const struct messaging *m)
{
	const struct credentials *c = link_credentials(m->link);

	return jid_is_none(&c->own_lid) ? &c->own : &c->own_lid;
}

bool
messaging_is_own_user(const struct messaging *m, const struct jid *jid)
{
	const struct credentials *c = link_credentials(m->link);

	return jid->user[0] != '\0' &&
	       (jid_same_user(jid, &c->own) || jid_same_user(jid, &c->own_lid));
}

void
messaging_own_name(struct messaging *m, const char *name)
{
	struct credentials *c = link_credentials(m->link);
	const struct link_ops *ops;
	void *arg = NULL;

	if (name[0] == '\0' || strlen(name) >= sizeof(c->push_name) ||
	    strcmp(name, c->push_name) == 0)
		return;
	memset(c->push_name, 0, sizeof(c->push_name));
	memcpy(c->push_name, name, strlen(name));
	link_save_credentials(m->link);
	link_named(m->link);
	ops = link_callbacks(m->link, &arg);
	if (ops->push_name != NULL)
		ops->push_name(arg, name);
}

enum signal_result
messaging_encrypt(struct messaging *m, const struct jid *device, const struct buf *padded,
    const struct enc_attrs *attrs, struct node *parent, bool *ret_prekey)
{
	struct buf out = BUF_INIT(CIPHERTEXT_MAX);
	enum signal_result r;
	struct node *at = parent, *enc;

	r = signal_session_encrypt(m->signal, device, padded, ret_prekey, &out);
	if (r == SIGNAL_OK && !buf_ok(&out))
		r = SIGNAL_INVALID;
	if (r == SIGNAL_OK) {
		if (attrs->wrap) {
			at = node_child(parent, "to", NULL);
			node_set_jid(at, "jid", device);
		}
		enc = node_child(at, "enc", "v", "2", "type", *ret_prekey ? "pkmsg" : "msg",
		    "count", attrs->count, "mediatype", attrs->mediatype, NULL);
		node_bytes(enc, out.data, out.len);
	}
	buf_done(&out);
	return r;
}

int
messaging_plaintext(
    const struct wa_content *content, const struct jid *destination, struct buf *ret_padded)
{
	struct buf message = BUF_INIT(MESSAGE_BYTES_MAX);
	char jid[JID_TEXT_MAX];

	buf_init(ret_padded, PLAINTEXT_MAX);
	if (wa_content_encode(content, &message, NULL) != 0 || !buf_ok(&message)) {
		buf_done_secret(&message);
		return -1;
	}
	if (destination != NULL)
		wa_message_write_device_sent(
		    jid_format(destination, jid), message.data, message.len, ret_padded);
	else
		buf_add(ret_padded, message.data, message.len);
	plain_pad(ret_padded);
	buf_done_secret(&message);
	return 0;
}

void
messaging_add_identity(struct messaging *m, struct node *stanza)
{
	const struct credentials *c = link_credentials(m->link);

	node_bytes(node_child(stanza, "device-identity", NULL), c->account, c->account_len);
}

size_t
messaging_device_names(const struct messaging *m, const struct jid *device,
    struct device_names *ret_text, struct key_name ret_names[2])
{
	signal_device_name(m->signal, device, ret_text->text);
	ret_names[0] = (struct key_name){KEY_SESSION, ret_text->text};
	ret_names[1] = (struct key_name){KEY_IDENTITY, ret_text->text};
	return 2;
}

size_t
messaging_old_names(
    const struct jid *device, struct device_names *ret_text, struct key_name ret_names[2])
{
	signal_old_name(device, ret_text->text);
	ret_names[0] = (struct key_name){KEY_SESSION, ret_text->text};
	ret_names[1] = (struct key_name){KEY_IDENTITY, ret_text->text};
	return 2;
}

void
messaging_identity_changed(struct messaging *m, const struct jid *device)
{
	log_warn("security.identity_changed", LOG_STR("outlet", link_outlet(m->link)),
	    LOG_PHONE("user", device->user), LOG_INT("device", device->device));
	if (device->device == 0 && device->server == JID_SERVER_LID)
		token_issue_again(m, device);
}

bool
messaging_behind(const struct messaging *m, bool held)
{
	struct keydb *keys = link_keys(m->link);

	return keys->ops->full(keys) || receiver_behind(m->receiver, held) ||
	       receipts_behind(m->receipts, held);
}

/* -- what the connection calls -- */

void
messaging_message(struct messaging *m, const struct node *stanza)
{
	messaging_touch(m);
	receiver_take(m->receiver, stanza);
}

void
messaging_receipt(struct messaging *m, const struct node *stanza)
{
	messaging_touch(m);
	receipts_take(m->receipts, stanza);
}

void
messaging_message_ack(struct messaging *m, const struct node *stanza)
{
	sends_ack(m->sends, stanza);
}

void
messaging_devices(struct messaging *m, const struct node *notification)
{
	notice_devices(m, notification);
}

void
messaging_own_devices(struct messaging *m)
{
	notice_own_devices(m);
}

void
messaging_group(struct messaging *m, const struct node *notification)
{
	messaging_touch(m);
	notice_group(m, notification);
}

void
messaging_identity(struct messaging *m, const struct node *notification)
{
	messaging_touch(m);
	notices_identity(m->notices, notification);
}

void
messaging_privacy_token(struct messaging *m, const struct node *notification)
{
	messaging_touch(m);
	notices_privacy_token(m->notices, notification);
}

void
messaging_send(struct messaging *m, const char *id, const char *phone,
    const struct wa_content *content, void *send_arg)
{
	messaging_touch(m);
	sends_add(m->sends, id, phone, content, send_arg);
}

void
messaging_media_retry(struct messaging *m, const struct node *notification)
{
	transfers_notice(m->transfers, notification);
}

struct transfers *
messaging_transfers(struct messaging *m)
{
	return m->transfers;
}

void
messaging_retry_content(
    struct messaging *m, uint64_t token, const char *phone, const struct wa_content *content)
{
	resends_content(m->resends, token, phone, content);
}

bool
messaging_check_numbers(struct messaging *m, const char *const *phones, size_t n, void *check_arg)
{
	messaging_touch(m);
	return number_checks_add(m->checks, phones, n, check_arg);
}

/* -- own pre-keys -- */

static void
add_prekey(struct messaging *m, uint32_t id, struct node *parent)
{
	const uint8_t bytes[3] = {(uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};
	char name[SIGNAL_PREKEY_NAME_MAX];
	uint8_t pub[CURVE_KEY_LEN];
	struct buf record;
	struct node *key = node_child(parent, "key", NULL);

	signal_prekey_name(id, name);
	signal_prekey_make(m->signal, id, pub, &record);
	key_cache_write(m->keys, KEY_PREKEY, name, record.data, record.len);
	buf_done_secret(&record);
	node_bytes(node_child(key, "id", NULL), bytes, sizeof(bytes));
	node_bytes(node_child(key, "value", NULL), pub, sizeof(pub));
}

void
messaging_make_prekeys(struct messaging *m, unsigned count, struct node *list)
{
	struct credentials *c = link_credentials(m->link);

	for (; count > 0; count--) {
		if (c->next_prekey_id == 0 || c->next_prekey_id > SIGNAL_PREKEY_ID_MAX)
			c->next_prekey_id = 1;
		add_prekey(m, c->next_prekey_id++, list);
	}
	link_save_credentials(m->link);
}

void
messaging_retire_signed_prekey(struct messaging *m)
{
	signal_signed_prekey_retire(m->signal);
	key_cache_commit(m->keys, NULL, NULL);
}
