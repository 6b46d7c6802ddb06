/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pairing by code: what a companion says of itself, the code typed into a phone, and what both make
 * of it; then it goes on as after a scan (pair.c). The phone derives its keys here and now: whoever
 * types holds the simulator up for two tenths of a second. Source: PROTOCOL section 6.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/wa/pair_code.h"
#include "common/xalloc.h"
#include "tests/sim/server.h"

#define LIFE_S 180
#define HELLOS_MAX 3
#define ANSWER_S 15 /* for the companion to finish */
#define DISPLAY_MAX 64

/* The phone waits for the companion. */
struct typed {
	sim_code_cb done; /* NULL: nobody types */
	void *arg;
	struct curve_pair ephemeral;
	uint8_t
	    companion[CURVE_KEY_LEN]; /* its ephemeral key, as the code that was typed gives it */
	char *push_name, *platform, *fault;
};

struct code_pairing {
	char phone[DIGITS_MAX + 1];
	char ref[REF_MAX];
	uint8_t wrapped[PAIR_CODE_WRAPPED_LEN];
	unsigned hellos;
	struct typed typed;
	struct event *late;
};

/* -- who types ------------------------------------------------------------------------ */

/* Tells who typed, once. */
static void
typed_done(struct code_pairing *p, const char *error, const struct jid *jid, const struct jid *lid)
{
	const sim_code_cb done = p->typed.done;
	void *arg = p->typed.arg;

	if (done == NULL)
		return;
	(void)event_del(p->late);
	free(p->typed.push_name);
	free(p->typed.platform);
	free(p->typed.fault);
	OPENSSL_cleanse(&p->typed, sizeof(p->typed));
	done(arg, error, jid, lid);
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	typed_done(arg, "the companion does not answer", NULL, NULL);
}

void
pair_code_done(struct conn *c)
{
	struct code_pairing *p = c->code;

	if (p == NULL)
		return;
	typed_done(p, "the connection ended", NULL, NULL);
	event_free(p->late);
	OPENSSL_cleanse(p, sizeof(*p));
	free(p);
	c->code = NULL;
}

/* -- companion_hello ------------------------------------------------------------------ */

static const uint8_t *
part(const struct node *n, const char *tag, size_t want)
{
	size_t len;
	const uint8_t *data = node_data(node_find(n, tag), &len);

	return data != NULL && len == want ? data : NULL;
}

static bool
is_display(const struct node *n)
{
	static const char *const browsers[] = {
	    "Chrome", "Edge", "Firefox", "IE", "Opera", "Safari"};
	static const char *const systems[] = {"Windows", "Mac OS", "Linux", "Android", "iOS"};
	size_t len;
	const uint8_t *data = node_data(n, &len);
	char text[DISPLAY_MAX];

	for (size_t b = 0; data != NULL && b < sizeof(browsers) / sizeof(browsers[0]); b++)
		for (size_t s = 0; s < sizeof(systems) / sizeof(systems[0]); s++) {
			(void)snprintf(text, sizeof(text), "%s (%s)", browsers[b], systems[s]);
			if (strlen(text) == len && memcmp(text, data, len) == 0)
				return true;
		}
	return false;
}

static const char *
nonce_check(const struct node *n)
{
	const uint8_t *nonce = part(n, "link_code_pairing_nonce", 1);

	return nonce != NULL && (*nonce == 0 || *nonce == '0') ? NULL : "nonce";
}

static bool
is_phone(const struct jid *jid)
{
	const size_t len = strlen(jid->user);

	return jid->server == JID_SERVER_PN && jid->device == 0 && len > 6 && len <= DIGITS_MAX &&
	       strspn(jid->user, "0123456789") == len && jid->user[0] != '0';
}

static const char *
hello_check(const struct conn *c, const struct node *n, const struct jid *jid)
{
	const uint8_t *noise = part(n, "companion_server_auth_key_pub", CURVE_KEY_LEN),
		      *platform = part(n, "companion_platform_id", 1);

	if (!pair_offered(c))
		return "before pair-device was answered";
	if (!is_phone(jid))
		return "jid is no phone's";
	if (!node_get_is(n, "should_show_push_notification", "true") &&
	    !node_get_is(n, "should_show_push_notification", "false"))
		return "should_show_push_notification";
	if (part(n, "link_code_pairing_wrapped_companion_ephemeral_pub", PAIR_CODE_WRAPPED_LEN) ==
	    NULL)
		return "the wrapped key has another length";
	if (noise == NULL || memcmp(noise, c->noise_pub, CURVE_KEY_LEN) != 0)
		return "companion_server_auth_key_pub is not the connection's";
	if (platform == NULL || *platform == '\0' || strchr("0123456789ce", *platform) == NULL)
		return "companion_platform_id";
	if (!is_display(node_find(n, "companion_platform_display")))
		return "companion_platform_display";
	return nonce_check(n);
}

static void
answer_ref(struct conn *c, const struct node *iq)
{
	struct node *answer = iq_result(iq), *reg;

	reg = node_child(answer, "link_code_companion_reg", NULL);
	node_bytes(
	    node_child(reg, "link_code_pairing_ref", NULL), c->code->ref, strlen(c->code->ref));
	conn_send(c, answer);
}

static void
hello(struct conn *c, const struct node *iq, const struct node *n, const struct jid *jid)
{
	const char *wrong = hello_check(c, n, jid);
	const struct account *a;
	struct code_pairing *p;
	unsigned error;

	if (wrong != NULL) {
		conn_violation(c, "companion_hello", "%s", wrong);
		iq_error(c, iq, 400, NULL);
		return;
	}
	if (fault_code(c->sim, jid->user, &error)) {
		iq_error(c, iq, error, NULL);
		return;
	}
	a = account_find(c->sim, jid->user, true);
	if (a == NULL || !a->registered) {
		iq_error(c, iq, 400, NULL);
		return;
	}
	pair_code_done(c); /* a fresh code replaces the one before */
	p = c->code = xcalloc(1, sizeof(*p));
	p->late = event_new(c->sim->base, -1, 0, on_late, p);
	if (p->late == NULL)
		abort();				/* as xalloc.h */
	memcpy(p->phone, jid->user, strlen(jid->user)); /* its length has been checked */
	pair_make_ref(c->sim, p->ref);
	memcpy(p->wrapped,
	    part(n, "link_code_pairing_wrapped_companion_ephemeral_pub", sizeof(p->wrapped)),
	    sizeof(p->wrapped));
	conn_deadline(c, LIFE_S);
	answer_ref(c, iq);
}

/* -- companion_finish ----------------------------------------------------------------- */

static const char *
finish_check(const struct conn *c, const struct node *n, const struct jid *jid)
{
	const struct code_pairing *p = c->code;
	const uint8_t *ref, *identity = part(n, "companion_identity_public", CURVE_KEY_LEN);

	if (p == NULL || p->typed.done == NULL)
		return "nobody has typed a code";
	if (!is_phone(jid) || strcmp(jid->user, p->phone) != 0)
		return "jid is not that of companion_hello";
	ref = part(n, "link_code_pairing_ref", strlen(p->ref));
	if (ref == NULL || memcmp(ref, p->ref, strlen(p->ref)) != 0)
		return "another reference";
	if (part(n, "link_code_pairing_wrapped_key_bundle", PAIR_CODE_BUNDLE_LEN) == NULL)
		return "the bundle has another length";
	if (identity == NULL || memcmp(identity, c->payload.identity_pub, CURVE_KEY_LEN) != 0)
		return "companion_identity_public is not that of the registration";
	return NULL;
}

/* The phone has the secret: as after a scan. */
static void
confirm(struct conn *c, struct account *a, const uint8_t secret[ADV_SECRET_LEN])
{
	struct code_pairing *p = c->code;
	const char *error;
	struct jid jid, lid;

	if (p->typed.push_name != NULL)
		account_set_push_name(a, p->typed.push_name);
	error = pair_confirm(c, a, secret, p->typed.platform, p->typed.fault, &jid, &lid);
	typed_done(p, error, &jid, &lid);
}

static void
finish(struct conn *c, const struct node *iq, const struct node *n, const struct jid *jid)
{
	const char *wrong = finish_check(c, n, jid);
	uint8_t identity[CURVE_KEY_LEN], secret[ADV_SECRET_LEN];
	struct code_pairing *p = c->code;
	struct account *a;

	if (wrong != NULL) {
		conn_violation(c, "companion_finish", "%s", wrong);
		iq_error(c, iq, 400, NULL);
		return;
	}
	conn_send(c, iq_result(iq)); /* the server cannot look into the bundle */
	a = account_find(c->sim, p->phone, true);
	if (pair_code_open(&p->typed.ephemeral, account_key(a), p->typed.companion,
		part(n, "link_code_pairing_wrapped_key_bundle", PAIR_CODE_BUNDLE_LEN), identity,
		secret) < 0) {
		typed_done(p, "the code is wrong", NULL, NULL);
		return;
	}
	if (memcmp(identity, c->payload.identity_pub, CURVE_KEY_LEN) != 0)
		conn_violation(c, "companion_finish", "another identity in the bundle");
	confirm(c, a, secret);
	OPENSSL_cleanse(secret, sizeof(secret));
}

void
iq_link_code(struct conn *c, const struct node *iq, const struct node *child)
{
	static const struct {
		const char *name;
		void (*handle)(struct conn *c, const struct node *iq, const struct node *n,
		    const struct jid *jid);
	} stages[] = {
	    {"companion_hello", hello},
	    {"companion_finish", finish},
	};
	struct jid jid;

	if (c->state != CONN_PAIRING || node_get_jid(child, "jid", &jid) != 0) {
		conn_violation(c, "link_code", "not now, or without jid");
		iq_error(c, iq, 400, NULL);
		return;
	}
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		if (node_get_is(child, "stage", stages[i].name)) {
			stages[i].handle(c, iq, child, &jid);
			return;
		}
	}
	conn_violation(c, "link_code", "an unknown stage");
	iq_error(c, iq, 400, NULL);
}

/* -- the phone ------------------------------------------------------------------------ */

static struct node *
notice(struct conn *c, const char *stage, struct node **ret_reg)
{
	const struct jid server = jid_server_self();
	struct node *n = pair_notice(c, &server, "link_code_companion_reg");
	const struct code_pairing *p = c->code;

	*ret_reg = node_child(n, "link_code_companion_reg", "stage", stage, NULL);
	node_bytes(node_child(*ret_reg, "link_code_pairing_ref", NULL), p->ref, strlen(p->ref));
	return n;
}

bool
pair_code_refresh(struct conn *c)
{
	struct node *reg;

	if (c->code != NULL)
		conn_send(c, notice(c, "refresh_code", &reg));
	return false;
}

static void
random_of(struct conn *c, const char *what, uint8_t ret[32])
{
	char label[REF_MAX + 32];

	(void)snprintf(label, sizeof(label), "code/%s/%u/%s", c->code->ref, c->code->hellos, what);
	sim_derive(c->sim, label, ret);
}

static void
primary_hello(struct conn *c, const struct account *a, const char code[PAIR_CODE_LEN + 1])
{
	struct code_pairing *p = c->code;
	uint8_t key[PAIR_CODE_KEY_LEN], salt[PAIR_CODE_SALT_LEN], iv[32],
	    wrapped[PAIR_CODE_WRAPPED_LEN];
	struct node *reg, *n = notice(c, "primary_hello", &reg);

	random_of(c, "salt", salt);
	random_of(c, "iv", iv);
	pair_code_key(code, salt, key);
	pair_code_wrap(key, salt, iv, p->typed.ephemeral.pub, wrapped);
	if (account_passkey(a) == SIM_PASSKEY_NONE) {
		node_bytes(node_child(reg, "link_code_pairing_wrapped_primary_ephemeral_pub", NULL),
		    wrapped, sizeof(wrapped));
		node_bytes(node_child(reg, "primary_identity_pub", NULL), account_key(a)->pub,
		    CURVE_KEY_LEN);
	}
	conn_send(c, n);
	OPENSSL_cleanse(key, sizeof(key));
}

/* The newest connection that has a code for this phone. */
static struct conn *
find(struct sim *s, const char *phone)
{
	struct conn *c;

	TAILQ_FOREACH_REVERSE(c, &s->conns, conn_list, entry)
	{
		if (c->state == CONN_PAIRING && c->code != NULL &&
		    strcmp(c->code->phone, phone) == 0)
			return c;
	}
	return NULL;
}

static char *
copy(const char *text)
{
	return text != NULL && text[0] != '\0' ? xstrdup(text) : NULL;
}

static void
begin(struct conn *c, const char code[PAIR_CODE_LEN + 1], const struct sim_code *typed)
{
	const struct timeval limit = {ANSWER_S, 0};
	struct code_pairing *p = c->code;
	uint8_t key[PAIR_CODE_KEY_LEN], priv[CURVE_KEY_LEN];

	p->hellos++;
	p->typed.done = typed->done;
	p->typed.arg = typed->arg;
	p->typed.push_name = copy(typed->push_name);
	p->typed.platform = copy(typed->platform);
	p->typed.fault = copy(typed->fault);
	pair_code_key(code, p->wrapped, key);
	pair_code_unwrap(key, p->wrapped, p->typed.companion);
	random_of(c, "ephemeral", priv);
	if (curve_from_private(priv, &p->typed.ephemeral) < 0 || event_add(p->late, &limit) != 0)
		abort();
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(priv, sizeof(priv));
}

/* Nobody looks whether the code was right: the passkey tells. */
static void
ask_passkey(struct conn *c, struct account *a)
{
	struct code_pairing *p = c->code;

	if (p->typed.push_name != NULL)
		account_set_push_name(a, p->typed.push_name);
	pair_passkey_begin(c, a, NULL, p->typed.platform);
	typed_done(p, NULL, NULL, NULL);
}

int
sim_code_type(struct sim *s, const struct sim_code *typed, const char **ret_error)
{
	char code[PAIR_CODE_LEN + 1];
	struct conn *c = find(s, typed->phone);
	struct account *a;

	if (c == NULL)
		return -1;
	a = account_find(s, typed->phone, true);
	*ret_error = NULL;
	if (pair_code_parse(typed->code, code) < 0)
		*ret_error = "a code is eight letters and digits";
	else if (c->code->typed.done != NULL || c->passkey != NULL)
		*ret_error = "a code is being tried";
	else if (c->code->hellos == HELLOS_MAX)
		*ret_error = "the code was typed wrongly too often";
	if (*ret_error != NULL)
		return -2;
	begin(c, code, typed);
	primary_hello(c, a, code);
	OPENSSL_cleanse(code, sizeof(code));
	log_info("pair.typed", LOG_PHONE("phone", typed->phone));
	if (account_passkey(a) != SIM_PASSKEY_NONE)
		ask_passkey(c, a);
	return 0;
}
