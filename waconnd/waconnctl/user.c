/* SPDX-License-Identifier: GPL-3.0-or-later */
/* user add, list, remove, passwd. A password comes from stdin alone: arguments are seen by everyone
 * on the machine. */
#include <openssl/crypto.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "waconnd/waconnctl/command.h"
#include "waconnd/waconnctl/table.h"

#define PASSWORD_MAX 256

/* At a terminal the letters are not shown. */
static bool
hide_typing(struct termios *ret_before)
{
	struct termios quiet;

	if (tcgetattr(STDIN_FILENO, ret_before) < 0)
		return false;
	quiet = *ret_before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	return tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
}

/* The first line of stdin. -1: none, empty, or too long. */
static int
read_password(FILE *prompt, char password[PASSWORD_MAX + 2])
{
	struct termios before;
	bool hidden = hide_typing(&before);
	size_t len = 0;

	if (hidden)
		(void)fputs("Password: ", prompt);
	while (len < PASSWORD_MAX + 1 && read(STDIN_FILENO, password + len, 1) == 1 &&
	       password[len] != '\n')
		len++;
	if (hidden) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		(void)fputc('\n', prompt);
	}
	if (len > 0 && len <= PASSWORD_MAX && password[len - 1] == '\r')
		len--;
	password[len] = '\0';
	return len > 0 && len <= PASSWORD_MAX ? 0 : -1;
}

int
command_user_add(struct ctl *ctl, const struct args *args)
{
	Ipc__Request request = IPC__REQUEST__INIT;
	Ipc__UserAdd user = IPC__USER_ADD__INIT;
	char password[PASSWORD_MAX + 2];
	json_t *answer = NULL;
	int status;

	user.name = (char *)(uintptr_t)args->words[0];
	user.role = (char *)(uintptr_t)args_value(args, ARG_ROLE);
	user.outlet_id = (char *)(uintptr_t)args_value(args, ARG_OUTLET);
	user.password = password;
	request.op_case = IPC__REQUEST__OP_USER_ADD;
	request.user_add = &user;
	if (read_password(ctl->err, password) < 0)
		status = ctl_say(ctl, CTL_UNASKED,
		    "give the password as the first line of stdin, 1 to 256 bytes");
	else
		status = ctl_ask(ctl, &request, CTL_DEADLINE_MS, &answer);
	OPENSSL_cleanse(password, sizeof(password));
	if (status == 0 && !ctl->json)
		(void)fprintf(ctl->out, "%s\n", ctl_string(answer, "user.id"));
	json_decref(answer);
	return status;
}

static void
list_user(void *arg, const json_t *user)
{
	char created[32];

	ctl_time(ctl_string(user, "createdAt"), created, sizeof(created));
	table_cell(arg, ctl_string(user, "username"));
	table_cell(arg, ctl_string(user, "role"));
	table_cell(arg, ctl_string(user, "outletId"));
	table_cell(arg, created);
	table_cell(arg, ctl_string(user, "id"));
}

int
command_user_list(struct ctl *ctl, const struct args *args)
{
	static const char *const headings[] = {"USER", "ROLE", "OUTLET", "CREATED", "ID", NULL};

	(void)args;
	return ctl_list_table(ctl, IPC__REQUEST__OP_USER_LIST, "users", headings, list_user);
}

/* ---- by name ---- */

struct search {
	const char *name;
	char id[64];
};

static void
look_at_user(void *arg, const json_t *user)
{
	struct search *s = arg;
	const char *name = ctl_string(user, "username"), *id = ctl_string(user, "id");

	if (name != NULL && id != NULL && strcmp(name, s->name) == 0)
		(void)snprintf(s->id, sizeof(s->id), "%s", id);
}

/* The id of the user of this name. */
static int
find_user(struct ctl *ctl, struct search *s)
{
	Ipc__List list = IPC__LIST__INIT;
	const bool json = ctl->json;
	int status;

	list.q = (char *)(uintptr_t)s->name;
	ctl->json = false; /* this is not what was asked for */
	status = ctl_list(ctl, IPC__REQUEST__OP_USER_LIST, &list, "users", look_at_user, s);
	ctl->json = json;
	if (status == 0 && s->id[0] == '\0')
		status = ctl_say(ctl, CTL_REFUSED, "there is no user %s", s->name);
	return status;
}

int
command_user_remove(struct ctl *ctl, const struct args *args)
{
	struct search s = {.name = args->words[0]};
	json_t *answer = NULL;
	int status = find_user(ctl, &s);

	if (status == 0)
		status = ctl_ask_id(ctl, IPC__REQUEST__OP_USER_REMOVE, s.id, &answer);
	json_decref(answer);
	return status;
}

int
command_user_passwd(struct ctl *ctl, const struct args *args)
{
	struct search s = {.name = args->words[0]};
	Ipc__Request request = IPC__REQUEST__INIT;
	Ipc__UserEdit edit = IPC__USER_EDIT__INIT;
	char password[PASSWORD_MAX + 2];
	json_t *answer = NULL;
	int status = find_user(ctl, &s);

	if (status != 0)
		return status;
	edit.id = s.id;
	edit.password = password;
	request.op_case = IPC__REQUEST__OP_USER_EDIT;
	request.user_edit = &edit;
	if (read_password(ctl->err, password) < 0)
		status = ctl_say(ctl, CTL_UNASKED,
		    "give the password as the first line of stdin, 1 to 256 bytes");
	else
		status = ctl_ask(ctl, &request, CTL_DEADLINE_MS, &answer);
	OPENSSL_cleanse(password, sizeof(password));
	json_decref(answer);
	return status;
}
