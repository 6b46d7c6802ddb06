/* SPDX-License-Identifier: GPL-3.0-or-later */
/* media_conn: the hosts that take and give files, with what lets us in, as the server tells them.
 * Source: PROTOCOL section 12. Pure. */
#ifndef LINK_MEDIA_CONN_H
#define LINK_MEDIA_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wa/content.h"
#include "common/wa/node.h"

#define MEDIA_HOSTS_MAX 8
#define MEDIA_HOST_MAX 128 /* "name" or "name:port" with its NUL */
#define MEDIA_AUTH_MAX 1024
#define MEDIA_URL_MAX 8192

struct media_host {
	char name[MEDIA_HOST_MAX];
	uint64_t max_bytes; /* of an upload; 0: not told */
};

struct media_conn {
	char auth[MEDIA_AUTH_MAX]; /* secret */
	int64_t ttl_s;
	size_t n;
	struct media_host hosts[MEDIA_HOSTS_MAX]; /* to be tried in this order */
};

/* The answer to <media_conn/>; -1: it names no host, or no authorisation. Names that are none are
 * left out. */
int media_conn_read(const struct node *iq, struct media_conn *ret)
    __attribute__((warn_unused_result));

/* Where to upload, where to download; -1: longer than a URL may be. plain: http, not https. */
int media_upload_url(const struct media_conn *c, size_t host, bool plain, enum wa_media_type type,
    const uint8_t file_enc_sha256[WA_MEDIA_HASH_LEN], char ret_url[MEDIA_URL_MAX])
    __attribute__((warn_unused_result));
int media_download_url(const char *host, bool plain, enum wa_media_type type,
    const struct wa_media_ref *ref, char ret_url[MEDIA_URL_MAX])
    __attribute__((warn_unused_result));

/* Of the answer to an upload; strings are xmalloc'ed. -1: it names no place. */
int media_uploaded_read(const char *json, size_t len, const char *host, char **ret_url,
    char **ret_direct_path) __attribute__((warn_unused_result));

#endif
