/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Failed logins in a small table of fixed size, scanned in full: a few kilobytes, looked at once a
 * login. */
#include "waconnd/api/throttle.h"

#include <stdlib.h>
#include <string.h>

#include "common/wa/kdf.h"
#include "common/xalloc.h"

#define ENTRIES 1024
#define WINDOW_MS (15 * 60 * 1000)
#define FREE_PER_ACCOUNT 5 /* failures before the first wait */
#define FREE_PER_ADDRESS 20
#define WAIT_FIRST_S 5
#define WAIT_MAX_S 900

struct entry {
	uint8_t key[16];
	unsigned failures;
	int64_t last_ms; /* 0: unused */
};

struct throttle {
	struct entry entries[ENTRIES];
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

/* account NULL: the address alone. */
static void
make_key(const char *account, const char *address, uint8_t key[16])
{
	uint8_t digest[32];

	sha256_two(account != NULL ? account : "", account != NULL ? strlen(account) + 1 : 0,
	    address, strlen(address), digest);
	memcpy(key, digest, 16);
}

static const struct entry *
find(const struct throttle *t, const uint8_t key[16])
{
	for (size_t i = 0; i < ENTRIES; i++) {
		if (t->entries[i].last_ms != 0 && memcmp(t->entries[i].key, key, 16) == 0)
			return &t->entries[i];
	}
	return NULL;
}

static unsigned
wait_for(const struct entry *e, unsigned allowed, int64_t now_ms)
{
	int64_t wait_ms;
	unsigned over;

	if (e == NULL || now_ms - e->last_ms > WINDOW_MS || e->failures < allowed)
		return 0;
	over = e->failures - allowed;
	wait_ms = 1000 * (over < 8 ? (int64_t)WAIT_FIRST_S << over : WAIT_MAX_S);
	if (wait_ms > WAIT_MAX_S * 1000)
		wait_ms = WAIT_MAX_S * 1000;
	wait_ms -= now_ms - e->last_ms;
	return wait_ms > 0 ? (unsigned)((wait_ms + 999) / 1000) : 0;
}

unsigned
throttle_wait(const struct throttle *t, const char *account, const char *address, int64_t now_ms)
{
	uint8_t key[16];
	unsigned a, b;

	make_key(account, address, key);
	a = wait_for(find(t, key), FREE_PER_ACCOUNT, now_ms);
	make_key(NULL, address, key);
	b = wait_for(find(t, key), FREE_PER_ADDRESS, now_ms);
	return a > b ? a : b;
}

static void
count(struct throttle *t, const uint8_t key[16], int64_t now_ms)
{
	struct entry *e = &t->entries[0];

	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry *candidate = &t->entries[i];

		if (candidate->last_ms != 0 && memcmp(candidate->key, key, 16) == 0) {
			e = candidate;
			break;
		}
		if (candidate->last_ms < e->last_ms)
			e = candidate;
	}
	if (memcmp(e->key, key, 16) != 0 || now_ms - e->last_ms > WINDOW_MS) {
		memcpy(e->key, key, 16);
		e->failures = 0;
	}
	e->failures++;
	e->last_ms = now_ms;
}

void
throttle_failed(struct throttle *t, const char *account, const char *address, int64_t now_ms)
{
	uint8_t key[16];

	make_key(account, address, key);
	count(t, key, now_ms);
	make_key(NULL, address, key);
	count(t, key, now_ms);
}

void
throttle_succeeded(struct throttle *t, const char *account, const char *address)
{
	uint8_t key[16];

	make_key(account, address, key);
	for (size_t i = 0; i < ENTRIES; i++) {
		if (memcmp(t->entries[i].key, key, 16) == 0)
			t->entries[i].last_ms = 0;
	}
}
