/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ctl: waconnctl's conversation with the daemon: one question at a time, its answer as JSON, and
 * what a person is told when there is none.
 */
#ifndef WACONNCTL_CTL_H
#define WACONNCTL_CTL_H

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/ipc.h"
#include "waconnd/waconnctl/args.h"

enum ctl_exit {
	CTL_OK = 0,
	CTL_REFUSED = 1, /* the daemon said no, or something is not as it should be */
	CTL_UNASKED = 2, /* wrong usage, or the daemon could not be asked */
};

#define CTL_DEADLINE_MS 15000
#define CTL_LONG_MS 60000 /* blasts of many recipients */

struct ctl {
	const char *socket;
	bool json; /* print the daemon's documents as they are */
	FILE *out, *err;
	struct event_base *base;
	struct ipc_client *ipc;
};

/* Connects. CTL_UNASKED, and said on ctl->err, when the daemon is not there. */
int ctl_open(struct ctl *ctl) __attribute__((warn_unused_result));
void ctl_close(struct ctl *ctl);

/*
 * Asks and waits. 0: *ret_json is the answer (json_decref), printed already when ctl->json is set.
 * Else the exit status; why has been said.
 */
int ctl_ask(struct ctl *ctl, Ipc__Request *request, unsigned deadline_ms, json_t **ret_json)
    __attribute__((warn_unused_result));
/* The same; *ret_code is the problem's code, and nothing has been said, when that is `expected`. */
int ctl_ask_unless(struct ctl *ctl, Ipc__Request *request, unsigned deadline_ms,
    const char *expected, json_t **ret_json, bool *ret_expected)
    __attribute__((warn_unused_result));
/* For operations on one id. */
int ctl_ask_id(struct ctl *ctl, Ipc__Request__OpCase op, const char *id, json_t **ret_json)
    __attribute__((warn_unused_result));

/*
 * All pages of a list: `each` is called for every element of its array `key`. Printed already when
 * ctl->json is set.
 */
int ctl_list(struct ctl *ctl, Ipc__Request__OpCase op, Ipc__List *list, const char *key,
    void (*each)(void *arg, const json_t *element), void *arg) __attribute__((warn_unused_result));

/* The same without parameters, as a table: `row` gives the table (its argument) one row. */
int ctl_list_table(struct ctl *ctl, Ipc__Request__OpCase op, const char *key,
    const char *const *headings, void (*row)(void *table, const json_t *element))
    __attribute__((warn_unused_result));

/* "waconnctl: …" on ctl->err; answers `status`. */
int ctl_say(struct ctl *ctl, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Says what a broken conversation means. */
int ctl_failed(struct ctl *ctl, enum ipc_failure failure);

/* -- of documents -- */

/* A string at the end of a path of keys ("session.status"); NULL when it is none. */
const char *ctl_string(const json_t *root, const char *path);
long long ctl_integer(const json_t *root, const char *path);
bool ctl_true(const json_t *root, const char *path);
/* A time of a document in this machine's time zone, "2025-10-25 17:30:00"; "" for NULL. */
void ctl_time(const char *rfc3339, char *out, size_t size);

#endif
