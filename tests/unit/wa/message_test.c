/* SPDX-License-Identifier: GPL-3.0-or-later */
/* message: every message-proto vector read and written again, wrappers, their depth, and hostile
 * texts. */
#include "common/wa/message.h"

#include "common/wa/utf8.h"
#include "tests/unit/wa/vectors.h"
#include "wa.pb-c.h"

static const struct expected {
	const char *name;
	enum wa_message_kind kind;
	const char *text, *destination, *target;
	uint32_t protocol_type;
} rows[] = {
    {"conversation", WA_MESSAGE_TEXT, "hello", NULL, NULL, 0},
    {"extended-text", WA_MESSAGE_TEXT, "see https://example.com", NULL, NULL, 0},
    {"text-with-secret", WA_MESSAGE_TEXT, "hello", NULL, NULL, 0},
    {"image", WA_MESSAGE_IMAGE, "cap", NULL, NULL, 0},
    {"video", WA_MESSAGE_VIDEO, "cap", NULL, NULL, 0},
    {"audio-ptt", WA_MESSAGE_AUDIO, NULL, NULL, NULL, 0},
    {"document", WA_MESSAGE_DOCUMENT, "a.pdf", NULL, NULL, 0},
    {"location", WA_MESSAGE_LOCATION, "Rome", NULL, NULL, 0},
    {"contact", WA_MESSAGE_CONTACT, "Ann", NULL, NULL, 0},
    {"reaction", WA_MESSAGE_REACTION, "\xf0\x9f\x91\x8d", NULL, "ABC", 0},
    {"revoke", WA_MESSAGE_PROTOCOL, NULL, NULL, "ABC", WA_PROTOCOL_REVOKE},
    {"device-sent", WA_MESSAGE_TEXT, "hello", "123456789012345@lid", NULL, 0},
    {"placeholder-resend", WA_MESSAGE_PROTOCOL, NULL, NULL, NULL,
	WA_PROTOCOL_PEER_DATA_OPERATION_REQUEST},
    {"sender-key-distribution", WA_MESSAGE_UNKNOWN, NULL, NULL, NULL, 0},
    {"history-sync-notification", WA_MESSAGE_PROTOCOL, NULL, NULL, NULL,
	WA_PROTOCOL_HISTORY_SYNC_NOTIFICATION},
};

static const struct expected *
row_named(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	fail_msg("no row for %s", name);
	return NULL;
}

static void
check_text(const char *got, const char *want)
{
	if (want == NULL)
		assert_null(got);
	else
		assert_string_equal(got, want);
}

/* Nothing lost, nothing added, nothing unknown. */
static void
check_again(const struct buf *b, const char *hex)
{
	Wa__Message *m = wa__message__unpack(NULL, b->len, b->data);
	uint8_t again[1024];

	assert_non_null(m);
	assert_int_equal(m->base.n_unknown_fields, 0);
	assert_true(wa__message__get_packed_size(m) <= sizeof(again));
	assert_bytes(again, wa__message__pack(m, again), hex);
	wa__message__free_unpacked(m, NULL);
}

static void
each_message(const json_t *v, const char *name)
{
	const struct expected *e = row_named(strchr(name, ':') + 1);
	struct buf b = vector_bytes(v, "outputs.encoded");
	struct wa_message m;

	check_again(&b, vector_str(v, "outputs.encoded"));
	assert_int_equal(wa_message_read(b.data, b.len, &m), 0);
	assert_int_equal(m.kind, e->kind);
	check_text(m.text, e->text);
	check_text(m.destination, e->destination);
	check_text(m.target_id, e->target);
	assert_int_equal(m.protocol_type, e->protocol_type);
	assert_int_equal(m.has_sender_key, strcmp(e->name, "sender-key-distribution") == 0);
	assert_false(m.view_once || m.ephemeral || m.edited);
	wa_message_done(&m);
	buf_done(&b);
}

static void
test_vectors(void **state)
{
	(void)state;
	vectors_each("message-proto", 15, each_message);
}

/* The values inside, where the link layer needs them. */
static void
test_history_notification_fields(void **state)
{
	const json_t *v = vector("message-proto:history-sync-notification");
	const json_t *want = vector_at(v, "inputs.json.protocolMessage.historySyncNotification");
	struct buf b = vector_bytes(v, "outputs.encoded");
	Wa__Message *m = wa__message__unpack(NULL, b.len, b.data);
	const Wa__HistorySyncNotification *h;

	(void)state;
	assert_non_null(m);
	h = m->protocol_message->history_sync_notification;
	assert_string_equal(h->direct_path, vector_str(want, "directPath"));
	assert_int_equal(h->file_length, vector_int(want, "fileLength"));
	assert_bytes(h->media_key.data, h->media_key.len, vector_str(want, "mediaKey.hex"));
	assert_bytes(
	    h->file_enc_sha256.data, h->file_enc_sha256.len, vector_str(want, "fileEncSha256.hex"));
	assert_int_equal(h->chunk_order, vector_int(want, "chunkOrder"));
	assert_int_equal(h->progress, vector_int(want, "progress"));
	wa__message__free_unpacked(m, NULL);
	buf_done(&b);
}

static void
test_write(void **state)
{
	struct buf text = BUF_INIT(1024), sent = BUF_INIT(1024);
	char *got;
	enum wa_message_kind kind;

	(void)state;
	wa_message_write_text("hello", &text);
	assert_bytes(text.data, text.len,
	    vector_str(vector("message-proto:conversation"), "outputs.encoded"));
	wa_message_write_device_sent("123456789012345@lid", text.data, text.len, &sent);
	assert_bytes(sent.data, sent.len,
	    vector_str(vector("message-proto:device-sent"), "outputs.encoded"));
	assert_int_equal(wa_message_text(sent.data, sent.len, &kind, &got), 0);
	assert_int_equal(kind, WA_MESSAGE_TEXT);
	assert_string_equal(got, "hello");
	free(got);
	buf_done(&text);
	buf_done(&sent);
}

/* `inner` as the FutureProofMessage in field `number`. */
static void
wrap(struct buf *b, unsigned number)
{
	Wa__FutureProofMessage f = WA__FUTURE_PROOF_MESSAGE__INIT;
	Wa__Message m = WA__MESSAGE__INIT;
	struct buf inner = *b;

	buf_init(b, MESSAGE_BYTES_MAX);
	f.has_message = 1;
	f.message = (ProtobufCBinaryData){inner.len, inner.data};
	for (size_t i = 0; i < m.base.descriptor->n_fields; i++)
		if (m.base.descriptor->fields[i].id == number)
			*(Wa__FutureProofMessage **)(void *)((char *)&m +
							     m.base.descriptor->fields[i].offset) =
			    &f;
	uint8_t *bytes = malloc(wa__message__get_packed_size(&m) + 1);

	assert_non_null(bytes);
	buf_add(b, bytes, wa__message__pack(&m, bytes));
	assert_true(b->len > inner.len);
	free(bytes);
	buf_done(&inner);
}

static const struct wrapped {
	unsigned number;
	bool view_once, ephemeral, edited;
} wrappeds[] = {
    {37, true, false, false},
    {40, false, true, false},
    {53, false, false, false},
    {55, true, false, false},
    {58, false, false, true},
    {59, true, false, false},
    {67, false, false, false},
    {74, false, false, false},
};

static void
test_wrappers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrappeds) / sizeof(wrappeds[0]); i++) {
		struct buf b = BUF_INIT(1024);
		struct wa_message m;

		wa_message_write_text("inside", &b);
		wrap(&b, wrappeds[i].number);
		assert_int_equal(wa_message_read(b.data, b.len, &m), 0);
		assert_int_equal(m.kind, WA_MESSAGE_TEXT);
		assert_string_equal(m.text, "inside");
		assert_int_equal(m.view_once, wrappeds[i].view_once);
		assert_int_equal(m.ephemeral, wrappeds[i].ephemeral);
		assert_int_equal(m.edited, wrappeds[i].edited);
		assert_bytes(m.body.data, m.body.len, "0a06696e73696465");
		wa_message_done(&m);
		buf_done(&b);
	}
}

static void
test_edit(void **state)
{
	/* protocolMessage{key{id="ABC"}, type=14, editedMessage{conversation="new"}} in
	 * editedMessage(58) */
	struct buf b = hex_bytes("62100a051a03414243100e72050a036e6577");
	struct wa_message m;

	(void)state;
	wrap(&b, 58);
	assert_int_equal(wa_message_read(b.data, b.len, &m), 0);
	assert_int_equal(m.kind, WA_MESSAGE_TEXT);
	assert_true(m.edited);
	assert_string_equal(m.text, "new");
	assert_string_equal(m.target_id, "ABC");
	wa_message_done(&m);
	buf_done(&b);
}

static int
read_nested(unsigned levels)
{
	struct buf b = BUF_INIT(1024);
	struct wa_message m;
	int r;

	wa_message_write_text("deep", &b);
	for (unsigned i = 0; i < levels; i++)
		wrap(&b, 40);
	r = wa_message_read(b.data, b.len, &m);
	if (r == 0) {
		assert_string_equal(m.text, "deep");
		wa_message_done(&m);
	}
	buf_done(&b);
	return r;
}

/* The last is what crashes a reader that follows the nesting. */
static void
test_depth(void **state)
{
	(void)state;
	assert_int_equal(read_nested(MESSAGE_DEPTH_MAX), 0);
	assert_int_equal(read_nested(MESSAGE_DEPTH_MAX + 1), -1);
	assert_int_equal(read_nested(3000), -1);
}

static void
test_kind_names(void **state)
{
	(void)state;
	for (int k = 0; k < WA_MESSAGE_KIND_COUNT; k++) {
		const char *name = wa_message_kind_name((enum wa_message_kind)k);

		assert_non_null(name);
		for (int other = 0; other < k; other++)
			assert_string_not_equal(
			    name, wa_message_kind_name((enum wa_message_kind)other));
	}
	assert_string_equal(wa_message_kind_name(WA_MESSAGE_TEXT), "text");
	assert_string_equal(wa_message_kind_name((enum wa_message_kind)99), "unknown");
}

static void
test_kinds_by_bytes_only(void **state)
{
	static const struct {
		const char *hex;
		enum wa_message_kind kind;
	} kinds[] = {
	    {"", WA_MESSAGE_UNKNOWN},
	    {"9a0200", WA_MESSAGE_UNKNOWN}, /* context info only */
	    {"8a0300", WA_MESSAGE_POLL},
	    {"920100", WA_MESSAGE_LOCATION},
	    {"d20100", WA_MESSAGE_STICKER},
	    {"92041a", -1}, /* truncated */
	    {"920400", WA_MESSAGE_VIDEO},
	    {"d20200", WA_MESSAGE_OTHER},
	    {"6a00", WA_MESSAGE_CONTACT},
	    {"f2ffff3f00", WA_MESSAGE_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct buf b = hex_bytes(kinds[i].hex);
		struct wa_message m = {0};
		const int r = wa_message_read(b.data, b.len, &m);

		assert_int_equal(r, (int)kinds[i].kind == -1 ? -1 : 0);
		if (r == 0 && m.kind != kinds[i].kind)
			fail_msg("%s: %s", kinds[i].hex, wa_message_kind_name(m.kind));
		wa_message_done(&m);
		buf_done(&b);
	}
}

static void
test_utf8(void **state)
{
	static const struct {
		const char *in, *out;
	} texts[] = {
	    {"", ""},
	    {"plain", "plain"},
	    {"\xc5\xbc\xe2\x98\x8e\xf0\x9f\x90\xa2", "\xc5\xbc\xe2\x98\x8e\xf0\x9f\x90\xa2"},
	    {"a\xff"
	     "b",
		"a\xef\xbf\xbd"
		"b"},
	    {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"},		      /* overlong NUL */
	    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* surrogate */
	    {"\xf4\x90\x80\x80",
		"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* over U+10FFFF */
	    {"x\xe2\x98", "x\xef\xbf\xbd\xef\xbf\xbd"},		     /* cut off */
	    {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *got = utf8_clean_copy(texts[i].in);

		assert_string_equal(got, texts[i].out);
		free(got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_history_notification_fields),
	    cmocka_unit_test(test_write),
	    cmocka_unit_test(test_wrappers),
	    cmocka_unit_test(test_edit),
	    cmocka_unit_test(test_depth),
	    cmocka_unit_test(test_kind_names),
	    cmocka_unit_test(test_kinds_by_bytes_only),
	    cmocka_unit_test(test_utf8),
	};

	return VECTORS_RUN(tests);
}
