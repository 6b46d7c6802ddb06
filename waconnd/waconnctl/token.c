/* SPDX-License-Identifier: GPL-3.0-or-later */
/* token add, list, revoke. A new token is printed alone on its line, for scripts; it is not shown
 * again. */
#include "waconnd/waconnctl/command.h"
#include "waconnd/waconnctl/table.h"

#define SCOPES_MAX 64

static void
read_scopes(const struct args *args, char *scopes[SCOPES_MAX], Ipc__TokenAdd *add)
{
	const char *scope;
	size_t at = 0;

	while (add->n_scopes < SCOPES_MAX && (scope = args_next(args, ARG_SCOPE, &at)) != NULL)
		scopes[add->n_scopes++] = (char *)(uintptr_t)scope;
	add->scopes = scopes;
}

int
command_token_add(struct ctl *ctl, const struct args *args)
{
	const char *expires = args_value(args, ARG_EXPIRES), *token;
	Ipc__Request request = IPC__REQUEST__INIT;
	Ipc__TokenAdd add = IPC__TOKEN_ADD__INIT;
	char *scopes[SCOPES_MAX];
	json_t *answer = NULL;
	long long seconds = 0;
	int status;

	if (expires != NULL && args_duration(expires, &seconds) < 0)
		return ctl_say(ctl, CTL_UNASKED, "--expires: give a time such as 12h, 90d or 52w");
	add.name = (char *)(uintptr_t)args->words[0];
	add.user = (char *)(uintptr_t)args_value(args, ARG_USER);
	add.outlet_id = (char *)(uintptr_t)args_value(args, ARG_OUTLET);
	add.has_expires_in_s = expires != NULL;
	add.expires_in_s = seconds;
	read_scopes(args, scopes, &add);
	request.op_case = IPC__REQUEST__OP_TOKEN_ADD;
	request.token_add = &add;
	status = ctl_ask(ctl, &request, CTL_DEADLINE_MS, &answer);
	token = ctl_string(answer, "token");
	if (status == 0 && !ctl->json && token != NULL)
		(void)fprintf(ctl->out, "%s\n", token);
	json_decref(answer);
	return status;
}

static const char *
join_scopes(const json_t *scopes, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < json_array_size(scopes) && n < size; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%s", i > 0 ? " " : "",
		    json_string_value(json_array_get(scopes, i)));
	return out;
}

static void
list_token(void *arg, const json_t *token)
{
	static const char *const times[] = {"createdAt", "expiresAt", "lastUsedAt"};
	char scopes[512];

	table_cell(arg, ctl_string(token, "id"));
	table_cell(arg, ctl_string(token, "name"));
	table_cell(arg, ctl_string(token, "user"));
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		char time[32];

		ctl_time(ctl_string(token, times[i]), time, sizeof(time));
		table_cell(arg, time);
	}
	table_cell(arg, join_scopes(json_object_get(token, "scopes"), scopes, sizeof(scopes)));
}

int
command_token_list(struct ctl *ctl, const struct args *args)
{
	static const char *const headings[] = {
	    "ID", "NAME", "USER", "CREATED", "EXPIRES", "LAST USED", "SCOPES", NULL};

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
