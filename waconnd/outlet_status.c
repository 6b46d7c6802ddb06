/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Health, and the status element of CONTRACT section 5, rendered when asked for and kept until the
 * next change. Changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/jsonw.h"
#include "waconnd/outlet_internal.h"

#define STATUS_JSON_MAX 16384

static const struct {
	unsigned bit;
	const char *name;
} reasons[] = {
    {OUTLET_BAD_DB_STATUS, "db_status"},
    {OUTLET_BAD_LIVE_STATUS, "live_status"},
    {OUTLET_BAD_SOCKET, "socket_closed"},
    {OUTLET_BAD_USER_ID, "no_user_id"},
    {OUTLET_BAD_AUTO_RECONNECT, "auto_reconnect_off"},
};

/* Of another daemon's outlet: what it last wrote, as long as that daemon lives. */
enum outlet_status
outlet_live_status(const struct outlet *o)
{
	if (o->state != OUT_ELSEWHERE)
		return outlet_fsm_status(o->state);
	if (!o->owner_lives && o->committed.status != OUTLET_PAUSED &&
	    o->committed.status != OUTLET_FAILED && o->committed.status != OUTLET_DISCONNECTED)
		return OUTLET_TIMEOUT;
	return o->committed.status;
}

static bool
is_open(const struct outlet *o)
{
	if (o->state == OUT_ELSEWHERE)
		return outlet_live_status(o) == OUTLET_CONNECTED;
	return o->link != NULL && link_is_open(o->link);
}

unsigned
outlet_unhealthy(const struct outlet *o)
{
	unsigned bits = 0;

	if (o->committed.status != OUTLET_CONNECTED)
		bits |= OUTLET_BAD_DB_STATUS;
	if (outlet_live_status(o) != OUTLET_CONNECTED)
		bits |= OUTLET_BAD_LIVE_STATUS;
	if (!is_open(o))
		bits |= OUTLET_BAD_SOCKET;
	if (!o->linked || o->row.own_jid[0] == '\0')
		bits |= OUTLET_BAD_USER_ID;
	if (!o->auto_reconnect)
		bits |= OUTLET_BAD_AUTO_RECONNECT;
	return bits;
}

static void
write_reasons(struct jsonw *j, const char *key, unsigned bits)
{
	jsonw_array(j, key);
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if ((bits & reasons[i].bit) != 0)
			jsonw_str(j, NULL, reasons[i].name);
	jsonw_array_end(j);
}

void
outlet_unhealthy_json(unsigned bits, struct buf *out)
{
	struct jsonw j;

	jsonw_init(&j, out);
	write_reasons(&j, NULL, bits);
}

int64_t
outlet_heard_ms(const struct outlet *o)
{
	const int64_t now = o->link != NULL ? link_last_heard_ms(o->link) : 0;

	return now > o->last_heard_ms ? now : o->last_heard_ms;
}

static bool
has_qr(const struct outlet *o)
{
	if (o->state == OUT_ELSEWHERE)
		return o->owner_lives && o->committed.qr_until_ms > clock_wall_ms();
	return o->state == OUT_SCANNING && o->qr_text != NULL;
}

static const char *
text_or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static void
write_session(struct jsonw *j, const struct outlet *o)
{
	const struct session_row *r = &o->committed;

	jsonw_object(j, "session");
	jsonw_str(j, "status", outlet_status_name(r->status));
	jsonw_str(j, "sessionName", text_or_null(r->session_name));
	jsonw_time(j, "connectedAt", r->connected_at_ms);
	jsonw_time(j, "lastSeen", r->last_seen_ms);
	jsonw_str(j, "qrCode", has_qr(o) && r->status == OUTLET_CONNECTING ? "Present" : NULL);
	jsonw_bool(j, "autoReconnect", o->auto_reconnect);
	jsonw_int(j, "retryCount", r->retry_count);
	if (r->last_error != NULL)
		jsonw_raw(j, "lastError", r->last_error, strlen(r->last_error));
	else
		jsonw_null(j, "lastError");
	jsonw_time(j, "nextRetryAt", r->next_retry_at_ms);
	jsonw_object_end(j);
}

static void
write_live(struct jsonw *j, const struct outlet *o)
{
	const int latency = o->link != NULL ? link_latency_ms(o->link) : -1;

	jsonw_object(j, "liveStatus");
	jsonw_str(j, "status", outlet_status_name(outlet_live_status(o)));
	jsonw_str(j, "qrCode", has_qr(o) ? "Present" : NULL);
	jsonw_str(
	    j, "name", is_open(o) || o->link != NULL ? text_or_null(o->row.session_name) : NULL);
	jsonw_str(j, "instance", o->state == OUT_ELSEWHERE ? o->owner : o->os->instance);
	if (latency >= 0)
		jsonw_int(j, "latencyMs", latency);
	else
		jsonw_null(j, "latencyMs");
	jsonw_time(j, "lastHeard", outlet_heard_ms(o));
	jsonw_object_end(j);
}

static void
render(struct outlet *o)
{
	const unsigned bits = outlet_unhealthy(o);
	struct jsonw j;

	buf_reset(&o->json);
	jsonw_init(&j, &o->json);
	jsonw_object(&j, NULL);
	jsonw_str(&j, "outletId", o->id);
	jsonw_object(&j, "outlet");
	jsonw_str(&j, "name", o->name);
	jsonw_str(&j, "whatsappNumber", o->number);
	jsonw_bool(&j, "isActive", o->is_active);
	jsonw_object_end(&j);
	write_session(&j, o);
	write_live(&j, o);
	restriction_json(&o->restriction, &j, "restriction");
	jsonw_bool(&j, "healthy", bits == 0);
	write_reasons(&j, "unhealthyReasons", bits);
	jsonw_object_end(&j);
	o->json_old = false;
}

const char *
outlet_status_json(struct outlet *o, size_t *ret_len, uint64_t *ret_version)
{
	if (o->json_old)
		render(o);
	if (ret_len != NULL)
		*ret_len = o->json.len;
	if (ret_version != NULL)
		*ret_version = o->version;
	return buf_str(&o->json);
}

void
outlet_changed(struct outlet *o)
{
	o->json_old = true;
	o->version = ++o->os->version;
}

void
outlet_publish(struct outlet *o)
{
	const char *json;
	size_t len;

	outlet_changed(o);
	if (o->os->loading)
		return;
	json = outlet_status_json(o, &len, NULL);
	hub_publish(o->os->env.hub, "status", o->id, json, len);
}

/* -- what others ask -- */

const char *
outlet_id(const struct outlet *o)
{
	return o->id;
}

const char *
outlet_name(const struct outlet *o)
{
	return o->name;
}

const char *
outlet_number(const struct outlet *o)
{
	return o->number;
}

bool
outlet_linked(const struct outlet *o)
{
	return o->linked;
}

struct outlet_pace
outlet_pace(const struct outlet *o)
{
	struct outlet_pace pace = o->pace;

	/* What is not linked is as fresh as can be. */
	pace.linked_at_ms = o->row.linked_at_ms > 0 ? o->row.linked_at_ms : clock_wall_ms();
	return pace;
}

int
outlet_qr(
    const struct outlet *o, const char **ret_text, unsigned *ret_sequence, int64_t *ret_expires_ms)
{
	if (!has_qr(o) || o->qr_text == NULL || o->qr_expires_ms <= clock_wall_ms())
		return -1;
	*ret_text = o->qr_text;
	*ret_sequence = o->qr_sequence;
	*ret_expires_ms = o->qr_expires_ms;
	return 0;
}

int
outlet_pairing_code(const struct outlet *o, const char **ret_text, int64_t *ret_expires_ms)
{
	if (o->state != OUT_SCANNING || o->code_text == NULL ||
	    o->code_expires_ms <= clock_wall_ms())
		return -1;
	*ret_text = o->code_text;
	*ret_expires_ms = o->code_expires_ms;
	return 0;
}

bool
outlets_may_act(const struct outlets *os)
{
	return os->env.may_act == NULL || os->env.may_act(os->env.may_act_arg);
}

struct link *
outlet_link(struct outlet *o)
{
	if (o->state != OUT_ONLINE || o->os->draining || o->handover != OUTLET_KEPT ||
	    !outlets_may_act(o->os) || outlet_unhealthy(o) != 0 || !link_is_ready(o->link))
		return NULL;
	return o->link;
}

void *
outlet_queue(const struct outlet *o)
{
	return o->queue;
}

void
outlet_set_queue(struct outlet *o, void *queue)
{
	o->queue = queue;
}

void
outlet_own_user(const struct outlet *o, char out[JID_USER_MAX + 1])
{
	struct jid own;

	out[0] = '\0';
	if (jid_parse(o->row.own_jid, &own) == 0)
		memcpy(out, own.user, sizeof(own.user));
}
