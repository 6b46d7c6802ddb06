/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the server says of its media hosts, and the addresses that are made of it. A host is a name
 * and perhaps a port: whatever else stands there would lead a request astray.
 */
#include "waconnd/link/media_conn.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wa/media.h"
#include "common/xalloc.h"

#define TTL_S 60 /* when nothing is told */
#define TTL_MAX_S 3600
#define PATH_MAX_LEN 4096

static bool
is_host(const char *name)
{
	const size_t len = strlen(name), host = strcspn(name, ":");

	return host > 0 && len < MEDIA_HOST_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") ==
		   host &&
	       name[0] != '.' && name[0] != '-' &&
	       (name[host] == '\0' ||
		   (len > host + 1 && strspn(name + host + 1, "0123456789") == len - host - 1));
}

static void
read_host(const struct node *host, struct media_conn *c)
{
	const char *name = node_get(host, "hostname");
	int64_t max;

	if (!node_is(host, "host") || name == NULL || !is_host(name) || c->n == MEDIA_HOSTS_MAX)
		return;
	(void)snprintf(c->hosts[c->n].name, MEDIA_HOST_MAX, "%s", name);
	if (node_get_int(host, "maxContentLengthBytes", &max) == 0 && max > 0)
		c->hosts[c->n].max_bytes = (uint64_t)max;
	c->n++;
}

int
media_conn_read(const struct node *iq, struct media_conn *ret)
{
	const struct node *from = node_find(iq, "media_conn");
	const char *auth = node_get(from, "auth");
	struct media_conn c = {.ttl_s = TTL_S};
	int64_t ttl;

	if (from == NULL || auth == NULL || auth[0] == '\0' || strlen(auth) >= MEDIA_AUTH_MAX)
		return -1;
	(void)snprintf(c.auth, sizeof(c.auth), "%s", auth);
	if (node_get_int(from, "ttl", &ttl) == 0 && ttl > 0)
		c.ttl_s = ttl < TTL_MAX_S ? ttl : TTL_MAX_S;
	for (const struct node *host = node_first(from); host != NULL; host = node_next(host))
		read_host(host, &c);
	if (c.n == 0)
		return -1;
	*ret = c;
	return 0;
}

/* -- addresses ---------------------------------------------------------------------- */

static void
add_escaped(struct buf *b, const char *s)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

	for (; *s != '\0'; s++) {
		if (strchr(plain, *s) != NULL)
			buf_add_u8(b, (uint8_t)*s);
		else
			buf_addf(b, "%%%02X", (unsigned char)*s);
	}
}

static int
take_url(struct buf *b, char ret_url[MEDIA_URL_MAX])
{
	const int r = buf_ok(b) ? 0 : -1;

	if (r == 0)
		memcpy(ret_url, buf_str(b), b->len + 1);
	buf_done_secret(b);
	return r;
}

int
media_upload_url(const struct media_conn *c, size_t host, bool plain, enum wa_media_type type,
    const uint8_t file_enc_sha256[WA_MEDIA_HASH_LEN], char ret_url[MEDIA_URL_MAX])
{
	struct buf b = BUF_INIT(MEDIA_URL_MAX - 1);
	char token[WA_MEDIA_TOKEN_LEN + 1];

	wa_media_token(file_enc_sha256, token);
	buf_addf(&b, "%s://%s/mms/%s/%s?auth=", plain ? "http" : "https", c->hosts[host].name,
	    wa_media_type_name(type), token);
	add_escaped(&b, c->auth);
	buf_addf(&b, "&token=%s", token);
	return take_url(&b, ret_url);
}

/* A path from a stranger: printable ASCII without spaces, so that it stays one line of a request,
 * and no fragment. */
static bool
is_path(const char *path)
{
	size_t len = 0;

	if (path == NULL || path[0] != '/')
		return false;
	for (; path[len] != '\0'; len++)
		if (path[len] <= ' ' || path[len] >= 0x7f || path[len] == '#' || path[len] == '\\')
			return false;
	return len <= PATH_MAX_LEN;
}

int
media_download_url(const char *host, bool plain, enum wa_media_type type,
    const struct wa_media_ref *ref, char ret_url[MEDIA_URL_MAX])
{
	struct buf b = BUF_INIT(MEDIA_URL_MAX - 1);
	char token[WA_MEDIA_TOKEN_LEN + 1];

	if (!is_path(ref->direct_path))
		return -1;
	wa_media_token(ref->file_enc_sha256, token);
	buf_addf(&b, "%s://%s%s%chash=%s&mms-type=%s&__wa-mms=", plain ? "http" : "https", host,
	    ref->direct_path, strchr(ref->direct_path, '?') != NULL ? '&' : '?', token,
	    wa_media_type_name(type));
	return take_url(&b, ret_url);
}

int
media_uploaded_read(
    const char *json, size_t len, const char *host, char **ret_url, char **ret_direct_path)
{
	json_t *root = json_loadb(json, len, 0, NULL);
	const char *path = json_string_value(json_object_get(root, "direct_path"));
	const char *url = json_string_value(json_object_get(root, "url"));
	int r = -1;

	if (is_path(path) && (url == NULL || strlen(url) <= PATH_MAX_LEN)) {
		*ret_direct_path = xstrdup(path);
		*ret_url = url != NULL ? xstrdup(url) : xasprintf("https://%s%s", host, path);
		r = 0;
	}
	json_decref(root);
	return r;
}
