/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads URLs with libcurl's own parser, which is also what follows them. Resolves nothing. */
#include "waconnd/webhook_place.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define PORT_FREE 1024

bool
webhook_may_connect(void *arg, const struct sockaddr *address)
{
	const struct webhook_places *places = arg;

	for (size_t i = 0; i < places->n_networks; i++)
		if (address_socket_in_range(address, &places->networks[i]))
			return true;
	return address_is_public(address);
}

/* Of a host that is an address. Names are looked at when they are connected to. */
static bool
host_is_refused(const struct webhook_places *places, const char *host)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	char text[INET6_ADDRSTRLEN];
	const size_t len = strlen(host);
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr any;
	} a;

	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		a.v4 = v4;
	} else if (len >= 2 && len - 2 < sizeof(text) && host[0] == '[') {
		memcpy(text, host + 1, len - 2);
		text[len - 2] = '\0';
		if (inet_pton(AF_INET6, text, &v6.sin6_addr) != 1)
			return true;
		a.v6 = v6;
	} else {
		return false;
	}
	return !webhook_may_connect((void *)(uintptr_t)places, &a.any);
}

struct parts {
	char *scheme, *user, *password, *host, *port, *fragment;
};

static const char *
judge(const struct webhook_places *places, const struct parts *p, const char **ret_detail)
{
	const unsigned long port = p->port != NULL ? strtoul(p->port, NULL, 10) : 0;

	if (p->scheme == NULL || p->host == NULL) {
		*ret_detail = "A URL such as https://example.com/hook is expected.";
		return "not_a_url";
	}
	if (strcmp(p->scheme, "https") != 0 && !(places->plain && strcmp(p->scheme, "http") == 0)) {
		*ret_detail =
		    places->plain ? "https:// or http:// is expected." : "https:// is expected.";
		return "scheme";
	}
	if (p->user != NULL || p->password != NULL) {
		*ret_detail = "No user name or password may stand in it: requests are signed.";
		return "credentials";
	}
	if (p->fragment != NULL) {
		*ret_detail = "A fragment (#) is never sent: leave it out.";
		return "fragment";
	}
	if (port != 443 && port != 80 && port < PORT_FREE) {
		*ret_detail = "The port is 443, 80 or one from 1024 on.";
		return "port";
	}
	if (host_is_refused(places, p->host)) {
		*ret_detail = "The address is private or reserved, which [webhooks] allow_networks "
			      "does not allow.";
		return "address";
	}
	return NULL;
}

const char *
webhook_url_wrong(const struct webhook_places *places, const char *url, const char **ret_detail)
{
	struct parts p = {0};
	const char *wrong;
	CURLU *u = curl_url();

	if (u != NULL && strlen(url) <= WEBHOOK_URL_MAX &&
	    curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
		(void)curl_url_get(u, CURLUPART_SCHEME, &p.scheme, 0);
		(void)curl_url_get(u, CURLUPART_USER, &p.user, 0);
		(void)curl_url_get(u, CURLUPART_PASSWORD, &p.password, 0);
		(void)curl_url_get(u, CURLUPART_HOST, &p.host, 0);
		(void)curl_url_get(u, CURLUPART_PORT, &p.port, CURLU_DEFAULT_PORT);
		(void)curl_url_get(u, CURLUPART_FRAGMENT, &p.fragment, 0);
	}
	wrong = judge(places, &p, ret_detail);
	curl_free(p.scheme);
	curl_free(p.user);
	curl_free(p.password);
	curl_free(p.host);
	curl_free(p.port);
	curl_free(p.fragment);
	curl_url_cleanup(u);
	return wrong;
}
