/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of waconnd.conf's keys with their defaults. What needs the world outside (files,
 * database) is not checked here. */
#include "waconnd/config.h"

#include <grp.h>
#include <libpq-fe.h>
#include <openssl/crypto.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/wa/client_payload.h"
#include "common/xalloc.h"
#include "waconnd/blast/pacer.h"
#include "waconnd/client_version.h"
#include "waconnd/link/link_url.h"

#define PER_MINUTE_MAX 6000
#define MEDIA_DAYS_MAX 3650
#define CONNECT_RATE 50
#define CONNECT_RATE_MAX 1000
#define RETRY_SECONDS_MAX (7 * 86400)
#define BACKOFF_MS_MAX 600000

static int
set_admin_users(void *target, const struct conf_key *key, const char *value, const char **err)
{
	struct config *c = target;
	char *copy = xstrdup(value), *rest = copy, *word;

	(void)key;
	while (c->n_admin_users > 0)
		free(c->admin_users[--c->n_admin_users]);
	while ((word = strsep(&rest, " ,\t")) != NULL) {
		if (*word == '\0')
			continue;
		if (getpwnam(word) == NULL) {
			*err = "there is no such user";
			free(copy);
			return -1;
		}
		if (c->n_admin_users == CONFIG_ADMINS_MAX) {
			*err = "too many users";
			free(copy);
			return -1;
		}
		c->admin_users[c->n_admin_users++] = xstrdup(word);
	}
	free(copy);
	return 0;
}

static int
set_socket_group(void *target, const struct conf_key *key, const char *value, const char **err)
{
	if (getgrnam(value) == NULL) {
		*err = "there is no such group";
		return -1;
	}
	return conf_set_string(target, key, value, err);
}

static int
set_dsn(void *target, const struct conf_key *key, const char *value, const char **err)
{
	PQconninfoOption *parsed = PQconninfoParse(value, NULL);

	/* libpq's sentence may repeat the password. */
	if (parsed == NULL) {
		*err = "expected a libpq connection string or URI";
		return -1;
	}
	PQconninfoFree(parsed);
	return conf_set_string(target, key, value, err);
}

static int
set_url(void *target, const struct conf_key *key, const char *value, const char **err)
{
	struct link_url url;
	char why[256];

	if (link_url_parse(value, &url, why, sizeof(why)) < 0) {
		*err = "expected wss://HOST[:PORT]/PATH, or ws:// with a loopback address";
		return -1;
	}
	return conf_set_string(target, key, value, err);
}

static int
set_readable(void *target, const struct conf_key *key, const char *value, const char **err)
{
	if (access(value, R_OK) < 0) {
		*err = "the file cannot be read";
		return -1;
	}
	return conf_set_string(target, key, value, err);
}

static int
set_per_minute(void *target, const struct conf_key *key, const char *value, const char **err)
{
	struct config *c = target;

	if (conf_set_uint(target, key, value, err) == 0 && c->pace.per_minute <= PER_MINUTE_MAX)
		return 0;
	*err = "expected 0 (no limit) to 6000";
	return -1;
}

static int
set_media_days(void *target, const struct conf_key *key, const char *value, const char **err)
{
	struct config *c = target;

	if (conf_set_uint(target, key, value, err) == 0 && c->media_days <= MEDIA_DAYS_MAX)
		return 0;
	*err = "expected 0 (for ever) to 3650 (days)";
	return -1;
}

static int
set_connect_rate(void *target, const struct conf_key *key, const char *value, const char **err)
{
	struct config *c = target;

	if (conf_set_uint(target, key, value, err) == 0 && c->connect_rate >= 1 &&
	    c->connect_rate <= CONNECT_RATE_MAX)
		return 0;
	*err = "expected 1 to 1000 (connections a second)";
	return -1;
}

static int
set_noise_root(void *target, const struct conf_key *key, const char *value, const char **err)
{
	struct config *c = target;
	size_t len;

	(void)key;
	if (OPENSSL_hexstr2buf_ex(c->noise_root, sizeof(c->noise_root), &len, value, '\0') != 1 ||
	    len != sizeof(c->noise_root)) {
		*err = "expected 64 hexadecimal digits";
		return -1;
	}
	c->has_noise_root = true;
	return 0;
}

static int
set_version(void *target, const struct conf_key *key, const char *value, const char **err)
{
	struct config *c = target;

	(void)key;
	c->version_auto = strcmp(value, "auto") == 0;
	c->client_version = CLIENT_VERSION_BUILTIN;
	if (c->version_auto || client_version_read(value, &c->client_version) == 0)
		return 0;
	*err = "expected auto or 2.3000.N";
	return -1;
}

static int
set_window(void *target, const struct conf_key *key, const char *value, const char **err)
{
	struct config *c = target;
	unsigned from, until;

	(void)key;
	if (pacer_window_parse(value, &from, &until) < 0) {
		*err = "expected HH:MM-HH:MM";
		return -1;
	}
	(void)snprintf(c->pace.window, sizeof(c->pace.window), "%s", value);
	return 0;
}

static int
set_timezone(void *target, const struct conf_key *key, const char *value, const char **err)
{
	struct config *c = target;

	(void)key;
	if (!pacer_timezone_known(value)) {
		*err = "expected a name of the tz database, such as Asia/Jakarta";
		return -1;
	}
	(void)snprintf(c->pace.timezone, sizeof(c->pace.timezone), "%s", value);
	return 0;
}

/* Networks, parted by commas or spaces. */
static int
set_allow_networks(void *target, const struct conf_key *key, const char *value, const char **err)
{
	struct webhook_places *places = &((struct config *)target)->webhooks.places;
	char *copy = xstrdup(value), *rest = copy, *word;
	bool ok = true;

	(void)key;
	*err = "expected networks such as 10.0.0.0/8 or fd00::/8, at most 32";
	places->n_networks = 0;
	while (ok && (word = strsep(&rest, " ,\t")) != NULL) {
		if (*word == '\0')
			continue;
		ok = places->n_networks < WEBHOOK_NETWORKS_MAX &&
		     address_range_parse(word, &places->networks[places->n_networks++]) == 0;
	}
	free(copy);
	return ok ? 0 : -1;
}

static int
set_retry_seconds(void *target, const struct conf_key *key, const char *value, const char **err)
{
	const struct webhook_config *c = &((struct config *)target)->webhooks;

	if (conf_set_uint(target, key, value, err) == 0 && c->retry_seconds >= 1 &&
	    c->retry_seconds <= RETRY_SECONDS_MAX)
		return 0;
	*err = "expected 1 to 604800 (seconds)";
	return -1;
}

static int
set_backoff_ms(void *target, const struct conf_key *key, const char *value, const char **err)
{
	const struct webhook_config *c = &((struct config *)target)->webhooks;

	if (conf_set_uint(target, key, value, err) == 0 && c->backoff_ms >= 1 &&
	    c->backoff_ms <= BACKOFF_MS_MAX)
		return 0;
	*err = "expected 1 to 600000 (milliseconds)";
	return -1;
}

static int
set_log_level(void *target, const struct conf_key *key, const char *value, const char **err)
{
	(void)key;
	*err = "expected debug, info, warn or error";
	return log_level_parse(value, &((struct config *)target)->log_level);
}

static int
set_log_format(void *target, const struct conf_key *key, const char *value, const char **err)
{
	(void)key;
	*err = "expected text or json";
	return log_format_parse(value, &((struct config *)target)->log_format);
}

/* clang-format off */
static const struct conf_key keys[] = {
	{"daemon", "socket", false, conf_set_string, offsetof(struct config, socket)},
	{"daemon", "socket_group", false, set_socket_group, offsetof(struct config, socket_group)},
	{"daemon", "admin_users", false, set_admin_users, 0},
	{"daemon", "key_file", false, conf_set_string, offsetof(struct config, key_file)},
	{"daemon", "instance", false, conf_set_string, offsetof(struct config, instance)},
	{"daemon", "media_days", false, set_media_days, offsetof(struct config, media_days)},
	{"database", "dsn", false, set_dsn, offsetof(struct config, dsn)},
	{"whatsapp", "url", false, set_url, offsetof(struct config, whatsapp_url)},
	{"whatsapp", "tls_ca", false, set_readable, offsetof(struct config, tls_ca)},
	{"whatsapp", "noise_root", false, set_noise_root, 0},
	{"whatsapp", "version", false, set_version, 0},
	{"whatsapp", "connect_rate", false, set_connect_rate, offsetof(struct config, connect_rate)},
	{"whatsapp", "media_ca", false, set_readable, offsetof(struct config, media_ca)},
	{"whatsapp", "media_insecure_loopback", false, conf_set_bool, offsetof(struct config, media_insecure_loopback)},
	{"blast", "per_minute", false, set_per_minute, offsetof(struct config, pace.per_minute)},
	{"blast", "jitter", false, conf_set_ratio, offsetof(struct config, pace.jitter)},
	{"blast", "daily_cap", false, conf_set_uint, offsetof(struct config, pace.daily_cap)},
	{"blast", "window", false, set_window, 0},
	{"blast", "timezone", false, set_timezone, 0},
	{"webhooks", "allow_networks", false, set_allow_networks, 0},
	{"webhooks", "allow_http", false, conf_set_bool, offsetof(struct config, webhooks.places.plain)},
	{"webhooks", "tls_ca", false, set_readable, offsetof(struct config, webhooks.tls_ca)},
	{"webhooks", "retry_seconds", false, set_retry_seconds, offsetof(struct config, webhooks.retry_seconds)},
	{"webhooks", "backoff_ms", false, set_backoff_ms, offsetof(struct config, webhooks.backoff_ms)},
	{"log", "level", false, set_log_level, 0},
	{"log", "format", false, set_log_format, 0},
	{0},
};
/* clang-format on */

static char *
default_key_file(void)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	return xasprintf("%s/master.key", dir != NULL ? dir : "/etc/waconn");
}

static void
set_defaults(struct config *c)
{
	char host[256] = "localhost";

	(void)gethostname(host, sizeof(host) - 1);
	*c = (struct config){
	    .socket = xstrdup("/run/waconn/waconnd.sock"),
	    .admin_users = {xstrdup("root")},
	    .n_admin_users = 1,
	    .key_file = default_key_file(),
	    .instance = xstrdup(host),
	    .dsn = xstrdup("dbname=waconn"),
	    .whatsapp_url = xstrdup("wss://web.whatsapp.com/ws/chat"),
	    .version_auto = true,
	    .client_version = CLIENT_VERSION_BUILTIN,
	    .connect_rate = CONNECT_RATE,
	    .media_days = 90,
	    .pace = {.per_minute = 20,
		.jitter = 0.5,
		.daily_cap = 1000,
		.window = "08:00-20:00",
		.timezone = "Asia/Jakarta"},
	    .webhooks = {.retry_seconds = 86400, .backoff_ms = 5000},
	    .log_level = LOG_LEVEL_INFO,
	    .log_format = LOG_FORMAT_TEXT,
	};
}

int
config_read(const char *path, struct config *ret, struct buf *errors)
{
	set_defaults(ret);
	return conf_read(path, keys, ret, errors);
}

void
config_done(struct config *c)
{
	char *const strings[] = {c->socket, c->socket_group, c->key_file, c->instance, c->dsn,
	    c->whatsapp_url, c->tls_ca, c->media_ca, c->webhooks.tls_ca};

	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		free(strings[i]);
	for (size_t i = 0; i < c->n_admin_users; i++)
		free(c->admin_users[i]);
	*c = (struct config){0};
}

bool
config_is_admin(const struct config *c, const char *user)
{
	for (size_t i = 0; i < c->n_admin_users; i++) {
		if (strcmp(c->admin_users[i], user) == 0)
			return true;
	}
	return false;
}
