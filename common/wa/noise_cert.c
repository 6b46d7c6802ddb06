/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checks the chain root -> intermediate -> leaf that a server presents, and makes such chains for
 * test roots. Every check must pass; none is optional, and signatures cover the bytes as received.
 */
#include "common/wa/noise_cert.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "common/wa/noise.h"
#include "common/xalloc.h"
#include "wa.pb-c.h"

#define ROOT_SERIAL 0
#define MADE_INTERMEDIATE_SERIAL 42
#define MADE_LEAF_SERIAL 43

/* "WhatsAppLongTerm1" */
const uint8_t noise_root_whatsapp[CURVE_KEY_LEN] = {0x14, 0x23, 0x75, 0x57, 0x4d, 0x0a, 0x58, 0x71,
    0x66, 0xaa, 0xe7, 0x1e, 0xbe, 0x51, 0x64, 0x37, 0xc4, 0xa2, 0x8b, 0x73, 0xe3, 0x69, 0x5c, 0x6c,
    0xe1, 0xf7, 0xf9, 0x54, 0x5d, 0xa8, 0xee, 0x6b};

static bool
is_signed(const Wa__NoiseCertificate *c)
{
	return c != NULL && c->has_details && c->has_signature &&
	       c->signature.len == CURVE_SIGNATURE_LEN;
}

/* The details of c, signed by issuer_key, with a whole key inside; NULL otherwise. */
static Wa__CertDetails *
open_details(
    const Wa__NoiseCertificate *c, const uint8_t issuer_key[CURVE_KEY_LEN], uint32_t issuer_serial)
{
	Wa__CertDetails *d;

	if (curve_verify(issuer_key, c->details.data, c->details.len, c->signature.data,
		c->signature.len) != 0)
		return NULL;
	d = wa__cert_details__unpack(NULL, c->details.len, c->details.data);
	if (d != NULL && d->issuer_serial == issuer_serial && d->has_key &&
	    d->key.len == CURVE_KEY_LEN)
		return d;
	if (d != NULL)
		wa__cert_details__free_unpacked(d, NULL);
	return NULL;
}

static bool
is_valid_at(const Wa__CertDetails *d, int64_t now)
{
	return d->has_not_before && d->has_not_after && now >= 0 &&
	       (uint64_t)now >= d->not_before && (uint64_t)now <= d->not_after;
}

static int
check_leaf(const Wa__CertChain *chain, const Wa__CertDetails *intermediate,
    const uint8_t server_static[CURVE_KEY_LEN], int64_t now)
{
	Wa__CertDetails *leaf =
	    open_details(chain->leaf, intermediate->key.data, intermediate->serial);
	int r = NOISE_OK;

	if (leaf == NULL)
		return NOISE_E_CERT;
	if (CRYPTO_memcmp(leaf->key.data, server_static, CURVE_KEY_LEN) != 0)
		r = NOISE_E_CERT;
	else if (!is_valid_at(intermediate, now) || !is_valid_at(leaf, now))
		r = NOISE_E_CERT_DATE;
	wa__cert_details__free_unpacked(leaf, NULL);
	return r;
}

int
noise_cert_check(const void *chain, size_t len, const uint8_t root[CURVE_KEY_LEN],
    const uint8_t server_static[CURVE_KEY_LEN], int64_t now)
{
	Wa__CertChain *c = wa__cert_chain__unpack(NULL, len, chain);
	Wa__CertDetails *intermediate = NULL;
	int r = NOISE_E_CERT;

	if (c == NULL)
		return NOISE_E_CERT;
	if (is_signed(c->leaf) && is_signed(c->intermediate))
		intermediate = open_details(c->intermediate, root, ROOT_SERIAL);
	if (intermediate != NULL) {
		r = check_leaf(c, intermediate, server_static, now);
		wa__cert_details__free_unpacked(intermediate, NULL);
	}
	wa__cert_chain__free_unpacked(c, NULL);
	return r;
}

/* -- making ---------------------------------------------------------------------- */

struct made {
	Wa__NoiseCertificate cert;
	uint8_t *details;
	uint8_t signature[CURVE_SIGNATURE_LEN];
};

static int
make_one(struct made *m, const struct curve_pair *issuer, uint32_t serial, uint32_t issuer_serial,
    const uint8_t key[CURVE_KEY_LEN], int64_t from, int64_t until)
{
	Wa__CertDetails d = WA__CERT_DETAILS__INIT;
	uint8_t copy[CURVE_KEY_LEN];
	size_t len;

	for (size_t i = 0; i < sizeof(copy); i++)
		copy[i] = key[i];
	d.has_serial = d.has_issuer_serial = d.has_key = d.has_not_before = d.has_not_after = 1;
	d.serial = serial;
	d.issuer_serial = issuer_serial;
	d.key.data = copy;
	d.key.len = sizeof(copy);
	d.not_before = (uint64_t)from;
	d.not_after = (uint64_t)until;
	len = wa__cert_details__get_packed_size(&d);
	m->details = xmalloc(len);
	(void)wa__cert_details__pack(&d, m->details);
	wa__noise_certificate__init(&m->cert);
	m->cert.has_details = m->cert.has_signature = 1;
	m->cert.details.data = m->details;
	m->cert.details.len = len;
	m->cert.signature.data = m->signature;
	m->cert.signature.len = sizeof(m->signature);
	return curve_sign(issuer->priv, m->details, len, m->signature);
}

int
noise_cert_make(const struct curve_pair *root, const struct curve_pair *intermediate,
    const uint8_t server_static[CURVE_KEY_LEN], int64_t from, int64_t until, struct buf *out)
{
	Wa__CertChain chain = WA__CERT_CHAIN__INIT;
	struct made middle = {0}, leaf = {0};
	int r = -1;

	if (make_one(&middle, root, MADE_INTERMEDIATE_SERIAL, ROOT_SERIAL, intermediate->pub, from,
		until) == 0 &&
	    make_one(&leaf, intermediate, MADE_LEAF_SERIAL, MADE_INTERMEDIATE_SERIAL, server_static,
		from, until) == 0) {
		size_t len;
		uint8_t *bytes;

		chain.leaf = &leaf.cert;
		chain.intermediate = &middle.cert;
		len = wa__cert_chain__get_packed_size(&chain);
		bytes = xmalloc(len);
		(void)wa__cert_chain__pack(&chain, bytes);
		buf_add(out, bytes, len);
		free(bytes);
		r = 0;
	}
	free(middle.details);
	free(leaf.details);
	return r;
}
