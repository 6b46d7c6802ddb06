/* SPDX-License-Identifier: GPL-3.0-or-later */
/* qr_image: a text as a QR code, black on white with the quiet zone of four modules that scanners
 * need. */
#ifndef APIGW_QR_IMAGE_H
#define APIGW_QR_IMAGE_H

#include "common/buf.h"

#define QR_TEXT_MAX 2048
#define QR_QUIET_ZONE 4
#define QR_PNG_SCALE 8 /* pixels per module */

/* -1 when the text does not fit into a code. */
int qr_svg(const char *text, struct buf *out) __attribute__((warn_unused_result));
int qr_png(const char *text, struct buf *out) __attribute__((warn_unused_result));

#endif
