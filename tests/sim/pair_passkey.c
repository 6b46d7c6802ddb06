/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pairing an account that demands a passkey: the request after the scan or the code, the assertion
 * verified as the relying party does, what phone and companion tell each other, and the code that
 * both show; then it goes on as after a scan (pair.c). Source: PROTOCOL section 5.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/log.h"
#include "common/wa/passkey.h"
#include "common/webauthn.h"
#include "common/xalloc.h"
#include "tests/sim/authenticator.h"
#include "tests/sim/server.h"

#define LIFE_S 600
#define RP_ID "whatsapp.com"
#define TIMEOUT_MS 300000
#define PLATFORM_MAX 32

enum step {
	STEP_ASKED,
	STEP_REFERRED, /* it has a reference */
	STEP_PROVEN,   /* the assertion is right; the phone has answered */
	STEP_TOLD,     /* the phone has the companion's nonce */
};

struct key_pairing {
	enum step step;
	struct account *account;
	char platform[PLATFORM_MAX + 1];
	bool knows_secret; /* the phone scanned it */
	uint8_t handoff_key[PASSKEY_KEY_LEN];
	uint8_t challenge[32];
	char ref[REF_MAX];
	struct buf prologue;
	struct passkey_companion companion;
	struct curve_pair ephemeral;
	struct passkey_phone phone;
	bool proven;
	char code[PAIR_CODE_TEXT + 1]; /* that the phone shows; "": none */
};

void
pair_passkey_done(struct conn *c)
{
	struct key_pairing *k = c->passkey;

	if (k == NULL)
		return;
	buf_done(&k->prologue);
	OPENSSL_cleanse(k, sizeof(*k));
	free(k);
	c->passkey = NULL;
}

/* -- the request ---------------------------------------------------------------------- */

static void
random_of(struct conn *c, const char *what, uint8_t ret[32])
{
	char label[96];

	(void)snprintf(label, sizeof(label), "passkey/%s/%u/%s", account_phone(c->passkey->account),
	    c->sim->last_passkey, what);
	sim_derive(c->sim, label, ret);
}

static void
add_options(const struct conn *c, struct node *parent)
{
	struct buf json = BUF_INIT(WEBAUTHN_JSON_MAX), id = BUF_INIT(256), challenge = BUF_INIT(64);
	const struct key_pairing *k = c->passkey;

	authenticator_id(c->sim, account_phone(k->account), &id);
	base64url_add(&challenge, k->challenge, sizeof(k->challenge));
	buf_addf(&json,
	    "{\"challenge\":\"%s\",\"timeout\":%d,\"rpId\":\"" RP_ID "\",\"allowCredentials\":"
	    "[{\"id\":\"%s\",\"type\":\"public-key\",\"transports\":[\"internal\",\"hybrid\"]}],"
	    "\"userVerification\":\"required\",\"extensions\":{}}",
	    buf_str(&challenge), TIMEOUT_MS, buf_str(&id));
	node_bytes(node_child(parent, "passkey_request_options", NULL), json.data, json.len);
	buf_done(&json);
	buf_done(&id);
	buf_done(&challenge);
}

void
pair_passkey_begin(struct conn *c, struct account *a, const uint8_t *secret, const char *platform)
{
	const struct jid server = jid_server_self();
	struct key_pairing *k = xcalloc(1, sizeof(*k));
	struct node *n;

	c->passkey = k;
	k->account = a;
	(void)snprintf(k->platform, sizeof(k->platform), "%s", platform != NULL ? platform : "");
	buf_init(&k->prologue, PASSKEY_MESSAGE_MAX);
	k->knows_secret = secret != NULL;
	if (secret != NULL)
		passkey_handoff_key(secret, k->handoff_key);
	c->sim->last_passkey++;
	random_of(c, "challenge", k->challenge);
	n = pair_notice(c, &server, "passkey_prologue_request");
	if (account_passkey(a) == SIM_PASSKEY_UNREAD)
		node_bytes(node_child(n, "passkey_request_options", NULL), "{", 1);
	else
		add_options(c, n);
	conn_send(c, n);
	conn_deadline(c, LIFE_S);
}

const char *
account_passkey_code(struct account *a)
{
	struct conn *c;

	TAILQ_FOREACH(c, &a->sim->conns, entry)
	if (c->passkey != NULL && c->passkey->account == a && c->passkey->code[0] != '\0')
		return c->passkey->code;
	return NULL;
}

/* -- what the companion says ------------------------------------------------------------ */

/* NULL: the companion was asked, and is at this step. */
static struct key_pairing *
at_step(struct conn *c, const struct node *iq, enum step step, const char *what)
{
	struct key_pairing *k = c->passkey;

	if (c->state == CONN_PAIRING && k != NULL && k->step == step)
		return k;
	conn_violation(c, "passkey", "%s is not due now", what);
	iq_error(c, iq, 400, NULL);
	return NULL;
}

void
iq_passkey_options(struct conn *c, const struct node *iq, const struct node *child)
{
	struct node *n;

	(void)child;
	if (at_step(c, iq, STEP_ASKED, "passkey_request_options") == NULL)
		return;
	n = iq_result(iq);
	add_options(c, n);
	conn_send(c, n);
}

void
iq_passkey_ref(struct conn *c, const struct node *iq, const struct node *child)
{
	struct key_pairing *k = at_step(c, iq, STEP_ASKED, "ref");
	struct node *n;

	(void)child;
	if (k == NULL)
		return;
	pair_make_ref(c->sim, k->ref);
	k->step = STEP_REFERRED;
	n = iq_result(iq);
	node_bytes(node_child(n, "ref", NULL), k->ref, strlen(k->ref));
	conn_send(c, n);
}

/* The only child with this tag, and no longer than a document. */
static const uint8_t *
part(const struct node *n, const char *tag, size_t *ret_len)
{
	const uint8_t *data = node_data(node_find(n, tag), ret_len);

	return data != NULL && *ret_len > 0 && *ret_len <= WEBAUTHN_JSON_MAX ? data : NULL;
}

static const char *
check_children(const struct node *n)
{
	static const char *const known[] = {
	    "credential_id", "webauthn_assertion", "prologue_payload", "pairing_handoff_proof"};
	unsigned seen = 0;

	for (const struct node *child = node_first(n); child != NULL; child = node_next(child)) {
		size_t i = 0;

		while (i < 4 && !node_is(child, known[i]))
			i++;
		if (i == 4 || (seen & 1u << i) != 0)
			return "a child that does not belong there, or one twice";
		seen |= 1u << i;
	}
	return (seen & 7) == 7 ? NULL : "a child is missing";
}

static const char *
check_prologue(struct conn *c, const struct node *n)
{
	struct key_pairing *k = c->passkey;
	const char *wrong = check_children(n);
	size_t len;
	const uint8_t *data = part(n, "prologue_payload", &len);

	if (wrong != NULL)
		return wrong;
	if (data == NULL || passkey_prologue_read(data, len, &k->companion) < 0)
		return "prologue_payload is no ProloguePayload";
	if (strcmp(k->companion.ref, k->ref) != 0)
		return "another reference";
	if (k->companion.platform != c->payload.platform_type)
		return "another platform than that of the registration";
	buf_reset(&k->prologue);
	buf_add(&k->prologue, data, len);
	return NULL;
}

static const char *
check_proof(const struct key_pairing *k, const struct node *n, bool *ret_proven)
{
	uint8_t want[PASSKEY_PROOF_LEN];
	size_t len;
	const uint8_t *proof;

	*ret_proven = false;
	if (node_find(n, "pairing_handoff_proof") == NULL)
		return NULL;
	proof = part(n, "pairing_handoff_proof", &len);
	if (proof == NULL || len != sizeof(want))
		return "pairing_handoff_proof has another length";
	if (!k->knows_secret)
		return NULL;
	passkey_proof(k->handoff_key, &k->prologue, want);
	if (CRYPTO_memcmp(want, proof, sizeof(want)) != 0)
		return "pairing_handoff_proof is not made with the secret that was scanned";
	*ret_proven = true;
	return NULL;
}

/* The phone agrees: its key and nonce. */
static void
send_continuation(struct conn *c)
{
	const struct jid server = jid_server_self();
	struct key_pairing *k = c->passkey;
	struct buf bytes = BUF_INIT(PASSKEY_MESSAGE_MAX);
	struct node *n = pair_notice(c, &server, "crsc_continuation");
	uint8_t priv[32];

	random_of(c, "ephemeral", priv);
	random_of(c, "nonce", k->phone.nonce);
	if (curve_from_private(priv, &k->ephemeral) < 0)
		abort();
	memcpy(k->phone.pub, k->ephemeral.pub, sizeof(k->phone.pub));
	passkey_phone_write(&k->phone, &bytes);
	node_bytes(node_child(n, "primary_ephemeral_identity", NULL), bytes.data, bytes.len);
	conn_send(c, n);
	buf_done(&bytes);
	OPENSSL_cleanse(priv, sizeof(priv));
}

void
iq_passkey_prologue(struct conn *c, const struct node *iq, const struct node *child)
{
	struct key_pairing *k = at_step(c, iq, STEP_REFERRED, "passkey_prologue");
	const char *wrong;
	size_t id_len, json_len;
	const uint8_t *id, *json;

	if (k == NULL)
		return;
	wrong = check_prologue(c, child);
	if (wrong == NULL)
		wrong = check_proof(k, child, &k->proven);
	id = part(child, "credential_id", &id_len);
	json = part(child, "webauthn_assertion", &json_len);
	if (wrong != NULL || id == NULL || json == NULL) {
		conn_violation(
		    c, "passkey_prologue", "%s", wrong != NULL ? wrong : "an empty child");
		iq_error(c, iq, 400, NULL);
		return;
	}
	wrong = authenticator_verify(c->sim, account_phone(k->account), k->challenge, id, id_len,
	    (const char *)json, json_len);
	if (wrong != NULL) {
		log_info("pair.passkey_refused", LOG_STR("why", wrong));
		iq_error(c, iq, 401, NULL);
		return;
	}
	k->step = STEP_PROVEN;
	conn_send(c, iq_result(iq));
	send_continuation(c);
}

void
iq_passkey_nonce(struct conn *c, const struct node *iq, const struct node *child)
{
	struct key_pairing *k = at_step(c, iq, STEP_PROVEN, "companion_nonce");
	char code[PAIR_CODE_LEN + 1];
	size_t len;
	const uint8_t *nonce = node_data(child, &len);

	if (k == NULL)
		return;
	if (nonce == NULL || len != PASSKEY_NONCE_LEN ||
	    !passkey_prologue_fits(k->prologue.data, k->prologue.len, nonce)) {
		conn_violation(c, "companion_nonce", "not the one that was committed to");
		iq_error(c, iq, 400, NULL);
		return;
	}
	passkey_code(nonce, &k->phone, code);
	if (!k->proven)
		pair_code_show(code, k->code);
	k->step = STEP_TOLD;
	conn_send(c, iq_result(iq));
}

static const char *
open_request(struct conn *c, const struct node *n, struct passkey_request *ret)
{
	struct key_pairing *k = c->passkey;
	uint8_t key[PASSKEY_KEY_LEN];
	size_t len;
	const uint8_t *data = node_data(n, &len);
	int r = -1;

	if (passkey_request_key(&k->ephemeral, k->companion.pub, &k->companion, key) == 0 &&
	    data != NULL)
		r = passkey_request_open(key, data, len, ret);
	OPENSSL_cleanse(key, sizeof(key));
	if (r < 0)
		return "cannot be opened";
	if (memcmp(ret->noise, c->noise_pub, CURVE_KEY_LEN) != 0 ||
	    memcmp(ret->identity, c->payload.identity_pub, CURVE_KEY_LEN) != 0)
		return "holds other keys than those of the registration";
	return NULL;
}

void
iq_passkey_request(struct conn *c, const struct node *iq, const struct node *child)
{
	struct key_pairing *k = at_step(c, iq, STEP_TOLD, "encrypted_pairing_request");
	struct passkey_request r;
	const char *wrong;
	struct jid jid, lid;

	if (k == NULL)
		return;
	wrong = open_request(c, child, &r);
	if (wrong != NULL) {
		conn_violation(c, "encrypted_pairing_request", "%s", wrong);
		iq_error(c, iq, 400, NULL);
		return;
	}
	conn_send(c, iq_result(iq));
	wrong = pair_confirm(c, k->account, r.adv_secret, k->platform, NULL, &jid, &lid);
	if (wrong != NULL)
		log_info("pair.passkey_refused", LOG_STR("why", wrong));
	OPENSSL_cleanse(&r, sizeof(r));
	pair_passkey_done(c);
}
