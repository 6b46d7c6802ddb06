/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory_keydb: a keydb in memory for tests. Answers come from the loop. Tests may hold back gets
 * and commits, turn the order of gets round, make them fail, and crash it: what was not committed
 * is gone then.
 */
#ifndef TESTS_LINK_MEMORY_KEYDB_H
#define TESTS_LINK_MEMORY_KEYDB_H

#include "tests/unit/cmocka_all.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/xalloc.h"
#include "waconnd/keydb.h"

#define TEST_UNUSED __attribute__((unused))

struct memory_value {
	uint8_t *data; /* NULL: absent */
	size_t len;
};

struct memory_key {
	TAILQ_ENTRY(memory_key) entry;
	enum key_kind kind;
	char *name;
	struct memory_value now, disk;
};

struct memory_job { /* a get or a commit that waits for its answer */
	TAILQ_ENTRY(memory_job) entry;
	bool is_commit;
	keydb_get_cb got;
	keydb_commit_cb committed;
	void *arg;
	size_t n;
	enum key_kind *kinds;
	char **names;
};
TAILQ_HEAD(memory_jobs, memory_job);

struct memory_keydb {
	struct keydb keydb; /* first */
	struct event_base *base;
	struct event *pump;
	TAILQ_HEAD(, memory_key) keys;
	struct memory_jobs jobs;
	bool hold_gets, hold_commits, reverse_gets, fail_gets, fail_commits, is_full;
	unsigned gets, gotten, puts, commits;
};

static struct memory_keydb *
memory_of(struct keydb *k)
{
	return (struct memory_keydb *)(void *)k;
}

static void
memory_value_set(struct memory_value *v, const void *data, size_t len)
{
	free(v->data);
	v->data = NULL;
	v->len = data != NULL ? len : 0;
	if (data == NULL)
		return;
	v->data = xmalloc(len + 1);
	memcpy(v->data, data, len);
}

static struct memory_key *
memory_at(struct memory_keydb *m, enum key_kind kind, const char *name)
{
	struct memory_key *k;

	TAILQ_FOREACH(k, &m->keys, entry)
	if (k->kind == kind && strcmp(k->name, name) == 0)
		return k;
	k = xcalloc(1, sizeof(*k));
	k->kind = kind;
	k->name = xstrdup(name);
	TAILQ_INSERT_TAIL(&m->keys, k, entry);
	return k;
}

static struct memory_job *
memory_job_new(struct memory_keydb *m, void *arg)
{
	struct memory_job *j = xcalloc(1, sizeof(*j));

	j->arg = arg;
	TAILQ_INSERT_TAIL(&m->jobs, j, entry);
	event_active(m->pump, EV_TIMEOUT, 0);
	return j;
}

static void
memory_job_free(struct memory_keydb *m, struct memory_job *j)
{
	TAILQ_REMOVE(&m->jobs, j, entry);
	for (size_t i = 0; i < j->n; i++)
		free(j->names[i]);
	free(j->names);
	free(j->kinds);
	free(j);
}

static void
memory_get(struct keydb *k, const struct key_name *names, size_t n, keydb_get_cb cb, void *arg)
{
	struct memory_job *j = memory_job_new(memory_of(k), arg);

	memory_of(k)->gets++;
	j->got = cb;
	j->n = n;
	j->names = xcalloc(n + 1, sizeof(*j->names));
	j->kinds = xcalloc(n + 1, sizeof(*j->kinds));
	for (size_t i = 0; i < n; i++) {
		j->kinds[i] = names[i].kind;
		j->names[i] = xstrdup(names[i].name);
	}
}

static void
memory_put(struct keydb *k, enum key_kind kind, const char *name, const void *value, size_t len)
{
	memory_of(k)->puts++;
	memory_value_set(&memory_at(memory_of(k), kind, name)->now, value, len);
}

static void
memory_del(struct keydb *k, enum key_kind kind, const char *name)
{
	memory_value_set(&memory_at(memory_of(k), kind, name)->now, NULL, 0);
}

static void
memory_wipe(struct keydb *k)
{
	struct memory_key *key;

	TAILQ_FOREACH(key, &memory_of(k)->keys, entry)
	memory_value_set(&key->now, NULL, 0);
}

static void
memory_commit(struct keydb *k, keydb_commit_cb cb, void *arg)
{
	struct memory_job *j = memory_job_new(memory_of(k), arg);

	memory_of(k)->commits++;
	j->is_commit = true;
	j->committed = cb;
}

static void
memory_forget(struct keydb *k, void *arg)
{
	struct memory_job *j, *next;

	for (j = TAILQ_FIRST(&memory_of(k)->jobs); j != NULL; j = next) {
		next = TAILQ_NEXT(j, entry);
		if (j->arg == arg)
			memory_job_free(memory_of(k), j);
	}
}

static bool
memory_full(struct keydb *k)
{
	return memory_of(k)->is_full;
}

static const struct keydb_ops memory_ops = {
    .get = memory_get,
    .put = memory_put,
    .del = memory_del,
    .wipe = memory_wipe,
    .commit = memory_commit,
    .full = memory_full,
    .forget = memory_forget,
};

static void
memory_answer_get(struct memory_keydb *m, const struct memory_job *j)
{
	struct key_value *values = xcalloc(j->n + 1, sizeof(*values));

	for (size_t i = 0; i < j->n; i++) {
		const struct memory_key *k = memory_at(m, j->kinds[i], j->names[i]);

		values[i] = (struct key_value){j->kinds[i], j->names[i], k->now.data, k->now.len};
	}
	m->gotten += (unsigned)j->n;
	j->got(
	    j->arg, m->fail_gets ? -1 : 0, m->fail_gets ? NULL : values, m->fail_gets ? 0 : j->n);
	free(values);
}

static void
memory_answer_commit(struct memory_keydb *m, const struct memory_job *j)
{
	struct memory_key *k;

	if (!m->fail_commits)
		TAILQ_FOREACH(k, &m->keys, entry)
	memory_value_set(&k->disk, k->now.data, k->now.len);
	j->committed(j->arg, m->fail_commits ? -1 : 0);
}

static struct memory_job *
memory_next(struct memory_keydb *m)
{
	struct memory_job *j, *found = NULL;

	TAILQ_FOREACH(j, &m->jobs, entry)
	{
		if (j->is_commit ? m->hold_commits : m->hold_gets)
			continue;
		if (found == NULL || (m->reverse_gets && !j->is_commit))
			found = j;
		if (!m->reverse_gets)
			break;
	}
	return found;
}

/* One answer a turn; false: none may be given. */
static bool
memory_pump(struct memory_keydb *m)
{
	struct memory_job *j = memory_next(m), copy;

	if (j == NULL)
		return false;
	copy = *j;
	TAILQ_REMOVE(&m->jobs, j, entry);
	free(j);
	if (copy.is_commit)
		memory_answer_commit(m, &copy);
	else
		memory_answer_get(m, &copy);
	for (size_t i = 0; i < copy.n; i++)
		free(copy.names[i]);
	free(copy.names);
	free(copy.kinds);
	return true;
}

static void
memory_on_pump(evutil_socket_t fd, short what, void *arg)
{
	struct memory_keydb *m = arg;

	(void)fd;
	(void)what;
	if (memory_pump(m))
		event_active(m->pump, EV_TIMEOUT, 0);
}

TEST_UNUSED static void
memory_keydb_init(struct memory_keydb *m, struct event_base *base)
{
	memset(m, 0, sizeof(*m));
	m->keydb.ops = &memory_ops;
	m->base = base;
	TAILQ_INIT(&m->keys);
	TAILQ_INIT(&m->jobs);
	m->pump = event_new(base, -1, 0, memory_on_pump, m);
	assert_non_null(m->pump);
}

TEST_UNUSED static void
memory_keydb_done(struct memory_keydb *m)
{
	struct memory_key *k;
	struct memory_job *j;

	while ((j = TAILQ_FIRST(&m->jobs)) != NULL)
		memory_job_free(m, j);
	while ((k = TAILQ_FIRST(&m->keys)) != NULL) {
		TAILQ_REMOVE(&m->keys, k, entry);
		free(k->now.data);
		free(k->disk.data);
		free(k->name);
		free(k);
	}
	event_free(m->pump);
}

/* The machine stops: what was asked gets no answer, what was not committed is gone. */
TEST_UNUSED static void
memory_keydb_crash(struct memory_keydb *m)
{
	struct memory_key *k;
	struct memory_job *j;

	while ((j = TAILQ_FIRST(&m->jobs)) != NULL)
		memory_job_free(m, j);
	TAILQ_FOREACH(k, &m->keys, entry)
	memory_value_set(&k->now, k->disk.data, k->disk.len);
}

/* Whatever may be answered is; held answers come after the flag is cleared. */
TEST_UNUSED static void
memory_keydb_run(struct memory_keydb *m)
{
	event_active(m->pump, EV_TIMEOUT, 0);
	(void)event_base_loop(m->base, EVLOOP_NONBLOCK);
}

TEST_UNUSED static const struct memory_value *
memory_disk(struct memory_keydb *m, enum key_kind kind, const char *name)
{
	return &memory_at(m, kind, name)->disk;
}

#endif
