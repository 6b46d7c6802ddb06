/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * db_hosts: the servers of a connection string that names several. libpq tries one after the other,
 * but goes on only from one that refuses: while it waits for a host that is silent, nobody else is
 * tried. So each attempt begins with another one.
 */
#ifndef STORE_DB_HOSTS_H
#define STORE_DB_HOSTS_H

#include <libpq-fe.h>

struct db_hosts;

struct db_hosts *db_hosts_new(const char *dsn);
void db_hosts_free(struct db_hosts **h);
unsigned db_hosts_count(const struct db_hosts *h); /* at least 1 */
/* PQconnectStart to all of them, the turn's first; PQfinish what it returns. */
PGconn *db_hosts_connect(const struct db_hosts *h, unsigned turn);

#endif
