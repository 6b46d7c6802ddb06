/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether a companion may speak for its account: the device identity that comes with its first
 * messages must be signed by the account and by the companion (PROTOCOL section 5). The same bytes
 * reach every phone that the companion writes to, so what was found good is remembered at the phone
 * of the companion's own account.
 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/wa/kdf.h"
#include "common/xalloc.h"
#include "tests/sim/phone_internal.h"
#include "wa.pb-c.h"

#define IDENTITY_MAX 4096

static const uint8_t prefix_account[2] = {6, 0};
static const uint8_t prefix_device[2] = {6, 1};

/* prefix || details || identity [|| account key] signed by `key`? */
static bool
signed_by(const uint8_t key[CURVE_KEY_LEN], const uint8_t prefix[2],
    const ProtobufCBinaryData *details, const uint8_t identity[CURVE_KEY_LEN],
    const uint8_t *account, const ProtobufCBinaryData *sig)
{
	struct buf b = BUF_INIT(IDENTITY_MAX + 2 + 2 * CURVE_KEY_LEN);
	bool good;

	buf_add(&b, prefix, 2);
	buf_add(&b, details->data, details->len);
	buf_add(&b, identity, CURVE_KEY_LEN);
	if (account != NULL)
		buf_add(&b, account, CURVE_KEY_LEN);
	good = buf_ok(&b) && curve_verify(key, b.data, b.len, sig->data, sig->len) == 0;
	buf_done(&b);
	return good;
}

static const char *
identity_check(const Wa__ADVSignedDeviceIdentity *m, const uint8_t account[CURVE_KEY_LEN],
    const uint8_t identity[CURVE_KEY_LEN])
{
	if (!m->has_details || !m->has_account_signature || !m->has_device_signature)
		return "device-identity lacks a field";
	if (!m->has_account_signature_key || m->account_signature_key.len != CURVE_KEY_LEN)
		return "device-identity without the account's key";
	if (CRYPTO_memcmp(m->account_signature_key.data, account, CURVE_KEY_LEN) != 0)
		return "device-identity with another account's key";
	if (!signed_by(account, prefix_account, &m->details, identity, NULL, &m->account_signature))
		return "device-identity: the account's signature is wrong";
	if (!signed_by(
		identity, prefix_device, &m->details, identity, account, &m->device_signature))
		return "device-identity: the device's signature is wrong";
	return NULL;
}

static const char *
bytes_check(const uint8_t *data, size_t len, const uint8_t account[CURVE_KEY_LEN],
    const uint8_t identity[CURVE_KEY_LEN])
{
	Wa__ADVSignedDeviceIdentity *m = wa__advsigned_device_identity__unpack(NULL, len, data);
	const char *wrong;

	if (m == NULL)
		return "device-identity is no protobuf";
	wrong = identity_check(m, account, identity);
	wa__advsigned_device_identity__free_unpacked(m, NULL);
	return wrong;
}

const char *
phone_adv_check(struct phone *of_account, unsigned device, const struct node *stanza,
    const uint8_t identity[CURVE_KEY_LEN])
{
	uint8_t digest[32], *vouched;
	const char *wrong;
	size_t len;
	const uint8_t *data = node_data(node_find(stanza, "device-identity"), &len);

	if (data == NULL || len > IDENTITY_MAX)
		return "pkmsg without device-identity";
	sha256_two(identity, CURVE_KEY_LEN, data, len, digest);
	if (of_account->vouched == NULL)
		of_account->vouched = xcalloc(SIM_DEVICES_MAX, sizeof(*of_account->vouched));
	vouched = of_account->vouched[device % SIM_DEVICES_MAX];
	if (memcmp(vouched, digest, sizeof(digest)) == 0)
		return NULL;
	wrong = bytes_check(data, len, account_key(of_account->account)->pub, identity);
	if (wrong == NULL)
		memcpy(vouched, digest, sizeof(digest));
	return wrong;
}
