/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads ws:// and wss:// URLs, strictly: what it does not know it refuses. It resolves no names. */
#include "waconnd/link/link_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
refuse(char *err, size_t size, const char *why)
{
	(void)snprintf(err, size, "%s", why);
	return -1;
}

static bool
is_ipv4(const char *host)
{
	struct in_addr a;

	return inet_pton(AF_INET, host, &a) == 1;
}

static bool
is_ipv6(const char *host)
{
	struct in6_addr a;

	return inet_pton(AF_INET6, host, &a) == 1;
}

static bool
is_loopback(const char *host)
{
	struct in_addr a;

	if (strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0)
		return true;
	return inet_pton(AF_INET, host, &a) == 1 && (ntohl(a.s_addr) >> 24) == 127;
}

static bool
is_name(const char *host)
{
	for (const char *p = host; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && *p != '.' && *p != '-')
			return false;
	return host[0] != '\0';
}

static int
take_host(const char **p, struct link_url *u)
{
	const bool bracket = **p == '[';
	const char *start = *p + (bracket ? 1 : 0);
	const size_t len = strcspn(start, bracket ? "]" : ":/");

	if (len == 0 || len > LINK_URL_HOST_MAX || (bracket && start[len] != ']'))
		return -1;
	memcpy(u->host, start, len);
	u->host[len] = '\0';
	*p = start + len + (bracket ? 1 : 0);
	u->literal = bracket ? is_ipv6(u->host) : is_ipv4(u->host);
	if (bracket)
		return u->literal ? 0 : -1;
	return is_name(u->host) ? 0 : -1;
}

static int
take_port(const char **p, struct link_url *u)
{
	unsigned long port;
	char *end;

	u->port = u->tls ? 443 : 80;
	if (**p != ':')
		return 0;
	if (!isdigit((unsigned char)(*p)[1]))
		return -1;
	port = strtoul(*p + 1, &end, 10);
	if (port == 0 || port > UINT16_MAX)
		return -1;
	u->port = (uint16_t)port;
	*p = end;
	return 0;
}

static int
take_path(const char *p, struct link_url *u)
{
	if (*p == '\0')
		p = "/";
	if (*p != '/' || strlen(p) > LINK_URL_PATH_MAX)
		return -1;
	for (const char *c = p; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || *c == '#')
			return -1;
	(void)snprintf(u->path, sizeof(u->path), "%s", p);
	return 0;
}

static void
write_host_header(struct link_url *u)
{
	const bool v6 = u->literal && strchr(u->host, ':') != NULL;
	char port[8] = "";

	if (u->port != (u->tls ? 443 : 80))
		(void)snprintf(port, sizeof(port), ":%u", u->port);
	(void)snprintf(u->host_header, sizeof(u->host_header), "%s%s%s%s", v6 ? "[" : "", u->host,
	    v6 ? "]" : "", port);
}

int
link_url_parse(const char *text, struct link_url *ret, char *err, size_t err_size)
{
	struct link_url u = {0};
	const char *p;

	if (strncmp(text, "wss://", 6) == 0) {
		u.tls = true;
		p = text + 6;
	} else if (strncmp(text, "ws://", 5) == 0) {
		p = text + 5;
	} else {
		return refuse(err, err_size, "the URL must begin with wss:// (or ws://)");
	}
	if (take_host(&p, &u) < 0)
		return refuse(err, err_size, "the URL has no valid host");
	if (take_port(&p, &u) < 0)
		return refuse(err, err_size, "the URL's port must be 1 to 65535");
	if (take_path(p, &u) < 0)
		return refuse(err, err_size, "the URL's path is not valid");
	if (!u.tls && !is_loopback(u.host))
		return refuse(err, err_size, "ws:// (without TLS) is for a loopback address only");
	if (u.tls && u.literal && strchr(u.host, ':') != NULL)
		return refuse(err, err_size, "wss:// needs a host name or an IPv4 address");
	write_host_header(&u);
	*ret = u;
	return 0;
}
