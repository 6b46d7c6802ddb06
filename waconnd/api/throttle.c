/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two small tables of fixed size, scanned in full: a few kilobytes, looked at once a login. */
#include "waconnd/api/throttle.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/wa/kdf.h"
#include "common/xalloc.h"

#define ENTRIES 1024
#define KEY_LEN 16
#define KNOWN_MS (30 * 86400 * 1000LL)

struct entry {
	uint8_t key[KEY_LEN];
	unsigned attempts;
	int64_t last_ms; /* 0: unused */
};

struct throttle {
	struct entry counts[ENTRIES];
	struct entry known[ENTRIES]; /* accounts that logged in from an address */
};

/* What is counted, and how severely. */
enum { BY_BOTH, BY_ADDRESS, BY_ACCOUNT, COUNTS };
static const struct {
	unsigned allowed; /* before the first wait */
	unsigned first_s; /* then doubled */
	unsigned max_s;
	int64_t forgiven_ms; /* one attempt less after so long; 0: none */
	int64_t window_ms;   /* all forgotten after so long without one */
} rules[COUNTS] = {
    [BY_BOTH] = {5, 5, 900, 0, 15 * 60 * 1000},
    [BY_ADDRESS] = {20, 2, 30, 15 * 1000, 15 * 60 * 1000},
    [BY_ACCOUNT] = {50, 2, 30, 15 * 1000, 15 * 60 * 1000},
};

struct throttle *
throttle_new(void)
{
	return xcalloc(1, sizeof(struct throttle));
}

void
throttle_free(struct throttle **t)
{
	free(*t);
	*t = NULL;
}

static void
make_key(int which, const char *account, const char *address, uint8_t key[KEY_LEN])
{
	uint8_t digest[32];
	const char *a = which == BY_ADDRESS ? "" : account;
	const char *b = which == BY_ACCOUNT ? "" : address;

	sha256_two(a, strlen(a) + 1, b, strlen(b), digest);
	memcpy(key, digest, KEY_LEN);
}

static struct entry *
find(struct entry *table, const uint8_t key[KEY_LEN])
{
	for (size_t i = 0; i < ENTRIES; i++)
		if (table[i].last_ms != 0 && memcmp(table[i].key, key, KEY_LEN) == 0)
			return &table[i];
	return NULL;
}

/* The entry of the key, taken from the oldest when there is none. */
static struct entry *
take(struct entry *table, const uint8_t key[KEY_LEN], int64_t now_ms)
{
	struct entry *e = find(table, key);

	if (e == NULL) {
		e = &table[0];
		for (size_t i = 1; i < ENTRIES; i++)
			if (table[i].last_ms < e->last_ms)
				e = &table[i];
		memcpy(e->key, key, KEY_LEN);
		e->attempts = 0;
		e->last_ms = now_ms;
	}
	return e;
}

/* Attempts that still count. */
static unsigned
counted(const struct entry *e, int which, int64_t now_ms)
{
	const int64_t age = now_ms - e->last_ms;
	int64_t forgiven = 0;

	if (age > rules[which].window_ms)
		return 0;
	if (rules[which].forgiven_ms > 0)
		forgiven = age / rules[which].forgiven_ms;
	return forgiven < e->attempts ? e->attempts - (unsigned)forgiven : 0;
}

static unsigned
wait_for(const struct entry *e, int which, int64_t now_ms)
{
	unsigned n = e != NULL ? counted(e, which, now_ms) : 0, over;
	int64_t wait_ms;

	if (n < rules[which].allowed)
		return 0;
	over = n - rules[which].allowed;
	wait_ms = over < 10 ? (int64_t)rules[which].first_s << over : rules[which].max_s;
	if (wait_ms > rules[which].max_s)
		wait_ms = rules[which].max_s;
	wait_ms = wait_ms * 1000 - (now_ms - e->last_ms);
	return wait_ms > 0 ? (unsigned)((wait_ms + 999) / 1000) : 0;
}

static bool
is_known(struct throttle *t, const uint8_t key[KEY_LEN], int64_t now_ms)
{
	const struct entry *e = find(t->known, key);

	return e != NULL && now_ms - e->last_ms < KNOWN_MS;
}

unsigned
throttle_begin(struct throttle *t, const char *account, const char *address, int64_t now_ms)
{
	uint8_t keys[COUNTS][KEY_LEN];
	unsigned wait = 0;
	bool known;

	for (int i = 0; i < COUNTS; i++)
		make_key(i, account, address, keys[i]);
	known = is_known(t, keys[BY_BOTH], now_ms);
	for (int i = 0; i < (known ? 1 : COUNTS); i++) {
		const unsigned w = wait_for(find(t->counts, keys[i]), i, now_ms);

		wait = w > wait ? w : wait;
	}
	for (int i = 0; wait == 0 && i < COUNTS; i++) {
		struct entry *e = take(t->counts, keys[i], now_ms);

		e->attempts = counted(e, i, now_ms) + 1;
		e->last_ms = now_ms;
	}
	return wait;
}

void
throttle_undo(struct throttle *t, const char *account, const char *address)
{
	for (int i = 0; i < COUNTS; i++) {
		uint8_t key[KEY_LEN];
		struct entry *e;

		make_key(i, account, address, key);
		e = find(t->counts, key);
		if (e != NULL && e->attempts > 0)
			e->attempts--;
	}
}

void
throttle_succeeded(struct throttle *t, const char *account, const char *address, int64_t now_ms)
{
	uint8_t key[KEY_LEN];
	struct entry *e;

	throttle_undo(t, account, address);
	make_key(BY_BOTH, account, address, key);
	e = find(t->counts, key);
	if (e != NULL)
		e->last_ms = 0;
	take(t->known, key, now_ms)->last_ms = now_ms;
}
