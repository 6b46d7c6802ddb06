/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Start-up, blocking: the schema under an advisory lock, the data key, our row of instances; then
 * the asynchronous side. Two daemons that start at once go one after the other. Nothing of it is
 * used after start-up.
 */
#include "waconnd/store/store.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/store/lease.h"

#define SCHEMA_LOCK "778205119" /* pg_advisory_xact_lock: any number that is ours */
#define SCHEMA_VERSION "1"
#define LOCK_TIMEOUT "60s"
#define CONNECT_TIMEOUT_S "10"
#define QUERY_CONNECTIONS 4
#define ERROR_MAX 300
#define BOOT_BYTES 16

struct starting {
	PGconn *pg;
	char *err;
	size_t err_size;
};

static void
fail(struct starting *s, const char *doing)
{
	char why[ERROR_MAX];

	(void)snprintf(why, sizeof(why), "%s", PQerrorMessage(s->pg));
	for (char *p = why; *p != '\0'; p++) {
		if (*p == '\n')
			*p = p[1] == '\0' ? '\0' : ' ';
	}
	(void)snprintf(s->err, s->err_size, "%s: %s", doing, why);
}

/* NULL, with the sentence set, when it failed. */
static PGresult *
run(struct starting *s, const char *doing, const char *sql, int n, const char *const *values,
    const int *lengths, const int *formats)
{
	PGresult *r = n == 0 ? PQexec(s->pg, sql)
			     : PQexecParams(s->pg, sql, n, NULL, values, lengths, formats, 0);
	ExecStatusType status = PQresultStatus(r);

	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
		return r;
	fail(s, doing);
	PQclear(r);
	return NULL;
}

static int
run_only(struct starting *s, const char *doing, const char *sql)
{
	PGresult *r = run(s, doing, sql, 0, NULL, NULL, NULL);

	PQclear(r);
	return r != NULL ? 0 : -1;
}

static void
ignore_notice(void *arg, const PGresult *result)
{
	(void)arg;
	(void)result;
}

static int
open_connection(struct starting *s, const char *dsn)
{
	static const char *const keywords[] = {
	    "connect_timeout", "dbname", "fallback_application_name", "client_encoding", NULL};
	const char *values[] = {CONNECT_TIMEOUT_S, dsn, "waconnd", "UTF8", NULL};

	s->pg = PQconnectdbParams(keywords, values, 1);
	if (PQstatus(s->pg) != CONNECTION_OK) {
		fail(s, "database");
		return -1;
	}
	PQsetNoticeReceiver(s->pg, ignore_notice, NULL);
	return 0;
}

static int
check_version(struct starting *s)
{
	PGresult *r = run(s, "schema version",
	    "SELECT coalesce(max(version), 0) > " SCHEMA_VERSION " FROM schema_version", 0, NULL,
	    NULL, NULL);
	int rc = -1;

	if (r == NULL)
		return -1;
	if (PQgetvalue(r, 0, 0)[0] == 't')
		(void)snprintf(s->err, s->err_size,
		    "the database was made by a newer version of waconnd: upgrade this one");
	else
		rc = run_only(s, "schema version",
		    "INSERT INTO schema_version (version) VALUES (" SCHEMA_VERSION
		    ") ON CONFLICT DO NOTHING");
	PQclear(r);
	return rc;
}

static int
make_data_key(struct starting *s, const uint8_t *master, uint8_t *ret_key)
{
	struct buf sealed = BUF_INIT(SEAL_KEY_LEN + SEAL_OVERHEAD);
	const char *values[1];
	int lengths[1], formats[1] = {1};
	PGresult *r;

	rng_bytes(ret_key, SEAL_KEY_LEN);
	seal_wrap(master, ret_key, &sealed);
	values[0] = buf_str(&sealed);
	lengths[0] = (int)sealed.len;
	r = run(s, "data key", "INSERT INTO data_keys (id, sealed_key) VALUES (1, $1)", 1, values,
	    lengths, formats);
	PQclear(r);
	buf_done(&sealed);
	return r != NULL ? 0 : -1;
}

static int
load_data_key(struct starting *s, const uint8_t *master, uint8_t *ret_key)
{
	PGresult *r = run(
	    s, "data key", "SELECT sealed_key FROM data_keys WHERE id = 1", 0, NULL, NULL, NULL);
	unsigned char *sealed;
	size_t len;
	int rc;

	if (r == NULL)
		return -1;
	if (PQntuples(r) == 0) {
		PQclear(r);
		return make_data_key(s, master, ret_key);
	}
	sealed = PQunescapeBytea((const unsigned char *)PQgetvalue(r, 0, 0), &len);
	rc = sealed != NULL ? seal_unwrap(master, sealed, len, ret_key) : -1;
	if (rc < 0)
		(void)snprintf(s->err, s->err_size,
		    "the master key (key_file) does not fit this database: use the key that it was "
		    "set up with");
	PQfreemem(sealed);
	PQclear(r);
	return rc;
}

/* Fences off an earlier start of this name, and tells all others that there is one daemon more. */
static int
take_epoch(struct starting *s, const char *instance, const char *boot, int64_t *ret_epoch,
    int64_t *ret_asked_ms)
{
	char lease[16];
	const char *values[3] = {instance, boot, lease};
	PGresult *r;

	(void)snprintf(lease, sizeof(lease), "%d", LEASE_MS);
	*ret_asked_ms = clock_lease_ms();
	r = run(s, "instance",
	    "WITH told AS (SELECT pg_notify('waconn', $2 || ' 1')) "
	    "INSERT INTO instances AS i (name, epoch, heartbeat, boot, lease_until) "
	    "SELECT $1, 1, clock_timestamp(), $2, "
	    "clock_timestamp() + $3::bigint * interval '1 millisecond' FROM told "
	    "ON CONFLICT (name) DO UPDATE SET epoch = i.epoch + 1, heartbeat = excluded.heartbeat, "
	    "boot = excluded.boot, lease_until = excluded.lease_until RETURNING epoch",
	    3, values, NULL, NULL);
	if (r == NULL)
		return -1;
	*ret_epoch = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
	PQclear(r);
	return 0;
}

/* All of it in one transaction: a start that fails leaves nothing half done. */
static int
start(struct starting *s, const char *dsn, const char *instance, const uint8_t *master,
    const char *boot, uint8_t *ret_key, int64_t *ret_epoch, int64_t *ret_asked_ms)
{
	if (open_connection(s, dsn) < 0 || run_only(s, "database", "BEGIN") < 0 ||
	    run_only(s, "database", "SET LOCAL lock_timeout = '" LOCK_TIMEOUT "'") < 0 ||
	    run_only(s, "another daemon holds the schema's lock",
		"SELECT pg_advisory_xact_lock(" SCHEMA_LOCK ")") < 0 ||
	    run_only(s, "schema", sql_schema) < 0 || check_version(s) < 0 ||
	    load_data_key(s, master, ret_key) < 0 ||
	    take_epoch(s, instance, boot, ret_epoch, ret_asked_ms) < 0)
		return -1;
	return run_only(s, "database", "COMMIT");
}

int
store_open(struct event_base *base, const char *dsn, const char *instance,
    const uint8_t master[SEAL_KEY_LEN], struct store *ret, char *err, size_t err_size)
{
	struct starting s = {.err = err, .err_size = err_size};
	uint8_t key[SEAL_KEY_LEN], random[BOOT_BYTES];
	int64_t epoch = 0;
	int rc;

	rng_bytes(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		(void)snprintf(ret->boot + 2 * i, 3, "%02x", random[i]);
	rc = start(&s, dsn, instance, master, ret->boot, key, &epoch, &ret->asked_ms);
	PQfinish(s.pg);
	if (rc == 0) {
		ret->base = base;
		ret->instance = xstrdup(instance);
		ret->epoch = epoch;
		memcpy(&ret->life, random, sizeof(ret->life));
		ret->life &= INT64_MAX;
		ret->seal = seal_new(key);
		ret->db = db_new(base, dsn, QUERY_CONNECTIONS);
		db_set_name(ret->db, instance);
		ret->batch = batch_new(base, ret->db, ret->seal);
		batch_set_fence(ret->batch, instance, epoch);
		ret->reads = key_reads_new(base, ret->db);
		log_info("store.open", LOG_STR("instance", instance), LOG_INT("epoch", epoch));
	}
	OPENSSL_cleanse(key, sizeof(key));
	return rc;
}

void
store_close(struct store *s)
{
	key_reads_free(&s->reads);
	batch_free(&s->batch);
	db_free(&s->db);
	seal_free(&s->seal);
	free(s->instance);
	s->instance = NULL;
}
