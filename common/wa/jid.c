/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * WhatsApp addresses: text to value and back, comparison, and the names that Signal uses for them.
 * It never asks a server or a map: a phone number and a LID of one person are two different
 * addresses here.
 */
#include "common/wa/jid.h"

#include <stdio.h>
#include <string.h>

#define DEVICE_MAX 255	      /* one byte in AD_JID */
#define DEVICE_MAX_WIDE 65535 /* two bytes in FB_JID and INTEROP_JID */
#define AGENT_MAX 255

static const char *const server_names[JID_SERVER_COUNT] = {
    [JID_SERVER_NONE] = "",
    [JID_SERVER_PN] = "s.whatsapp.net",
    [JID_SERVER_LID] = "lid",
    [JID_SERVER_HOSTED] = "hosted",
    [JID_SERVER_HOSTED_LID] = "hosted.lid",
    [JID_SERVER_LEGACY] = "c.us",
    [JID_SERVER_GROUP] = "g.us",
    [JID_SERVER_BROADCAST] = "broadcast",
    [JID_SERVER_NEWSLETTER] = "newsletter",
    [JID_SERVER_MSGR] = "msgr",
    [JID_SERVER_INTEROP] = "interop",
    [JID_SERVER_CALL] = "call",
    [JID_SERVER_BOT] = "bot",
};

/* What Signal's names carry behind the user. */
static const char *const signal_suffixes[JID_SERVER_COUNT] = {
    [JID_SERVER_LID] = "_1",
    [JID_SERVER_HOSTED] = "_128",
    [JID_SERVER_HOSTED_LID] = "_129",
};

const char *
jid_server_name(enum jid_server server)
{
	return (unsigned)server < JID_SERVER_COUNT ? server_names[server] : "";
}

static enum jid_server
server_parse(const char *text)
{
	for (unsigned i = JID_SERVER_NONE + 1; i < JID_SERVER_COUNT; i++)
		if (strcmp(text, server_names[i]) == 0)
			return (enum jid_server)i;
	return JID_SERVER_NONE;
}

/* A decimal number that fills text[0..len) and is at most max. */
static int
number_parse(const char *text, size_t len, unsigned max, unsigned *ret_value)
{
	unsigned v = 0;

	if (len == 0 || len > 5)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		v = v * 10 + (unsigned)(text[i] - '0');
	}
	if (v > max)
		return -1;
	*ret_value = v;
	return 0;
}

static bool
user_is_plain(const char *user, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (user[i] <= ' ' || user[i] > '~' || user[i] == '@' || user[i] == ':')
			return false;
	return len > 0 && len <= JID_USER_MAX;
}

/* "integrator-" in front of an interop user. */
static int
take_integrator(const char **user, size_t *len, struct jid *jid)
{
	const char *dash = memchr(*user, '-', *len);
	unsigned v;

	if (dash == NULL || number_parse(*user, (size_t)(dash - *user), UINT16_MAX, &v) != 0)
		return -1;
	jid->integrator = (uint16_t)v;
	*len -= (size_t)(dash + 1 - *user);
	*user = dash + 1;
	return 0;
}

/*
 * ".agent" behind a user: the domain of an AD_JID that is none of the known ones. All the known
 * servers have is
 * ".0", as in the texts of participant hashes.
 */
static int
take_agent(const char *user, size_t *len, struct jid *jid)
{
	const char *dot = memrchr(user, '.', *len);
	unsigned v;

	if (dot == NULL)
		return 0;
	if (number_parse(dot + 1, *len - (size_t)(dot + 1 - user), AGENT_MAX, &v) != 0)
		return -1;
	if (v > 0 && (jid->server != JID_SERVER_PN || v == 1 || v == 128 || v == 129))
		return -1;
	jid->agent = (uint8_t)v;
	*len = (size_t)(dot - user);
	/* One dot only: else what is left would read as another agent. */
	return memchr(user, '.', *len) == NULL ? 0 : -1;
}

/* text[0..len): user, ":device", and what some servers add. */
static int
user_parse(const char *text, size_t len, struct jid *jid)
{
	const bool wide = jid->server == JID_SERVER_MSGR || jid->server == JID_SERVER_INTEROP;
	const char *colon = memchr(text, ':', len);
	unsigned device = 0;

	if (colon != NULL) {
		const size_t at = (size_t)(colon - text);

		if (number_parse(
			colon + 1, len - at - 1, wide ? DEVICE_MAX_WIDE : DEVICE_MAX, &device) != 0)
			return -1;
		len = at;
	}
	jid->device = (uint16_t)device;
	if (jid->server == JID_SERVER_INTEROP && take_integrator(&text, &len, jid) != 0)
		return -1;
	if (jid->server <= JID_SERVER_HOSTED_LID && take_agent(text, &len, jid) != 0)
		return -1;
	if (!user_is_plain(text, len))
		return -1;
	memcpy(jid->user, text, len);
	return 0;
}

int
jid_parse(const char *text, struct jid *ret_jid)
{
	const char *at = strchr(text, '@');
	struct jid jid = {0};

	jid.server = server_parse(at != NULL ? at + 1 : text);
	if (jid.server == JID_SERVER_NONE)
		return -1;
	if (at != NULL && at != text && user_parse(text, (size_t)(at - text), &jid) != 0)
		return -1;
	*ret_jid = jid;
	return 0;
}

const char *
jid_format(const struct jid *jid, char out[JID_TEXT_MAX])
{
	const char *server = jid_server_name(jid->server);
	char integrator[8] = "";
	char agent[8] = "";
	char device[8] = "";

	if (jid->user[0] == '\0') {
		(void)snprintf(out, JID_TEXT_MAX, "%s", server);
		return out;
	}
	if (jid->server == JID_SERVER_INTEROP)
		(void)snprintf(integrator, sizeof(integrator), "%u-", (unsigned)jid->integrator);
	if (jid->agent > 0)
		(void)snprintf(agent, sizeof(agent), ".%u", (unsigned)jid->agent);
	if (jid->device > 0)
		(void)snprintf(device, sizeof(device), ":%u", (unsigned)jid->device);
	(void)snprintf(
	    out, JID_TEXT_MAX, "%s%s%s%s@%s", integrator, jid->user, agent, device, server);
	return out;
}

struct jid
jid_make(enum jid_server server, const char *user, unsigned device)
{
	struct jid jid = {.server = server, .device = (uint16_t)device};

	(void)snprintf(jid.user, sizeof(jid.user), "%s", user != NULL ? user : "");
	return jid;
}

struct jid
jid_server_self(void)
{
	return (struct jid){.server = JID_SERVER_PN};
}

bool
jid_is_none(const struct jid *jid)
{
	return jid->server == JID_SERVER_NONE;
}

bool
jid_equal(const struct jid *a, const struct jid *b)
{
	return jid_compare(a, b) == 0;
}

bool
jid_same_user(const struct jid *a, const struct jid *b)
{
	return a->server == b->server && a->integrator == b->integrator &&
	       strcmp(a->user, b->user) == 0;
}

bool
jid_is_user(const struct jid *jid)
{
	return jid->user[0] != '\0' && jid->server >= JID_SERVER_PN &&
	       jid->server <= JID_SERVER_HOSTED_LID;
}

struct jid
jid_without_device(const struct jid *jid)
{
	struct jid bare = *jid;

	bare.device = 0;
	return bare;
}

int
jid_compare(const struct jid *a, const struct jid *b)
{
	int c;

	if (a->server != b->server)
		return a->server < b->server ? -1 : 1;
	c = strcmp(a->user, b->user);
	if (c != 0)
		return c;
	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	if (a->agent != b->agent)
		return a->agent < b->agent ? -1 : 1;
	return (int)a->integrator - (int)b->integrator;
}

void
jid_signal_name(const struct jid *jid, char *ret_name, size_t size)
{
	const char *suffix = signal_suffixes[jid->server];

	(void)snprintf(ret_name, size, "%s%s", jid->user, suffix != NULL ? suffix : "");
}
