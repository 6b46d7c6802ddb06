/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shared part of media transfers. Files in between have no name: they are gone with the
 * process, whatever ends it. */
#include "waconnd/link/media_net.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/xalloc.h"

#define THREADS 2
#define JOBS_MAX 4096
#define RETRY_MS 1000
#define DIRECTORY "/var/tmp" /* /tmp may be memory */

struct media_net *
media_net_new(struct event_base *base, const struct media_net_config *config)
{
	struct media_net *net = xcalloc(1, sizeof(*net));

	net->base = base;
	net->insecure_loopback = config->insecure_loopback;
	net->retry_ms = config->retry_ms != 0 ? config->retry_ms : RETRY_MS;
	net->worker = worker_new(base, THREADS, JOBS_MAX);
	net->http = http_client_new(base, config->ca);
	if (net->http == NULL)
		media_net_free(&net);
	return net;
}

void
media_net_free(struct media_net **np)
{
	struct media_net *net = *np;

	if (net == NULL)
		return;
	worker_free(&net->worker);
	http_client_free(&net->http);
	free(net);
	*np = NULL;
}

int
media_net_file(void)
{
	const char *dir = getenv("TMPDIR");
	char *path;
	int fd;

	if (dir == NULL || dir[0] != '/')
		dir = DIRECTORY;
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	/* A file system that knows no unnamed files. */
	path = xasprintf("%s/waconn-XXXXXX", dir);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path);
	free(path);
	return fd;
}
