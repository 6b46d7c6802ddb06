/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes and reads ClientPayload. What a real WhatsApp Web says and we have no opinion on stands
 * here as constants.
 */
#include "common/wa/client_payload.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "wa.pb-c.h"

#define VERSION_PRIMARY 2
#define VERSION_SECONDARY 3000
#define PLATFORM_WEB 14
#define CONNECT_WIFI_UNKNOWN 1
#define REASON_USER_ACTIVATED 1
#define LOGIN_LC 1
#define STORAGE_QUOTA_MB 10240
#define BUILD_HASH_LEN 16
#define TEXT_MAX 32
#define DJB_TYPE 0x05

struct parts {
	Wa__ClientPayload payload;
	Wa__UserAgent agent;
	Wa__AppVersion version;
	Wa__WebInfo web;
	char zeros[4], os_version[4], none[1], device[8], language[3], country[3];
};

static void
parts_init(struct parts *p, uint32_t version, bool passive)
{
	*p = (struct parts){.zeros = "000",
	    .os_version = "0.1",
	    .device = "Desktop",
	    .language = "en",
	    .country = "US"};
	wa__client_payload__init(&p->payload);
	wa__user_agent__init(&p->agent);
	wa__app_version__init(&p->version);
	wa__web_info__init(&p->web);
	p->version.has_primary = p->version.has_secondary = p->version.has_tertiary = 1;
	p->version.primary = VERSION_PRIMARY;
	p->version.secondary = VERSION_SECONDARY;
	p->version.tertiary = version;
	p->agent.has_platform = p->agent.has_release_channel = 1;
	p->agent.platform = PLATFORM_WEB;
	p->agent.app_version = &p->version;
	p->agent.mcc = p->agent.mnc = p->zeros;
	p->agent.os_version = p->agent.os_build_number = p->os_version;
	p->agent.manufacturer = p->none;
	p->agent.device = p->device;
	p->agent.locale_language = p->language;
	p->agent.locale_country = p->country;
	p->web.has_web_sub_platform = 1;
	p->payload.has_passive = p->payload.has_pull = 1;
	p->payload.passive = p->payload.pull = passive;
	p->payload.user_agent = &p->agent;
	p->payload.web_info = &p->web;
	p->payload.has_connect_type = p->payload.has_connect_reason = 1;
	p->payload.connect_type = CONNECT_WIFI_UNKNOWN;
	p->payload.connect_reason = REASON_USER_ACTIVATED;
}

static void
add_payload(const Wa__ClientPayload *p, struct buf *out)
{
	const size_t len = wa__client_payload__get_packed_size(p);
	uint8_t *bytes = xmalloc(len);

	(void)wa__client_payload__pack(p, bytes);
	buf_add(out, bytes, len);
	free(bytes);
}

/* MD5 of the version as text: WhatsApp's name for a build, not a protection. */
static void
build_hash(uint32_t version, uint8_t ret_hash[BUILD_HASH_LEN])
{
	char text[TEXT_MAX];

	(void)snprintf(
	    text, sizeof(text), "%d.%d.%u", VERSION_PRIMARY, VERSION_SECONDARY, (unsigned)version);
	if (EVP_Digest(text, strlen(text), ret_hash, NULL, EVP_md5(), NULL) != 1)
		abort();
}

static uint8_t *
pack_props(const struct client_registration *r, size_t *ret_len)
{
	Wa__DeviceProps props = WA__DEVICE_PROPS__INIT;
	Wa__AppVersion version = WA__APP_VERSION__INIT;
	Wa__HistorySyncConfig history = WA__HISTORY_SYNC_CONFIG__INIT;
	char *os = xstrdup(r->os);
	uint8_t *bytes;

	version.has_primary = version.has_secondary = version.has_tertiary = 1;
	version.primary = 10;
	version.secondary = 15;
	version.tertiary = 7;
	history.has_storage_quota_mb = 1;
	history.storage_quota_mb = STORAGE_QUOTA_MB;
	history.has_inline_initial_payload_in_e2ee_msg =
	    history.inline_initial_payload_in_e2ee_msg = 1;
	history.has_support_call_log_history = 1;
	history.has_support_bot_user_agent_chat_history =
	    history.support_bot_user_agent_chat_history = 1;
	history.has_support_cag_reactions_and_polls = history.support_cag_reactions_and_polls = 1;
	history.has_support_biz_hosted_msg = history.support_biz_hosted_msg = 1;
	history.has_support_recent_sync_chunk_message_count_tuning = 1;
	history.support_recent_sync_chunk_message_count_tuning = 1;
	history.has_support_hosted_group_msg = history.support_hosted_group_msg = 1;
	history.has_support_fbid_bot_chat_history = history.support_fbid_bot_chat_history = 1;
	history.has_support_message_association = history.support_message_association = 1;
	history.has_support_group_history = 1;
	props.os = os;
	props.version = &version;
	props.has_platform_type = props.has_require_full_sync = 1;
	props.platform_type = r->platform_type;
	props.history_sync_config = &history;
	*ret_len = wa__device_props__get_packed_size(&props);
	bytes = xmalloc(*ret_len);
	(void)wa__device_props__pack(&props, bytes);
	free(os);
	return bytes;
}

static void
put_be(uint8_t *out, size_t n, uint32_t v)
{
	while (n > 0) {
		out[--n] = (uint8_t)v;
		v >>= 8;
	}
}

static uint32_t
get_be(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

void
client_payload_registration(const struct client_registration *r, uint32_t version, struct buf *out)
{
	Wa__DevicePairingRegistrationData data = WA__DEVICE_PAIRING_REGISTRATION_DATA__INIT;
	uint8_t regid[4], skey_id[3], hash[BUILD_HASH_LEN], keytype = DJB_TYPE;
	uint8_t ident[CURVE_KEY_LEN], skey[CURVE_KEY_LEN], sig[CURVE_SIGNATURE_LEN];
	struct parts p;
	size_t props_len;
	uint8_t *props = pack_props(r, &props_len);

	parts_init(&p, version, false);
	put_be(regid, sizeof(regid), r->registration_id);
	put_be(skey_id, sizeof(skey_id), r->signed_prekey_id);
	build_hash(version, hash);
	memcpy(ident, r->identity_pub, sizeof(ident));
	memcpy(skey, r->signed_prekey_pub, sizeof(skey));
	memcpy(sig, r->signed_prekey_sig, sizeof(sig));
	data.has_e_regid = data.has_e_keytype = data.has_e_ident = data.has_e_skey_id = 1;
	data.has_e_skey_val = data.has_e_skey_sig = data.has_build_hash = data.has_device_props = 1;
	data.e_regid = (ProtobufCBinaryData){sizeof(regid), regid};
	data.e_keytype = (ProtobufCBinaryData){sizeof(keytype), &keytype};
	data.e_ident = (ProtobufCBinaryData){sizeof(ident), ident};
	data.e_skey_id = (ProtobufCBinaryData){sizeof(skey_id), skey_id};
	data.e_skey_val = (ProtobufCBinaryData){sizeof(skey), skey};
	data.e_skey_sig = (ProtobufCBinaryData){sizeof(sig), sig};
	data.build_hash = (ProtobufCBinaryData){sizeof(hash), hash};
	data.device_props = (ProtobufCBinaryData){props_len, props};
	p.payload.device_pairing_data = &data;
	add_payload(&p.payload, out);
	free(props);
}

void
client_payload_login(const struct jid *own, bool passive, uint32_t version, struct buf *out)
{
	struct parts p;

	parts_init(&p, version, passive);
	p.payload.has_username = p.payload.has_device = 1;
	p.payload.username = strtoull(own->user, NULL, 10);
	p.payload.device = own->device;
	p.payload.has_pull = p.payload.pull = 1;
	p.payload.has_lc = 1;
	p.payload.lc = LOGIN_LC;
	/* Sessions are kept by LID. */
	p.payload.has_lid_db_migrated = p.payload.lid_db_migrated = 1;
	add_payload(&p.payload, out);
}

/* -- reading --------------------------------------------------------------------- */

static int
take_bytes(protobuf_c_boolean has, const ProtobufCBinaryData *b, uint8_t *out, size_t len)
{
	if (!has || b->len != len)
		return -1;
	memcpy(out, b->data, len);
	return 0;
}

static uint32_t
read_platform(const ProtobufCBinaryData *b)
{
	Wa__DeviceProps *props = wa__device_props__unpack(NULL, b->len, b->data);
	const uint32_t platform = props != NULL ? props->platform_type : 0;

	if (props != NULL)
		wa__device_props__free_unpacked(props, NULL);
	return platform;
}

static int
read_registration(const Wa__DevicePairingRegistrationData *d, struct client_payload *c)
{
	uint8_t regid[4], skey_id[3];

	if (take_bytes(d->has_e_regid, &d->e_regid, regid, sizeof(regid)) != 0 ||
	    take_bytes(d->has_e_skey_id, &d->e_skey_id, skey_id, sizeof(skey_id)) != 0 ||
	    take_bytes(d->has_e_ident, &d->e_ident, c->identity_pub, sizeof(c->identity_pub)) !=
		0 ||
	    take_bytes(d->has_e_skey_val, &d->e_skey_val, c->signed_prekey_pub,
		sizeof(c->signed_prekey_pub)) != 0 ||
	    take_bytes(d->has_e_skey_sig, &d->e_skey_sig, c->signed_prekey_sig,
		sizeof(c->signed_prekey_sig)) != 0 ||
	    take_bytes(d->has_build_hash, &d->build_hash, c->build_hash, sizeof(c->build_hash)) !=
		0)
		return -1;
	c->is_registration = true;
	if (d->has_device_props)
		c->platform_type = read_platform(&d->device_props);
	c->registration_id = get_be(regid, sizeof(regid));
	c->signed_prekey_id = get_be(skey_id, sizeof(skey_id));
	return 0;
}

static int
read_payload(const Wa__ClientPayload *p, struct client_payload *c)
{
	const Wa__AppVersion *v = p->user_agent != NULL ? p->user_agent->app_version : NULL;

	if (v == NULL)
		return -1;
	c->version[0] = v->primary;
	c->version[1] = v->secondary;
	c->version[2] = v->tertiary;
	c->passive = p->passive;
	if (p->device_pairing_data != NULL)
		return read_registration(p->device_pairing_data, c);
	if (!p->has_username)
		return -1;
	c->username = p->username;
	c->device = p->device;
	return 0;
}

int
client_payload_parse(const void *data, size_t len, struct client_payload *ret)
{
	Wa__ClientPayload *p = wa__client_payload__unpack(NULL, len, data);
	struct client_payload c = {0};
	int r;

	if (p == NULL)
		return -1;
	r = read_payload(p, &c);
	wa__client_payload__free_unpacked(p, NULL);
	if (r == 0)
		*ret = c;
	return r;
}
