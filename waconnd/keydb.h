/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * keydb: the interface through which a link reaches its keys on disk. The link knows no SQL: the
 * store implements this (store/keys.h), tests implement it in memory.
 *
 * Writes join the daemon's current write batch and are final when a commit asked for after them has
 * called back with 0 (DESIGN section 5, persist before send). Everything of one outlet; values are
 * opaque bytes, sealed by the store.
 */
#ifndef WACONND_KEYDB_H
#define WACONND_KEYDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_kind {
	KEY_CREDENTIALS = 1,   /* "": link/credentials.h */
	KEY_SESSION = 2,       /* "name.device": libsignal's session record */
	KEY_IDENTITY = 3,      /* "name.device": 33 bytes */
	KEY_PREKEY = 4,	       /* "%08u" of the id: serialised session_pre_key */
	KEY_SIGNED_PREKEY = 5, /* "%08u" of the id: serialised session_signed_pre_key */
	KEY_SENDER_KEY = 6,    /* "group::name.device" */
	KEY_LID = 7,	       /* PN user -> LID user, text */
	KEY_PEER = 8,	   /* LID user -> what we know of the peer: privacy token and its times */
	KEY_APP_STATE = 9, /* hex of its id: an AppStateSyncKeyData that our phone shared */
	KEY_ACCOUNT = 10   /* what is the whole account's: "nct_salt" */
};

struct key_name {
	enum key_kind kind;
	const char *name;
};

struct key_value {
	enum key_kind kind;
	const char *name;
	const uint8_t *value; /* NULL: there is no such key */
	size_t len;
};

/* err 0: `values` answers the names in the order asked, valid during the call. err < 0: the keys
 * cannot be had. While the database is away there is no answer at all. */
typedef void (*keydb_get_cb)(void *arg, int err, const struct key_value *values, size_t n);
typedef void (*keydb_commit_cb)(void *arg, int err);

struct keydb;
struct keydb_ops {
	/* The callback comes later, never from inside the call. */
	void (*get)(
	    struct keydb *k, const struct key_name *names, size_t n, keydb_get_cb cb, void *arg);
	void (*put)(
	    struct keydb *k, enum key_kind kind, const char *name, const void *value, size_t len);
	void (*del)(struct keydb *k, enum key_kind kind, const char *name);
	/* Delete every key of the outlet (logout). */
	void (*wipe)(struct keydb *k);
	/* cb after everything put and deleted so far (and what other layers added to the same
	 * batch) is on disk. */
	void (*commit)(struct keydb *k, keydb_commit_cb cb, void *arg);
	/* So much waits to be written, by all outlets, that nothing new should be begun. */
	bool (*full)(struct keydb *k);
	/* No callback with this arg will come any more. What was put stays put. */
	void (*forget)(struct keydb *k, void *arg);
};
/* Embedded first in every implementation. */
struct keydb {
	const struct keydb_ops *ops;
};

#endif
