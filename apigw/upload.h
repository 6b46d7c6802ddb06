/* SPDX-License-Identifier: GPL-3.0-or-later */
/* upload: POST /api/media: a file on its way from an HTTP client to the daemon, never more of it in
 * memory than a few chunks. */
#ifndef APIGW_UPLOAD_H
#define APIGW_UPLOAD_H

#include "apigw/call.h"

/* A route's run: answers the call in the end. */
void upload_run(struct call *c);

#endif
