/* SPDX-License-Identifier: GPL-3.0-or-later */
/* content_private: what content.c shares with content_decode.c. */
#ifndef COMMON_WA_CONTENT_PRIVATE_H
#define COMMON_WA_CONTENT_PRIVATE_H

#include "common/wa/content.h"

#define WA_CONTENT_STRINGS 15

/* Where the i-th of its WA_CONTENT_STRINGS strings is kept. */
const char **wa_content_string(struct wa_content *content, size_t i);

#endif
