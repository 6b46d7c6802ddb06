/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pre-keys on the server: when there are few, a batch is made, saved, and only then uploaded; an
 * upload that fails is repeated with the same keys. Source: PROTOCOL section 7.
 */
#include "waconnd/link/link_prekeys.h"

#include <stdlib.h>
#include <string.h>

#include "common/fault_point.h"
#include "common/log.h"
#include "waconnd/link/link_private.h"

#define ATTEMPTS_MAX 4 /* after 0, 1, 2 and 4 s */
#define KEY_TYPE_DJB 0x05

unsigned
link_prekeys_batch(int64_t count, bool uploaded_before)
{
	if (count >= LINK_PREKEYS_LOW)
		return 0;
	return count == 0 && !uploaded_before ? LINK_PREKEYS_FIRST : LINK_PREKEYS_MORE;
}

/* -- digest -- */

static bool
has_bytes(const struct node *parent, const char *tag, const void *want, size_t want_len)
{
	size_t len;
	const uint8_t *data = node_data(node_find(parent, tag), &len);

	return data != NULL && len == want_len && memcmp(data, want, len) == 0;
}

static bool
has_id(const struct node *skey, uint32_t id)
{
	const uint8_t bytes[3] = {(uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};

	return has_bytes(skey, "id", bytes, sizeof(bytes));
}

enum link_digest
link_prekeys_digest(const struct credentials *c, const struct node *answer)
{
	const struct node *digest = node_find(answer, "digest");
	const struct node *skey = node_find(digest, "skey");

	/* 404 is how the server says that it has nothing of ours. */
	if (answer == NULL || (link_iq_error(answer) != 0 && link_iq_error(answer) != 404))
		return LINK_DIGEST_UNKNOWN;
	if (digest == NULL)
		return LINK_DIGEST_MISSING;
	/* The next one: its rotation's answer was lost, and is asked for again. */
	if (!has_bytes(digest, "identity", c->identity.pub, CURVE_KEY_LEN))
		return LINK_DIGEST_OTHER;
	if (!has_id(skey, c->signed_prekey_id) &&
	    !(c->has_next_signed_prekey && has_id(skey, credentials_next_signed_id(c))))
		return LINK_DIGEST_SKEY;
	return LINK_DIGEST_SAME;
}

/* -- upload -- */

static void send_upload(struct link *l);

static void
be_bytes(struct node *parent, const char *tag, uint32_t value, unsigned n)
{
	uint8_t bytes[4];

	for (unsigned i = 0; i < n; i++)
		bytes[i] = (uint8_t)(value >> (8 * (n - 1 - i)));
	node_bytes(node_child(parent, tag, NULL), bytes, n);
}

void
link_prekeys_add_signed(struct node *parent, uint32_t id, const uint8_t pub[CURVE_KEY_LEN],
    const uint8_t sig[CURVE_SIGNATURE_LEN])
{
	struct node *skey = node_child(parent, "skey", NULL);

	be_bytes(skey, "id", id, 3);
	node_bytes(node_child(skey, "value", NULL), pub, CURVE_KEY_LEN);
	node_bytes(node_child(skey, "signature", NULL), sig, CURVE_SIGNATURE_LEN);
}

static struct node *
new_upload(struct link *l, unsigned count)
{
	static const uint8_t type = KEY_TYPE_DJB;
	const struct credentials *c = &l->credentials;
	const struct jid server = jid_server_self();
	struct node *iq = node_new("iq", "type", "set", "xmlns", "encrypt", NULL);

	node_set_jid(iq, "to", &server);
	be_bytes(iq, "registration", c->registration_id, 4);
	node_bytes(node_child(iq, "type", NULL), &type, 1);
	node_bytes(node_child(iq, "identity", NULL), c->identity.pub, CURVE_KEY_LEN);
	messaging_make_prekeys(l->messaging, count, node_child(iq, "list", NULL));
	/* Under way to the server, or there already: the current one would take its place again. */
	if (c->has_next_signed_prekey)
		link_prekeys_add_signed(iq, credentials_next_signed_id(c),
		    c->next_signed_prekey.pub, c->next_signed_prekey_sig);
	else
		link_prekeys_add_signed(
		    iq, c->signed_prekey_id, c->signed_prekey.pub, c->signed_prekey_sig);
	return iq;
}

static void
finish(struct link *l)
{
	void (*then)(struct link * l) = l->login.uploaded;

	node_free(&l->login.upload);
	l->login.uploading = false;
	l->login.uploaded = NULL;
	if (then != NULL)
		then(l);
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;

	(void)fd;
	(void)what;
	link_enter(l);
	if (link_alive_phase(l) && l->login.upload != NULL)
		send_upload(l);
	link_exit(l);
}

static void
try_again(struct link *l, unsigned error)
{
	struct link_login *g = &l->login;
	const struct timeval tv = {1 << (g->uploads - 1), 0};

	log_warn("link.prekey_upload", LOG_STR("outlet", l->outlet), LOG_INT("error", error),
	    LOG_INT("attempt", g->uploads));
	if (g->uploads >= ATTEMPTS_MAX) {
		/* The next login counts again. */
		finish(l);
		return;
	}
	if (g->again == NULL)
		g->again = event_new(l->net->base, -1, 0, on_again, l);
	if (g->again == NULL || event_add(g->again, &tv) < 0)
		abort();
}

static void
on_uploaded(void *arg, const struct node *answer)
{
	struct link *l = arg;

	FAULT_POINT("prekeys.uploaded");
	if (!link_alive_phase(l))
		return;
	if (answer == NULL || link_iq_error(answer) != 0) {
		try_again(l, link_iq_error(answer));
		return;
	}
	if (!l->credentials.prekeys_uploaded) {
		l->credentials.prekeys_uploaded = true;
		link_save_credentials(l);
	}
	finish(l);
}

static void
send_upload(struct link *l)
{
	l->login.uploads++;
	link_iq(l, node_dup(l->login.upload), on_uploaded, l);
	FAULT_POINT("prekeys.sent");
}

static void
on_saved(struct link *l, int err)
{
	FAULT_POINT("prekeys.saved");
	if (err < 0)
		link_fail(l, LINK_END_STORAGE, "the pre-keys could not be saved");
	else if (link_alive_phase(l))
		send_upload(l);
}

void
link_prekeys_upload(struct link *l, unsigned count, void (*then)(struct link *l))
{
	struct link_login *g = &l->login;

	if (g->uploading) {
		if (then != NULL)
			then(l);
		return;
	}
	g->uploading = true;
	g->uploads = 0;
	g->uploaded = then;
	g->upload = new_upload(l, count);
	link_save_credentials(l);
	FAULT_POINT("prekeys.made");
	link_commit(l, on_saved);
}

void
link_prekeys_low(struct link *l, const struct node *notification)
{
	int64_t count;

	if (node_get_int(node_find(notification, "count"), "value", &count) == 0 &&
	    count < LINK_PREKEYS_LOW)
		link_prekeys_upload(l, LINK_PREKEYS_MORE, NULL);
}
