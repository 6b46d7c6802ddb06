/* SPDX-License-Identifier: GPL-3.0-or-later */
/* download: a file that the daemon has, to an HTTP client: asked for piece by piece as the client
 * takes them, whole or a range of it. */
#ifndef APIGW_DOWNLOAD_H
#define APIGW_DOWNLOAD_H

#include "apigw/call.h"

/* A route's run. Its operation answers {"media": {"id", "mimeType", "size", "fileName", "sha256"}};
 * the bytes are read under that id. */
void download_run(struct call *c);

#endif
