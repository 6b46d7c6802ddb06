/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Draws light modules, so that the code has its light border on a dark terminal. Keeps no text. */
#include "waconnd/waconnctl/terminal_qr.h"

#include <qrencode.h>
#include <string.h>

static bool
is_light(const QRcode *qr, int x, int y)
{
	return x < 0 || y < 0 || x >= qr->width || y >= qr->width ||
	       (qr->data[y * qr->width + x] & 1) == 0;
}

static void
draw_line(const QRcode *qr, int y, bool colours, struct buf *out)
{
	/* lower half light, upper half light */
	static const char *const blocks[2][2] = {{" ", "▀"}, {"▄", "█"}};
	const int last = qr->width + TERMINAL_QR_QUIET;

	if (colours)
		buf_add_str(out, "\033[97;40m");
	for (int x = -TERMINAL_QR_QUIET; x < last; x++)
		buf_add_str(
		    out, blocks[y + 1 < last && is_light(qr, x, y + 1)][is_light(qr, x, y)]);
	buf_add_str(out, colours ? "\033[0m\n" : "\n");
}

int
terminal_qr_draw(const char *text, bool colours, struct buf *out)
{
	QRcode *qr;

	if (*text == '\0' || strlen(text) > TERMINAL_QR_TEXT_MAX)
		return -1;
	qr = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	if (qr == NULL)
		return -1;
	for (int y = -TERMINAL_QR_QUIET; y < qr->width + TERMINAL_QR_QUIET; y += 2)
		draw_line(qr, y, colours, out);
	QRcode_free(qr);
	return buf_ok(out) ? 0 : -1;
}
