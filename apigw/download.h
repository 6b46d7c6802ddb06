/* SPDX-License-Identifier: GPL-3.0-or-later */
/* download: a file that the daemon has, to an HTTP client: asked for piece by piece as the client
 * takes them, whole or a range of it. */
#ifndef APIGW_DOWNLOAD_H
#define APIGW_DOWNLOAD_H

#include "apigw/call.h"

/* A route's run. Its operation answers {"media": {"id", "mimeType", "size", "fileName", "sha256"}};
 * the bytes are read under that id. */
void download_run(struct call *c);

/* One range of "bytes=…" within `size` bytes. 1: that range, 0: there is none that counts (the
 * whole is answered), -1: outside of the file. */
int download_range(const char *header, uint64_t size, uint64_t *ret_from, uint64_t *ret_len);

#endif
