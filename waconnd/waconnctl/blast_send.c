/* SPDX-License-Identifier: GPL-3.0-or-later */
/* blast preview, blast send: a blast from the command line, and what the daemon would do or does
 * with it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "waconnd/waconnctl/command.h"
#include "waconnd/waconnctl/media.h"
#include "waconnd/waconnctl/recipients.h"
#include "waconnd/waconnctl/table.h"

#define PER_MINUTE_MAX 6000
#define INVALID_SHOWN 20
#define MEDIA_MAX 10

struct plan { /* a blast, and what it points to */
	Ipc__Blast blast;
	Ipc__Pace pace;
	struct recipients recipients;
	char **outlets;
	Ipc__MediaPart media[MEDIA_MAX], *media_list[MEDIA_MAX];
	char media_ids[MEDIA_MAX][MEDIA_ID_MAX + 1];
};

/* ---- from arguments ---- */

static int
read_from(struct plan *p, const char *path, struct buf *err)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	int r;

	if (in == NULL) {
		buf_addf(err, "%s: %s", path, strerror(errno));
		return -1;
	}
	r = recipients_read(&p->recipients, in, err);
	if (in != stdin)
		(void)fclose(in);
	return r;
}

/* Words, --to and --file; where there is none of them, stdin. */
static int
read_recipients(struct plan *p, const struct args *args, FILE *prompt, struct buf *err)
{
	const char *value;
	size_t at = 0;

	for (size_t i = 0; i < args->n_words; i++) {
		int r = strcmp(args->words[i], "-") == 0
			    ? read_from(p, "-", err)
			    : recipients_add(&p->recipients, args->words[i], err);

		if (r < 0)
			return -1;
	}
	while ((value = args_next(args, ARG_TO, &at)) != NULL) {
		if (recipients_add(&p->recipients, value, err) < 0)
			return -1;
	}
	for (at = 0; (value = args_next(args, ARG_FILE, &at)) != NULL;) {
		if (read_from(p, value, err) < 0)
			return -1;
	}
	if (args->n_words > 0 || args_has(args, ARG_TO) || args_has(args, ARG_FILE))
		return 0;
	if (isatty(STDIN_FILENO) == 1)
		(void)fputs("The numbers, one a line; end with Ctrl-D:\n", prompt);
	return read_from(p, "-", err);
}

static int
read_outlets(struct plan *p, const struct args *args, struct buf *err)
{
	const char *value;
	size_t at = 0;

	p->blast.has_all_outlets = p->blast.all_outlets = args_has(args, ARG_ALL);
	p->outlets = xcalloc(args->n_options + 1, sizeof(*p->outlets));
	while ((value = args_next(args, ARG_OUTLET, &at)) != NULL)
		p->outlets[p->blast.n_outlets++] = (char *)(uintptr_t)value;
	p->blast.outlets = p->outlets;
	if (p->blast.all_outlets == (p->blast.n_outlets > 0)) {
		buf_add_str(err, "say which outlets: --outlet ID, as often as need be, or --all");
		return -1;
	}
	return 0;
}

static int
read_pace(struct plan *p, const struct args *args, struct buf *err)
{
	const char *text = args_value(args, ARG_PER_MINUTE);
	unsigned long n;

	if (text == NULL)
		return 0;
	if (args_number(text, PER_MINUTE_MAX, &n) < 0) {
		buf_addf(err, "--per-minute: 0 (no limit) to %d", PER_MINUTE_MAX);
		return -1;
	}
	ipc__pace__init(&p->pace);
	p->pace.has_per_minute = 1;
	p->pace.per_minute = (uint32_t)n;
	p->blast.pace = &p->pace;
	return 0;
}

static int
check_message(struct plan *p, const struct args *args, struct buf *err)
{
	static char separate[] = "separate";

	p->blast.text = (char *)(uintptr_t)args_value(args, ARG_TEXT);
	if (args_has(args, ARG_SEPARATE))
		p->blast.media_mode = separate;
	if (p->blast.text != NULL || args_has(args, ARG_MEDIA))
		return 0;
	buf_add_str(err, "what to send? Give --text, --media FILE, or both");
	return -1;
}

/* Uploads last, when nothing else is wrong. The exit status; why has been said. */
static int
upload_media(struct ctl *ctl, struct plan *p, const struct args *args)
{
	const char *path;
	int status = 0;
	size_t at = 0;

	while (status == 0 && (path = args_next(args, ARG_MEDIA, &at)) != NULL) {
		const size_t n = p->blast.n_media;

		if (n == MEDIA_MAX)
			return ctl_say(ctl, CTL_UNASKED, "at most %d files", MEDIA_MAX);
		status = media_upload(ctl, path, p->media_ids[n]);
		ipc__media_part__init(&p->media[n]);
		p->media[n].id = p->media_ids[n];
		p->media_list[n] = &p->media[n];
		p->blast.n_media++;
	}
	p->blast.media = p->media_list;
	return status;
}

static int
plan_read(struct plan *p, const struct args *args, FILE *prompt, struct buf *err)
{
	ipc__blast__init(&p->blast);
	p->blast.name = (char *)(uintptr_t)args_value(args, ARG_NAME);
	if (check_message(p, args, err) < 0 || read_outlets(p, args, err) < 0 ||
	    read_pace(p, args, err) < 0 || read_recipients(p, args, prompt, err) < 0)
		return -1;
	if (p->recipients.n == 0) {
		buf_add_str(err, "there are no numbers");
		return -1;
	}
	p->blast.recipients = p->recipients.list;
	p->blast.n_recipients = p->recipients.n;
	return 0;
}

/* Asks with what the arguments say. */
static int
ask(struct ctl *ctl, const struct args *args, Ipc__Request__OpCase op, json_t **ret_answer)
{
	struct plan p = {.outlets = NULL};
	struct buf err = BUF_INIT(4096);
	Ipc__Request request = IPC__REQUEST__INIT;
	int status;

	if (plan_read(&p, args, ctl->err, &err) < 0) {
		status = ctl_say(ctl, CTL_UNASKED, "%s", buf_str(&err));
	} else if ((status = upload_media(ctl, &p, args)) == 0) {
		request.op_case = op;
		request.blast_create = &p.blast; /* the members of the union share their place */
		status = ctl_ask(ctl, &request, CTL_LONG_MS, ret_answer);
	}
	recipients_done(&p.recipients);
	free(p.outlets);
	buf_done(&err);
	return status;
}

/* ---- answers ---- */

static void
print_rejected(struct ctl *ctl, const json_t *list)
{
	const json_t *o, *reason;
	size_t i, k;

	json_array_foreach((json_t *)(uintptr_t)list, i, o)
	{
		struct buf text = BUF_INIT(4096);

		json_array_foreach(json_object_get(o, "reasons"), k, reason)
		{
			buf_addf(&text, "%s%s", k > 0 ? ", " : "",
			    json_is_string(reason) ? json_string_value(reason) : "?");
		}
		(void)ctl_say(ctl, 0, "%s is not healthy and sends nothing: %s",
		    ctl_string(o, "outletId"), buf_str(&text));
		buf_done(&text);
	}
}

int
command_blast_send(struct ctl *ctl, const struct args *args)
{
	json_t *answer = NULL;
	int status = ask(ctl, args, IPC__REQUEST__OP_BLAST_CREATE, &answer);

	if (status == 0 && !ctl->json) {
		(void)fprintf(ctl->out, "%s\n", ctl_string(answer, "blast.id"));
		print_rejected(ctl, json_object_get(answer, "rejectedOutlets"));
	}
	json_decref(answer);
	return status;
}

static void
print_invalid(struct ctl *ctl, const json_t *invalid)
{
	const json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)invalid, i, one)
	{
		struct buf text = BUF_INIT(4096);

		if (i == INVALID_SHOWN) {
			(void)fprintf(ctl->out, "  … and %zu more\n", json_array_size(invalid) - i);
			return;
		}
		table_clean(
		    ctl_string(one, "phone") != NULL ? ctl_string(one, "phone") : "", &text);
		(void)fprintf(
		    ctl->out, "  %lld: \"%s\"\n", ctl_integer(one, "line"), buf_str(&text));
		buf_done(&text);
	}
}

static void
print_outlets(struct ctl *ctl, const json_t *outlets)
{
	static const char *const headings[] = {"OUTLET", "HEALTHY", "RECIPIENTS", NULL};
	struct table *table = table_new(headings);
	const json_t *o;
	char text[32];
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)outlets, i, o)
	{
		(void)snprintf(text, sizeof(text), "%lld", ctl_integer(o, "recipients"));
		table_cell(table, ctl_string(o, "outletId"));
		table_cell(table, ctl_true(o, "healthy") ? "yes" : "no");
		table_cell(table, text);
	}
	table_print(table, ctl->out);
	table_free(&table);
}

static void
print_preview(struct ctl *ctl, const json_t *p)
{
	const json_t *invalid = json_object_get(json_object_get(p, "recipients"), "invalid"),
		     *sample;
	char starts[32], finishes[32];
	size_t i;

	(void)fprintf(ctl->out,
	    "%lld numbers: %lld valid, %zu invalid, %lld twice, %lld opted out\n",
	    ctl_integer(p, "recipients.total"), ctl_integer(p, "recipients.valid"),
	    json_array_size(invalid), ctl_integer(p, "recipients.duplicates"),
	    ctl_integer(p, "recipients.optedOut"));
	print_invalid(ctl, invalid);
	(void)fputc('\n', ctl->out);
	print_outlets(ctl, json_object_get(p, "outlets"));
	json_array_foreach(json_object_get(p, "samples"), i, sample)
	{
		struct buf text = BUF_INIT(65536);

		table_clean(json_is_string(sample) ? json_string_value(sample) : "", &text);
		(void)fprintf(
		    ctl->out, "%s  %s\n", i == 0 ? "\nas it will read:\n" : "", buf_str(&text));
		buf_done(&text);
	}
	ctl_time(ctl_string(p, "estimate.startsAt"), starts, sizeof(starts));
	ctl_time(ctl_string(p, "estimate.finishesAt"), finishes, sizeof(finishes));
	if (starts[0] != '\0')
		(void)fprintf(ctl->out, "\nfrom %s to about %s\n", starts, finishes);
}

int
command_blast_preview(struct ctl *ctl, const struct args *args)
{
	json_t *answer = NULL;
	int status = ask(ctl, args, IPC__REQUEST__OP_BLAST_PREVIEW, &answer);

	if (status == 0 && !ctl->json)
		print_preview(ctl, answer);
	json_decref(answer);
	return status;
}
