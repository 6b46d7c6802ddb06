/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What files are by their first bytes, and as what they may be sent. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "common/media_type.h"

#define BYTES(s) s, sizeof(s) - 1

static const struct {
	const char *bytes;
	size_t len;
	const char *name, *type, *kind;
} files[] = {
    {BYTES("\xff\xd8\xff\xe0"), "a.txt", "image/jpeg", "image"},
    {BYTES("\x89PNG\r\n\x1a\n\0\0"), NULL, "image/png", "image"},
    {BYTES("RIFF\0\0\0\0WEBPVP8 "), NULL, "image/webp", "sticker"},
    {BYTES("RIFF\0\0\0\0WAVEfmt "), NULL, "audio/wav", "document"},
    {BYTES("GIF89a"), NULL, "image/gif", "document"},
    {BYTES("\0\0\0\x18"
	   "ftypisom"),
	NULL, "video/mp4", "video"},
    {BYTES("\0\0\0\x18"
	   "ftypM4A "),
	NULL, "audio/mp4", "audio"},
    {BYTES("OggS\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x13OpusHead"), NULL,
	"audio/ogg; codecs=opus", "audio"},
    {BYTES("ID3\4"), NULL, "audio/mpeg", "audio"},
    {BYTES("%PDF-1.7"), NULL, "application/pdf", "document"},
    {BYTES("PK\3\4rest"), "x.DOCX",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "document"},
    {BYTES("PK\3\4rest"), "x.bin", "application/zip", "document"},
    {BYTES("PK\3\4rest"), NULL, "application/zip", "document"},
    {BYTES("\xd0\xcf\x11\xe0"), "x.xls", "application/vnd.ms-excel", "document"},
    {BYTES("\xd0\xcf\x11\xe0"), "x", "application/octet-stream", "document"},
    {BYTES("nama,telepon\n"), "x.csv", "text/csv", "document"},
    {BYTES("caf\xc3\xa9\n"), "x.png", "text/plain", "document"},
    {BYTES("<svg onload=alert(1)>"), "x.svg", "text/plain", "document"},
    {BYTES("caf\xc3"), NULL, "application/octet-stream", "document"},
    {BYTES("\0"), NULL, "application/octet-stream", "document"},
    {"", 0, "a.jpg", "application/octet-stream", "document"},
    {BYTES("RIFF"), NULL, "text/plain", "document"},
};

static void
test_types_by_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *type = media_type_detect(files[i].bytes, files[i].len, files[i].name);

		assert_string_equal(type, files[i].type);
		assert_string_equal(media_type_kind(type), files[i].kind);
		assert_true(media_type_may_be(type, files[i].kind));
		assert_true(media_type_may_be(type, "document"));
		assert_string_equal(media_type_known(type), type);
	}
}

/* A character may be cut in two where the head ends, not where the file does. */
static void
test_text_cut_in_a_character(void **state)
{
	char head[MEDIA_TYPE_HEAD];

	(void)state;
	memset(head, 'x', sizeof(head));
	head[sizeof(head) - 1] = '\xc3';
	assert_string_equal(media_type_detect(head, sizeof(head), NULL), "text/plain");
	head[0] = '\xff';
	assert_string_equal(
	    media_type_detect(head, sizeof(head), NULL), "application/octet-stream");
}

static void
test_kinds(void **state)
{
	(void)state;
	assert_true(media_type_may_be("audio/ogg; codecs=opus", "voice"));
	assert_true(media_type_may_be("image/webp", "image"));
	assert_true(media_type_may_be("video/mp4", "gif"));
	assert_false(media_type_may_be("audio/mpeg", "voice"));
	assert_false(media_type_may_be("image/png", "sticker"));
	assert_false(media_type_may_be("application/pdf", "image"));
	assert_string_equal(media_type_known("AUDIO/OGG; codecs=opus"), "audio/ogg; codecs=opus");
	assert_string_equal(media_type_known("text/html"), "application/octet-stream");
	assert_string_equal(media_type_known(NULL), "application/octet-stream");
	assert_string_equal(media_type_known("text/plain; charset=utf-8"), "text/plain");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_types_by_bytes),
	    cmocka_unit_test(test_text_cut_in_a_character),
	    cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
