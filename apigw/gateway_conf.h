/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gateway_conf: apigw.conf (CONTRACT section 2). */
#ifndef APIGW_GATEWAY_CONF_H
#define APIGW_GATEWAY_CONF_H

#include <stddef.h>

#include "common/address.h"
#include "common/buf.h"
#include "common/log.h"

#define CONF_LISTEN_MAX 16
#define CONF_SOCKETS_MAX 8
#define CONF_PROXIES_MAX 32
#define CONF_ORIGINS_MAX 32

struct gateway_conf {
	char *listen[CONF_LISTEN_MAX];
	size_t n_listen;
	char *tls_cert, *tls_key; /* NULL: plain HTTP */
	struct address_range proxies[CONF_PROXIES_MAX];
	size_t n_proxies;
	char *origins[CONF_ORIGINS_MAX]; /* of pages that may use the interface; "*": all */
	size_t n_origins;
	char *web_root;
	size_t max_body, max_media;
	char *sockets[CONF_SOCKETS_MAX];
	size_t n_sockets;
	enum log_level log_level;
	enum log_format log_format;
};

/* -1: `errors` says why, a line each; the conf holds nothing then. path NULL: the defaults. */
int gateway_conf_read(const char *path, struct gateway_conf *ret_conf, struct buf *errors)
    __attribute__((warn_unused_result));
void gateway_conf_done(struct gateway_conf *conf);

#endif
