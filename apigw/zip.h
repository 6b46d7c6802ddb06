/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zip: bytes as gzip, quickly rather than tightly. */
#ifndef APIGW_ZIP_H
#define APIGW_ZIP_H

#include "common/buf.h"

/* -1: it does not fit in `out`, or there is no memory. */
int zip(const void *bytes, size_t len, struct buf *out) __attribute__((warn_unused_result));

#endif
