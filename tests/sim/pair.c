/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pairing: refs for the client's QR, the scan by a phone, and the companion's signature, after
 * which it is a device of the account. Source: PROTOCOL section 5.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "common/log.h"
#include "common/wa/adv.h"
#include "common/xalloc.h"
#include "tests/sim/server.h"
#include "wa.pb-c.h"

#define REF_BYTES 24
#define QR_LIFE_S 160 /* the first ref lives 60 s, five more 20 s */
#define SIGN_S 20
#define ID_MAX 16
#define CONTAINER_MAX 4096
#define PREFIX_LEN 2

struct pairing {
	char refs[REFS][REF_MAX];
	char device_id[ID_MAX];	 /* of the <pair-device> query */
	char success_id[ID_MAX]; /* of the <pair-success> query; "" before the scan */
	bool offered;		 /* <pair-device> has been answered */
	struct account *account;
	unsigned number;
	struct buf details; /* the ADVSignedDeviceIdentity that the companion must sign */
};

static const uint8_t prefix_device[PREFIX_LEN] = {6, 1};

/* -- refs ----------------------------------------------------------------------------- */

/* Nothing in it that has a meaning in a QR text: base64 in the alphabet of URLs. */
void
pair_make_ref(struct sim *s, char ret_ref[REF_MAX])
{
	uint8_t bytes[32];
	unsigned char text[REF_BYTES / 3 * 4 + 1];
	char label[32];

	(void)snprintf(label, sizeof(label), "ref/%u", ++s->last_ref);
	sim_derive(s, label, bytes);
	(void)EVP_EncodeBlock(text, bytes, REF_BYTES);
	for (unsigned char *p = text; *p != '\0'; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	(void)snprintf(ret_ref, REF_MAX, "2@%s", (const char *)text);
}

void
pair_begin(struct conn *c)
{
	struct pairing *p = xcalloc(1, sizeof(*p));
	struct node *iq, *pair;

	c->pairing = p;
	c->state = CONN_PAIRING;
	buf_init(&p->details, CONTAINER_MAX);
	iq = conn_query(c, "md", p->device_id, sizeof(p->device_id));
	pair = node_child(iq, "pair-device", NULL);
	for (unsigned i = 0; i < REFS; i++) {
		pair_make_ref(c->sim, p->refs[i]);
		node_bytes(node_child(pair, "ref", NULL), p->refs[i], strlen(p->refs[i]));
	}
	conn_send(c, iq);
	conn_deadline(c, QR_LIFE_S);
}

bool
pair_offered(const struct conn *c)
{
	return c->pairing->offered;
}

void
pair_done(struct conn *c)
{
	if (c->pairing == NULL)
		return;
	buf_done(&c->pairing->details);
	free(c->pairing);
	c->pairing = NULL;
}

/* -- notifications -------------------------------------------------------------------- */

enum { NOTICE_SENT = 1, NOTICE_ACKED };

struct node *
pair_notice(struct conn *c, const struct jid *from, const char *type)
{
	struct node *n = outbox_notification(c->sim, from, type);

	id_map_put(&c->iqs, type, node_get(n, "id"), NOTICE_SENT);
	return n;
}

static bool
is_notice(const char *type)
{
	static const char *const types[] = {
	    "link_code_companion_reg", "passkey_prologue_request", "crsc_continuation"};

	for (size_t i = 0; type != NULL && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i], type) == 0)
			return true;
	return false;
}

/* An ack from a connection that is no device's yet. Clients send it when they are through with the
 * notification, which may be after the next one. */
void
pair_notice_acked(struct conn *c, const struct node *ack)
{
	const char *id = node_get(ack, "id"), *type = node_get(ack, "type");
	const struct jid server = jid_server_self();
	struct jid to;

	if (id == NULL || !is_notice(type) || id_map_get(&c->iqs, type, id) == NULL ||
	    *id_map_get(&c->iqs, type, id) != NOTICE_SENT ||
	    !node_get_is(ack, "class", "notification") || node_get_jid(ack, "to", &to) != 0 ||
	    !jid_equal(&to, &server)) {
		conn_violation(c, "ack", "of nothing that was sent, or not as it was sent");
		return;
	}
	id_map_put(&c->iqs, type, id, NOTICE_ACKED);
}

/* -- the scan ------------------------------------------------------------------------- */

static struct conn *
find_ref(struct sim *s, const char *ref)
{
	struct conn *c;

	TAILQ_FOREACH(c, &s->conns, entry)
	{
		if (c->state != CONN_PAIRING && c->state != CONN_SIGNING)
			continue;
		for (unsigned i = 0; i < REFS; i++)
			if (strcmp(c->pairing->refs[i], ref) == 0)
				return c;
	}
	return NULL;
}

static const char *
refusal(const struct conn *c, const struct account *a, const uint8_t noise[CURVE_KEY_LEN],
    const uint8_t identity[CURVE_KEY_LEN])
{
	if (c->state == CONN_SIGNING || c->passkey != NULL)
		return "the QR has been scanned already";
	if (memcmp(noise, c->noise_pub, CURVE_KEY_LEN) != 0 ||
	    memcmp(identity, c->payload.identity_pub, CURVE_KEY_LEN) != 0)
		return "the QR's keys are not those of the connection";
	if (a == NULL)
		return "not a telephone number";
	if (!a->registered)
		return "this number is not on WhatsApp";
	return NULL;
}

/* What the phone signs; `fault` spoils one part of it. */
static int
issue(struct conn *c, const uint8_t secret[ADV_SECRET_LEN], const char *fault, struct buf *out)
{
	uint8_t identity[CURVE_KEY_LEN], adv_secret[ADV_SECRET_LEN];
	int r;

	memcpy(identity, c->payload.identity_pub, sizeof(identity));
	memcpy(adv_secret, secret, sizeof(adv_secret));
	identity[0] ^= fault != NULL && strcmp(fault, "signature") == 0;
	adv_secret[0] ^= fault != NULL && strcmp(fault, "hmac") == 0;
	r = adv_issue(account_key(c->pairing->account), identity, adv_secret,
	    c->pairing->account->raw_id, (uint64_t)sim_now(), c->pairing->number, out);
	OPENSSL_cleanse(adv_secret, sizeof(adv_secret));
	return r;
}

/* The bytes under the container's MAC are kept to compare the answer with. */
static int
keep_details(struct pairing *p, const struct buf *container)
{
	Wa__ADVSignedDeviceIdentityHMAC *m =
	    wa__advsigned_device_identity_hmac__unpack(NULL, container->len, container->data);

	if (m == NULL)
		return -1;
	buf_add(&p->details, m->details.data, m->details.len);
	wa__advsigned_device_identity_hmac__free_unpacked(m, NULL);
	return 0;
}

static void
send_success(struct conn *c, const struct buf *container, const char *platform)
{
	struct pairing *p = c->pairing;
	const struct jid jid = account_pn(p->account, p->number);
	const struct jid lid = account_lid(p->account, p->number);
	struct node *iq = conn_query(c, "md", p->success_id, sizeof(p->success_id));
	struct node *success, *device;

	node_set_int(iq, "t", sim_now());
	success = node_child(iq, "pair-success", NULL);
	node_bytes(node_child(success, "device-identity", NULL), container->data, container->len);
	device = node_child(success, "device", NULL);
	node_set_jid(device, "jid", &jid);
	node_set_jid(device, "lid", &lid);
	(void)node_child(success, "platform", "name", platform, NULL);
	conn_send(c, iq);
	c->state = CONN_SIGNING;
	conn_deadline(c, SIGN_S);
}

const char *
pair_confirm(struct conn *c, struct account *a, const uint8_t secret[ADV_SECRET_LEN],
    const char *platform, const char *fault, struct jid *ret_jid, struct jid *ret_lid)
{
	const char *kind = platform != NULL && platform[0] != '\0' ? platform : "android";
	struct buf container = BUF_INIT(CONTAINER_MAX);
	struct pairing *p = c->pairing;
	const char *error = NULL;

	p->account = a;
	p->number = account_next_number(a);
	if (p->number == 0)
		error = "this account has no room for another device";
	else if (issue(c, secret, fault, &container) != 0 || keep_details(p, &container) != 0)
		error = "the phone cannot sign";
	else
		send_success(c, &container, kind);
	*ret_jid = account_pn(a, p->number);
	*ret_lid = account_lid(a, p->number);
	buf_done(&container);
	return error;
}

int
sim_scan(struct sim *s, const char *qr, const char *phone, const char *push_name,
    const char *platform, const char *fault, struct jid *ret_jid, struct jid *ret_lid,
    const char **ret_error)
{
	uint8_t noise[CURVE_KEY_LEN], identity[CURVE_KEY_LEN], secret[ADV_SECRET_LEN];
	char ref[REF_MAX];
	struct account *a;
	struct conn *c;
	int r = 0;

	if (adv_qr_parse(qr, ref, sizeof(ref), noise, identity, secret) != 0 ||
	    (c = find_ref(s, ref)) == NULL)
		return -1;
	a = account_find(s, phone, true);
	*ret_error = refusal(c, a, noise, identity);
	if (*ret_error == NULL && push_name != NULL && push_name[0] != '\0')
		account_set_push_name(a, push_name);
	if (*ret_error == NULL && account_passkey(a) != SIM_PASSKEY_NONE) {
		pair_passkey_begin(c, a, secret, platform);
		r = 1;
	} else if (*ret_error == NULL) {
		*ret_error = pair_confirm(c, a, secret, platform, fault, ret_jid, ret_lid);
	}
	OPENSSL_cleanse(secret, sizeof(secret));
	return *ret_error != NULL ? -2 : r;
}

/* -- the companion's answer ----------------------------------------------------------- */

static bool
same(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static bool
signed_by_companion(const struct conn *c, const Wa__ADVSignedDeviceIdentity *kept,
    const Wa__ADVSignedDeviceIdentity *answer)
{
	struct buf text = BUF_INIT(CONTAINER_MAX);
	bool good;

	buf_add(&text, prefix_device, sizeof(prefix_device));
	buf_add(&text, kept->details.data, kept->details.len);
	buf_add(&text, c->payload.identity_pub, CURVE_KEY_LEN);
	buf_add(&text, kept->account_signature_key.data, kept->account_signature_key.len);
	good = curve_verify(c->payload.identity_pub, text.data, text.len,
		   answer->device_signature.data, answer->device_signature.len) == 0;
	buf_done(&text);
	return good;
}

static const char *
check_answer(const struct conn *c, const Wa__ADVSignedDeviceIdentity *kept,
    const Wa__ADVSignedDeviceIdentity *answer)
{
	if (answer == NULL)
		return "not an ADVSignedDeviceIdentity";
	if (answer->has_account_signature_key)
		return "with the account's key, which belongs out of it";
	if (!answer->has_details || !same(&answer->details, &kept->details))
		return "with other details than were sent";
	if (!answer->has_account_signature ||
	    !same(&answer->account_signature, &kept->account_signature))
		return "with another account signature than was sent";
	if (!answer->has_device_signature || !signed_by_companion(c, kept, answer))
		return "not signed by the companion's identity";
	return NULL;
}

static struct device *
make_device(const struct conn *c, Wa__ADVSignedDeviceIdentity *kept,
    const Wa__ADVSignedDeviceIdentity *answer)
{
	struct device *d =
	    device_new(c->pairing->account, c->pairing->number, &c->payload, c->noise_pub);

	kept->has_device_signature = 1;
	kept->device_signature = answer->device_signature;
	d->adv_len = wa__advsigned_device_identity__get_packed_size(kept);
	d->adv = xmalloc(d->adv_len);
	(void)wa__advsigned_device_identity__pack(kept, d->adv);
	kept->has_device_signature = 0;
	kept->device_signature = (ProtobufCBinaryData){0};
	return d;
}

/* NULL: it is a device now. */
static const char *
complete(struct conn *c, const struct node *identity)
{
	struct buf *details = &c->pairing->details;
	Wa__ADVSignedDeviceIdentity *kept, *answer = NULL;
	const char *wrong;
	size_t len;
	const uint8_t *data = node_data(identity, &len);

	kept = wa__advsigned_device_identity__unpack(NULL, details->len, details->data);
	if (kept == NULL)
		abort(); /* as it was made here */
	if (data != NULL)
		answer = wa__advsigned_device_identity__unpack(NULL, len, data);
	wrong = check_answer(c, kept, answer);
	if (wrong == NULL)
		account_link(c->pairing->account, make_device(c, kept, answer));
	wa__advsigned_device_identity__free_unpacked(kept, NULL);
	if (answer != NULL)
		wa__advsigned_device_identity__free_unpacked(answer, NULL);
	return wrong;
}

static void
signed_answer(struct conn *c, const struct node *iq)
{
	const struct account *a = c->pairing->account;
	const struct node *identity =
	    node_find(node_find(iq, "pair-device-sign"), "device-identity");
	const char *wrong;
	int64_t key_index;

	if (!node_get_is(iq, "type", "result")) {
		log_info("pair.refused", LOG_PHONE("phone", a->phone));
		conn_end(c, false);
		return;
	}
	wrong = complete(c, identity);
	if (wrong == NULL && (node_get_int(identity, "key-index", &key_index) != 0 ||
				 key_index != c->pairing->number))
		violation(c->sim, a, c->pairing->number, "pair_device_sign", "wrong key-index");
	if (wrong != NULL) {
		violation(c->sim, a, c->pairing->number, "pair_device_sign", "%s", wrong);
		conn_end(c, false);
		return;
	}
	c->sim->stats.pairings++;
	log_info(
	    "pair.linked", LOG_PHONE("phone", a->phone), LOG_INT("device", c->pairing->number));
	conn_stream_error(c, "515", NULL);
}

void
pair_answer(struct conn *c, const struct node *iq)
{
	if (c->pairing == NULL)
		return;
	if (node_get_is(iq, "id", c->pairing->device_id)) {
		c->pairing->offered = true;
		return;
	}
	if (c->state == CONN_SIGNING && node_get_is(iq, "id", c->pairing->success_id))
		signed_answer(c, iq);
	else
		conn_violation(c, "iq_answer", "an answer to no query of ours");
}
