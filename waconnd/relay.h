/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * relay: events of this daemon's outlets to the subscribers of the others, and theirs to ours.
 *
 * They are written a few times a second into a table that is kept for a minute, and hinted at. Of a
 * blast only its id goes: whoever shows it reads it. Statuses do not go this way, they follow from
 * the rows. What is too much is dropped and counted: events say that something is new, the rows say
 * what.
 */
#ifndef WACONND_RELAY_H
#define WACONND_RELAY_H

#include "waconnd/instance.h"

struct relay;

struct relay_env { /* all outlive the relay */
	struct event_base *base;
	struct store *store;
	struct hub *hub;
	struct outlets *outlets;
	struct blasts *blasts;
	struct instance *instance;
};

struct relay *relay_new(const struct relay_env *env);
void relay_free(struct relay **r);

#endif
