/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Linking by a code: asked for in the outlet's number, shown until it is typed into that phone, and
 * what the phone answers turned into the secret that its pair-success is signed with, saved before
 * the phone learns that we have it. The rest is as by QR (link_pair.c). Nothing of a code outlives
 * its connection. Source: PROTOCOL section 6.
 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/rng.h"
#include "common/wa/pair_code.h"
#include "common/xalloc.h"
#include "waconnd/link/link_error.h"
#include "waconnd/link/link_private.h"

#define VALID_MS (180 * 1000)
#define FINISH_MS (60 * 1000) /* from when it was typed to pair-success */
#define HELLOS_MAX 3	      /* how often one code may be typed */
#define CODES_MAX 3	      /* of one connection: the server may ask for fresh ones */
#define REF_MAX 256

/* Words that the server takes: it refuses others with 400. The id fits the registration's platform
 * type. */
#define PLATFORM_ID "1"
#define PLATFORM_DISPLAY "Chrome (Linux)"

enum code_state {
	CODE_WAITING,	/* for pair-device */
	CODE_MAKING,	/* its key is being derived */
	CODE_ASKING,	/* companion_hello sent */
	CODE_SHOWN,	/* waits for a person */
	CODE_OPENING,	/* typed: the phone's key is being derived */
	CODE_SAVING,	/* the new secret is on its way to the disk */
	CODE_FINISHING, /* companion_finish sent: waits for pair-success */
	CODE_DONE	/* linked, or about to be refused: no code any more */
};

/* A key on its way through the worker. It outlives its link if need be. */
struct code_job {
	struct link *link; /* NULL: nobody waits for it any more */
	void (*then)(struct link *l, const uint8_t key[PAIR_CODE_KEY_LEN]);
	char code[PAIR_CODE_LEN + 1];
	uint8_t salt[PAIR_CODE_SALT_LEN];
	uint8_t key[PAIR_CODE_KEY_LEN];
};

struct link_code {
	enum code_state state;
	struct event *timer; /* the code's end */
	struct code_job *job;
	unsigned codes, hellos;
	char code[PAIR_CODE_LEN + 1];
	struct curve_pair ephemeral;
	uint8_t salt[PAIR_CODE_SALT_LEN];
	uint8_t ref[REF_MAX];
	size_t ref_len;
	/* what the phone sent */
	uint8_t wrapped[PAIR_CODE_WRAPPED_LEN], phone_identity[CURVE_KEY_LEN];
	uint8_t bundle[PAIR_CODE_BUNDLE_LEN]; /* … and gets */
};

static void
become(struct link *l, enum code_state state)
{
	log_debug("link.code", LOG_STR("outlet", l->outlet), LOG_INT("from", l->code->state),
	    LOG_INT("to", state));
	l->code->state = state;
}

static void
give_up(struct link *l, const char *why)
{
	link_fail(l, LINK_END_CODE_EXPIRED, why);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;

	(void)fd;
	(void)what;
	if (!link_pair_open(l))
		return;
	link_enter(l);
	give_up(l, l->code->state == CODE_SHOWN ? "nobody typed the code in time"
						: "the phone did not finish the link in time");
	link_exit(l);
}

static void
arm(struct link *l, int ms)
{
	const struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

	if (event_add(l->code->timer, &tv) < 0)
		abort();
}

struct link_code *
link_code_new(struct link *l)
{
	struct link_code *c = xcalloc(1, sizeof(*c));

	c->timer = event_new(l->net->base, -1, 0, on_timer, l);
	if (c->timer == NULL)
		abort();
	return c;
}

void
link_code_free(struct link_code **cp)
{
	struct link_code *c = *cp;

	if (c == NULL)
		return;
	if (c->job != NULL)
		c->job->link = NULL;
	event_free(c->timer);
	OPENSSL_cleanse(c, sizeof(*c));
	free(c);
	*cp = NULL;
}

void
link_code_done(struct link *l)
{
	if (l->code == NULL)
		return;
	(void)event_del(l->code->timer);
	become(l, CODE_DONE);
}

/* -- the key of a code -- */

static void
job_run(void *arg)
{
	struct code_job *job = arg;

	pair_code_key(job->code, job->salt, job->key);
}

static void
job_done(void *arg, int cancelled)
{
	struct code_job *job = arg;
	struct link *l = job->link;

	if (l != NULL)
		l->code->job = NULL;
	if (l != NULL && !cancelled && link_pair_open(l)) {
		link_enter(l);
		job->then(l, job->key);
		link_exit(l);
	}
	OPENSSL_cleanse(job, sizeof(*job));
	free(job);
}

/* One at a time: the states see to that. */
static void
derive(struct link *l, const uint8_t salt[PAIR_CODE_SALT_LEN],
    void (*then)(struct link *l, const uint8_t key[PAIR_CODE_KEY_LEN]))
{
	struct code_job *job = xcalloc(1, sizeof(*job));

	job->link = l;
	job->then = then;
	memcpy(job->code, l->code->code, sizeof(job->code));
	memcpy(job->salt, salt, sizeof(job->salt));
	if (worker_run(l->net->worker, job_run, job_done, job) == 0) {
		l->code->job = job;
		return;
	}
	OPENSSL_cleanse(job, sizeof(*job));
	free(job);
	give_up(l, "too many codes are being made at once");
}

/* -- asking for a code -- */

static struct node *
registration(struct link *l, const char *stage, struct node **ret_iq)
{
	const struct jid server = jid_server_self(),
			 phone = jid_make(JID_SERVER_PN, l->expect_phone, 0);
	struct node *iq = node_new("iq", "type", "set", "xmlns", "md", NULL), *n;

	node_set_jid(iq, "to", &server);
	n = node_child(iq, "link_code_companion_reg", "stage", stage, NULL);
	node_set_jid(n, "jid", &phone);
	*ret_iq = iq;
	return n;
}

static void
put(struct node *n, const char *tag, const void *data, size_t len)
{
	node_bytes(node_child(n, tag, NULL), data, len);
}

static void
refuse(struct link *l, const struct node *answer)
{
	struct link_error error;

	link_error_of_code(answer != NULL ? link_iq_error(answer) : 0, &error);
	link_fail(l, error.end, error.detail);
}

static bool
take_ref(struct link_code *c, const struct node *answer)
{
	size_t len;
	const uint8_t *ref = node_data(
	    node_find(node_find(answer, "link_code_companion_reg"), "link_code_pairing_ref"), &len);

	if (ref == NULL || len == 0 || len > sizeof(c->ref))
		return false;
	memcpy(c->ref, ref, len);
	c->ref_len = len;
	return true;
}

static void
on_hello_answer(void *arg, const struct node *answer)
{
	struct link *l = arg;
	char text[PAIR_CODE_TEXT + 1];

	if (!link_pair_open(l) || l->code->state != CODE_ASKING)
		return;
	if (answer == NULL || link_iq_error(answer) != 0) {
		refuse(l, answer);
		return;
	}
	if (!take_ref(l->code, answer)) {
		link_fail(l, LINK_END_PROTOCOL, "the server's answer has no reference");
		return;
	}
	become(l, CODE_SHOWN);
	link_set_deadline(l, 0);
	arm(l, VALID_MS);
	pair_code_show(l->code->code, text);
	l->ops->code(l->arg, text, clock_wall_ms() + VALID_MS);
	OPENSSL_cleanse(text, sizeof(text));
}

static void
send_hello(struct link *l, const uint8_t key[PAIR_CODE_KEY_LEN])
{
	struct link_code *c = l->code;
	uint8_t iv[PAIR_CODE_IV_LEN], wrapped[PAIR_CODE_WRAPPED_LEN];
	const uint8_t nonce = 0;
	struct node *iq, *n = registration(l, "companion_hello", &iq);

	rng_bytes(iv, sizeof(iv));
	pair_code_wrap(key, c->salt, iv, c->ephemeral.pub, wrapped);
	node_set(n, "should_show_push_notification", "true");
	put(n, "link_code_pairing_wrapped_companion_ephemeral_pub", wrapped, sizeof(wrapped));
	put(n, "companion_server_auth_key_pub", l->credentials.noise.pub, CURVE_KEY_LEN);
	put(n, "companion_platform_id", PLATFORM_ID, strlen(PLATFORM_ID));
	put(n, "companion_platform_display", PLATFORM_DISPLAY, strlen(PLATFORM_DISPLAY));
	put(n, "link_code_pairing_nonce", &nonce, sizeof(nonce));
	become(l, CODE_ASKING);
	link_iq(l, iq, on_hello_answer, l);
}

static void
make_code(struct link *l)
{
	struct link_code *c = l->code;
	uint8_t bytes[PAIR_CODE_BYTES];

	if (c->codes == CODES_MAX) {
		give_up(l, "the server retired every code");
		return;
	}
	c->codes++;
	c->hellos = 0;
	c->ref_len = 0;
	rng_bytes(bytes, sizeof(bytes));
	pair_code_encode(bytes, c->code);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	curve_generate(&c->ephemeral);
	rng_bytes(c->salt, sizeof(c->salt));
	(void)event_del(c->timer);
	link_set_deadline(l, link_phase_limit(LINK_PAIRING)->ms);
	become(l, CODE_MAKING);
	derive(l, c->salt, send_hello);
}

void
link_code_begin(struct link *l)
{
	/* Codes are asked for by us: further references change nothing. */
	if (l->code->state == CODE_WAITING)
		make_code(l);
}

/* -- the phone's answer -- */

static void
on_finish_answer(void *arg, const struct node *answer)
{
	struct link *l = arg;

	if (link_pair_open(l) && l->code->state == CODE_FINISHING && answer != NULL &&
	    link_iq_error(answer) != 0)
		refuse(l, answer);
}

static void
on_secret_saved(struct link *l, int err)
{
	struct link_code *c = l->code;
	struct node *iq, *n;

	if (!link_pair_open(l) || c->state != CODE_SAVING)
		return;
	if (err < 0) {
		link_fail(l, LINK_END_STORAGE, "the new secret could not be saved");
		return;
	}
	n = registration(l, "companion_finish", &iq);
	put(n, "link_code_pairing_wrapped_key_bundle", c->bundle, sizeof(c->bundle));
	put(n, "companion_identity_public", l->credentials.identity.pub, CURVE_KEY_LEN);
	put(n, "link_code_pairing_ref", c->ref, c->ref_len);
	become(l, CODE_FINISHING);
	arm(l, FINISH_MS);
	link_iq(l, iq, on_finish_answer, l);
}

static void
seal(struct link *l, const uint8_t key[PAIR_CODE_KEY_LEN])
{
	struct link_code *c = l->code;
	uint8_t phone_ephemeral[CURVE_KEY_LEN], secret[ADV_SECRET_LEN];
	struct pair_code_random r;

	pair_code_unwrap(key, c->wrapped, phone_ephemeral);
	rng_bytes(&r, sizeof(r));
	if (pair_code_seal(&c->ephemeral, &l->credentials.identity, phone_ephemeral,
		c->phone_identity, &r, c->bundle, secret) < 0) {
		link_fail(l, LINK_END_PAIRING_FAILED, "a key of the phone is not valid");
	} else {
		memcpy(l->credentials.adv_secret, secret, sizeof(secret));
		become(l, CODE_SAVING);
		link_save_credentials(l);
		link_commit(l, on_secret_saved);
	}
	OPENSSL_cleanse(&r, sizeof(r));
	OPENSSL_cleanse(secret, sizeof(secret));
}

static bool
take_bytes(const struct node *n, const char *tag, uint8_t *out, size_t want)
{
	size_t len;
	const uint8_t *data = node_data(node_find(n, tag), &len);

	if (data == NULL || len != want)
		return false;
	memcpy(out, data, len);
	return true;
}

static bool
has_our_ref(const struct link_code *c, const struct node *n)
{
	size_t len;
	const uint8_t *ref = node_data(node_find(n, "link_code_pairing_ref"), &len);

	return ref != NULL && len == c->ref_len && CRYPTO_memcmp(ref, c->ref, len) == 0;
}

/* The code was typed: rightly or wrongly, which only the phone can tell. */
static void
on_typed(struct link *l, const struct node *n)
{
	struct link_code *c = l->code;

	if (node_find(n, "link_code_pairing_wrapped_primary_ephemeral_pub") == NULL) {
		link_passkey_expect(l);
		return;
	}
	if (c->hellos == HELLOS_MAX) {
		give_up(l, "the code was typed wrongly too often");
		return;
	}
	c->hellos++;
	if (!take_bytes(n, "link_code_pairing_wrapped_primary_ephemeral_pub", c->wrapped,
		sizeof(c->wrapped)) ||
	    !take_bytes(n, "primary_identity_pub", c->phone_identity, sizeof(c->phone_identity))) {
		link_fail(l, LINK_END_PROTOCOL, "the phone's answer lacks a key");
		return;
	}
	become(l, CODE_OPENING);
	arm(l, FINISH_MS);
	derive(l, c->wrapped, seal);
}

static void
on_refresh(struct link *l, const struct node *n)
{
	(void)n;
	make_code(l);
}

static const struct {
	const char *stage;
	void (*handle)(struct link *l, const struct node *n);
} stages[] = {
    {"primary_hello", on_typed},
    {"refresh_code", on_refresh},
};

void
link_code_notice(struct link *l, const struct node *notification)
{
	const struct node *n = node_find(notification, "link_code_companion_reg");

	/* While something of this code is under way, a repeat changes nothing. */
	if (l->code == NULL || !link_pair_open(l) ||
	    (l->code->state != CODE_SHOWN && l->code->state != CODE_FINISHING))
		return;
	if (!has_our_ref(l->code, n)) {
		log_warn("link.code_ref", LOG_STR("outlet", l->outlet));
		return;
	}
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		if (node_get_is(n, "stage", stages[i].stage)) {
			stages[i].handle(l, n);
			return;
		}
	}
	log_warn("link.code_stage", LOG_STR("outlet", l->outlet));
}
