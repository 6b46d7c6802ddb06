/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of apigw.conf's keys. Opens nothing: whether an address can be listened on shows at the
 * start. */
#include "apigw/gateway_conf.h"

#include <stdlib.h>
#include <string.h>

#include "common/conf.h"
#include "common/ipc.h"
#include "common/xalloc.h"

#ifndef WACONN_PREFIX
#define WACONN_PREFIX "/usr"
#endif
#define MAX_BODY_DEFAULT (16u << 20)
#define MAX_MEDIA_DEFAULT (100u << 20)
#define MAX_MEDIA_LIMIT (2000u << 20) /* what WhatsApp takes */

static int
add_string(char **list, size_t *n, size_t max, const char *value, const char **err)
{
	if (*n == max) {
		*err = "given too often";
		return -1;
	}
	list[(*n)++] = xstrdup(value);
	return 0;
}

static int
set_listen(void *target, const struct conf_key *key, const char *value, const char **err)
{
	struct gateway_conf *c = target;
	const char *port = strrchr(value, ':');
	char *end = NULL;
	long n;

	(void)key;
	if (strncmp(value, "unix:/", 6) != 0) {
		n = port == NULL ? -1 : strtol(port + 1, &end, 10);
		if (port == NULL || port == value || port[1] < '0' || port[1] > '9' ||
		    *end != '\0' || n > 65535) {
			*err = "expected ADDRESS:PORT, [ADDRESS]:PORT or unix:/PATH";
			return -1;
		}
	}
	return add_string(c->listen, &c->n_listen, CONF_LISTEN_MAX, value, err);
}

static int
set_proxy(void *target, const struct conf_key *key, const char *value, const char **err)
{
	struct gateway_conf *c = target;
	char *copy = xstrdup(value), *rest = copy, *word;
	int r = 0;

	(void)key;
	while (r == 0 && (word = strsep(&rest, " ,\t")) != NULL) {
		if (*word == '\0')
			continue;
		if (c->n_proxies == CONF_PROXIES_MAX ||
		    address_range_parse(word, &c->proxies[c->n_proxies]) < 0) {
			*err = "expected addresses or ranges such as 10.0.0.0/8";
			r = -1;
		} else {
			c->n_proxies++;
		}
	}
	free(copy);
	return r;
}

/* "https://shop.example", as a browser sends it. */
static bool
is_origin(const char *word)
{
	const char *host = strstr(word, "://");

	if (strcmp(word, "*") == 0)
		return true;
	if (strncmp(word, "https://", 8) != 0 && strncmp(word, "http://", 7) != 0)
		return false;
	host += 3;
	return *host != '\0' &&
	       host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789.-_:[]")] == '\0';
}

static int
set_origins(void *target, const struct conf_key *key, const char *value, const char **err)
{
	struct gateway_conf *c = target;
	char *copy = xstrdup(value), *rest = copy, *word;
	int r = 0;

	(void)key;
	while (r == 0 && (word = strsep(&rest, " ,\t")) != NULL) {
		if (*word == '\0')
			continue;
		*err = "expected origins such as https://shop.example, or *";
		r = is_origin(word)
			? add_string(c->origins, &c->n_origins, CONF_ORIGINS_MAX, word, err)
			: -1;
	}
	free(copy);
	return r;
}

static int
set_socket(void *target, const struct conf_key *key, const char *value, const char **err)
{
	struct gateway_conf *c = target;

	(void)key;
	if (value[0] != '/') {
		*err = "expected an absolute path";
		return -1;
	}
	return add_string(c->sockets, &c->n_sockets, CONF_SOCKETS_MAX, value, err);
}

static int
set_max_body(void *target, const struct conf_key *key, const char *value, const char **err)
{
	struct gateway_conf *c = target;

	if (conf_set_size(target, key, value, err) < 0)
		return -1;
	if (c->max_body == 0 || c->max_body > IPC_FRAME_MAX) {
		*err = "expected 1 to 20M";
		return -1;
	}
	return 0;
}

static int
set_max_media(void *target, const struct conf_key *key, const char *value, const char **err)
{
	struct gateway_conf *c = target;

	if (conf_set_size(target, key, value, err) < 0)
		return -1;
	if (c->max_media == 0 || c->max_media > MAX_MEDIA_LIMIT) {
		*err = "expected 1 to 2000M";
		return -1;
	}
	return 0;
}

static int
set_level(void *target, const struct conf_key *key, const char *value, const char **err)
{
	struct gateway_conf *c = target;

	(void)key;
	*err = "expected debug, info, warn or error";
	return log_level_parse(value, &c->log_level);
}

static int
set_format(void *target, const struct conf_key *key, const char *value, const char **err)
{
	struct gateway_conf *c = target;

	(void)key;
	*err = "expected text or json";
	return log_format_parse(value, &c->log_format);
}

#define AT(field) offsetof(struct gateway_conf, field)

/* clang-format off */
static const struct conf_key keys[] = {
	{"http",   "listen",        true,  set_listen,      0},
	{"http",   "tls_cert",      false, conf_set_string, AT(tls_cert)},
	{"http",   "tls_key",       false, conf_set_string, AT(tls_key)},
	{"http",   "trusted_proxy", true,  set_proxy,       0},
	{"http",   "cors_origin",   true,  set_origins,     0},
	{"http",   "web_root",      false, conf_set_string, AT(web_root)},
	{"http",   "max_body",      false, set_max_body,    AT(max_body)},
	{"http",   "max_media",     false, set_max_media,   AT(max_media)},
	{"daemon", "socket",        true,  set_socket,      0},
	{"log",    "level",         false, set_level,       0},
	{"log",    "format",        false, set_format,      0},
	{0},
};
/* clang-format on */

int
gateway_conf_read(const char *path, struct gateway_conf *ret_conf, struct buf *errors)
{
	struct gateway_conf c = {.max_body = MAX_BODY_DEFAULT,
	    .max_media = MAX_MEDIA_DEFAULT,
	    .log_level = LOG_LEVEL_INFO,
	    .log_format = LOG_FORMAT_TEXT};
	int r = 0;

	c.web_root = xstrdup(WACONN_PREFIX "/share/waconn/web");
	if (path != NULL)
		r = conf_read(path, keys, &c, errors);
	if (r == 0 && (c.tls_cert == NULL) != (c.tls_key == NULL)) {
		buf_addf(errors, "%s: tls_cert and tls_key belong together\n", path);
		r = -1;
	}
	if (r < 0) {
		gateway_conf_done(&c);
		return -1;
	}
	if (c.n_listen == 0)
		c.listen[c.n_listen++] = xstrdup("127.0.0.1:3000");
	if (c.n_sockets == 0)
		c.sockets[c.n_sockets++] = xstrdup("/run/waconn/waconnd.sock");
	*ret_conf = c;
	return 0;
}

void
gateway_conf_done(struct gateway_conf *conf)
{
	for (size_t i = 0; i < conf->n_listen; i++)
		free(conf->listen[i]);
	for (size_t i = 0; i < conf->n_origins; i++)
		free(conf->origins[i]);
	for (size_t i = 0; i < conf->n_sockets; i++)
		free(conf->sockets[i]);
	free(conf->tls_cert);
	free(conf->tls_key);
	free(conf->web_root);
	memset(conf, 0, sizeof(*conf));
}
