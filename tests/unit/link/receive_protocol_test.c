/* SPDX-License-Identifier: GPL-3.0-or-later */
/* receive_protocol, learning: history, lists of LIDs, app-state keys and timers, from our own phone
 * and from others. */
#include "tests/unit/link/message_world.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "common/wa/media.h"
#include "common/wa/message.h"
#include "common/wa/plain.h"
#include "wa.pb-c.h"
#include "waconnd/link/lid.h"
#include "waconnd/link/media_net.h"
#include "waconnd/link/peer.h"

#define ALICE "6281100000001"
#define BOB "6281200000002"
#define CAROL "6281300000003"

struct trio {
	struct world w;
	struct link *phone, *alice, *bob; /* Alice's phone, her device 3, and Bob */
};

static void
begin_parties(struct trio *t)
{
	t->phone = world_party(&t->w, ALICE, "111000111", 0);
	t->alice = world_party(&t->w, ALICE, "111000111", 3);
	t->bob = world_party(&t->w, BOB, "222000222", 0);
	world_send(t->alice, "W1", BOB, "hello");
	world_run(&t->w);
	world_forget_log(&t->w);
	t->alice->n_seen = t->phone->n_seen = t->bob->n_seen = 0;
}

static void
begin(struct trio *t)
{
	world_begin(&t->w);
	begin_parties(t);
}

/* A protocol message for Alice's device. */
static void
deliver(struct trio *t, struct link *from, const char *id, Wa__ProtocolMessage *protocol)
{
	struct node *n = node_new("message", "id", id, "t", "5", NULL);
	Wa__Message message = WA__MESSAGE__INIT;
	struct buf padded = BUF_INIT(1 << 20);
	uint8_t *bytes;
	size_t len;
	bool prekey;

	message.protocol_message = protocol;
	len = wa__message__get_packed_size(&message);
	bytes = xmalloc(len);
	(void)wa__message__pack(&message, bytes);
	buf_add(&padded, bytes, len);
	plain_pad(&padded);
	node_set_jid(n, "from", &from->credentials.own_lid);
	if (from == t->phone)
		node_set(n, "category", "peer");
	assert_int_equal(messaging_encrypt(from->m, &t->alice->credentials.own_lid, &padded,
			     &(struct enc_attrs){0}, n, &prekey),
	    SIGNAL_OK);
	messaging_message(t->alice->m, n);
	world_run(&t->w);
	free(bytes);
	buf_done(&padded);
	node_free(&n);
}

/* -- history -- */

static void
varint(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_add_u8(b, (uint8_t)(v | 0x80));
	buf_add_u8(b, (uint8_t)v);
}

static void
bytes_field(struct buf *b, unsigned field, const void *data, size_t len)
{
	varint(b, field << 3 | 2);
	varint(b, len);
	buf_add(b, data, len);
}

static void
text_field(struct buf *b, unsigned field, const char *s)
{
	bytes_field(b, field, s, strlen(s));
}

static void
pair_field(struct buf *b, const char *pn, const char *lid)
{
	struct buf c = BUF_INIT(512);

	text_field(&c, 1, pn);
	text_field(&c, 2, lid);
	bytes_field(b, 15, c.data, c.len);
	buf_done(&c);
}

static void
chat_field(struct buf *b, const char *id, int64_t token_t, unsigned timer)
{
	struct buf c = BUF_INIT(512);

	text_field(&c, 1, id);
	varint(&c, 9 << 3);
	varint(&c, timer);
	bytes_field(&c, 21, "\x07\x08\x09", 3);
	varint(&c, 22 << 3);
	varint(&c, (uint64_t)token_t);
	bytes_field(b, 2, c.data, c.len);
	buf_done(&c);
}

static void
deliver_history(struct trio *t, struct link *from, const char *id, const struct buf *plain)
{
	Wa__HistorySyncNotification h = WA__HISTORY_SYNC_NOTIFICATION__INIT;
	Wa__ProtocolMessage p = WA__PROTOCOL_MESSAGE__INIT;
	uLongf len = compressBound(plain->len);
	uint8_t *room = xmalloc(len);

	assert_int_equal(compress(room, &len, plain->data, plain->len), Z_OK);
	p.has_type = 1;
	p.type = WA_PROTOCOL_HISTORY_SYNC_NOTIFICATION;
	p.history_sync_notification = &h;
	h.has_initial_hist_bootstrap_inline_payload = 1;
	h.initial_hist_bootstrap_inline_payload = (ProtobufCBinaryData){len, room};
	deliver(t, from, id, &p);
	free(room);
}

static struct buf
history(void)
{
	struct buf h = BUF_INIT(1 << 20), c = BUF_INIT(512);
	char pn[64], lid[64];

	chat_field(&h, CAROL "@s.whatsapp.net", SERVER_TIME - 50, 604800);
	chat_field(&h, "120363000000000000@g.us", SERVER_TIME - 50, 90);
	pair_field(&h, CAROL "@s.whatsapp.net", "333000333@lid");
	for (unsigned i = 0; i < 200; i++) {
		(void)snprintf(pn, sizeof(pn), "62815%08u@s.whatsapp.net", i);
		(void)snprintf(lid, sizeof(lid), "9%08u@lid", i);
		pair_field(&h, pn, lid);
	}
	text_field(&c, 1, ALICE "@s.whatsapp.net");
	text_field(&c, 2, "Toko Alice");
	bytes_field(&h, 7, c.data, c.len);
	buf_reset(&c);
	text_field(&c, 1, BOB "@s.whatsapp.net");
	text_field(&c, 2, "Bob");
	bytes_field(&h, 7, c.data, c.len);
	text_field(&h, 19, "salt");
	buf_done(&c);
	return h;
}

static void
expect_lid(struct link *l, const char *number, const char *lid)
{
	const struct memory_value *v = memory_disk(&l->db, KEY_LID, number);

	if (lid == NULL) {
		assert_null(v->data);
		return;
	}
	assert_int_equal(v->len, strlen(lid));
	assert_memory_equal(v->data, lid, v->len);
}

static struct peer
peer_on_disk(struct link *l, const char *lid)
{
	const struct memory_value *v = memory_disk(&l->db, KEY_PEER, lid);
	struct peer peer = {0};

	if (v->data != NULL)
		assert_int_equal(peer_unpack(v->data, v->len, &peer), 0);
	return peer;
}

/* -- a history on the media hosts -- */

static struct buf host_body;

static void
on_get(struct evhttp_request *request, void *arg)
{
	struct evbuffer *out = evbuffer_new();

	(void)arg;
	assert_non_null(strstr(evhttp_request_get_uri(request), "&mms-type=md-msg-hist"));
	(void)evbuffer_add(out, host_body.data, host_body.len);
	evhttp_send_reply(request, 200, NULL, out);
	evbuffer_free(out);
}

static void
begin_host(struct world *w)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	struct evhttp_bound_socket *bound;

	w->media = media_net_new(
	    w->base, &(struct media_net_config){.insecure_loopback = true, .retry_ms = 1});
	assert_non_null(w->media);
	w->media_http = evhttp_new(w->base);
	evhttp_set_gencb(w->media_http, on_get, NULL);
	bound = evhttp_bind_socket_with_handle(w->media_http, "127.0.0.1", 0);
	assert_non_null(bound);
	assert_int_equal(
	    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&a, &len), 0);
	(void)snprintf(w->media_host, sizeof(w->media_host), "127.0.0.1:%u", ntohs(a.sin_port));
}

/* Deflated, encrypted and put there; what tells of it. */
static void
put_history(const struct buf *plain, struct wa_media_ref *ref)
{
	const int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
	uLongf len = compressBound(plain->len);
	uint8_t *room = xmalloc(len);
	off_t size;

	assert_int_equal(compress(room, &len, plain->data, plain->len), Z_OK);
	assert_int_equal(write(in, room, len), (ssize_t)len);
	assert_int_equal(wa_media_encrypt(in, out, WA_MEDIA_HISTORY, len, ref, NULL), WA_MEDIA_OK);
	size = lseek(out, 0, SEEK_END);
	buf_init(&host_body, 1 << 20);
	free(room);
	room = xmalloc((size_t)size);
	assert_int_equal(pread(out, room, (size_t)size, 0), size);
	buf_add(&host_body, room, (size_t)size);
	free(room);
	(void)close(in);
	(void)close(out);
}

static void
tell_history(struct trio *t, struct wa_media_ref *ref)
{
	Wa__HistorySyncNotification h = WA__HISTORY_SYNC_NOTIFICATION__INIT;
	Wa__ProtocolMessage p = WA__PROTOCOL_MESSAGE__INIT;

	p.has_type = 1;
	p.type = WA_PROTOCOL_HISTORY_SYNC_NOTIFICATION;
	p.history_sync_notification = &h;
	h.direct_path = (char[]){"/v/t62/1?ccb=1"};
	h.has_media_key = h.has_file_sha256 = h.has_file_enc_sha256 = 1;
	h.media_key = (ProtobufCBinaryData){32, ref->media_key};
	h.file_sha256 = (ProtobufCBinaryData){32, ref->file_sha256};
	h.file_enc_sha256 = (ProtobufCBinaryData){32, ref->file_enc_sha256};
	h.has_file_length = 1;
	h.file_length = ref->length;
	deliver(t, t->phone, "H1", &p);
	deliver(t, t->phone, "H2", &p);
}

static void
test_history_on_hosts(void **state)
{
	struct wa_media_ref ref = {.media_key = {4}};
	struct buf h = history();
	struct trio t;

	(void)state;
	world_begin(&t.w);
	begin_host(&t.w);
	begin_parties(&t);
	put_history(&h, &ref);
	tell_history(&t, &ref);
	assert_non_null(world_written(t.alice, "receipt", "type", "hist_sync", 1));
	while (memory_disk(&t.alice->db, KEY_LID, "6281500000199")->data == NULL) {
		(void)event_base_loop(t.w.base, EVLOOP_ONCE);
		world_run(&t.w);
	}
	expect_lid(t.alice, CAROL, "333000333");
	assert_int_equal(peer_on_disk(t.alice, "333000333").expiration, 604800);
	/* Another one, that is not what it was said to be, and one under way at the end. */
	host_body.data[0] ^= 1;
	tell_history(&t, &ref);
	world_end(&t.w);
	buf_done(&host_body);
	buf_done(&h);
}

static void
test_history(void **state)
{
	struct buf h = history();
	const struct memory_value *salt;
	struct trio t;
	struct peer carol;

	(void)state;
	begin(&t);
	deliver_history(&t, t.phone, "H1", &h);
	assert_non_null(world_written(t.alice, "receipt", "type", "peer_msg", 0));
	assert_non_null(world_written(t.alice, "receipt", "type", "hist_sync", 0));
	assert_int_equal(t.alice->n_seen, 0);
	expect_lid(t.alice, CAROL, "333000333");
	expect_lid(t.alice, "6281500000000", "900000000");
	expect_lid(t.alice, "6281500000199", "900000199");
	carol = peer_on_disk(t.alice, "333000333");
	assert_string_equal(carol.phone, CAROL);
	assert_int_equal(carol.token_len, 3);
	assert_int_equal(carol.token_t, SERVER_TIME - 50);
	assert_int_equal(carol.expiration, 604800);
	assert_string_equal(t.alice->credentials.push_name, "Toko Alice");
	salt = memory_disk(&t.alice->db, KEY_ACCOUNT, ACCOUNT_SALT);
	assert_int_equal(salt->len, 4);
	/* An older history changes no newer token. */
	buf_reset(&h);
	chat_field(&h, "333000333@lid", SERVER_TIME - 5000, 0);
	deliver_history(&t, t.phone, "H2", &h);
	carol = peer_on_disk(t.alice, "333000333");
	assert_int_equal(carol.token_t, SERVER_TIME - 50);
	assert_int_equal(carol.expiration, 0);
	buf_done(&h);
	world_end(&t.w);
}

/* The vector "cstoken": what stands in the place of a token that nobody gave us. */
static void
test_own_token(void **state)
{
	static const uint8_t salt[32] = {0xb9, 0x36, 0x31, 0x21, 0x69, 0x14, 0xac, 0x7f, 0x2c, 0xb0,
	    0x63, 0x59, 0xc8, 0xff, 0xbd, 0x58, 0x11, 0x20, 0x5a, 0x11, 0xd0, 0x2f, 0x84, 0xf8,
	    0x91, 0x59, 0xe9, 0x84, 0x0e, 0x0e, 0x32, 0x97};
	static const uint8_t token[32] = {0x8c, 0x64, 0x89, 0xc2, 0xde, 0x04, 0x48, 0x51, 0x45,
	    0xe0, 0x19, 0x6d, 0x6a, 0xea, 0xa6, 0x3d, 0xec, 0x9a, 0x1e, 0xd2, 0x98, 0xde, 0x1f,
	    0x65, 0xf0, 0xa0, 0x9c, 0xda, 0xa6, 0x7b, 0x17, 0xd0};
	struct buf h = BUF_INIT(256);
	struct trio t;
	const uint8_t *data;
	size_t len = 0;

	(void)state;
	begin(&t);
	(void)world_party(&t.w, CAROL, "123456789012345", 0);
	world_send(t.alice, "M1", CAROL, "before");
	world_run(&t.w);
	assert_null(node_find(world_written(t.alice, "message", "id", "M1", 0), "cstoken"));
	bytes_field(&h, 19, salt, sizeof(salt));
	deliver_history(&t, t.phone, "H1", &h);
	world_send(t.alice, "M2", CAROL, "after");
	world_run(&t.w);
	data =
	    node_data(node_find(world_written(t.alice, "message", "id", "M2", 0), "cstoken"), &len);
	assert_int_equal(len, sizeof(token));
	assert_memory_equal(data, token, len);
	buf_done(&h);
	world_end(&t.w);
}

/* No receipt leaves before all that was learnt is on disk. */
static void
test_history_before_its_receipt(void **state)
{
	struct buf h = history();
	struct trio t;

	(void)state;
	begin(&t);
	t.alice->db.hold_commits = true;
	deliver_history(&t, t.phone, "H1", &h);
	assert_null(world_written(t.alice, "receipt", NULL, NULL, 0));
	t.alice->db.hold_commits = false;
	world_run(&t.w);
	assert_non_null(world_written(t.alice, "receipt", "type", "hist_sync", 0));
	/* Ends in the middle: nothing leaks, nothing is answered. */
	world_forget_log(&t.w);
	t.alice->db.hold_commits = true;
	deliver_history(&t, t.phone, "H2", &h);
	world_restart(t.alice);
	assert_null(world_written(t.alice, "receipt", NULL, NULL, 0));
	buf_done(&h);
	world_end(&t.w);
}

static void
test_broken_history(void **state)
{
	struct buf h = BUF_INIT(64);
	struct trio t;

	(void)state;
	begin(&t);
	buf_add(&h, "\x12\x05\x0a", 3);
	deliver_history(&t, t.phone, "H1", &h);
	assert_non_null(world_written(t.alice, "receipt", "type", "hist_sync", 0));
	assert_int_equal(t.alice->failures, 0);
	buf_done(&h);
	world_end(&t.w);
}

/* -- LIDs and keys -- */

static void
deliver_lids(struct trio *t, struct link *from)
{
	/* pn CAROL: assigned 1, latest 333000333; pn 6281400000004: assigned 444; one without. */
	Wa__LIDMigrationMapping m[3] = {WA__LIDMIGRATION_MAPPING__INIT,
	    WA__LIDMIGRATION_MAPPING__INIT, WA__LIDMIGRATION_MAPPING__INIT};
	Wa__LIDMigrationMapping *list[3] = {&m[0], &m[1], &m[2]};
	Wa__LIDMigrationMappingSyncPayload payload = WA__LIDMIGRATION_MAPPING_SYNC_PAYLOAD__INIT;
	Wa__LIDMigrationMappingSyncMessage sync = WA__LIDMIGRATION_MAPPING_SYNC_MESSAGE__INIT;
	Wa__ProtocolMessage p = WA__PROTOCOL_MESSAGE__INIT;
	uint8_t bytes[256];

	m[0].has_pn = m[1].has_pn = m[2].has_pn = 1;
	m[0].pn = 6281300000003;
	m[0].has_assigned_lid = m[0].has_latest_lid = m[1].has_assigned_lid = 1;
	m[0].assigned_lid = 1;
	m[0].latest_lid = 333000333;
	m[1].pn = 6281400000004;
	m[1].assigned_lid = 444;
	m[2].pn = 6281500000005;
	payload.n_pn_to_lid_mappings = 3;
	payload.pn_to_lid_mappings = list;
	sync.has_encoded_mapping_payload = 1;
	sync.encoded_mapping_payload.len =
	    wa__lidmigration_mapping_sync_payload__pack(&payload, bytes);
	sync.encoded_mapping_payload.data = bytes;
	p.has_type = 1;
	p.type = WA_PROTOCOL_LID_MIGRATION_MAPPING_SYNC;
	p.lid_migration_mapping_sync_message = &sync;
	deliver(t, from, "L1", &p);
}

static void
deliver_keys(struct trio *t, struct link *from)
{
	Wa__AppStateSyncKeyId id = WA__APP_STATE_SYNC_KEY_ID__INIT;
	Wa__AppStateSyncKeyData data = WA__APP_STATE_SYNC_KEY_DATA__INIT;
	Wa__AppStateSyncKey key = WA__APP_STATE_SYNC_KEY__INIT, *keys[1] = {&key};
	Wa__AppStateSyncKeyShare share = WA__APP_STATE_SYNC_KEY_SHARE__INIT;
	Wa__ProtocolMessage p = WA__PROTOCOL_MESSAGE__INIT;
	uint8_t id_bytes[] = {0, 0, 0x1a, 0xff}, key_bytes[32] = {7};

	id.has_key_id = 1;
	id.key_id = (ProtobufCBinaryData){sizeof(id_bytes), id_bytes};
	data.has_key_data = 1;
	data.key_data = (ProtobufCBinaryData){sizeof(key_bytes), key_bytes};
	key.key_id = &id;
	key.key_data = &data;
	share.n_keys = 1;
	share.keys = keys;
	p.has_type = 1;
	p.type = WA_PROTOCOL_APP_STATE_SYNC_KEY_SHARE;
	p.app_state_sync_key_share = &share;
	deliver(t, from, "K1", &p);
}

static void
test_lids_and_keys(void **state)
{
	struct trio t;

	(void)state;
	begin(&t);
	deliver_lids(&t, t.phone);
	expect_lid(t.alice, CAROL, "333000333");
	expect_lid(t.alice, "6281400000004", "444");
	expect_lid(t.alice, "6281500000005", NULL);
	assert_string_equal(peer_on_disk(t.alice, "333000333").phone, CAROL);
	deliver_keys(&t, t.phone);
	assert_int_equal(memory_disk(&t.alice->db, KEY_APP_STATE, "00001aff")->len, 34);
	assert_non_null(world_written(t.alice, "receipt", "type", "peer_msg", 1));
	assert_null(world_written(t.alice, "receipt", "type", "hist_sync", 0));
	world_end(&t.w);
}

/* What only our own phone may say, said by a stranger: answered, and nothing comes of it. */
static void
test_strangers(void **state)
{
	struct buf h = history();
	struct trio t;

	(void)state;
	begin(&t);
	deliver_lids(&t, t.bob);
	deliver_keys(&t, t.bob);
	deliver_history(&t, t.bob, "H1", &h);
	assert_non_null(world_written(t.alice, "receipt", "type", "inactive", 2));
	assert_null(world_written(t.alice, "receipt", "type", "hist_sync", 0));
	expect_lid(t.alice, CAROL, NULL);
	assert_null(memory_disk(&t.alice->db, KEY_APP_STATE, "00001aff")->data);
	assert_null(memory_disk(&t.alice->db, KEY_ACCOUNT, ACCOUNT_SALT)->data);
	assert_string_equal(t.alice->credentials.push_name, "");
	assert_int_equal(t.alice->n_seen, 0);
	buf_done(&h);
	world_end(&t.w);
}

/* -- chats whose messages disappear -- */

static void
test_timer(void **state)
{
	struct node *ask = node_new("receipt", "id", "M0", "type", "retry", NULL);
	Wa__ProtocolMessage p = WA__PROTOCOL_MESSAGE__INIT;
	struct trio t;

	(void)state;
	begin(&t);
	p.has_type = p.has_ephemeral_expiration = 1;
	p.type = WA_PROTOCOL_EPHEMERAL_SETTING;
	p.ephemeral_expiration = 86400;
	deliver(&t, t.bob, "E1", &p);
	assert_int_equal(t.alice->n_seen, 0);
	assert_int_equal(peer_on_disk(t.alice, "222000222").expiration, 86400);
	/* Bob reads the timer from what he asked for again, and from the next message. */
	t.w.retry_text = "once more";
	t.w.retry_phone = BOB;
	node_set_jid(ask, "from", &t.bob->credentials.own_lid);
	(void)node_child(ask, "retry", "count", "1", "id", "M0", "t", "7", NULL);
	messaging_receipt(t.alice->m, ask);
	world_run(&t.w);
	world_expect_message(t.bob, "M0", "once more");
	assert_int_equal(peer_on_disk(t.bob, "111000111").expiration, 86400);
	world_send(t.alice, "M1", BOB, "it will be gone");
	world_run(&t.w);
	world_expect_message(t.bob, "M1", "it will be gone");
	assert_int_equal(peer_on_disk(t.bob, "111000111").expiration, 86400);
	p.ephemeral_expiration = 0;
	deliver(&t, t.bob, "E2", &p);
	assert_int_equal(peer_on_disk(t.alice, "222000222").expiration, 0);
	node_free(&ask);
	world_end(&t.w);
}

/* -- what is shown -- */

static void
test_revoke(void **state)
{
	Wa__ProtocolMessage p = WA__PROTOCOL_MESSAGE__INIT;
	Wa__MessageKey key = WA__MESSAGE_KEY__INIT;
	char id[] = "OLD";
	struct trio t;

	(void)state;
	begin(&t);
	key.id = id;
	p.key = &key;
	p.has_type = 1;
	p.type = WA_PROTOCOL_REVOKE;
	deliver(&t, t.bob, "R1", &p);
	assert_string_equal(world_see(t.alice, SEEN_MESSAGE, "R1")->type, "revoke");
	world_end(&t.w);
}

static void
test_edit(void **state)
{
	Wa__ProtocolMessage p = WA__PROTOCOL_MESSAGE__INIT;
	Wa__MessageKey key = WA__MESSAGE_KEY__INIT;
	uint8_t text[] = "\x0a\x03new";
	char id[] = "OLD";
	struct trio t;

	(void)state;
	begin(&t);
	key.id = id;
	p.key = &key;
	p.has_type = p.has_edited_message = 1;
	p.type = WA_PROTOCOL_MESSAGE_EDIT;
	p.edited_message = (ProtobufCBinaryData){5, text};
	deliver(&t, t.bob, "E1", &p);
	assert_string_equal(world_see(t.alice, SEEN_MESSAGE, "E1")->type, "edit");
	assert_string_equal(world_see(t.alice, SEEN_MESSAGE, "E1")->text, "new");
	world_end(&t.w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_history),
	    cmocka_unit_test(test_history_on_hosts),
	    cmocka_unit_test(test_own_token),
	    cmocka_unit_test(test_history_before_its_receipt),
	    cmocka_unit_test(test_broken_history),
	    cmocka_unit_test(test_lids_and_keys),
	    cmocka_unit_test(test_strangers),
	    cmocka_unit_test(test_timer),
	    cmocka_unit_test(test_revoke),
	    cmocka_unit_test(test_edit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
