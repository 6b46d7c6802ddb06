/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link_net_private: the inside of link_net, for link_net.c, link_dial.c and the parts of a link
 * that need it.
 */
#ifndef LINK_LINK_NET_PRIVATE_H
#define LINK_LINK_NET_PRIVATE_H

#include <event2/dns.h>
#include <libwebsockets.h>
#include <sys/queue.h>

#include "common/buf.h"
#include "common/lws_loop.h"
#include "common/wa/curve.h"
#include "common/worker.h"
#include "waconnd/link/link_net.h"
#include "waconnd/link/link_pace.h"
#include "waconnd/link/link_tls.h"
#include "waconnd/link/link_url.h"
#include "waconnd/link/media_net.h"

#define LINK_ADDRESSES_MAX 8
#define LINK_ADDRESS_TEXT 46

/*
 * A place in the queue of connects. `turn` comes from the loop, once: with the address to dial, or
 * with NULL and why the name could not be resolved.
 */
struct link_dial {
	TAILQ_ENTRY(link_dial) entry;
	bool queued;
	void (*turn)(struct link_dial *d, const char *address, const char *why);
};
TAILQ_HEAD(link_dials, link_dial);

/* The server's name, looked up: the addresses in use, and the look-up under way. */
struct link_lookup {
	char addresses[LINK_ADDRESSES_MAX][LINK_ADDRESS_TEXT];
	size_t n;
	size_t next; /* the one to dial next: each attempt takes another */
	int64_t fresh_until_ms;
	struct evdns_base *dns; /* NULL: none under way */
	struct evdns_getaddrinfo_request *request;
	const char *failed; /* the last one's error; NULL: it worked, or there was none */
	bool finished;	    /* to be put away by the loop */
};

struct link_net {
	struct event_base *base;
	struct lws_loop *loop;
	struct lws_context *context;
	struct lws_vhost *vhost;
	struct link_url url;
	struct link_tls tls;
	uint8_t noise_root[CURVE_KEY_LEN];
	uint32_t client_version;
	signal_context *signal;
	bool (*may_send)(void *arg);
	void *may_send_arg;
	struct link_dials dials;
	struct link_pace pace;
	struct event *dial_timer;
	struct link_lookup lookup;
	struct worker *worker; /* keys of pairing codes */
	struct media_net *media;
	struct buf scratch[2]; /* for one stanza on its way out: encoded, sealed */
};

int link_dial_init(struct link_net *net, unsigned per_second) __attribute__((warn_unused_result));
void link_dial_done(struct link_net *net);
void link_dial_queue(struct link_net *net, struct link_dial *d);
void link_dial_cancel(struct link_net *net, struct link_dial *d);

/* False: another daemon may have our outlets by now. */
bool link_net_may_send(const struct link_net *net);

/* The WebSocket client's callback (link_ws.c); `user` is the struct link_ws. */
int link_ws_event(
    struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);

/* libwebsockets' own lines go into our log, a few a minute. */
void link_net_log_begin(void);

#endif
