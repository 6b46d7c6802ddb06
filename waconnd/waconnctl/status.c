/* SPDX-License-Identifier: GPL-3.0-or-later */
/* status: the table of the status page. Its exit status is the health of what was asked for. */
#include <inttypes.h>

#include "common/xalloc.h"
#include "waconnd/waconnctl/command.h"
#include "waconnd/waconnctl/table.h"

#define LIMIT 1000
#define TEXT_MAX 4096

struct board {
	struct table *table;
	struct buf notes; /* what is wrong, and what to do */
	long long count, healthy;
	bool stale;
};

static void
join(const json_t *list, struct buf *out)
{
	const json_t *word;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, word)
	{
		if (i > 0)
			buf_add_str(out, ", ");
		buf_add_str(out, json_is_string(word) ? json_string_value(word) : "?");
	}
}

static void
health_cell(struct board *b, const json_t *s)
{
	struct buf text = BUF_INIT(TEXT_MAX);

	if (!ctl_true(s, "healthy"))
		join(json_object_get(s, "unhealthyReasons"), &text);
	table_cell(b->table, ctl_true(s, "healthy") ? "healthy" : buf_str(&text));
	buf_done(&text);
}

static void
retry_cell(struct board *b, const json_t *s)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%lld %s", ctl_integer(s, "session.retryCount"),
	    ctl_true(s, "session.autoReconnect") ? "auto" : "manual");
	table_cell(b->table, text);
}

static void
note_error(struct board *b, const json_t *s)
{
	const char *message = ctl_string(s, "session.lastError.message");
	const char *action = ctl_string(s, "session.lastError.action");
	const char *name = ctl_string(s, "outlet.name");
	char until[32];

	if (message == NULL)
		return;
	ctl_time(ctl_string(s, "session.lastError.until"), until, sizeof(until));
	if (name != NULL)
		table_clean(name, &b->notes);
	buf_add_str(&b->notes, ": ");
	table_clean(message, &b->notes);
	if (until[0] != '\0')
		buf_addf(&b->notes, " Until %s.", until);
	if (action != NULL) {
		buf_add_u8(&b->notes, ' ');
		table_clean(action, &b->notes);
	}
	buf_add_u8(&b->notes, '\n');
}

static void
add_outlet(struct board *b, const json_t *s)
{
	static const char *const times[] = {"session.connectedAt", "session.lastSeen"};

	table_cell(b->table, ctl_string(s, "outletId"));
	table_cell(b->table, ctl_string(s, "outlet.name"));
	table_cell(b->table, ctl_string(s, "outlet.whatsappNumber"));
	table_cell(b->table, ctl_string(s, "session.status"));
	table_cell(b->table, ctl_string(s, "liveStatus.status"));
	table_cell(b->table, ctl_string(s, "session.sessionName"));
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		char time[32];

		ctl_time(ctl_string(s, times[i]), time, sizeof(time));
		table_cell(b->table, time);
	}
	retry_cell(b, s);
	health_cell(b, s);
	note_error(b, s);
}

static int
ask_one(struct ctl *ctl, const char *id, struct board *b)
{
	json_t *answer = NULL;
	int status = ctl_ask_id(ctl, IPC__REQUEST__OP_STATUS_GET, id, &answer);

	if (status == 0) {
		add_outlet(b, json_object_get(answer, "status"));
		b->count = 1;
		b->healthy = ctl_true(answer, "status.healthy");
		b->stale = ctl_true(answer, "databaseStale");
	}
	json_decref(answer);
	return status;
}

/* One page; *cursor becomes that of the next. */
static int
ask_page(struct ctl *ctl, struct board *b, char **cursor)
{
	Ipc__Request request = IPC__REQUEST__INIT;
	Ipc__StatusList list = IPC__STATUS_LIST__INIT;
	json_t *answer = NULL, *element;
	const char *next;
	size_t i;
	int status;

	list.has_limit = 1;
	list.limit = LIMIT;
	list.cursor = *cursor;
	request.op_case = IPC__REQUEST__OP_STATUS_LIST;
	request.status_list = &list;
	status = ctl_ask(ctl, &request, CTL_DEADLINE_MS, &answer);
	free(*cursor);
	*cursor = NULL;
	if (status != 0)
		return status;
	json_array_foreach(json_object_get(answer, "statuses"), i, element)
	{
		add_outlet(b, element);
	}
	b->count = ctl_integer(answer, "count");
	b->healthy = ctl_integer(answer, "healthy");
	b->stale = b->stale || ctl_true(answer, "databaseStale");
	next = ctl_string(answer, "nextCursor");
	if (next != NULL)
		*cursor = xstrdup(next);
	json_decref(answer);
	return 0;
}

static int
ask_all(struct ctl *ctl, struct board *b)
{
	char *cursor = NULL;
	int status;

	do
		status = ask_page(ctl, b, &cursor);
	while (cursor != NULL);
	return status;
}

static void
print(struct ctl *ctl, const struct board *b, bool whole)
{
	table_print(b->table, ctl->out);
	if (b->notes.len > 0)
		(void)fprintf(ctl->out, "\n%s", buf_str(&b->notes));
	if (whole)
		(void)fprintf(ctl->out, "\n%lld outlets, %lld healthy\n", b->count, b->healthy);
	if (b->stale)
		(void)fputs(
		    "The database does not answer: these are the last known rows.\n", ctl->out);
}

int
command_status(struct ctl *ctl, const struct args *args)
{
	static const char *const headings[] = {"ID", "OUTLET", "NUMBER", "DB", "LIVE", "SESSION",
	    "CONNECTED", "LAST SEEN", "RETRIES", "HEALTH", NULL};
	struct board b = {.table = table_new(headings), .notes = BUF_INIT(1u << 20)};
	int status = args->n_words > 0 ? ask_one(ctl, args->words[0], &b) : ask_all(ctl, &b);

	if (status == 0 && !ctl->json)
		print(ctl, &b, args->n_words == 0);
	if (status == 0 && b.healthy < b.count)
		status = CTL_REFUSED;
	table_free(&b.table);
	buf_done(&b.notes);
	return status;
}
