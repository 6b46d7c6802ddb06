/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gateway: everything that apigw is, in one object built by main.c: listeners, the way to the
 * daemon, the web UI, open streams. */
#ifndef APIGW_GATEWAY_H
#define APIGW_GATEWAY_H

#include <event2/event.h>
#include <stdbool.h>

#include "apigw/gateway_conf.h"
#include "apigw/http.h"
#include "apigw/web_files.h"
#include "common/ipc.h"
#include "common/rng.h"

struct events;
struct gateway_metrics;
struct answer_cache;

struct gateway {
	struct event_base *base;
	struct gateway_conf conf;
	struct ipc_client *ipc;
	struct http_server *http;
	struct web_files *web;
	struct events *events;
	struct gateway_metrics *metrics;
	struct answer_cache *answers;
	struct rng_stock ids; /* of requests */
	SSL_CTX *tls;
};

/* Can it be served with? -1: the certificate is not usable (said in the log). */
int gateway_check(const struct gateway_conf *conf) __attribute__((warn_unused_result));
/* Takes conf. Listens on nothing yet. NULL: the certificate is not usable (said in the log). */
struct gateway *gateway_new(struct event_base *base, struct gateway_conf *take_conf);
/* On what the configuration says, or on what systemd passed. */
int gateway_listen(struct gateway *gw) __attribute__((warn_unused_result));
int gateway_listen_fd(struct gateway *gw, int take_fd) __attribute__((warn_unused_result));
/* Takes what can change while running: log, proxies, body limit, web UI, certificate. What needs a
 * new start (listen, socket) is said in the log. */
void gateway_reload(struct gateway *gw, struct gateway_conf *take_conf);
void gateway_stop(struct gateway *gw);
void gateway_free(struct gateway **gw);
/* Is this address one whose X-Forwarded-* count? "" (a Unix socket) is. */
bool gateway_trusts(const struct gateway *gw, const char *peer);

#endif
