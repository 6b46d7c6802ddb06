/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading of a command line. Knows which options there are, not which command takes which. */
#include "waconnd/waconnctl/args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define DURATION_MAX_S (100LL * 365 * 86400)

static const struct {
	const char *name;
	char letter; /* 0: none */
	bool takes_value;
} known[ARGS] = {
    [ARG_SOCKET] = {"--socket", 's', true},
    [ARG_JSON] = {"--json", 0, false},
    [ARG_HELP] = {"--help", 'h', false},
    [ARG_VERSION] = {"--version", 0, false},
    [ARG_ROLE] = {"--role", 0, true},
    [ARG_OUTLET] = {"--outlet", 0, true},
    [ARG_PASSWORD_STDIN] = {"--password-stdin", 0, false},
    [ARG_USER] = {"--user", 0, true},
    [ARG_EXPIRES] = {"--expires", 0, true},
    [ARG_NAME] = {"--name", 0, true},
    [ARG_NUMBER] = {"--number", 0, true},
    [ARG_ALL] = {"--all", 0, false},
    [ARG_TEXT] = {"--text", 0, true},
    [ARG_TO] = {"--to", 0, true},
    [ARG_FILE] = {"--file", 0, true},
    [ARG_PER_MINUTE] = {"--per-minute", 0, true},
    [ARG_RECIPIENTS] = {"--recipients", 0, false},
    [ARG_CODE] = {"--code", 0, false},
    [ARG_SHOW] = {"--show", 0, false},
    [ARG_CONFIRM] = {"--confirm", 0, false},
    [ARG_SCOPE] = {"--scope", 0, true},
    [ARG_QUERY] = {"--query", 'q', true},
    [ARG_SINCE] = {"--since", 0, true},
    [ARG_MEDIA] = {"--media", 0, true},
    [ARG_SEPARATE] = {"--separate", 0, false},
};

/* Which option `word` is; *ret_value what stands in the word itself, or NULL. ARGS: none. */
static enum arg
find_option(const char *word, const char **ret_value)
{
	size_t len = strcspn(word, "=");

	*ret_value = NULL;
	for (size_t i = 0; i < ARGS; i++) {
		if (strlen(known[i].name) == len && strncmp(word, known[i].name, len) == 0) {
			*ret_value = word[len] == '=' ? word + len + 1 : NULL;
			return (enum arg)i;
		}
		if (known[i].letter != 0 && word[1] == known[i].letter) {
			*ret_value = word[2] != '\0' ? word + 2 : NULL;
			return (enum arg)i;
		}
	}
	return ARGS;
}

/* Takes the option at argv[*i], and its value. */
static int
take_option(struct args *a, int argc, const char *const *argv, int *i, struct buf *err)
{
	const char *word = argv[*i], *value;
	enum arg arg = find_option(word, &value);

	if (arg == ARGS) {
		buf_addf(err, "there is no option %s", word);
		return -1;
	}
	if (!known[arg].takes_value && value != NULL) {
		buf_addf(err, "%s takes no value", known[arg].name);
		return -1;
	}
	if (known[arg].takes_value && value == NULL) {
		if (*i + 1 == argc) {
			buf_addf(err, "%s needs a value", known[arg].name);
			return -1;
		}
		value = argv[++*i];
	}
	a->options[a->n_options].arg = arg;
	a->options[a->n_options++].value = value;
	return 0;
}

int
args_parse(int argc, const char *const *argv, struct args *ret_args, struct buf *err)
{
	struct args a = {0};
	bool words_only = false;

	a.words = xcalloc((size_t)argc + 1, sizeof(*a.words));
	a.options = xcalloc((size_t)argc + 1, sizeof(*a.options));
	for (int i = 0; i < argc; i++) {
		if (!words_only && strcmp(argv[i], "--") == 0) {
			words_only = true;
		} else if (words_only || argv[i][0] != '-' || argv[i][1] == '\0') {
			a.words[a.n_words++] = argv[i];
		} else if (take_option(&a, argc, argv, &i, err) < 0) {
			args_done(&a);
			return -1;
		}
	}
	*ret_args = a;
	return 0;
}

void
args_done(struct args *args)
{
	free(args->words);
	free(args->options);
	memset(args, 0, sizeof(*args));
}

const char *
args_next(const struct args *args, enum arg arg, size_t *at)
{
	while (*at < args->n_options) {
		size_t i = (*at)++;

		if (args->options[i].arg == arg)
			return args->options[i].value;
	}
	return NULL;
}

const char *
args_value(const struct args *args, enum arg arg)
{
	const char *last = NULL, *value;
	size_t at = 0;

	while ((value = args_next(args, arg, &at)) != NULL)
		last = value;
	return last;
}

unsigned
args_given(const struct args *args)
{
	unsigned bits = 0;

	for (size_t i = 0; i < args->n_options; i++)
		bits |= ARG_BIT(args->options[i].arg);
	return bits;
}

bool
args_has(const struct args *args, enum arg arg)
{
	return (args_given(args) & ARG_BIT(arg)) != 0;
}

const char *
args_name(enum arg arg)
{
	return known[arg].name;
}

int
args_number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;
	unsigned long n;

	if (text[0] < '0' || text[0] > '9')
		return -1;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || n > max)
		return -1;
	*ret = n;
	return 0;
}

int
args_duration(const char *text, long long *ret_seconds)
{
	static const struct {
		const char *unit;
		long long seconds;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400}};
	char *end;
	long long n;

	if (text[0] < '0' || text[0] > '9')
		return -1;
	errno = 0;
	n = strtoll(text, &end, 10);
	for (size_t i = 0; errno == 0 && i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		if (n < 1 || n > DURATION_MAX_S / units[i].seconds)
			return -1;
		*ret_seconds = n * units[i].seconds;
		return 0;
	}
	return -1;
}
