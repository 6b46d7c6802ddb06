/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The words of scopes. Decides nothing about roles. */
#include "waconnd/api/scope.h"

#include <string.h>

static const char *const names[SCOPES] = {
    [SCOPE_NONE] = "",
    [SCOPE_ANY] = "",
    [SCOPE_STATUS_READ] = "status:read",
    [SCOPE_OUTLETS_READ] = "outlets:read",
    [SCOPE_OUTLETS_WRITE] = "outlets:write",
    [SCOPE_MESSAGES_READ] = "messages:read",
    [SCOPE_MESSAGES_WRITE] = "messages:write",
    [SCOPE_CONTACTS_READ] = "contacts:read",
    [SCOPE_CONTACTS_WRITE] = "contacts:write",
    [SCOPE_OPT_OUTS_READ] = "opt-outs:read",
    [SCOPE_OPT_OUTS_WRITE] = "opt-outs:write",
    [SCOPE_TEMPLATES_READ] = "templates:read",
    [SCOPE_TEMPLATES_WRITE] = "templates:write",
    [SCOPE_MEDIA_READ] = "media:read",
    [SCOPE_MEDIA_WRITE] = "media:write",
    [SCOPE_BLAST_READ] = "blast:read",
    [SCOPE_BLAST_WRITE] = "blast:write",
    [SCOPE_EVENTS_READ] = "events:read",
    [SCOPE_WEBHOOKS_READ] = "webhooks:read",
    [SCOPE_WEBHOOKS_WRITE] = "webhooks:write",
    [SCOPE_METRICS_READ] = "metrics:read",
    [SCOPE_SETTINGS_READ] = "settings:read",
    [SCOPE_SETTINGS_WRITE] = "settings:write",
    [SCOPE_USERS_READ] = "users:read",
    [SCOPE_USERS_WRITE] = "users:write",
    [SCOPE_TOKENS_READ] = "tokens:read",
    [SCOPE_AUDIT_READ] = "audit:read",
};

const char *
scope_name(enum scope scope)
{
	return names[scope];
}

static enum scope
find(const char *name, size_t len)
{
	for (int s = SCOPE_ANY + 1; s < SCOPES; s++)
		if (strlen(names[s]) == len && memcmp(names[s], name, len) == 0)
			return (enum scope)s;
	return SCOPE_NONE;
}

int
scope_parse(const char *name, enum scope *ret_scope)
{
	const enum scope s = find(name, strlen(name));

	if (s == SCOPE_NONE)
		return -1;
	*ret_scope = s;
	return 0;
}

uint64_t
scope_mask(const char *words)
{
	uint64_t mask = UINT64_C(1) << SCOPE_ANY;

	while (*words != '\0') {
		const size_t len = strcspn(words, ",");
		const enum scope s = find(words, len);

		if (s != SCOPE_NONE)
			mask |= UINT64_C(1) << s;
		words += len + (words[len] == ',');
	}
	return mask;
}

int
scope_allows(uint64_t mask, enum scope scope)
{
	return (mask >> scope & 1) != 0;
}
