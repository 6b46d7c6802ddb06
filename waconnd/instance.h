/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * instance: this daemon among those that share the database (DESIGN section 7): its lease, its
 * share of the outlets, and the hints by which daemons wake each other.
 *
 * The lease is renewed every three seconds. When it is over, or was ended by another daemon, every
 * link is dropped without a word and nothing is claimed; the daemon comes back by itself, with a
 * new epoch where its old one was ended. Every three seconds it also looks whose lease has run out
 * and takes its share of outlets that nobody has; what it has beyond its share it hands over.
 */
#ifndef WACONND_INSTANCE_H
#define WACONND_INSTANCE_H

#include "waconnd/blast/blast.h"
#include "waconnd/outlet.h"

struct instance;

enum instance_hint {	   /* bits */
	HINT_SCAN = 1,	   /* outlets became nobody's, or a daemon came */
	HINT_ROWS = 2,	   /* outlets or their sessions changed */
	HINT_WORK = 4,	   /* there is more to send */
	HINT_BLASTS = 8,   /* a blast was paused, resumed or cancelled */
	HINT_CALLS = 16,   /* a request for another's outlet was put down, or answered */
	HINT_EVENTS = 32,  /* events for others' subscribers */
	HINT_TOKENS = 64,  /* a token, a user or a scope was taken away */
	HINT_READ = 1024,  /* never sent: all rows of outlets were read */
	HINT_MISSED = 2048 /* never sent: any of them may have been missed */
};

struct instance *instance_new(struct event_base *base, struct store *store, struct hub *hub);
void instance_free(struct instance **i);
/* Once the parts are made: from here on it takes outlets and lets go of them. */
void instance_run(struct instance *i, struct outlets *outlets, struct blasts *blasts);
/* Another start bears our name: this one is to end. */
void instance_on_replaced(struct instance *i, void (*cb)(void *arg), void *arg);
/* For outlets_env.may_act and links: does the lease hold? */
bool instance_holds(void *instance);
bool instance_alone(const struct instance *i); /* no other daemon lives, as far as we know */

/* Wakes the others, soon; several hints at once go as one. Nothing where there is nobody. */
void instance_hint(struct instance *i, unsigned hints);
/* What others hint at, and all bits when some may have been lost. Several may listen. */
void instance_on_hint(struct instance *i, void (*cb)(void *arg, unsigned hints), void *arg);
void instance_forget(struct instance *i, void *arg); /* of a listener */
void instance_refresh(struct instance *i);	     /* read the outlets' rows, soon */

/* SIGTERM: no further renewals and scans. */
void instance_stop(struct instance *i);
/* After the outlets have been drained: they are free, the others are told, `done` is called. */
void instance_leave(struct instance *i, void (*done)(void *arg), void *arg);

#endif
