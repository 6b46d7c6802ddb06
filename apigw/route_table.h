/* SPDX-License-Identifier: GPL-3.0-or-later */
/* route_table: every address of the REST interface, one row each; the only place where methods and
 * paths stand. */
#ifndef APIGW_ROUTE_TABLE_H
#define APIGW_ROUTE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "ipc.pb-c.h"

#define ROUTE_ID_MAX 64

struct call;

enum route_body { ROUTE_NO_BODY, ROUTE_JSON, ROUTE_JSON_OPTIONAL, ROUTE_FILE };

struct route {
	const char *method;
	const char *path; /* {id} stands for one segment; behind '?' its parameters, '&' between */
	enum route_body body;
	bool open; /* needs no token */
	Ipc__Request__OpCase op;
	unsigned deadline_ms;
	/* Fills c->request; problems go to c->body's errors. */
	void (*build)(struct call *c);
	/* What becomes of the daemon's answer; NULL: passed on as it is. */
	void (*answer)(struct call *c, const Ipc__Response *response);
	/* Instead of build and answer: does all by itself. */
	void (*run)(struct call *c);
	const char *summary;
};

/* The rows; the last has a NULL method. */
const struct route *route_table(void);
size_t route_count(void);
/* Is it one of its query parameters? */
bool route_takes(const struct route *route, const char *name, size_t len);
/* Finds the row. HEAD is as GET. NULL: *ret_known says whether the path exists; its methods are in
 * allow then. */
const struct route *route_find(const char *method, const char *path, char ret_id[ROUTE_ID_MAX + 1],
    bool *ret_known, char *ret_allow, size_t allow_size);

#endif
