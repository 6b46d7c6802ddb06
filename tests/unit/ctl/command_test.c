/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole commands against a daemon in a child process: what they ask, print, and end with. */
#include "tests/unit/cmocka_all.h"

#include <locale.h>
#include <time.h>

#include "tests/unit/ctl/fake_daemon.h"
#include "waconnd/waconnctl/command.h"

#define WORDS_MAX 20

struct world {
	char path[64];
	pid_t child;
};

static void
start(struct world *w)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	w->child = fork();
	if (w->child == 0)
		exit(fake_daemon_run(w->path, ready[1]));
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
}

/* Its exit status. */
static int
stop(struct world *w)
{
	int status = -1;

	(void)kill(w->child, SIGTERM);
	(void)waitpid(w->child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL || setlocale(LC_CTYPE, "C.UTF-8") == NULL || setenv("TZ", "UTC-7", 1) < 0)
		return -1;
	tzset();
	log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	(void)snprintf(w->path, sizeof(w->path), "/tmp/waconnctl-test-%d.sock", getpid());
	start(w);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;
	int status = stop(w);

	free(w);
	return status;
}

/* ---- running ---- */

struct outcome {
	int status;
	char *out, *err;
};

static void
give_stdin(const char *text)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], text, strlen(text)), strlen(text));
	(void)close(fds[1]);
	assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	(void)close(fds[0]);
	clearerr(stdin);
}

static struct outcome
run_words(const char *socket, const char *const *words, const char *input)
{
	struct outcome o = {.status = CTL_UNASKED};
	struct ctl ctl = {.socket = socket};
	struct buf err = BUF_INIT(4096);
	const struct command *command;
	size_t out_size, err_size;
	struct args args;
	int n = 0;

	while (words[n] != NULL)
		n++;
	give_stdin(input);
	ctl.out = open_memstream(&o.out, &out_size);
	ctl.err = open_memstream(&o.err, &err_size);
	assert_int_equal(args_parse(n, words, &args, &err), 0);
	ctl.json = args_has(&args, ARG_JSON);
	command = command_find(&ctl, &args);
	if (command != NULL) {
		o.status = ctl_open(&ctl);
		if (o.status == 0)
			o.status = command->run(&ctl, &args);
		ctl_close(&ctl);
	}
	(void)fclose(ctl.out);
	(void)fclose(ctl.err);
	args_done(&args);
	return o;
}

static void
has(const char *what, const char *text, const char *part)
{
	if (part != NULL && strstr(text, part) == NULL)
		fail_msg("%s: \"%s\" is not in \"%s\"", what, part, text);
}

struct expected {
	const char *words[WORDS_MAX];
	const char *input;
	int status;
	const char *out[4]; /* each is in stdout; "" first: nothing is */
	const char *err;    /* is in stderr; NULL: nothing is */
};

static void
expect(const struct world *w, const struct expected *e)
{
	struct outcome o = run_words(w->path, e->words, e->input != NULL ? e->input : "");

	if (o.status != e->status)
		fail_msg("%s: status %d: %s%s", e->words[0], o.status, o.out, o.err);
	if (e->out[0] != NULL && e->out[0][0] == '\0')
		assert_string_equal(o.out, "");
	for (size_t i = 0; i < 4 && e->out[i] != NULL; i++)
		has(e->words[0], o.out, e->out[i]);
	if (e->err == NULL)
		assert_string_equal(o.err, "");
	has(e->words[0], o.err, e->err);
	assert_null(strchr(o.out, '\033'));
	assert_null(strchr(o.err, '\033'));
	free(o.out);
	free(o.err);
}

static void
expect_all(void **state, const struct expected *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect(*state, &cases[i]);
}
#define EXPECT_ALL(state, cases) expect_all(state, cases, sizeof(cases) / sizeof((cases)[0]))

/* ---- the tests ---- */

/* clang-format off */
static void
usage(void **state)
{
	static const struct expected cases[] = {
		{{"nonsense"}, .status = 2, .err = "there is no command nonsense"},
		{{"--json"}, .status = 2, .err = "which command?"},
		{{"blast"}, .status = 2, .err = "blast what? There is preview, send, list, show"},
		{{"blast", "snd"}, .status = 2, .err = "blast what?"},
		{{"user", "add", "ani", "--role", "USER"}, .status = 2, .err = "this needs --password-stdin\nusage: waconnctl user add NAME"},
		{{"status", "--all"}, .status = 2, .err = "this does not take --all"},
		{{"pause"}, .status = 2, .err = "something is missing"},
		{{"status", "a", "b"}, .status = 2, .err = "there is too much"},
		{{"token", "add", "n", "--user", "u", "--expires", "soon"}, .status = 2, .err = "--expires: give a time"},
	};

	EXPECT_ALL(state, cases);
}

static void
users_and_tokens(void **state)
{
	static const struct expected cases[] = {
		{{"user", "add", "ani", "--role", "USER", "--outlet", "o1", "--password-stdin"}, "pass word\nmore", 0, {"ani/USER/o1/pass word\n"}, NULL},
		{{"user", "add", "ani", "--role", "ADMIN", "--password-stdin"}, "secret", 0, {"ani/ADMIN//secret\n"}, NULL},
		{{"user", "add", "ani", "--role", "ADMIN", "--password-stdin"}, "\n", 2, {""}, "give the password as the first line of stdin"},
		{{"user", "add", "ani", "--role", "KING", "--password-stdin"}, "secret", 1, {""},
		    "waconnctl: No: validation_failed. (validation_failed)\nwaconnctl: name: too ? long\n"},
		{{"token", "add", "n8n", "--user", "ani", "--expires", "90d"}, NULL, 0, {"wac_n8n_ani_7776000\n"}, NULL},
		{{"token", "add", "n8n", "--user", "ani"}, NULL, 0, {"wac_n8n_ani_0\n"}, NULL},
		{{"--json", "token", "add", "n8n", "--user", "ani"}, NULL, 0, {"{\"token\":\"wac_n8n_ani_0\"}\n"}, NULL},
		{{"token", "list"}, NULL, 1, {""}, "for an administrator. Run as root, or name the user in [daemon] admin_users"},
		{{"token", "list", "--json"}, NULL, 1, {"\"code\":\"unauthenticated\""}, "for an administrator."},
	};

	EXPECT_ALL(state, cases);
}

static void
outlets(void **state)
{
	static const struct expected cases[] = {
		{{"outlet", "add", "--name", "Toko", "--number", "0812"}, NULL, 0, {"outlet_Toko_0812\n"}, NULL},
		{{"outlet", "list"}, NULL, 0, {"ID  NAME  NUMBER", "o1  A     62811   yes     no         2025-10-25 17:30:00\n",
		    "o2  B     -       no      no         -\n"}, NULL},
		{{"outlet", "list", "--json"}, NULL, 0, {"\"nextCursor\":\"o1\"}\n{\"outlets\":[{\"id\":\"o2\""}, NULL},
		{{"pause", "o1"}, NULL, 0, {"PAUSED\n"}, NULL},
	};

	EXPECT_ALL(state, cases);
}

static void
status(void **state)
{
	static const struct expected cases[] = {
		{{"status"}, NULL, 1, {"o1  Toko ?o1  62812   CONNECTED  CONNECTED  iPhone   2025-10-25 17:30:00  -          3 auto   healthy\n",
		    "FAILED     FAILED", "db_status, socket_closed\n\nToko ?o2: It was removed. Scan again.\n\n2 outlets, 1 healthy\n",
		    "The database does not answer"}, NULL},
		{{"status", "--json"}, NULL, 1, {"{\"count\":2,\"healthy\":1"}, NULL},
		{{"status", "o1"}, NULL, 0, {"healthy\n"}, NULL},
		{{"status", "o2"}, NULL, 1, {"db_status, socket_closed\n"}, NULL},
	};

	EXPECT_ALL(state, cases);
}

static void
connecting(void **state)
{
	static const struct expected cases[] = {
		{{"connect", "o1"}, NULL, 0, {"█", "this one holds until 2025-10-25 17:30:00", "connected: iPhone\n"}, NULL},
		{{"connect", "bad"}, NULL, 1, {"█"}, "waconnctl: It was removed. Scan again.\n"},
		{{"connect", "up"}, NULL, 1, {""}, "(already_connected)"},
		{{"connect", "o1", "--code"}, NULL, 0, {"ABCD-EFGH\nType it", "until 2025-10-25 17:30:00.\n\nJKLM-NPQR\nType it", "connected: iPhone\n"}, NULL},
		{{"connect", "--code", "bad"}, NULL, 1, {"ABCD-EFGH\n"}, "waconnctl: It was removed. Scan again.\n"},
		{{"connect", "up", "--code"}, NULL, 1, {""}, "(already_connected)"},
		{{"status", "--code"}, NULL, 2, {""}, "this does not take --code"},
		{{"--json", "connect", "o1", "--code"}, NULL, 0, {"\"code\":\"JKLM-NPQR\"", "\"liveStatus\":{\"status\":\"CONNECTED\""}, NULL},
		{{"--json", "connect", "o1"}, NULL, 0, {"\"qr\":\"2@one\"", "\"liveStatus\":{\"status\":\"CONNECTED\""}, NULL},
	};

	EXPECT_ALL(state, cases);
}

static void
blasts(void **state)
{
	static const struct expected cases[] = {
		{{"blast", "send", "--all", "--name", "Promo", "--text", "Halo", "--to", "0812", "0813"}, NULL, 0,
		    {"Promo,1,0,-,2,0812,Halo,9999\n"}, "o9 is not healthy and sends nothing: db_status, no_user_id\n"},
		{{"blast", "send", "--outlet", "o1", "--outlet", "o2", "--text", "Halo", "--per-minute", "0"}, "0811\n0812,Budi\n", 0,
		    {"-,0,2,o2,2,0812,Halo,0\n"}, "o9"},
		{{"blast", "send", "--all", "--text", "Halo", "0811", "-"}, "0812\n", 0, {"-,1,0,-,2,0812,Halo,9999\n"}, "o9"},
		{{"blast", "send", "--text", "Halo", "0811"}, NULL, 2, {""}, "say which outlets"},
		{{"blast", "send", "--all", "--outlet", "o1", "--text", "Halo", "0811"}, NULL, 2, {""}, "say which outlets"},
		{{"blast", "send", "--all", "--text", "Halo"}, "\n", 2, {""}, "there are no numbers"},
		{{"blast", "send", "--all", "--text", "Halo", "--file", "/nonexistent"}, NULL, 2, {""}, "/nonexistent: No such file"},
		{{"blast", "send", "--all", "--text", "Halo", "--per-minute", "9999", "1"}, NULL, 2, {""}, "--per-minute: 0 (no limit) to 6000"},
		{{"blast", "preview", "--all", "--text", "Halo", "1"}, NULL, 0, {"3 numbers: 1 valid, 1 invalid, 1 twice, 0 opted out\n  2: \"x\"\n",
		    "o1      yes      1\n", "as it will read:\n  Halo Budi\n", "from 2025-10-25 17:30:00 to about 2025-10-25 17:31:00\n"}, NULL},
		{{"blast", "show", "b1"}, NULL, 0, {"status     RUNNING\n", "recipients 9, 4 queued, 5 sent\n", "rate       20 a minute, about 12 s to go\n"}, NULL},
		{{"blast", "show", "b1", "--recipients"}, NULL, 0, {"62813   -       FAILED  not_on_whatsapp  -\n"}, NULL},
	};

	EXPECT_ALL(state, cases);
}
/* clang-format on */

static void
daemon_away(void **state)
{
	struct world *w = *state;
	static const struct expected dies = {
	    {"logout", "o1"}, NULL, 2, {""}, "The connection broke while waiting."};
	static const struct expected gone = {{"status"}, NULL, 2, {""}, "There is no such socket."};
	static const struct expected usage_first = {
	    {"status", "--all"}, NULL, 2, {""}, "this does not take --all"};

	expect(w, &dies);
	assert_int_equal(stop(w), 0);
	expect(w, &gone);
	expect(w, &usage_first);
	start(w);
}

static void
help_names_all(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	command_help(out);
	(void)fclose(out);
	for (const struct command *c = command_table(); c->noun != NULL; c++) {
		has("help", text, c->summary);
		has("help", text, c->verb != NULL ? c->verb : c->noun);
		assert_non_null(c->run);
		assert_int_equal(c->needs & c->takes, 0);
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(usage),
	    cmocka_unit_test(users_and_tokens),
	    cmocka_unit_test(outlets),
	    cmocka_unit_test(status),
	    cmocka_unit_test(connecting),
	    cmocka_unit_test(blasts),
	    cmocka_unit_test(daemon_away),
	    cmocka_unit_test(help_names_all),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
