/* SPDX-License-Identifier: GPL-3.0-or-later */
/* token add, list, revoke. A new token is printed alone on its line, for scripts; it is not shown
 * again. */
#include "waconnd/waconnctl/command.h"
#include "waconnd/waconnctl/table.h"

int
command_token_add(struct ctl *ctl, const struct args *args)
{
	const char *expires = args_value(args, ARG_EXPIRES), *token;
	Ipc__Request request = IPC__REQUEST__INIT;
	Ipc__TokenAdd add = IPC__TOKEN_ADD__INIT;
	json_t *answer = NULL;
	long long seconds = 0;
	int status;

	if (expires != NULL && args_duration(expires, &seconds) < 0)
		return ctl_say(ctl, CTL_UNASKED, "--expires: give a time such as 12h, 90d or 52w");
	add.name = (char *)(uintptr_t)args->words[0];
	add.user = (char *)(uintptr_t)args_value(args, ARG_USER);
	add.has_expires_in_s = expires != NULL;
	add.expires_in_s = seconds;
	request.op_case = IPC__REQUEST__OP_TOKEN_ADD;
	request.token_add = &add;
	status = ctl_ask(ctl, &request, CTL_DEADLINE_MS, &answer);
	token = ctl_string(answer, "token");
	if (status == 0 && !ctl->json && token != NULL)
		(void)fprintf(ctl->out, "%s\n", token);
	json_decref(answer);
	return status;
}

static void
list_token(void *arg, const json_t *token)
{
	static const char *const times[] = {"createdAt", "expiresAt", "lastUsedAt"};

	table_cell(arg, ctl_string(token, "id"));
	table_cell(arg, ctl_string(token, "name"));
	table_cell(arg, ctl_string(token, "user"));
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		char time[32];

		ctl_time(ctl_string(token, times[i]), time, sizeof(time));
		table_cell(arg, time);
	}
}

int
command_token_list(struct ctl *ctl, const struct args *args)
{
	static const char *const headings[] = {
	    "ID", "NAME", "USER", "CREATED", "EXPIRES", "LAST USED", NULL};

	(void)args;
	return ctl_list_table(ctl, IPC__REQUEST__OP_TOKEN_LIST, "tokens", headings, list_token);
}

int
command_token_revoke(struct ctl *ctl, const struct args *args)
{
	json_t *answer = NULL;
	int status = ctl_ask_id(ctl, IPC__REQUEST__OP_TOKEN_REVOKE, args->words[0], &answer);

	json_decref(answer);
	return status;
}
