/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * webhook_place: where webhooks may lead. URLs are given by people, so what they name is not
 * trusted: https only, no credentials, ports that serve the web, and only addresses of the public
 * internet, unless the configuration says otherwise. A name is looked at when it has been resolved,
 * at each connection.
 */
#ifndef WACONND_WEBHOOK_PLACE_H
#define WACONND_WEBHOOK_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/address.h"

#define WEBHOOK_URL_MAX 2000
#define WEBHOOK_NETWORKS_MAX 32

struct webhook_places {
	bool plain;					     /* http:// is allowed */
	struct address_range networks[WEBHOOK_NETWORKS_MAX]; /* allowed beside the public ones */
	size_t n_networks;
};

/* For struct http_guard. */
bool webhook_may_connect(void *places, const struct sockaddr *address);
/* What is wrong with the URL: a code and a sentence; NULL: nothing that can be seen from here. */
const char *webhook_url_wrong(
    const struct webhook_places *places, const char *url, const char **ret_detail);

#endif
