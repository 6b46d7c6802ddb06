/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as the answer that names media hosts, and as a host's answer to an upload: whatever is
 * taken from them makes addresses of one line, at that host and nowhere else.
 */
#include "waconnd/link/media_conn.h"

#include "tests/fuzz/fuzz.h"

static void
check_url(const char *url, const char *host)
{
	must(strncmp(url, "https://", 8) == 0);
	must(strncmp(url + 8, host, strlen(host)) == 0 && url[8 + strlen(host)] == '/');
	for (; *url != '\0'; url++)
		must(*url > ' ' && *url < 0x7f);
}

static void
fuzz_conn(const uint8_t *data, size_t size)
{
	const uint8_t hash[WA_MEDIA_HASH_LEN] = {0};
	char url[MEDIA_URL_MAX];
	struct node *n = NULL;
	struct media_conn c;

	if (node_decode(data, size, &n) != 0)
		return;
	if (media_conn_read(n, &c) == 0) {
		must(c.n > 0 && c.n <= MEDIA_HOSTS_MAX && c.ttl_s > 0);
		for (size_t i = 0; i < c.n; i++)
			if (media_upload_url(&c, i, false, WA_MEDIA_IMAGE, hash, url) == 0)
				check_url(url, c.hosts[i].name);
	}
	node_free(&n);
}

static void
fuzz_uploaded(const uint8_t *data, size_t size)
{
	struct wa_media_ref ref = {0};
	char url[MEDIA_URL_MAX], *where, *path;

	if (media_uploaded_read((const char *)data, size, "host", &where, &path) != 0)
		return;
	ref.direct_path = path;
	must(path[0] == '/');
	if (media_download_url("host", false, WA_MEDIA_IMAGE, &ref, url) == 0)
		check_url(url, "host");
	free(where);
	free(path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_conn(data, size);
	fuzz_uploaded(data, size);
	return 0;
}
