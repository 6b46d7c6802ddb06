/* SPDX-License-Identifier: GPL-3.0-or-later */
/* terminal_qr: a QR code drawn with half blocks, two modules to a character. */
#ifndef WACONNCTL_TERMINAL_QR_H
#define WACONNCTL_TERMINAL_QR_H

#include <stdbool.h>

#include "common/buf.h"

#define TERMINAL_QR_TEXT_MAX 2048
#define TERMINAL_QR_QUIET 2 /* light modules around; a terminal's margin does the rest */

/*
 * colours: set black on white, whatever the terminal's own are; else light is drawn in its
 * foreground, which suits dark terminals. -1: the text does not fit into a code.
 */
int terminal_qr_draw(const char *text, bool colours, struct buf *out)
    __attribute__((warn_unused_result));

#endif
