/* SPDX-License-Identifier: GPL-3.0-or-later */
/* audit: who changed what, the newest first, page by page. */
#include <string.h>

#include "common/clock.h"
#include "waconnd/waconnctl/command.h"
#include "waconnd/waconnctl/table.h"

#define PAGE 1000

static void
list_entry(struct table *table, const json_t *entry)
{
	static const char *const columns[] = {"actor", "remote", "action", "subject"};
	char at[32];

	ctl_time(ctl_string(entry, "at"), at, sizeof(at));
	table_cell(table, at);
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		table_cell(table, ctl_string(entry, columns[i]));
}

/* One page; the cursor of the next in `cursor`, "" at the end. */
static int
list_page(struct ctl *ctl, Ipc__AuditList *list, struct table *table, char *cursor, size_t size)
{
	Ipc__Request request = IPC__REQUEST__INIT;
	json_t *answer = NULL, *entry;
	const char *next;
	size_t i;
	int status;

	list->cursor = cursor[0] != '\0' ? cursor : NULL;
	request.op_case = IPC__REQUEST__OP_AUDIT_LIST;
	request.audit_list = list;
	status = ctl_ask(ctl, &request, CTL_DEADLINE_MS, &answer);
	if (status == 0)
		json_array_foreach(json_object_get(answer, "entries"), i, entry)
		    list_entry(table, entry);
	next = ctl_string(answer, "nextCursor");
	(void)snprintf(cursor, size, "%s", status == 0 && next != NULL ? next : "");
	json_decref(answer);
	return status;
}

int
command_audit(struct ctl *ctl, const struct args *args)
{
	static const char *const headings[] = {"AT", "WHO", "FROM", "ACTION", "SUBJECT", NULL};
	const char *since = args_value(args, ARG_SINCE);
	Ipc__AuditList list = IPC__AUDIT_LIST__INIT;
	struct table *table;
	char cursor[64] = "";
	long long seconds = 0;
	int status;

	if (since != NULL && args_duration(since, &seconds) < 0)
		return ctl_say(ctl, CTL_UNASKED, "--since: give a time such as 12h, 7d or 4w");
	list.q = (char *)(uintptr_t)args_value(args, ARG_QUERY);
	list.actor = (char *)(uintptr_t)args_value(args, ARG_USER);
	list.has_from_ms = since != NULL;
	list.from_ms = clock_wall_ms() - seconds * 1000;
	list.has_limit = 1;
	list.limit = PAGE;
	table = table_new(headings);
	do {
		status = list_page(ctl, &list, table, cursor, sizeof(cursor));
	} while (status == 0 && cursor[0] != '\0');
	if (status == 0 && !ctl->json)
		table_print(table, ctl->out);
	table_free(&table);
	return status;
}
