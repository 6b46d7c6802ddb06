/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What all links of a daemon share: libwebsockets in the loop with one client vhost (one set of TLS
 * settings for all connections), the Signal context and the server's address. Everything that can
 * be wrong in the configuration is found here, at the start, and not at the first connect.
 */
#include "waconnd/link/link_net.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wa/client_payload.h"
#include "common/wa/noise.h"
#include "common/wa/signal_crypto.h"
#include "common/xalloc.h"
#include "waconnd/link/link_net_private.h"

#define CONNECTS_PER_SECOND 50
#define CONNECT_SECONDS 20
#define RX_BUFFER 1024 /* larger ones cost memory in every idle connection */
#define SCRATCH_MAX (8u << 20)
#define JOBS_MAX 256 /* keys of pairing codes that wait to be derived */

static const struct lws_protocols protocols[] = {
    {.name = "waconn", .callback = link_ws_event, .rx_buffer_size = RX_BUFFER},
    {0},
};

static int
refuse(char *err, size_t size, const char *what, const char *value)
{
	(void)snprintf(
	    err, size, "%s%s%s", what, value != NULL ? ": " : "", value != NULL ? value : "");
	return -1;
}

/* libwebsockets only logs a missing bundle, and then every connect would fail. */
static int
check_ca(const char *path, char *err, size_t size)
{
	X509_STORE *store = X509_STORE_new();
	int ok;

	if (store == NULL)
		return refuse(err, size, "out of memory", NULL);
	if (path != NULL)
		ok = X509_STORE_load_file(store, path);
	else
		ok = X509_STORE_load_file(store, "/etc/ssl/certs/ca-certificates.crt") ||
		     X509_STORE_load_file(store, X509_get_default_cert_file());
	X509_STORE_free(store);
	if (ok)
		return 0;
	if (path != NULL)
		return refuse(err, size, "no certificates can be read from this file", path);
	return refuse(
	    err, size, "the system has no certificates to trust: install ca-certificates", NULL);
}

static int
make_context(struct link_net *net, const char *tls_ca, char *err, size_t size)
{
	struct lws_context_creation_info info = {
	    .port = CONTEXT_PORT_NO_LISTEN,
	    .protocols = protocols,
	    .gid = -1,
	    .uid = -1,
	    .timeout_secs = CONNECT_SECONDS,
	    .vhost_name = "whatsapp",
	    .user = net,
	    .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_JUST_USE_RAW_ORIGIN,
	};

	if (net->url.tls)
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	link_net_log_begin();
	net->context = lws_loop_context(net->loop, &info);
	if (net->context == NULL)
		return refuse(err, size, "libwebsockets does not start", NULL);
	/* The client's trust stands apart from any server's. */
	if (tls_ca != NULL) {
		info.client_ssl_ca_filepath = tls_ca;
		info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
	}
	net->vhost = lws_create_vhost(net->context, &info);
	if (net->vhost == NULL)
		return refuse(err, size, "libwebsockets refuses the TLS settings", NULL);
	return 0;
}

static int
build(struct link_net *net, const struct link_net_config *config, char *err, size_t size)
{
	const unsigned rate =
	    config->connects_per_second > 0 ? config->connects_per_second : CONNECTS_PER_SECOND;

	if (link_url_parse(config->url, &net->url, err, size) < 0)
		return -1;
	if (net->url.tls && check_ca(config->tls_ca, err, size) < 0)
		return -1;
	if (config->media_ca != NULL && check_ca(config->media_ca, err, size) < 0)
		return -1;
	if (link_dial_init(net, rate) < 0)
		return refuse(err, size, "no event can be made", NULL);
	if (wa_signal_context_new(&net->signal) < 0)
		return refuse(err, size, "libsignal does not start", NULL);
	net->media =
	    media_net_new(net->base, &(struct media_net_config){.ca = config->media_ca,
					 .insecure_loopback = config->media_insecure_loopback});
	if (net->media == NULL)
		return refuse(err, size, "libcurl does not start", NULL);
	if (lws_loop_new(net->base, &net->loop) < 0)
		return refuse(err, size, "libuv does not start", NULL);
	return make_context(net, net->url.tls ? config->tls_ca : NULL, err, size);
}

int
link_net_new(struct event_base *base, const struct link_net_config *config,
    struct link_net **ret_net, char *err, size_t err_size)
{
	struct link_net *net = xcalloc(1, sizeof(*net));

	net->base = base;
	net->may_send = config->may_send;
	net->may_send_arg = config->may_send_arg;
	net->client_version =
	    config->client_version > 0 ? config->client_version : CLIENT_VERSION_BUILTIN;
	memcpy(net->noise_root,
	    config->noise_root != NULL ? config->noise_root : noise_root_whatsapp,
	    sizeof(net->noise_root));
	buf_init(&net->scratch[0], SCRATCH_MAX);
	buf_init(&net->scratch[1], SCRATCH_MAX);
	net->worker = worker_new(base, 1, JOBS_MAX);
	if (build(net, config, err, err_size) < 0) {
		link_net_free(&net);
		return -1;
	}
	*ret_net = net;
	return 0;
}

void
link_net_free(struct link_net **np)
{
	struct link_net *net = *np;

	if (net == NULL)
		return;
	worker_free(&net->worker);
	media_net_free(&net->media);
	lws_loop_free(&net->loop);
	link_tls_done(&net->tls);
	link_dial_done(net);
	wa_signal_context_free(&net->signal);
	buf_done_secret(&net->scratch[0]);
	buf_done(&net->scratch[1]);
	free(net);
	*np = NULL;
}

void
link_net_set_client_version(struct link_net *net, uint32_t n)
{
	net->client_version = n;
}

void
link_net_run(struct link_net *net)
{
	lws_loop_run(net->loop);
}

bool
link_net_may_send(const struct link_net *net)
{
	return net->may_send == NULL || net->may_send(net->may_send_arg);
}
