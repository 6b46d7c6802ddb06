/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of commands, the search in it, and the help that is printed from it. Asks nothing. */
#include "waconnd/waconnctl/command.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_ANY ((size_t)-1)
#define B(a) ARG_BIT(ARG_##a)
#define BLAST_OPTIONS                                                                          \
	(B(OUTLET) | B(ALL) | B(NAME) | B(TEXT) | B(TO) | B(FILE) | B(PER_MINUTE) | B(MEDIA) | \
	    B(SEPARATE))
#define BLAST_SYNOPSIS                                                              \
	"--outlet ID…|--all --text TEXT|--media FILE… [--separate] [--name N] " \
	"[--per-minute N] [--file FILE] [NUMBER…]"

/* clang-format off */
static const struct command commands[] = {
	{"user", "add", "NAME --role R [--outlet ID] --password-stdin",
	    "Create a user; the password is the first line of stdin",
	    1, 1, B(ROLE) | B(PASSWORD_STDIN), B(OUTLET), command_user_add},
	{"user", "list", "", "List the users", 0, 0, 0, 0, command_user_list},
	{"user", "remove", "NAME", "Remove a user, with its logins and tokens",
	    1, 1, 0, 0, command_user_remove},
	{"user", "passwd", "NAME --password-stdin",
	    "Set a user's password; all its logins end",
	    1, 1, B(PASSWORD_STDIN), 0, command_user_passwd},
	{"token", "add", "NAME --user U [--expires 90d] [--scope blast:write]… [--outlet ID]",
	    "Make an API token and print it, once",
	    1, 1, B(USER), B(EXPIRES) | B(SCOPE) | B(OUTLET), command_token_add},
	{"token", "list", "", "List the API tokens", 0, 0, 0, 0, command_token_list},
	{"token", "revoke", "ID", "Revoke an API token", 1, 1, 0, 0, command_token_revoke},
	{"webhook", "list", "", "List the webhooks, and how they fare", 0, 0, 0, 0, command_webhook_list},
	{"webhook", "test", "ID", "Send a webhook a test, and print the delivery's id",
	    1, 1, 0, 0, command_webhook_test},
	{"outlet", "add", "--name N --number M", "Create an outlet and print its id",
	    0, 0, B(NAME) | B(NUMBER), 0, command_outlet_add},
	{"outlet", "list", "", "List the outlets", 0, 0, 0, 0, command_outlet_list},
	{"outlet", "remove", "ID", "Remove an outlet with its users, keys and messages",
	    1, 1, 0, 0, command_outlet_remove},
	{"status", NULL, "[ID]", "The status page; exit status 1 if any outlet is unhealthy",
	    0, 1, 0, 0, command_status},
	{"connect", NULL, "ID [--code]",
	    "Connect, or draw the QR code to scan (print the code to type) until the outlet is linked",
	    1, 1, 0, B(CODE), command_connect},
	{"passkey", NULL, "ID [--show|--confirm]",
	    "Give the passkey that WhatsApp asks for, from stdin; print the request; or confirm the code",
	    1, 1, 0, B(SHOW) | B(CONFIRM), command_passkey},
	{"disconnect", NULL, "ID", "Close the connection", 1, 1, 0, 0, command_disconnect},
	{"pause", NULL, "ID", "Take the outlet out of service", 1, 1, 0, 0, command_pause},
	{"resume", NULL, "ID", "Back into service", 1, 1, 0, 0, command_resume},
	{"logout", NULL, "ID", "Unlink the device and erase its keys", 1, 1, 0, 0, command_logout},
	{"restore-keys", NULL, "ID", "Bring back the keys that a logout or a ban took, within 7 days",
	    1, 1, 0, 0, command_restore_keys},
	{"account", NULL, "ID", "What WhatsApp restricts the number in, and its quota of new chats",
	    1, 1, 0, 0, command_account},
	{"audit", NULL, "[--query TEXT] [--user U] [--since 7d]",
	    "Who changed what, the newest first", 0, 0, 0, B(QUERY) | B(USER) | B(SINCE),
	    command_audit},
	{"media", "add", "FILE", "Upload a file to send, and print its id", 1, 1, 0, 0, command_media_add},
	{"send", NULL, "ID TO [TEXT] [--media FILE]",
	    "Send one message, or a file with TEXT as its caption; prints its id",
	    2, 3, 0, B(MEDIA), command_send},
	{"blast", "preview", BLAST_SYNOPSIS, "What a blast would do",
	    0, WORDS_ANY, 0, BLAST_OPTIONS, command_blast_preview},
	{"blast", "send", BLAST_SYNOPSIS, "Send a blast",
	    0, WORDS_ANY, 0, BLAST_OPTIONS, command_blast_send},
	{"blast", "list", "", "List the blasts, the newest first", 0, 0, 0, 0, command_blast_list},
	{"blast", "show", "ID [--recipients]", "A blast's progress; with every recipient",
	    1, 1, 0, B(RECIPIENTS), command_blast_show},
	{"blast", "pause", "ID", "Pause a blast", 1, 1, 0, 0, command_blast_pause},
	{"blast", "resume", "ID", "Resume a blast", 1, 1, 0, 0, command_blast_resume},
	{"blast", "retry", "ID", "Send a blast's failed messages again", 1, 1, 0, 0, command_blast_retry},
	{"blast", "cancel", "ID", "Cancel a blast", 1, 1, 0, 0, command_blast_cancel},
	{0},
};
/* clang-format on */

const struct command *
command_table(void)
{
	return commands;
}

static bool
matches(const struct command *command, const struct args *args)
{
	if (args->n_words == 0 || strcmp(command->noun, args->words[0]) != 0)
		return false;
	return command->verb == NULL ||
	       (args->n_words > 1 && strcmp(command->verb, args->words[1]) == 0);
}

/* The verbs of a noun, for who forgot or mistyped one. */
static void
name_verbs(const char *noun, struct buf *out)
{
	for (const struct command *c = commands; c->noun != NULL; c++) {
		if (strcmp(c->noun, noun) == 0 && c->verb != NULL)
			buf_addf(out, "%s%s", out->len > 0 ? ", " : "", c->verb);
	}
}

static void
say_unknown(struct ctl *ctl, const struct args *args)
{
	struct buf verbs = BUF_INIT(1024);

	if (args->n_words == 0) {
		(void)ctl_say(ctl, CTL_UNASKED, "which command? \"waconnctl --help\" lists them");
		return;
	}
	name_verbs(args->words[0], &verbs);
	if (verbs.len > 0)
		(void)ctl_say(
		    ctl, CTL_UNASKED, "%s what? There is %s", args->words[0], buf_str(&verbs));
	else
		(void)ctl_say(ctl, CTL_UNASKED,
		    "there is no command %s; \"waconnctl --help\" lists them", args->words[0]);
	buf_done(&verbs);
}

/* "noun verb synopsis", as far as there is one. */
static void
print_line(const struct command *c, const char *before, FILE *out)
{
	(void)fprintf(out, "%s%s%s%s%s%s\n", before, c->noun, c->verb != NULL ? " " : "",
	    c->verb != NULL ? c->verb : "", c->synopsis[0] != '\0' ? " " : "", c->synopsis);
}

static void
say_usage(struct ctl *ctl, const struct command *c, const char *what, const char *which)
{
	(void)ctl_say(ctl, CTL_UNASKED, "%s%s", what, which);
	print_line(c, "usage: waconnctl ", ctl->err);
}

static int
check(struct ctl *ctl, const struct command *c, const struct args *args)
{
	unsigned given = args_given(args) & ~ARGS_GLOBAL;

	for (int i = 0; i < ARGS; i++) {
		unsigned bit = ARG_BIT(i);

		if ((c->needs & ~given & bit) != 0) {
			say_usage(ctl, c, "this needs ", args_name((enum arg)i));
			return -1;
		}
		if ((given & ~(c->needs | c->takes) & bit) != 0) {
			say_usage(ctl, c, "this does not take ", args_name((enum arg)i));
			return -1;
		}
	}
	if (args->n_words < c->words_min || args->n_words > c->words_max) {
		say_usage(ctl, c,
		    args->n_words < c->words_min ? "something is missing" : "there is too much",
		    "");
		return -1;
	}
	return 0;
}

const struct command *
command_find(struct ctl *ctl, struct args *args)
{
	for (const struct command *c = commands; c->noun != NULL; c++) {
		size_t own = c->verb != NULL ? 2 : 1;

		if (!matches(c, args))
			continue;
		args->n_words -= own;
		memmove(args->words, args->words + own, args->n_words * sizeof(*args->words));
		return check(ctl, c, args) == 0 ? c : NULL;
	}
	say_unknown(ctl, args);
	return NULL;
}

void
command_help(FILE *out)
{
	(void)fputs("usage: waconnctl [-s SOCKET] [--json] COMMAND …\n\n", out);
	for (const struct command *c = commands; c->noun != NULL; c++) {
		print_line(c, "  ", out);
		(void)fprintf(out, "      %s\n", c->summary);
	}
	(void)fputs(
	    "\n"
	    "Numbers come from the words after the options, from --to, and from --file FILE\n"
	    "(\"-\" is stdin): one a line, \"number,name\", or CSV whose first line names the\n"
	    "columns (phone, name, and variables of the text). Without any, stdin is read.\n"
	    "--media takes a file or the id of one that \"media add\" printed.\n\n"
	    "  -s, --socket SOCKET  the daemon's socket (/run/waconn/waconnd.sock)\n"
	    "      --json           print the daemon's documents as they are\n"
	    "  -h, --help           print this\n"
	    "      --version        print the version\n\n"
	    "Exit status: 0 done; 1 refused, or an outlet is unhealthy; 2 wrong usage, or the\n"
	    "daemon could not be asked.\n",
	    out);
}
