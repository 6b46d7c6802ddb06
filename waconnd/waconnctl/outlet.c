/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outlet add, list and remove, and the commands to one outlet that answer at once. */
#include "waconnd/waconnctl/command.h"
#include "waconnd/waconnctl/table.h"

int
command_outlet_add(struct ctl *ctl, const struct args *args)
{
	Ipc__Request request = IPC__REQUEST__INIT;
	Ipc__OutletFields fields = IPC__OUTLET_FIELDS__INIT;
	json_t *answer = NULL;
	int status;

	fields.name = (char *)(uintptr_t)args_value(args, ARG_NAME);
	fields.whatsapp_number = (char *)(uintptr_t)args_value(args, ARG_NUMBER);
	request.op_case = IPC__REQUEST__OP_OUTLET_ADD;
	request.outlet_add = &fields;
	status = ctl_ask(ctl, &request, CTL_DEADLINE_MS, &answer);
	if (status == 0 && !ctl->json)
		(void)fprintf(ctl->out, "%s\n", ctl_string(answer, "outlet.id"));
	json_decref(answer);
	return status;
}

static void
list_outlet(void *arg, const json_t *outlet)
{
	char created[32];

	ctl_time(ctl_string(outlet, "createdAt"), created, sizeof(created));
	table_cell(arg, ctl_string(outlet, "id"));
	table_cell(arg, ctl_string(outlet, "name"));
	table_cell(arg, ctl_string(outlet, "whatsappNumber"));
	table_cell(arg, ctl_true(outlet, "isActive") ? "yes" : "no");
	table_cell(arg, ctl_true(outlet, "autoReconnect") ? "yes" : "no");
	table_cell(arg, created);
}

int
command_outlet_list(struct ctl *ctl, const struct args *args)
{
	static const char *const headings[] = {
	    "ID", "NAME", "NUMBER", "ACTIVE", "RECONNECT", "CREATED", NULL};

	(void)args;
	return ctl_list_table(ctl, IPC__REQUEST__OP_OUTLET_LIST, "outlets", headings, list_outlet);
}

int
command_outlet_remove(struct ctl *ctl, const struct args *args)
{
	json_t *answer = NULL;
	int status = ctl_ask_id(ctl, IPC__REQUEST__OP_OUTLET_REMOVE, args->words[0], &answer);

	json_decref(answer);
	return status;
}

static int
move(struct ctl *ctl, const struct args *args, Ipc__Request__OpCase op)
{
	json_t *answer = NULL;
	int status = ctl_ask_id(ctl, op, args->words[0], &answer);
	const char *now = ctl_string(answer, "status.liveStatus.status");

	if (status == 0 && !ctl->json && now != NULL)
		(void)fprintf(ctl->out, "%s\n", now);
	json_decref(answer);
	return status;
}

int
command_disconnect(struct ctl *ctl, const struct args *args)
{
	return move(ctl, args, IPC__REQUEST__OP_OUTLET_DISCONNECT);
}

int
command_pause(struct ctl *ctl, const struct args *args)
{
	return move(ctl, args, IPC__REQUEST__OP_OUTLET_PAUSE);
}

int
command_resume(struct ctl *ctl, const struct args *args)
{
	return move(ctl, args, IPC__REQUEST__OP_OUTLET_RESUME);
}

int
command_logout(struct ctl *ctl, const struct args *args)
{
	return move(ctl, args, IPC__REQUEST__OP_OUTLET_LOGOUT);
}

int
command_restore_keys(struct ctl *ctl, const struct args *args)
{
	return move(ctl, args, IPC__REQUEST__OP_OUTLET_RESTORE_KEYS);
}
