/* SPDX-License-Identifier: GPL-3.0-or-later */
/* waconnctl: options, the command, its exit status. */
#include <locale.h>
#include <signal.h>

#include "common/log.h"
#include "common/version.h"
#include "waconnd/waconnctl/command.h"

#define SOCKET_DEFAULT "/run/waconn/waconnd.sock"
#define ERROR_MAX 4096

static int
run(struct ctl *ctl, struct args *args)
{
	const struct command *command;
	int status;

	if (args_has(args, ARG_HELP)) {
		command_help(ctl->out);
		return CTL_OK;
	}
	if (args_has(args, ARG_VERSION)) {
		(void)fputs("waconnctl " WACONN_VERSION "\n", ctl->out);
		return CTL_OK;
	}
	ctl->json = args_has(args, ARG_JSON);
	if (args_has(args, ARG_SOCKET))
		ctl->socket = args_value(args, ARG_SOCKET);
	command = command_find(ctl, args);
	if (command == NULL)
		return CTL_UNASKED;
	status = ctl_open(ctl);
	if (status == 0)
		status = command->run(ctl, args);
	ctl_close(ctl);
	return status;
}

int
main(int argc, char **argv)
{
	struct ctl ctl = {.socket = SOCKET_DEFAULT, .out = stdout, .err = stderr};
	struct buf err = BUF_INIT(ERROR_MAX);
	struct args args;
	int status;

	/* For the width of characters; the texts of documents are UTF-8 whatever the terminal says.
	 */
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	(void)signal(SIGPIPE, SIG_IGN);
	/* What the connection logs is said in a person's words here. */
	log_init("waconnctl", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	if (args_parse(argc - 1, (const char *const *)argv + 1, &args, &err) < 0) {
		status = ctl_say(&ctl, CTL_UNASKED, "%s; see --help", buf_str(&err));
	} else {
		status = run(&ctl, &args);
		args_done(&args);
	}
	buf_done(&err);
	if (fflush(stdout) != 0 && status == CTL_OK)
		status = ctl_say(&ctl, CTL_REFUSED, "the output could not be written");
	return status;
}
