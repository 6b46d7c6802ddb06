/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The drawn QR code, read back block by block, is the code that libqrencode makes. */
#include "tests/unit/cmocka_all.h"

#include <qrencode.h>
#include <stdlib.h>
#include <string.h>

#include "waconnd/waconnctl/terminal_qr.h"

#define TEXT "2@abcdefghijklmnopqrstuvwxyz0123456789,key,identity,secret"

/* The next character as its two modules (light or not); where it ends. */
static const char *
read_block(const char *p, bool *ret_upper, bool *ret_lower)
{
	static const struct {
		const char *text;
		bool upper, lower;
	} blocks[] = {
	    {" ", false, false}, {"▀", true, false}, {"▄", false, true}, {"█", true, true}};

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		if (strncmp(p, blocks[i].text, strlen(blocks[i].text)) == 0) {
			*ret_upper = blocks[i].upper;
			*ret_lower = blocks[i].lower;
			return p + strlen(blocks[i].text);
		}
	}
	fail_msg("no block: %.8s", p);
	return NULL;
}

static bool
light(const QRcode *qr, int x, int y)
{
	return x < 0 || y < 0 || x >= qr->width || y >= qr->width ||
	       (qr->data[y * qr->width + x] & 1) == 0;
}

static void
reads_back(void **state)
{
	QRcode *qr = QRcode_encodeString8bit(TEXT, 0, QR_ECLEVEL_L);
	const int end = qr->width + TERMINAL_QR_QUIET;
	struct buf out = BUF_INIT(65536);
	const char *p;

	(void)state;
	assert_int_equal(terminal_qr_draw(TEXT, false, &out), 0);
	p = buf_str(&out);
	for (int y = -TERMINAL_QR_QUIET; y < end; y += 2) {
		for (int x = -TERMINAL_QR_QUIET; x < end; x++) {
			bool upper = false, lower = false;

			p = read_block(p, &upper, &lower);
			assert_int_equal(upper, light(qr, x, y));
			assert_int_equal(lower, y + 1 < end && light(qr, x, y + 1));
		}
		assert_int_equal(*p++, '\n');
	}
	assert_int_equal(*p, '\0');
	QRcode_free(qr);
	buf_done(&out);
}

static void
colours(void **state)
{
	struct buf out = BUF_INIT(65536);

	(void)state;
	assert_int_equal(terminal_qr_draw(TEXT, true, &out), 0);
	assert_ptr_equal(strstr(buf_str(&out), "\033[97;40m"), buf_str(&out));
	assert_string_equal(buf_str(&out) + out.len - 5, "\033[0m\n");
	buf_done(&out);
}

static void
refused(void **state)
{
	char text[TERMINAL_QR_TEXT_MAX + 2];
	struct buf out = BUF_INIT(65536), small = BUF_INIT(100);

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(terminal_qr_draw("", false, &out), -1);
	assert_int_equal(terminal_qr_draw(text, false, &out), -1);
	assert_int_equal(terminal_qr_draw(TEXT, false, &small), -1);
	buf_done(&out);
	buf_done(&small);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_back),
	    cmocka_unit_test(colours),
	    cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
