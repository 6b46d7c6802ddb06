/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link_url: the server's address as the configuration writes it. ws:// is for loopback addresses
 * only, since without TLS anybody on the way could answer.
 */
#ifndef LINK_LINK_URL_H
#define LINK_LINK_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_URL_HOST_MAX 253
#define LINK_URL_PATH_MAX 255

struct link_url {
	bool tls;
	bool literal;			  /* the host is an address: nothing to look up */
	char host[LINK_URL_HOST_MAX + 1]; /* without brackets */
	uint16_t port;
	char path[LINK_URL_PATH_MAX + 1]; /* begins with '/' */
	char host_header[LINK_URL_HOST_MAX +
			 16]; /* as it stands in Host: and, before its port, in SNI */
};

/* -1 and a sentence in err. */
int link_url_parse(const char *text, struct link_url *ret, char *err, size_t err_size)
    __attribute__((warn_unused_result));

#endif
