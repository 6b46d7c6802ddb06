/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config: waconnd.conf (CONTRACT section 2), read into one struct.
 */
#ifndef WACONND_CONFIG_H
#define WACONND_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/log.h"
#include "waconnd/outlet.h"
#include "waconnd/webhook.h"

#define CONFIG_ADMINS_MAX 16
#define WACONND_VERSION "0.1.0"

struct config {
	char *socket;
	char *socket_group; /* NULL: none */
	char *admin_users[CONFIG_ADMINS_MAX];
	size_t n_admin_users;
	char *key_file;
	char *instance;
	char *dsn;
	char *whatsapp_url;
	char *tls_ca; /* NULL: the system's store */
	bool has_noise_root;
	uint8_t noise_root[32];
	bool version_auto; /* client_version is only what is built in */
	uint32_t client_version;
	unsigned connect_rate; /* connections a second, over all outlets */
	char *media_ca;
	bool media_insecure_loopback;
	unsigned media_days; /* uploaded files that nobody uses go after these; 0: never */
	struct outlet_pace pace;
	struct webhook_config webhooks;
	enum log_level log_level;
	enum log_format log_format;
};

/* Defaults and the file. On -1 `errors` says what is wrong, line by line; config_done frees in
 * either case. */
int config_read(const char *path, struct config *ret, struct buf *errors)
    __attribute__((warn_unused_result));
void config_done(struct config *c);
bool config_is_admin(const struct config *c, const char *user);

#endif
