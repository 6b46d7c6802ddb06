/* SPDX-License-Identifier: GPL-3.0-or-later */
/* media_net: what the uploads and downloads of all links share: HTTP, worker threads, trust. */
#ifndef LINK_MEDIA_NET_H
#define LINK_MEDIA_NET_H

#include <event2/event.h>
#include <stdbool.h>

#include "common/http_client.h"
#include "common/worker.h"

struct media_net_config {
	const char *ca; /* PEM bundle to trust instead of the system's; NULL: the system's */
	bool insecure_loopback; /* loopback hosts need no certificate, or no TLS at all */
	unsigned retry_ms;	/* before a download is tried again, times the attempt; 0: 1000 */
};

struct media_net {
	struct event_base *base;
	struct http_client *http;
	struct worker *worker;
	bool insecure_loopback;
	unsigned retry_ms;
};

/* NULL: libcurl does not start. */
struct media_net *media_net_new(struct event_base *base, const struct media_net_config *config);
void media_net_free(struct media_net **net); /* after all links */
/* An unnamed file of our own; -1 and errno. */
int media_net_file(void) __attribute__((warn_unused_result));

#endif
