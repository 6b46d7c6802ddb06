/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs the loop for one answer at a time. Sends no token: the daemon knows its local administrators
 * by the socket (SO_PEERCRED).
 */
#include "waconnd/waconnctl/ctl.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "waconnd/waconnctl/table.h"

#define TEXT_MAX 65536
#define PATH_KEY_MAX 64
#define LIST_LIMIT 1000

/* ---- connecting ---- */

int
ctl_say(struct ctl *ctl, int status, const char *fmt, ...)
{
	struct buf b = BUF_INIT(TEXT_MAX);
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) >= 0) {
		table_clean(text, &b);
		(void)fprintf(ctl->err, "waconnctl: %s\n", buf_str(&b));
		free(text);
	}
	va_end(ap);
	buf_done(&b);
	return status;
}

/* Tries once more, for the reason. */
static int
dial_errno(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd, error = 0;

	if (strlen(path) >= sizeof(addr.sun_path))
		return ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		error = errno;
	close(fd);
	return error;
}

static int
unreachable(struct ctl *ctl)
{
	static const struct {
		int error;
		const char *what;
	} known[] = {
	    {ENOENT, "There is no such socket. Is waconnd running? \"-s\" names another one "
		     "([daemon] socket in waconnd.conf)."},
	    {ECONNREFUSED, "waconnd is not running: nobody answers on the socket it left behind."},
	    {EACCES, "You may not connect. Run as root, or as a member of [daemon] socket_group."},
	    {EAGAIN, "waconnd does not take new connections now. Try again in a moment."},
	};
	int error = dial_errno(ctl->socket);

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].error == error)
			return ctl_say(ctl, CTL_UNASKED, "%s: %s", ctl->socket, known[i].what);
	}
	return ctl_say(ctl, CTL_UNASKED, "%s: %s", ctl->socket,
	    error != 0 ? strerror(error) : "the connection broke");
}

int
ctl_open(struct ctl *ctl)
{
	ctl->base = event_base_new();
	if (ctl->base == NULL)
		return ctl_say(ctl, CTL_UNASKED, "no event loop: %s", strerror(errno));
	ctl->ipc = ipc_client_new(ctl->base, &ctl->socket, 1);
	return ipc_client_up(ctl->ipc) ? 0 : unreachable(ctl);
}

void
ctl_close(struct ctl *ctl)
{
	if (ctl->ipc != NULL)
		ipc_client_free(&ctl->ipc);
	if (ctl->base != NULL)
		event_base_free(ctl->base);
	ctl->base = NULL;
}

int
ctl_failed(struct ctl *ctl, enum ipc_failure failure)
{
	static const struct {
		enum ipc_failure failure;
		const char *what;
	} known[] = {
	    {IPC_E_LOST, "The connection broke while waiting. Look at the state before you repeat "
			 "a change."},
	    {IPC_E_DEADLINE,
		"waconnd did not answer in time. Look at the state before you repeat a change."},
	    {IPC_E_FULL, "The request is too large. Send fewer recipients at once."},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].failure == failure)
			return ctl_say(ctl, CTL_UNASKED, "%s", known[i].what);
	}
	return unreachable(ctl);
}

/* ---- asking ---- */

struct answer {
	struct event_base *base;
	enum ipc_failure failure;
	unsigned status;
	struct buf body;
	bool done;
};

static void
on_answer(void *arg, enum ipc_failure failure, const Ipc__Response *response)
{
	struct answer *a = arg;

	a->done = true;
	a->failure = failure;
	if (response != NULL) {
		a->status = response->status;
		buf_add(&a->body, response->body.data, response->body.len);
	}
	event_base_loopbreak(a->base);
}

static const char *
user_name(void)
{
	const struct passwd *pw = getpwuid(geteuid());

	return pw != NULL ? pw->pw_name : "this user";
}

/* What a problem document says, and its fields. */
static int
refused(struct ctl *ctl, const json_t *problem)
{
	const char *detail = ctl_string(problem, "detail"), *code = ctl_string(problem, "code");
	const json_t *errors = json_object_get(problem, "errors"), *e;
	size_t i;

	if (code != NULL && strcmp(code, "unauthenticated") == 0)
		return ctl_say(ctl, CTL_REFUSED,
		    "waconnd does not take %s for an administrator. Run as root, or name the user "
		    "in "
		    "[daemon] admin_users of waconnd.conf.",
		    user_name());
	(void)ctl_say(ctl, CTL_REFUSED, "%s%s%s%s", detail != NULL ? detail : "The daemon refused.",
	    code != NULL ? " (" : "", code != NULL ? code : "", code != NULL ? ")" : "");
	json_array_foreach((json_t *)(uintptr_t)errors, i, e)
	{
		const char *field = ctl_string(e, "field"), *why = ctl_string(e, "detail");

		(void)ctl_say(ctl, CTL_REFUSED, "%s: %s", field != NULL ? field : "-",
		    why != NULL ? why : "not valid");
	}
	return CTL_REFUSED;
}

static void
print_document(const struct ctl *ctl, const struct buf *body)
{
	(void)fwrite(body->data, 1, body->len, ctl->out);
	if (body->len == 0 || body->data[body->len - 1] != '\n')
		(void)fputc('\n', ctl->out);
}

static int
take_answer(
    struct ctl *ctl, struct answer *a, const char *expected, json_t **ret_json, bool *ret_expected)
{
	json_error_t error;
	const char *code;
	json_t *root;
	int r = 0;

	if (a->failure != IPC_OK)
		return ctl_failed(ctl, a->failure);
	root = json_loadb(buf_str(&a->body), a->body.len, 0, &error);
	if (root == NULL)
		return ctl_say(
		    ctl, CTL_UNASKED, "The daemon's answer cannot be read (%s).", error.text);
	code = ctl_string(root, "code");
	*ret_expected =
	    a->status >= 400 && expected != NULL && code != NULL && strcmp(code, expected) == 0;
	if (ctl->json && !*ret_expected)
		print_document(ctl, &a->body);
	if (a->status >= 400 && !*ret_expected)
		r = refused(ctl, root);
	if (r == 0)
		*ret_json = root;
	else
		json_decref(root);
	return r;
}

int
ctl_ask_unless(struct ctl *ctl, Ipc__Request *request, unsigned deadline_ms, const char *expected,
    json_t **ret_json, bool *ret_expected)
{
	struct answer a = {.base = ctl->base, .body = BUF_INIT(IPC_FRAME_MAX)};
	int r;

	if (ipc_client_send(ctl->ipc, request, deadline_ms, on_answer, &a, &a.failure) == 0)
		return ctl_failed(ctl, a.failure);
	while (!a.done)
		event_base_dispatch(ctl->base);
	r = take_answer(ctl, &a, expected, ret_json, ret_expected);
	buf_done_secret(&a.body); /* may hold a token */
	return r;
}

int
ctl_ask(struct ctl *ctl, Ipc__Request *request, unsigned deadline_ms, json_t **ret_json)
{
	bool expected;

	return ctl_ask_unless(ctl, request, deadline_ms, NULL, ret_json, &expected);
}

int
ctl_ask_id(struct ctl *ctl, Ipc__Request__OpCase op, const char *id, json_t **ret_json)
{
	Ipc__Request request = IPC__REQUEST__INIT;
	Ipc__Id message = IPC__ID__INIT;

	message.id = (char *)(uintptr_t)id;
	request.op_case = op;
	request.outlet_get = &message; /* the members of the union share their place */
	return ctl_ask(ctl, &request, CTL_DEADLINE_MS, ret_json);
}

int
ctl_list(struct ctl *ctl, Ipc__Request__OpCase op, Ipc__List *list, const char *key,
    void (*each)(void *arg, const json_t *element), void *arg)
{
	char *cursor = NULL;
	int r;

	do {
		Ipc__Request request = IPC__REQUEST__INIT;
		json_t *root = NULL, *element;
		const char *next;
		size_t i;

		list->has_limit = 1;
		list->limit = LIST_LIMIT;
		list->cursor = cursor;
		request.op_case = op;
		request.outlet_list = list;
		r = ctl_ask(ctl, &request, CTL_DEADLINE_MS, &root);
		free(cursor);
		cursor = NULL;
		if (r != 0)
			break;
		json_array_foreach(json_object_get(root, key), i, element)
		{
			each(arg, element);
		}
		next = ctl_string(root, "nextCursor");
		if (next != NULL)
			cursor = xstrdup(next);
		json_decref(root);
	} while (cursor != NULL);
	list->cursor = NULL;
	return r;
}

int
ctl_list_table(struct ctl *ctl, Ipc__Request__OpCase op, const char *key,
    const char *const *headings, void (*row)(void *table, const json_t *element))
{
	struct table *table = table_new(headings);
	Ipc__List list = IPC__LIST__INIT;
	int status = ctl_list(ctl, op, &list, key, row, table);

	if (status == 0 && !ctl->json)
		table_print(table, ctl->out);
	table_free(&table);
	return status;
}

/* ---- documents ---- */

static const json_t *
value_at(const json_t *root, const char *path)
{
	char key[PATH_KEY_MAX];

	while (root != NULL && *path != '\0') {
		size_t len = strcspn(path, ".");

		if (len >= sizeof(key))
			return NULL;
		memcpy(key, path, len);
		key[len] = '\0';
		root = json_object_get(root, key);
		path += len + (path[len] == '.');
	}
	return root;
}

const char *
ctl_string(const json_t *root, const char *path)
{
	return json_string_value(value_at(root, path));
}

long long
ctl_integer(const json_t *root, const char *path)
{
	return json_integer_value(value_at(root, path));
}

bool
ctl_true(const json_t *root, const char *path)
{
	return json_is_true(value_at(root, path));
}

void
ctl_time(const char *rfc3339, char *out, size_t size)
{
	struct tm tm = {0};
	time_t t;

	out[0] = '\0';
	if (rfc3339 == NULL || strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &tm) == NULL)
		return;
	t = timegm(&tm);
	if (localtime_r(&t, &tm) == NULL || strftime(out, size, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		out[0] = '\0';
}
