/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QR codes as SVG and PNG. The text links an account: it is drawn, never logged or kept. */
#include "apigw/qr_image.h"

#include <png.h>
#include <qrencode.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

static QRcode *
encode(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > QR_TEXT_MAX)
		return NULL;
	return QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
}

static bool
is_dark(const QRcode *qr, int x, int y)
{
	return (qr->data[y * qr->width + x] & 1) != 0;
}

/* One path; a run of dark modules in a row is one rectangle. */
int
qr_svg(const char *text, struct buf *out)
{
	QRcode *qr = encode(text);
	int side;

	if (qr == NULL)
		return -1;
	side = qr->width + 2 * QR_QUIET_ZONE;
	buf_addf(out,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
	    "shape-rendering=\"crispEdges\">"
	    "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/><path fill=\"#000\" d=\"",
	    side, side, side, side);
	for (int y = 0; y < qr->width; y++) {
		for (int x = 0; x < qr->width; x++) {
			int start = x;

			while (x < qr->width && is_dark(qr, x, y))
				x++;
			if (x > start)
				buf_addf(out, "M%d %dh%dv1h-%dz", start + QR_QUIET_ZONE,
				    y + QR_QUIET_ZONE, x - start, x - start);
		}
	}
	buf_add_str(out, "\"/></svg>\n");
	QRcode_free(qr);
	return buf_ok(out) ? 0 : -1;
}

static void
paint(const QRcode *qr, unsigned char *pixels, size_t side)
{
	const size_t quiet = QR_QUIET_ZONE * QR_PNG_SCALE;

	memset(pixels, 0xff, side * side);
	for (int y = 0; y < qr->width * QR_PNG_SCALE; y++) {
		for (int x = 0; x < qr->width * QR_PNG_SCALE; x++) {
			if (is_dark(qr, x / QR_PNG_SCALE, y / QR_PNG_SCALE))
				pixels[(quiet + (size_t)y) * side + quiet + (size_t)x] = 0;
		}
	}
}

int
qr_png(const char *text, struct buf *out)
{
	QRcode *qr = encode(text);
	png_image image = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_GRAY};
	png_alloc_size_t size = 0;
	unsigned char *pixels, *bytes = NULL;
	size_t side;
	int r = -1;

	if (qr == NULL)
		return -1;
	side = ((size_t)qr->width + 2 * QR_QUIET_ZONE) * QR_PNG_SCALE;
	pixels = xmalloc(side * side);
	paint(qr, pixels, side);
	image.width = image.height = (png_uint_32)side;
	if (png_image_write_to_memory(&image, NULL, &size, 0, pixels, 0, NULL)) {
		bytes = xmalloc(size);
		if (png_image_write_to_memory(&image, bytes, &size, 0, pixels, 0, NULL)) {
			buf_add(out, bytes, size);
			r = buf_ok(out) ? 0 : -1;
		}
	}
	free(bytes);
	free(pixels);
	QRcode_free(qr);
	return r;
}
