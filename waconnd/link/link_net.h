/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link_net: what all links of a daemon share: the event loop with libwebsockets in it, TLS trust,
 * the resolved server address, connect pacing, the Signal context.
 */
#ifndef LINK_LINK_NET_H
#define LINK_LINK_NET_H

#include <event2/event.h>
#include <signal/signal_protocol.h>
#include <stdbool.h>
#include <stdint.h>

struct link_net;

struct link_net_config {
	const char *url;	      /* wss://host[:port]/path, or ws:// for a loopback address */
	const char *tls_ca;	      /* NULL: the system's store */
	const char *media_ca;	      /* the same for media hosts */
	bool media_insecure_loopback; /* loopback media hosts need no certificate, or no TLS */
	const uint8_t *noise_root;    /* 32 bytes; NULL: WhatsApp's own */
	uint32_t client_version;      /* the N of 2.3000.N */
	unsigned connects_per_second; /* token bucket over all links, default 50 */
	/* Asked before each connect and each frame that goes out: false, and nothing leaves;
	 * whoever says so frees the links at once. NULL: always. */
	bool (*may_send)(void *arg);
	void *may_send_arg;
};

int link_net_new(struct event_base *base, const struct link_net_config *config,
    struct link_net **ret_net, char *err, size_t err_size) __attribute__((warn_unused_result));
void link_net_free(struct link_net **net);
/* What links that are made from now on present; those that are up have said theirs. */
void link_net_set_client_version(struct link_net *net, uint32_t n);
/* Run libevent and libwebsockets together until event_base_loopbreak/loopexit (SPIKE A1's loop). */
void link_net_run(struct link_net *net);

#endif
