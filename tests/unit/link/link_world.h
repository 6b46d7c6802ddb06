/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A loop with one link, its keys, and the server it talks to; what the link says is written down.
 */
#ifndef TESTS_LINK_LINK_WORLD_H
#define TESTS_LINK_LINK_WORLD_H

#include "tests/unit/link/fake_messaging.h"
#include "tests/unit/link/fake_server.h"
#include "waconnd/link/link.h"
#include "waconnd/link/link_net.h"

#define WORLD_PHONE "6281234567890"
#define WORLD_SENT_MAX 256

struct world {
	struct event_base *base;
	struct fake_server server;
	struct fake_keys keys;
	struct link_net *net;
	struct link *link;
	/* what came */
	unsigned qrs, codes, paired, opened, readied, ended, sent;
	char qr[2048];
	unsigned sequence;
	char code[16];
	int64_t expires_ms;
	unsigned passkeys; /* steps that were told */
	enum link_passkey_step step;
	char options[1024], passkey_code[16];
	enum link_end end;
	char detail[256];
	int64_t until_ms;
	char paired_name[64];
	enum link_sent sent_result;
	unsigned transfers; /* that came back as UNAVAILABLE */
	struct link_account said;
	unsigned accounts;
	const char *mex[2]; /* what the server answers, by query; NULL: nothing */
	bool in_call;	    /* into the link: nothing may come */
	bool free_at_qr, free_at_open;
	/* stanzas that the server got */
	struct node *got[WORLD_SENT_MAX];
	unsigned n_got;
	bool give_login; /* the server plays a login */
	int64_t prekey_count;
	int64_t clock_s; /* the server's clock is ahead by so much */
	const char
	    *rotate; /* its answer to a rotation: an error's code, "-" for none, NULL: taken */
	bool (*until)(struct world *w);
};

static struct world world;

static void
world_check(struct world *w)
{
	assert_false(w->in_call);
	assert_int_equal(w->ended, 0);
	if (w->until != NULL && w->until(w))
		(void)event_base_loopexit(w->base, NULL);
}

static void
world_qr(void *arg, const char *text, unsigned sequence, int64_t expires_ms)
{
	struct world *w = arg;

	(void)snprintf(w->qr, sizeof(w->qr), "%s", text);
	w->sequence = sequence;
	w->expires_ms = expires_ms;
	w->qrs++;
	if (w->free_at_qr)
		link_free(&w->link);
	world_check(w);
}

static void
world_code(void *arg, const char *text, int64_t expires_ms)
{
	struct world *w = arg;

	(void)snprintf(w->code, sizeof(w->code), "%s", text);
	w->expires_ms = expires_ms;
	w->codes++;
	if (w->free_at_qr)
		link_free(&w->link);
	world_check(w);
}

static void
world_passkey(void *arg, const struct link_passkey *p)
{
	struct world *w = arg;

	w->passkeys++;
	w->step = p->step;
	w->expires_ms = p->expires_ms;
	(void)snprintf(w->options, sizeof(w->options), "%s", p->options);
	(void)snprintf(
	    w->passkey_code, sizeof(w->passkey_code), "%s", p->code != NULL ? p->code : "");
	if (w->free_at_qr)
		link_free(&w->link);
	world_check(w);
}

static void
world_paired(void *arg, const struct jid *own, const struct jid *lid, const char *name)
{
	struct world *w = arg;

	assert_string_equal(own->user, WORLD_PHONE);
	assert_int_equal(lid->server, JID_SERVER_LID);
	(void)snprintf(w->paired_name, sizeof(w->paired_name), "%s", name);
	w->paired++;
	world_check(w);
}

static void
world_open(void *arg, const struct jid *own, const struct jid *lid)
{
	struct world *w = arg;

	(void)own;
	(void)lid;
	w->opened++;
	assert_true(link_is_open(w->link));
	assert_false(link_is_ready(w->link));
	if (w->free_at_open)
		link_free(&w->link);
	world_check(w);
}

static void
world_ready(void *arg)
{
	struct world *w = arg;

	w->readied++;
	assert_true(link_is_ready(w->link));
	world_check(w);
}

static void
world_sent(void *arg, void *send_arg, enum link_sent result, unsigned code)
{
	struct world *w = arg;

	(void)send_arg;
	(void)code;
	w->sent++;
	w->sent_result = result;
	world_check(w);
}

static void
world_uploaded(void *arg, void *upload_arg, enum link_media_result result,
    const struct wa_media_ref *ref, const char *detail)
{
	struct world *w = arg;

	(void)upload_arg;
	assert_int_equal(result, LINK_MEDIA_UNAVAILABLE);
	assert_null(ref);
	assert_non_null(detail);
	w->transfers++;
	world_check(w);
}

static void
world_downloaded(void *arg, void *download_arg, enum link_media_result result,
    const char *direct_path, const char *detail)
{
	assert_null(direct_path);
	world_uploaded(arg, download_arg, result, NULL, detail);
}

static void
world_ended(void *arg, enum link_end end, const char *detail, int64_t until_ms)
{
	struct world *w = arg;

	world_check(w);
	w->ended++;
	w->end = end;
	(void)snprintf(w->detail, sizeof(w->detail), "%s", detail);
	w->until_ms = until_ms;
	assert_false(link_is_open(w->link));
	if (w->until != NULL && w->until(w))
		(void)event_base_loopexit(w->base, NULL);
}

static void
world_account(void *arg, const struct link_account *said)
{
	struct world *w = arg;

	w->said = *said;
	w->accounts++;
	world_check(w);
}

static const struct link_ops world_ops = {
    .qr = world_qr,
    .code = world_code,
    .passkey = world_passkey,
    .paired = world_paired,
    .open = world_open,
    .ready = world_ready,
    .sent = world_sent,
    .uploaded = world_uploaded,
    .downloaded = world_downloaded,
    .account = world_account,
    .ended = world_ended,
};

/* -- the server's part of a login -- */

UNUSED_FN static struct node *
world_answer(const struct node *iq, const char *type)
{
	struct node *n = node_new("iq", "type", type, "id", node_get(iq, "id"), NULL);
	const struct jid server = jid_server_self();

	node_set_jid(n, "from", &server);
	return n;
}

static void
world_play_iq(struct world *w, const struct node *iq)
{
	const bool refused = node_find(iq, "rotate") != NULL && w->rotate != NULL;
	struct node *answer = world_answer(iq, refused ? "error" : "result");

	if (refused && strcmp(w->rotate, "-") == 0) {
		node_free(&answer);
		return;
	}
	if (refused)
		(void)node_child(answer, "error", "code", w->rotate, NULL);
	if (node_get_is(iq, "xmlns", "w:mex")) {
		const char *json =
		    w->mex[!node_get_is(node_find(iq, "query"), "query_id", "23983697327930364")];

		if (json == NULL) {
			node_free(&answer);
			return;
		}
		node_bytes(node_child(answer, "result", NULL), json, strlen(json));
	} else if (node_find(iq, "count") != NULL) {
		node_set_int(node_child(answer, "count", NULL), "value", w->prekey_count);
	} else if (node_find(iq, "digest") != NULL) {
		const struct credentials *c = link_credentials(w->link);
		struct node *digest = node_child(answer, "digest", NULL), *skey;
		const uint8_t id[3] = {0, 0, 1};

		node_bytes(node_child(digest, "identity", NULL), c->identity.pub, CURVE_KEY_LEN);
		skey = node_child(digest, "skey", NULL);
		node_bytes(node_child(skey, "id", NULL), id, sizeof(id));
	}
	fake_send(&w->server, answer);
}

static void
world_stanza(struct fake_server *s, const struct node *stanza)
{
	struct world *w = &world;

	(void)s;
	assert_true(w->n_got < WORLD_SENT_MAX);
	w->got[w->n_got++] = node_dup(stanza);
	if (w->give_login && node_is(stanza, "iq") && node_get(stanza, "xmlns") != NULL)
		world_play_iq(w, stanza);
	if (w->until != NULL && w->until(w))
		(void)event_base_loopexit(w->base, NULL);
}

static void
world_login(struct fake_server *s)
{
	struct world *w = &world;

	if (w->give_login && !s->payload.is_registration) {
		const struct jid lid = jid_make(JID_SERVER_LID, "99887766", 3);
		struct node *n = node_new("success", NULL);

		node_set_int(n, "t", time(NULL) + w->clock_s);
		node_set_jid(n, "lid", &lid);
		fake_send(s, n);
	}
	if (w->until != NULL && w->until(w))
		(void)event_base_loopexit(w->base, NULL);
}

/* -- running it -- */

static void
world_too_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	fail_msg("it did not happen");
}

/* Runs until the condition holds; a test that waits in vain fails. */
UNUSED_FN static void
world_run(struct world *w, bool (*until)(struct world *w))
{
	const struct timeval limit = {20, 0};
	struct event *late = event_new(w->base, -1, 0, world_too_late, w);

	assert_int_equal(event_add(late, &limit), 0);
	w->until = until;
	if (!until(w))
		link_net_run(w->net);
	assert_true(until(w));
	w->until = NULL;
	event_free(late);
}

UNUSED_FN static bool
world_is_ended(struct world *w)
{
	return w->ended > 0;
}

UNUSED_FN static bool
world_is_ready(struct world *w)
{
	return w->readied > 0;
}

UNUSED_FN static bool
world_is_open(struct world *w)
{
	return w->opened > 0;
}

UNUSED_FN static bool
world_has_qr(struct world *w)
{
	return w->qrs > 0;
}

UNUSED_FN static bool
world_has_login(struct world *w)
{
	return w->server.noise != NULL && noise_ready(w->server.noise);
}

/* The newest stanza that the server got with this tag and, if given, child. */
UNUSED_FN static const struct node *
world_got(const struct world *w, const char *tag, const char *child)
{
	for (unsigned i = w->n_got; i > 0; i--)
		if (node_is(w->got[i - 1], tag) &&
		    (child == NULL || node_find(w->got[i - 1], child) != NULL))
			return w->got[i - 1];
	return NULL;
}

UNUSED_FN static void
world_save_linked(struct world *w, struct credentials *c)
{
	struct buf packed = BUF_INIT(CREDENTIALS_MAX);
	static const uint8_t account[] = {1, 2, 3};

	assert_int_equal(credentials_generate(c), 0);
	c->paired = true;
	c->own = jid_make(JID_SERVER_PN, WORLD_PHONE, 3);
	c->own_lid = jid_make(JID_SERVER_LID, "99887766", 3);
	c->account = xmemdup(account, sizeof(account));
	c->account_len = sizeof(account);
	credentials_pack(c, &packed);
	fake_put(&w->keys.keydb, KEY_CREDENTIALS, "", packed.data, packed.len);
	buf_done_secret(&packed);
}

UNUSED_FN static void
world_begin(struct world *w, enum link_mode mode)
{
	const struct link_params params = {
	    .mode = mode,
	    .outlet = "outlet_test",
	    .expect_phone = WORLD_PHONE,
	    .device_name = "waconn",
	    .keys = &w->keys.keydb,
	};

	w->in_call = true;
	w->link = link_new(w->net, &params, &world_ops, w);
	w->in_call = false;
	assert_non_null(w->link);
}

/* Linked keys are in place and the login is under way. */
UNUSED_FN static void
world_begin_login(struct world *w)
{
	struct credentials c;

	world_save_linked(w, &c);
	credentials_done(&c);
	world_begin(w, LINK_LOGIN);
}

UNUSED_FN static int
world_setup(void **state)
{
	struct world *w = &world;
	struct link_net_config config = {.connects_per_second = 1000};
	char url[64], err[256] = "";

	memset(w, 0, sizeof(*w));
	memset(&notes, 0, sizeof(notes));
	w->base = event_base_new();
	assert_non_null(w->base);
	fake_server_init(&w->server, w->base);
	w->server.on_stanza = world_stanza;
	w->server.on_login = world_login;
	fake_keys_init(&w->keys, w->base);
	(void)snprintf(url, sizeof(url), "ws://127.0.0.1:%u/ws/chat", w->server.port);
	config.url = url;
	config.noise_root = w->server.root.pub;
	if (link_net_new(w->base, &config, &w->net, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	*state = w;
	return 0;
}

UNUSED_FN static int
world_teardown(void **state)
{
	struct world *w = *state;

	w->in_call = true;
	link_free(&w->link);
	w->in_call = false;
	for (unsigned i = 0; i < w->n_got; i++)
		node_free(&w->got[i]);
	/* What the loop still has to put away. */
	event_base_loop(w->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(notes.made, notes.freed);
	link_net_free(&w->net);
	fake_keys_done(&w->keys);
	fake_server_done(&w->server);
	event_base_free(w->base);
	return 0;
}

#endif
