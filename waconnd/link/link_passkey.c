/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Linking an account that demands a passkey: the server's request is told upwards, a person's
 * assertion is handed to it, the phone's answer makes a code that both show, and what the phone
 * needs to sign our identity is sealed for it. The rest is as after a scan (link_pair.c). Nothing
 * of it outlives its connection. Source: PROTOCOL section 5.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/rng.h"
#include "common/wa/passkey.h"
#include "common/webauthn.h"
#include "common/xalloc.h"
#include "waconnd/link/link_private.h"

#define EXPECT_MS (60 * 1000)	   /* from the code that was typed to the request */
#define ASK_MS (10 * 60 * 1000)	   /* for the person to give the assertion */
#define ANSWER_MS (3 * 60 * 1000)  /* for the server and the phone to take it */
#define CONFIRM_MS (5 * 60 * 1000) /* for the person to compare the codes */
#define FINISH_MS (60 * 1000)	   /* from the confirmation to pair-success */
#define HANDOFF_MS (5 * 60 * 1000) /* so long the old secret proves who we are */
#define PLATFORM_CHROME 1	   /* as in the registration */

enum passkey_state {
	PASSKEY_EXPECTED,  /* the phone said so; the request is on its way */
	PASSKEY_FETCHING,  /* what came could not be read: asked for once more */
	PASSKEY_SAVING,	   /* the new secret is on its way to the disk */
	PASSKEY_ASKED,	   /* waits for a person's assertion */
	PASSKEY_REFERRING, /* asks for a reference */
	PASSKEY_PROVING,   /* the assertion is sent */
	PASSKEY_ACCEPTED,  /* waits for the phone */
	PASSKEY_TELLING,   /* tells the phone the nonce */
	PASSKEY_COMPARING, /* waits for a person to compare the codes */
	PASSKEY_FINISHING, /* waits for pair-success */
	PASSKEY_DONE
};

struct link_key_request {
	enum passkey_state state;
	struct event *timer;
	int64_t expires_ms; /* wall */
	struct buf options;
	uint8_t handoff_key[PASSKEY_KEY_LEN];
	int64_t handoff_until_ms; /* monotonic */
	bool proven;		  /* the handoff's proof went along */
	struct buf credential, assertion;
	struct curve_pair ephemeral;
	struct passkey_companion companion;
	uint8_t nonce[PASSKEY_NONCE_LEN];
	struct passkey_phone phone;
	uint8_t key[PASSKEY_KEY_LEN];
};

static void
become(struct link *l, enum passkey_state state)
{
	log_debug("link.passkey", LOG_STR("outlet", l->outlet), LOG_INT("from", l->passkey->state),
	    LOG_INT("to", state));
	l->passkey->state = state;
}

static bool
is_in(const struct link *l, enum passkey_state state)
{
	return l->passkey != NULL && l->passkey->state == state && link_pair_open(l);
}

/* -- made and freed -- */

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;

	(void)fd;
	(void)what;
	if (!link_pair_open(l))
		return;
	link_enter(l);
	link_fail(l, LINK_END_PASSKEY,
	    l->passkey->state == PASSKEY_FINISHING ? "the phone did not finish the link in time"
						   : "no passkey in time");
	link_exit(l);
}

static void
arm(struct link *l, int ms)
{
	const struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

	l->passkey->expires_ms = clock_wall_ms() + ms;
	if (event_add(l->passkey->timer, &tv) < 0)
		abort();
}

static void
begin(struct link *l, enum passkey_state state)
{
	struct link_key_request *k = xcalloc(1, sizeof(*k));

	k->timer = event_new(l->net->base, -1, 0, on_timer, l);
	if (k->timer == NULL)
		abort();
	buf_init(&k->options, WEBAUTHN_JSON_MAX);
	buf_init(&k->credential, WEBAUTHN_ID_MAX);
	buf_init(&k->assertion, WEBAUTHN_JSON_MAX);
	k->state = state;
	l->passkey = k;
	/* Codes and their times are over. */
	link_pair_hold(l);
	link_code_done(l);
	link_set_deadline(l, 0);
}

void
link_passkey_free(struct link_key_request **kp)
{
	struct link_key_request *k = *kp;

	if (k == NULL)
		return;
	event_free(k->timer);
	buf_done_secret(&k->options);
	buf_done_secret(&k->credential);
	buf_done_secret(&k->assertion);
	OPENSSL_cleanse(k, sizeof(*k));
	free(k);
	*kp = NULL;
}

void
link_passkey_done(struct link *l)
{
	if (l->passkey == NULL)
		return;
	(void)event_del(l->passkey->timer);
	become(l, PASSKEY_DONE);
}

enum link_end
link_passkey_end(const struct link *l, enum link_end end)
{
	/* The request was this connection's. */
	if (l->passkey != NULL && l->phase == LINK_PAIRING && link_phase_is_cut(end))
		return LINK_END_PASSKEY;
	return end;
}

static void
tell(struct link *l, enum link_passkey_step step, const char *code)
{
	const struct link_passkey said = {
	    .step = step,
	    .options = buf_str(&l->passkey->options),
	    .code = code,
	    .expires_ms = l->passkey->expires_ms,
	};

	if (l->ops->passkey != NULL)
		l->ops->passkey(l->arg, &said);
}

static void
refused(struct link *l, const struct node *answer)
{
	char detail[LINK_DETAIL_MAX];

	if (answer == NULL) {
		link_fail(l, LINK_END_PASSKEY, "the server does not answer");
		return;
	}
	(void)snprintf(detail, sizeof(detail), "error %u", link_iq_error(answer));
	link_fail(l, LINK_END_PASSKEY_REFUSED, detail);
}

static struct node *
query(const char *type, struct node **ret_child, const char *tag)
{
	const struct jid server = jid_server_self();
	struct node *iq = node_new("iq", "type", type, "xmlns", "md", NULL);

	node_set_jid(iq, "to", &server);
	*ret_child = node_child(iq, tag, NULL);
	return iq;
}

/* -- the request -- */

static void
on_secret_saved(struct link *l, int err)
{
	if (!is_in(l, PASSKEY_SAVING))
		return;
	if (err < 0) {
		link_fail(l, LINK_END_STORAGE, "the new secret could not be saved");
		return;
	}
	become(l, PASSKEY_ASKED);
	arm(l, ASK_MS);
	tell(l, LINK_PASSKEY_ASKED, NULL);
}

/* Whoever saw a code of before cannot go on with it: the secret is another now. */
static void
take_request(struct link *l)
{
	struct link_key_request *k = l->passkey;
	struct credentials *c = &l->credentials;

	passkey_handoff_key(c->adv_secret, k->handoff_key);
	k->handoff_until_ms = clock_monotonic_ms() + HANDOFF_MS;
	rng_bytes(c->adv_secret, sizeof(c->adv_secret));
	become(l, PASSKEY_SAVING);
	link_save_credentials(l);
	link_commit(l, on_secret_saved);
}

static bool
read_options(struct link *l, const struct node *n)
{
	size_t len = 0;
	const uint8_t *json = node_data(node_find(n, "passkey_request_options"), &len);

	buf_reset(&l->passkey->options);
	return json != NULL && webauthn_options_read(json, len, &l->passkey->options) == 0;
}

static void
on_options(void *arg, const struct node *answer)
{
	struct link *l = arg;

	if (!is_in(l, PASSKEY_FETCHING))
		return;
	if (answer != NULL && read_options(l, answer))
		take_request(l);
	else
		link_fail(l, LINK_END_PROTOCOL, "the passkey request cannot be read");
}

static void
fetch_options(struct link *l)
{
	struct node *child, *iq = query("get", &child, "passkey_request_options");

	become(l, PASSKEY_FETCHING);
	link_iq(l, iq, on_options, l);
}

void
link_passkey_request(struct link *l, const struct node *notification)
{
	if (!link_pair_open(l))
		return;
	if (l->passkey == NULL)
		begin(l, PASSKEY_EXPECTED);
	/* One is under way: what comes again changes nothing. */
	if (l->passkey->state != PASSKEY_EXPECTED)
		return;
	log_info("link.passkey_asked", LOG_STR("outlet", l->outlet));
	if (read_options(l, notification))
		take_request(l);
	else
		fetch_options(l);
}

void
link_passkey_expect(struct link *l)
{
	if (l->passkey != NULL)
		return;
	begin(l, PASSKEY_EXPECTED);
	arm(l, EXPECT_MS);
}

/* -- the assertion -- */

static void
on_proven(void *arg, const struct node *answer)
{
	struct link *l = arg;

	if (l->passkey == NULL || !link_pair_open(l))
		return;
	if (answer == NULL || link_iq_error(answer) != 0)
		refused(l, answer);
	else if (l->passkey->state == PASSKEY_PROVING)
		become(l, PASSKEY_ACCEPTED);
}

static void
put(struct node *n, const char *tag, const void *data, size_t len)
{
	node_bytes(node_child(n, tag, NULL), data, len);
}

static void
prove(struct link *l)
{
	struct link_key_request *k = l->passkey;
	struct node *n, *iq = query("set", &n, "passkey_prologue");
	struct buf prologue = BUF_INIT(PASSKEY_MESSAGE_MAX);
	uint8_t proof[PASSKEY_PROOF_LEN];

	passkey_prologue_write(&k->companion, k->nonce, &prologue);
	put(n, "credential_id", k->credential.data, k->credential.len);
	put(n, "webauthn_assertion", k->assertion.data, k->assertion.len);
	put(n, "prologue_payload", prologue.data, prologue.len);
	k->proven = clock_monotonic_ms() < k->handoff_until_ms;
	if (k->proven) {
		passkey_proof(k->handoff_key, &prologue, proof);
		put(n, "pairing_handoff_proof", proof, sizeof(proof));
	}
	OPENSSL_cleanse(k->handoff_key, sizeof(k->handoff_key));
	buf_done(&prologue);
	become(l, PASSKEY_PROVING);
	link_iq(l, iq, on_proven, l);
	tell(l, LINK_PASSKEY_SENT, NULL);
}

/* A reference is text that goes into a key's salt. */
static bool
take_ref(struct link_key_request *k, const struct node *answer)
{
	size_t len = 0;
	const uint8_t *ref = node_data(node_find(answer, "ref"), &len);

	if (ref == NULL || len == 0 || len > PASSKEY_REF_MAX || memchr(ref, '\0', len) != NULL)
		return false;
	memcpy(k->companion.ref, ref, len);
	k->companion.ref[len] = '\0';
	return true;
}

static void
on_ref(void *arg, const struct node *answer)
{
	struct link *l = arg;
	struct link_key_request *k = l->passkey;

	if (!is_in(l, PASSKEY_REFERRING))
		return;
	if (answer == NULL || link_iq_error(answer) != 0) {
		refused(l, answer);
		return;
	}
	if (!take_ref(k, answer)) {
		link_fail(l, LINK_END_PROTOCOL, "the server's answer has no reference");
		return;
	}
	curve_generate(&k->ephemeral);
	memcpy(k->companion.pub, k->ephemeral.pub, sizeof(k->companion.pub));
	k->companion.platform = PLATFORM_CHROME;
	rng_bytes(k->nonce, sizeof(k->nonce));
	prove(l);
}

bool
link_passkey_answer(struct link *l, const struct buf *credential, const struct buf *assertion,
    int64_t *ret_expires_ms)
{
	struct node *child, *iq;

	if (!is_in(l, PASSKEY_ASKED))
		return false;
	buf_add(&l->passkey->credential, credential->data, credential->len);
	buf_add(&l->passkey->assertion, assertion->data, assertion->len);
	iq = query("get", &child, "ref");
	become(l, PASSKEY_REFERRING);
	arm(l, ANSWER_MS);
	link_iq(l, iq, on_ref, l);
	*ret_expires_ms = l->passkey->expires_ms;
	return true;
}

/* -- the phone -- */

static void
on_request_sent(void *arg, const struct node *answer)
{
	struct link *l = arg;

	/* No answer is none: pair-success tells. */
	if (is_in(l, PASSKEY_FINISHING) && answer != NULL && link_iq_error(answer) != 0)
		refused(l, answer);
}

static void
finish(struct link *l)
{
	struct link_key_request *k = l->passkey;
	struct node *n, *iq = query("set", &n, "encrypted_pairing_request");
	struct buf sealed = BUF_INIT(PASSKEY_MESSAGE_MAX);
	struct passkey_request r;
	uint8_t iv[GCM_IV_LEN];

	memcpy(r.noise, l->credentials.noise.pub, sizeof(r.noise));
	memcpy(r.identity, l->credentials.identity.pub, sizeof(r.identity));
	memcpy(r.adv_secret, l->credentials.adv_secret, sizeof(r.adv_secret));
	rng_bytes(iv, sizeof(iv));
	passkey_request_seal(k->key, iv, &r, &sealed);
	node_bytes(n, sealed.data, sealed.len);
	OPENSSL_cleanse(&r, sizeof(r));
	buf_done(&sealed);
	become(l, PASSKEY_FINISHING);
	arm(l, FINISH_MS);
	link_iq(l, iq, on_request_sent, l);
}

static void
compare(struct link *l)
{
	char code[PAIR_CODE_LEN + 1], text[PAIR_CODE_TEXT + 1];

	passkey_code(l->passkey->nonce, &l->passkey->phone, code);
	pair_code_show(code, text);
	become(l, PASSKEY_COMPARING);
	arm(l, CONFIRM_MS);
	tell(l, LINK_PASSKEY_CONFIRM, text);
	OPENSSL_cleanse(code, sizeof(code));
	OPENSSL_cleanse(text, sizeof(text));
}

static void
on_told(void *arg, const struct node *answer)
{
	struct link *l = arg;

	if (!is_in(l, PASSKEY_TELLING))
		return;
	if (answer == NULL || link_iq_error(answer) != 0) {
		refused(l, answer);
	} else if (l->passkey->proven && l->code == NULL) {
		/* The phone that scanned knows the secret which the proof was made with. One where
		 * a code was typed does not. */
		finish(l);
		tell(l, LINK_PASSKEY_FINISHING, NULL);
	} else {
		compare(l);
	}
}

void
link_passkey_continue(struct link *l, const struct node *notification)
{
	struct link_key_request *k = l->passkey;
	struct node *n, *iq;
	size_t len = 0;
	const uint8_t *data =
	    node_data(node_find(notification, "primary_ephemeral_identity"), &len);

	if (!is_in(l, PASSKEY_PROVING) && !is_in(l, PASSKEY_ACCEPTED))
		return;
	if (data == NULL || passkey_phone_read(data, len, &k->phone) < 0 ||
	    passkey_request_key(&k->ephemeral, k->phone.pub, &k->companion, k->key) < 0) {
		link_fail(l, LINK_END_PROTOCOL, "the phone's answer lacks a key");
		return;
	}
	iq = query("set", &n, "companion_nonce");
	node_bytes(n, k->nonce, sizeof(k->nonce));
	become(l, PASSKEY_TELLING);
	link_iq(l, iq, on_told, l);
}

bool
link_passkey_confirm(struct link *l, int64_t *ret_expires_ms)
{
	if (!is_in(l, PASSKEY_COMPARING))
		return false;
	finish(l);
	*ret_expires_ms = l->passkey->expires_ms;
	return true;
}
