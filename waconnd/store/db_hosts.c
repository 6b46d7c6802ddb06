/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lists of libpq's host, hostaddr and port, turned round together. */
#include "waconnd/store/db_hosts.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

enum { HOST, HOSTADDR, PORT, LISTS };
static const char *const names[LISTS] = {"host", "hostaddr", "port"};

struct db_hosts {
	char *dsn;
	char *lists[LISTS]; /* NULL: not given */
	unsigned n;
};

static unsigned
elements(const char *list)
{
	unsigned n = list != NULL;

	while (list != NULL && (list = strchr(list, ',')) != NULL) {
		list++;
		n++;
	}
	return n;
}

struct db_hosts *
db_hosts_new(const char *dsn)
{
	PQconninfoOption *options = PQconninfoParse(dsn, NULL);
	struct db_hosts *h = xcalloc(1, sizeof(*h));

	h->dsn = xstrdup(dsn);
	for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++)
		for (size_t i = 0; i < LISTS; i++)
			if (o->val != NULL && strcmp(o->keyword, names[i]) == 0)
				h->lists[i] = xstrdup(o->val);
	PQconninfoFree(options);
	h->n = elements(h->lists[HOSTADDR] != NULL ? h->lists[HOSTADDR] : h->lists[HOST]);
	if (h->n == 0)
		h->n = 1;
	return h;
}

void
db_hosts_free(struct db_hosts **hp)
{
	struct db_hosts *h = *hp;

	if (h == NULL)
		return;
	for (size_t i = 0; i < LISTS; i++)
		free(h->lists[i]);
	free(h->dsn);
	free(h);
	*hp = NULL;
}

unsigned
db_hosts_count(const struct db_hosts *h)
{
	return h->n;
}

/* "a,b,c" from 1 on is "b,c,a". One port for all stays as it is. */
static char *
turned(const char *list, unsigned from)
{
	const char *at = list;

	if (list == NULL || elements(list) <= from)
		return list != NULL ? xstrdup(list) : NULL;
	for (unsigned i = 0; i < from; i++)
		at = strchr(at, ',') + 1;
	return at == list ? xstrdup(list) : xasprintf("%s,%.*s", at, (int)(at - list - 1), list);
}

PGconn *
db_hosts_connect(const struct db_hosts *h, unsigned turn)
{
	const char *keywords[4 + LISTS] = {
	    "dbname", "fallback_application_name", "client_encoding"};
	const char *values[4 + LISTS] = {h->dsn, "waconnd", "UTF8"};
	char *lists[LISTS];
	PGconn *pg;

	/* What comes after the connection string counts more. */
	for (size_t i = 0, n = 3; i < LISTS; i++) {
		lists[i] = turned(h->lists[i], turn % h->n);
		if (lists[i] == NULL)
			continue;
		keywords[n] = names[i];
		values[n++] = lists[i];
	}
	pg = PQconnectStartParams(keywords, values, 1);
	if (pg == NULL)
		abort();
	for (size_t i = 0; i < LISTS; i++)
		free(lists[i]);
	return pg;
}
