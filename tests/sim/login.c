/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Login: is the device known and the Noise key its own; what it replaces; what it is told first.
 * Source: PROTOCOL sections 7 and 8.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "tests/sim/server.h"

#define ROUTING_LEN 8

static struct device *
known_device(const struct conn *c)
{
	char phone[24];
	struct account *a;
	struct device *d;

	(void)snprintf(phone, sizeof(phone), "%" PRIu64, c->payload.username);
	a = account_find(c->sim, phone, false);
	d = a != NULL ? account_device(a, c->payload.device) : NULL;
	if (d == NULL || memcmp(d->noise_pub, c->noise_pub, CURVE_KEY_LEN) != 0)
		return NULL;
	return d;
}

static void
send_success(struct conn *c)
{
	const struct device *d = c->device;
	const struct jid lid = account_lid(d->account, d->number);
	struct node *n = node_new("success", "location", "sim", "props", "1", NULL);

	node_set_int(n, "t", sim_now() + c->clock_ms / 1000);
	node_set_jid(n, "lid", &lid);
	conn_send(c, n);
}

/* Clients may send this in front of their intro the next time. */
static void
send_routing(struct conn *c)
{
	const struct jid server = jid_server_self();
	struct node *ib = node_new("ib", NULL);
	struct node *routing;
	uint8_t bytes[32];

	sim_derive(c->sim, c->device->account->phone, bytes);
	node_set_jid(ib, "from", &server);
	routing = node_child(ib, "edge_routing", NULL);
	node_bytes(node_child(routing, "routing_info", NULL), bytes, ROUTING_LEN);
	conn_send(c, ib);
}

static void
send_dirty(struct conn *c)
{
	const struct jid server = jid_server_self();
	struct node *ib = node_new("ib", NULL);
	struct node *dirty;

	node_set_jid(ib, "from", &server);
	dirty = node_child(ib, "dirty", "type", "account_sync", NULL);
	node_set_int(dirty, "timestamp", sim_now());
	conn_send(c, ib);
}

static void
replace(struct device *d)
{
	if (d->conn == NULL)
		return;
	log_info(
	    "login.replaced", LOG_PHONE("phone", d->account->phone), LOG_INT("device", d->number));
	conn_stream_error(d->conn, NULL, "replaced");
}

static void
refuse(struct conn *c)
{
	log_info("login.unknown", LOG_INT("device", c->payload.device));
	conn_send(c, node_new("failure", "reason", "401", "location", "sim", NULL));
	conn_end(c, false);
}

void
login_begin(struct conn *c)
{
	struct device *d;
	bool first;

	if (fault_login(c))
		return;
	d = known_device(c);
	if (d == NULL) {
		refuse(c);
		return;
	}
	replace(d);
	conn_deadline(c, 0);
	c->state = CONN_ONLINE;
	c->device = d;
	d->conn = c;
	c->sim->stats.logins++;
	first = !d->greeted;
	d->greeted = true;
	send_success(c);
	send_routing(c);
	if (first)
		send_dirty(c);
	if (!c->payload.passive)
		login_active(d);
}

void
login_active(struct device *d)
{
	if (d->active)
		return;
	d->active = true;
	outbox_backlog(d);
}
