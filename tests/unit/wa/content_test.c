/* SPDX-License-Identifier: GPL-3.0-or-later */
/* content: the vectors of what we send decoded and written again byte for byte, every kind there
 * and back, what is refused, and hostile contents. */
#include "common/wa/content.h"

#include <math.h>

#include "common/wa/message.h"
#include "tests/unit/wa/vectors.h"
#include "wa.pb-c.h"

static const char *const ours[] = {
    "conversation", "image", "video", "audio-ptt", "document", "location", "contact"};

static struct wa_content *
there_and_back(const struct wa_content *content)
{
	struct buf b = BUF_INIT(MESSAGE_BYTES_MAX);
	struct wa_content *back = NULL;

	assert_int_equal(wa_content_encode(content, &b, NULL), 0);
	assert_true(buf_ok(&b));
	assert_int_equal(wa_content_decode(b.data, b.len, &back), 0);
	buf_done(&b);
	return back;
}

static void
same(const char *a, const char *b)
{
	if (a == NULL)
		assert_null(b);
	else
		assert_string_equal(a, b);
}

static void
test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		char name[64];
		struct buf b, again = BUF_INIT(4096);
		struct wa_content *c;
		const json_t *v;

		(void)snprintf(name, sizeof(name), "message-proto:%s", ours[i]);
		v = vector(name);
		b = vector_bytes(v, "outputs.encoded");
		assert_int_equal(wa_content_decode(b.data, b.len, &c), 0);
		assert_int_equal(wa_content_encode(c, &again, NULL), 0);
		assert_bytes(again.data, again.len, vector_str(v, "outputs.encoded"));
		wa_content_free(&c);
		buf_done(&b);
		buf_done(&again);
	}
}

static void
test_vector_values(void **state)
{
	const json_t *v = vector("message-proto:image");
	const json_t *want = vector_at(v, "inputs.json.imageMessage");
	struct buf b = vector_bytes(v, "outputs.encoded");
	struct wa_content *c;

	(void)state;
	assert_int_equal(wa_content_decode(b.data, b.len, &c), 0);
	assert_int_equal(c->kind, WA_CONTENT_IMAGE);
	assert_string_equal(c->text, "cap");
	assert_string_equal(c->media.url, vector_str(want, "url"));
	assert_string_equal(c->media.direct_path, vector_str(want, "directPath"));
	assert_bytes(c->media.media_key, 32, vector_str(want, "mediaKey.hex"));
	assert_bytes(c->media.file_sha256, 32, vector_str(want, "fileSha256.hex"));
	assert_bytes(c->media.file_enc_sha256, 32, vector_str(want, "fileEncSha256.hex"));
	assert_int_equal(c->media.length, 1000);
	assert_int_equal(c->media.key_time, vector_int(want, "mediaKeyTimestamp"));
	assert_int_equal(c->width, 800);
	assert_int_equal(c->height, 600);
	assert_bytes(c->thumbnail.data, c->thumbnail.len, "ffd8ffd9");
	assert_true(wa_content_has_media(c));
	wa_content_free(&c);
	buf_done(&b);
}

static void
test_others(void **state)
{
	static const char *const none[] = {"reaction", "revoke", "placeholder-resend",
	    "sender-key-distribution", "history-sync-notification"};

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		char name[64];
		struct wa_content *c = NULL;
		struct buf b;

		(void)snprintf(name, sizeof(name), "message-proto:%s", none[i]);
		b = vector_bytes(vector(name), "outputs.encoded");
		assert_int_equal(wa_content_decode(b.data, b.len, &c), -1);
		assert_null(c);
		buf_done(&b);
	}
}

/* -- every kind ---------------------------------------------------------------------- */

static struct wa_content
filled(enum wa_content_kind kind)
{
	static const uint8_t jpeg[] = {0xff, 0xd8, 0xff, 0xd9}, wave[64] = {1, 2, 100};
	struct wa_content c = {.kind = kind,
	    .quoted = {.id = "3EB0AA", .participant = "1@lid", .text = "tanya"},
	    .expiration = 86400};

	if (kind == WA_CONTENT_LOCATION) {
		c.location.latitude = -6.2;
		c.location.longitude = 106.8;
		c.location.name = "Toko";
		c.location.address = "Jalan 1";
	} else if (kind == WA_CONTENT_CONTACT) {
		c.contact.name = "Ani";
		c.contact.vcard = "BEGIN:VCARD\nEND:VCARD";
	} else if (kind == WA_CONTENT_TEXT) {
		c.text = "lihat https://example.com";
		c.link.matched = "https://example.com";
		c.link.title = "Contoh";
		c.link.description = "sebuah contoh";
		c.thumbnail = (struct wa_bytes){jpeg, sizeof(jpeg)};
	}
	if (!wa_content_is_file(kind))
		return c;
	c.media = (struct wa_media_ref){.url = "https://mmg.whatsapp.net/v/x?a=1",
	    .direct_path = "/v/x?a=1",
	    .length = 5,
	    .key_time = 1795485600,
	    .media_key = {1},
	    .file_sha256 = {2},
	    .file_enc_sha256 = {3}};
	c.mimetype = "a/b";
	if (kind != WA_CONTENT_AUDIO && kind != WA_CONTENT_VOICE && kind != WA_CONTENT_STICKER)
		c.text = "keterangan";
	if (kind == WA_CONTENT_DOCUMENT) {
		c.file_name = "a.pdf";
		c.pages = 3;
	} else if (kind == WA_CONTENT_AUDIO || kind == WA_CONTENT_VOICE) {
		c.seconds = 7;
		c.waveform = (struct wa_bytes){wave, sizeof(wave)};
	} else {
		c.width = 640;
		c.height = 480;
	}
	if (kind == WA_CONTENT_IMAGE || kind == WA_CONTENT_DOCUMENT)
		c.thumbnail = (struct wa_bytes){jpeg, sizeof(jpeg)};
	c.animated = kind == WA_CONTENT_STICKER;
	return c;
}

static void
check_same(const struct wa_content *a, const struct wa_content *b)
{
	assert_int_equal(a->kind, b->kind);
	same(a->text, b->text);
	same(a->link.matched, b->link.matched);
	same(a->link.title, b->link.title);
	same(a->link.description, b->link.description);
	same(a->media.url, b->media.url);
	same(a->media.direct_path, b->media.direct_path);
	same(a->mimetype, b->mimetype);
	same(a->file_name, b->file_name);
	same(a->location.name, b->location.name);
	same(a->location.address, b->location.address);
	same(a->contact.name, b->contact.name);
	same(a->contact.vcard, b->contact.vcard);
	same(a->quoted.id, b->quoted.id);
	same(a->quoted.participant, b->quoted.participant);
	same(a->quoted.text, b->quoted.text);
	assert_memory_equal(a->media.media_key, b->media.media_key, 32);
	assert_memory_equal(a->media.file_sha256, b->media.file_sha256, 32);
	assert_memory_equal(a->media.file_enc_sha256, b->media.file_enc_sha256, 32);
	assert_true(a->media.length == b->media.length && a->media.key_time == b->media.key_time);
	assert_true(a->width == b->width && a->height == b->height && a->seconds == b->seconds);
	assert_true(a->pages == b->pages && a->animated == b->animated);
	assert_true(a->expiration == b->expiration);
	assert_true(fabs(a->location.latitude - b->location.latitude) < 1e-9);
	assert_true(fabs(a->location.longitude - b->location.longitude) < 1e-9);
	assert_int_equal(a->thumbnail.len, b->thumbnail.len);
	if (a->thumbnail.len > 0)
		assert_memory_equal(a->thumbnail.data, b->thumbnail.data, a->thumbnail.len);
	assert_int_equal(a->waveform.len, b->waveform.len);
	if (a->waveform.len > 0)
		assert_memory_equal(a->waveform.data, b->waveform.data, a->waveform.len);
}

static void
test_every_kind(void **state)
{
	(void)state;
	for (unsigned k = 0; k < WA_CONTENT_KIND_COUNT; k++) {
		const struct wa_content c = filled(k);
		struct wa_content *copy = wa_content_copy(&c), *back = there_and_back(copy);

		check_same(&c, copy);
		check_same(&c, back);
		assert_int_equal(wa_content_has_media(back), wa_content_is_file(k));
		wa_content_free(&copy);
		wa_content_free(&back);
		assert_null(back);
	}
}

static void
test_names(void **state)
{
	static const struct {
		const char *name, *type, *mediatype;
	} want[WA_CONTENT_KIND_COUNT] = {
	    [WA_CONTENT_TEXT] = {"text", "text", "url"},
	    [WA_CONTENT_IMAGE] = {"image", "media", "image"},
	    [WA_CONTENT_VIDEO] = {"video", "media", "video"},
	    [WA_CONTENT_GIF] = {"gif", "media", "gif"},
	    [WA_CONTENT_AUDIO] = {"audio", "media", "audio"},
	    [WA_CONTENT_VOICE] = {"voice", "media", "ptt"},
	    [WA_CONTENT_DOCUMENT] = {"document", "media", "document"},
	    [WA_CONTENT_STICKER] = {"sticker", "media", "sticker"},
	    [WA_CONTENT_LOCATION] = {"location", "text", NULL},
	    [WA_CONTENT_CONTACT] = {"contact", "media", "vcard"},
	};
	enum wa_content_kind kind;

	(void)state;
	for (unsigned k = 0; k < WA_CONTENT_KIND_COUNT; k++) {
		const struct wa_content c = filled(k);

		assert_string_equal(wa_content_kind_name(k), want[k].name);
		assert_int_equal(wa_content_kind_parse(want[k].name, &kind), 0);
		assert_int_equal(kind, k);
		assert_string_equal(wa_content_type(&c), want[k].type);
		same(want[k].mediatype, wa_content_mediatype(&c));
	}
	assert_int_equal(wa_content_kind_parse("reaction", &kind), -1);
	assert_null(wa_content_mediatype(&(struct wa_content){.text = "x"}));
	assert_int_equal(wa_content_media_type(WA_CONTENT_STICKER), WA_MEDIA_IMAGE);
	assert_int_equal(wa_content_media_type(WA_CONTENT_VOICE), WA_MEDIA_AUDIO);
	assert_int_equal(wa_content_media_type(WA_CONTENT_GIF), WA_MEDIA_VIDEO);
	assert_string_equal(wa_content_mimetype(WA_CONTENT_VOICE), "audio/ogg; codecs=opus");
}

/* A document's caption is shown from inside its wrapper only. */
static void
test_document_wrapper(void **state)
{
	struct wa_content c = filled(WA_CONTENT_DOCUMENT);
	struct buf b = BUF_INIT(MESSAGE_BYTES_MAX);
	Wa__Message *m;

	(void)state;
	assert_int_equal(wa_content_encode(&c, &b, NULL), 0);
	m = wa__message__unpack(NULL, b.len, b.data);
	assert_non_null(m);
	assert_null(m->document_message);
	assert_non_null(m->document_with_caption_message);
	wa__message__free_unpacked(m, NULL);
	buf_reset(&b);
	c.text = NULL;
	assert_int_equal(wa_content_encode(&c, &b, NULL), 0);
	m = wa__message__unpack(NULL, b.len, b.data);
	assert_non_null(m);
	assert_non_null(m->document_message);
	assert_string_equal(m->document_message->title, "a.pdf");
	wa__message__free_unpacked(m, NULL);
	buf_done(&b);
}

/* -- what is refused ------------------------------------------------------------------- */

static void
refused(const struct wa_content *c)
{
	struct buf b = BUF_INIT(MESSAGE_BYTES_MAX);
	const char *why = NULL;

	assert_int_equal(wa_content_encode(c, &b, &why), -1);
	assert_non_null(why);
	assert_int_equal(b.len, 0);
	buf_done(&b);
}

static void
test_refused(void **state)
{
	char *text = malloc(WA_CONTENT_TEXT_MAX + 2);
	struct wa_content c;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', WA_CONTENT_TEXT_MAX + 1);
	text[WA_CONTENT_TEXT_MAX + 1] = '\0';
	refused(&(struct wa_content){.kind = WA_CONTENT_TEXT});
	refused(&(struct wa_content){.kind = WA_CONTENT_KIND_COUNT, .text = "x"});
	refused(&(struct wa_content){.kind = WA_CONTENT_TEXT, .text = text});
	refused(&(struct wa_content){.kind = WA_CONTENT_TEXT, .text = "\xff"});
	refused(&(struct wa_content){.kind = WA_CONTENT_IMAGE, .text = "x"});
	refused(&(struct wa_content){.kind = WA_CONTENT_CONTACT, .contact = {.name = "x"}});
	refused(&(struct wa_content){.kind = WA_CONTENT_LOCATION, .location = {.latitude = 90.1}});
	refused(&(struct wa_content){.kind = WA_CONTENT_LOCATION, .location = {.longitude = NAN}});
	c = filled(WA_CONTENT_IMAGE);
	c.media.direct_path = "https://elsewhere/";
	refused(&c);
	text[WA_CONTENT_STRING_MAX + 1] = '\0';
	c = filled(WA_CONTENT_DOCUMENT);
	c.file_name = text;
	refused(&c);
	free(text);
}

/* -- from strangers -------------------------------------------------------------------- */

static struct wa_content *
decoded(Wa__Message *m)
{
	uint8_t *bytes = malloc(wa__message__get_packed_size(m) + 1);
	struct wa_content *c = NULL;

	assert_non_null(bytes);
	assert_int_equal(wa_content_decode(bytes, wa__message__pack(m, bytes), &c), 0);
	free(bytes);
	return c;
}

/* Half a reference is none; its caption is still shown. */
static void
test_broken_reference(void **state)
{
	Wa__Message m = WA__MESSAGE__INIT;
	Wa__ImageMessage i = WA__IMAGE_MESSAGE__INIT;
	uint8_t key[31] = {0}, hash[32] = {0};
	struct wa_content *c;

	(void)state;
	m.image_message = &i;
	i.caption = (char[]){"b\xff"};
	i.direct_path = (char[]){"/v/x"};
	i.has_media_key = i.has_file_sha256 = i.has_file_enc_sha256 = 1;
	i.media_key = (ProtobufCBinaryData){sizeof(key), key};
	i.file_sha256 = i.file_enc_sha256 = (ProtobufCBinaryData){sizeof(hash), hash};
	c = decoded(&m);
	assert_false(wa_content_has_media(c));
	assert_null(c->media.direct_path);
	assert_string_equal(c->text, "b\xef\xbf\xbd");
	wa_content_free(&c);
}

static void
test_several_contacts(void **state)
{
	Wa__Message m = WA__MESSAGE__INIT;
	Wa__ContactsArrayMessage a = WA__CONTACTS_ARRAY_MESSAGE__INIT;
	Wa__ContactMessage one = WA__CONTACT_MESSAGE__INIT, two = WA__CONTACT_MESSAGE__INIT;
	struct wa_content *c;

	(void)state;
	m.contacts_array_message = &a;
	a.display_name = (char[]){"2 kontak"};
	a.contacts = (Wa__ContactMessage *[]){&one, &two};
	a.n_contacts = 2;
	one.vcard = (char[]){"A"};
	two.vcard = (char[]){"B"};
	c = decoded(&m);
	assert_int_equal(c->kind, WA_CONTENT_CONTACT);
	assert_string_equal(c->contact.name, "2 kontak");
	assert_string_equal(c->contact.vcard, "A\nB");
	wa_content_free(&c);
}

static void
test_wrapped(void **state)
{
	Wa__Message m = WA__MESSAGE__INIT;
	Wa__FutureProofMessage f = WA__FUTURE_PROOF_MESSAGE__INIT;
	struct buf b = BUF_INIT(1024);
	struct wa_content *c;

	(void)state;
	wa_message_write_text("sekali", &b);
	f.has_message = 1;
	f.message = (ProtobufCBinaryData){b.len, b.data};
	m.view_once_message = &f;
	c = decoded(&m);
	assert_string_equal(c->text, "sekali");
	assert_true(c->view_once);
	wa_content_free(&c);
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_vector_values),
	    cmocka_unit_test(test_others),
	    cmocka_unit_test(test_every_kind),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_document_wrapper),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_broken_reference),
	    cmocka_unit_test(test_several_contacts),
	    cmocka_unit_test(test_wrapped),
	};

	return cmocka_run_group_tests(tests, vectors_load, vectors_unload);
}
