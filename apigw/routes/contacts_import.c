/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Importing contacts: the CSV is read as it comes, as the body or as the file of a form, and its
 * people go to the daemon in portions; while one is being kept the client is not read from. Bad
 * rows are told by their line; the good ones are imported all the same.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "apigw/multipart.h"
#include "apigw/routes/routes.h"
#include "common/jsonw.h"
#include "common/people.h"
#include "common/xalloc.h"

#define PORTION 1000 /* people */
#define PIECE_PEOPLE_MAX \
	(MULTIPART_PIECE_MAX / 8 + 1) /* of one piece: 7 digits and an end of line */
#define BAD_MAX 1000		      /* rows that are named in the answer */
#define VALUE_MAX 64		      /* bytes of what stood there */
#define ANSWER_MAX (1u << 20)

struct import {
	struct call *call;
	struct multipart *form; /* NULL: the body is the table */
	bool has_file, ended, asked;
	struct people people;
	Ipc__Contact *waiting[PORTION + PIECE_PEOPLE_MAX];
	size_t n;      /* that wait */
	size_t n_sent; /* … of which so many are at the daemon */
	size_t rows, added, updated, bad;
	struct buf errors; /* JSON array elements */
};

static void
drop_sent(struct import *im)
{
	for (size_t i = 0; i < im->n_sent; i++)
		ipc__contact__free_unpacked(im->waiting[i], NULL);
	im->n -= im->n_sent;
	memmove(im->waiting, im->waiting + im->n_sent, im->n * sizeof(im->waiting[0]));
	im->n_sent = 0;
}

/* Everything but the call, which is still to be answered. */
static struct call *
let_go(struct import *im)
{
	struct call *c = im->call;

	im->n_sent = im->n;
	drop_sent(im);
	people_done(&im->people);
	multipart_free(&im->form);
	buf_done(&im->errors);
	free(im);
	if (c->http != NULL) {
		c->http->gone = NULL;
		c->http->piece = NULL;
	}
	return c;
}

static void
on_gone(void *arg)
{
	struct import *im = arg;
	struct call *c = im->call;

	c->http = NULL;
	(void)let_go(im);
	if (c->ipc_id != 0)
		ipc_client_forget(c->gw->ipc, c->ipc_id);
	call_free(c);
}

/* ---- rows ---- */

static Ipc__Variable *
variable_new(const char *name, const char *value)
{
	Ipc__Variable *v = xcalloc(1, sizeof(*v));

	ipc__variable__init(v);
	v->name = xstrdup(name);
	v->value = xstrdup(value);
	return v;
}

static bool
on_person(void *arg, const struct person *p)
{
	struct import *im = arg;
	Ipc__Contact *k = xcalloc(1, sizeof(*k));

	ipc__contact__init(k);
	k->phone = xstrdup(p->phone);
	k->name = p->name != NULL ? xstrdup(p->name) : NULL;
	k->tags = xcalloc(p->n_tags + 1, sizeof(*k->tags));
	for (size_t i = 0; i < p->n_tags; i++)
		k->tags[k->n_tags++] = xstrdup(p->tags[i]);
	k->vars = xcalloc(p->n_vars + 1, sizeof(*k->vars));
	for (size_t i = 0; i < p->n_vars; i++)
		k->vars[k->n_vars++] = variable_new(p->var_names[i], p->var_values[i]);
	im->waiting[im->n++] = k;
	im->rows++;
	return true;
}

static const char *
explain(const char *code)
{
	static const struct {
		const char *code, *detail;
	} all[] = {
	    {"invalid_number", "This is no telephone number."},
	    {"row_too_long", "A row has at most 65536 bytes."},
	    {"too_many_fields", "A row has at most 64 columns."},
	    {"open_quote", "A quoted field is not closed."},
	    {"not_utf8", "The text is not UTF-8."},
	    {"value_too_long", "A value has at most 1024 bytes; a name 200."},
	    {"invalid_tag", "Tags have no control characters."},
	    {"no_phone_column", "No column has numbers: name one \"phone\" in the first row."},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i].code, code) == 0)
			return all[i].detail;
	return "";
}

static bool
on_bad(void *arg, unsigned line, const char *code, const char *value)
{
	struct import *im = arg;
	struct buf one = BUF_INIT(1024);
	struct jsonw j;

	im->rows++;
	if (im->bad++ >= BAD_MAX)
		return true;
	jsonw_init(&j, &one);
	jsonw_object(&j, NULL);
	jsonw_int(&j, "line", line);
	jsonw_str(&j, "code", code);
	jsonw_str(&j, "detail", explain(code));
	jsonw_strn(&j, "value", value, strnlen(value, VALUE_MAX));
	jsonw_object_end(&j);
	if (im->errors.len > 0)
		buf_add_u8(&im->errors, ',');
	buf_add(&im->errors, one.data, one.len);
	buf_done(&one);
	return true;
}

/* ---- portions ---- */

static void
reply(struct import *im)
{
	struct buf out = BUF_INIT(ANSWER_MAX);
	struct jsonw j;

	jsonw_init(&j, &out);
	jsonw_object(&j, NULL);
	jsonw_bool(&j, "success", true);
	jsonw_int(&j, "rows", (int64_t)im->rows);
	jsonw_int(&j, "imported", (int64_t)(im->added + im->updated));
	jsonw_int(&j, "added", (int64_t)im->added);
	jsonw_int(&j, "updated", (int64_t)im->updated);
	jsonw_int(&j, "invalid", (int64_t)im->bad);
	jsonw_array(&j, "errors");
	if (im->errors.len > 0)
		jsonw_raw(&j, NULL, buf_str(&im->errors), im->errors.len);
	jsonw_array_end(&j);
	jsonw_object_end(&j);
	call_reply(let_go(im), 200, "application/json", NULL, out.data, out.len);
	buf_done(&out);
}

static void pump(struct import *im);

static void
on_kept(void *arg, enum ipc_failure failure, const Ipc__Response *response)
{
	struct import *im = arg;
	json_t *root;
	json_error_t error;

	im->call->ipc_id = 0;
	if (failure != IPC_OK) {
		call_failed(let_go(im), failure);
		return;
	}
	if (response->status >= 400) {
		call_pass(let_go(im), response);
		return;
	}
	root = json_loadb((const char *)response->body.data, response->body.len, 0, &error);
	im->added += (size_t)json_integer_value(json_object_get(root, "added"));
	im->updated += (size_t)json_integer_value(json_object_get(root, "updated"));
	json_decref(root);
	drop_sent(im);
	pump(im);
}

static void
send_portion(struct import *im)
{
	struct call *c = im->call;
	enum ipc_failure failure = IPC_OK;
	Ipc__Contacts m = IPC__CONTACTS__INIT;

	im->asked = true;
	im->n_sent = im->n < PORTION ? im->n : PORTION;
	m.outlet_id = c->id;
	m.contacts = im->waiting;
	m.n_contacts = im->n_sent;
	c->request.contact_import = &m;
	c->ipc_id =
	    ipc_client_send(c->gw->ipc, &c->request, c->route->deadline_ms, on_kept, im, &failure);
	c->request.contact_import = NULL;
	if (c->ipc_id == 0)
		call_failed(let_go(im), failure);
}

/* A full portion goes, and at the end what is left. A table of nobody asks the daemon, too: it says
 * whether the caller may. */
static void
pump(struct import *im)
{
	if (im->call->ipc_id != 0)
		return;
	if (im->n >= PORTION || (im->ended && (im->n > 0 || !im->asked)))
		send_portion(im);
	else if (im->ended)
		reply(im);
	else
		http_body_resume(im->call->http);
}

/* ---- from the client ---- */

static void
on_part(void *arg, const char *name, const char *file_name)
{
	struct import *im = arg;

	(void)name;
	if (file_name == NULL || im->has_file)
		body_error(&im->call->body, "", "file", im->has_file ? "too_many" : "wrong_type",
		    "One file is expected.");
	im->has_file = true;
}

static void
on_data(void *arg, const void *bytes, size_t len)
{
	struct import *im = arg;

	people_feed(&im->people, bytes, len);
}

static void
on_end(struct import *im)
{
	if (im->form != NULL && !multipart_complete(im->form)) {
		call_problem(let_go(im), "bad_request", "The form data ends in the middle.");
		return;
	}
	people_end(&im->people);
	if (im->rows == 0) {
		body_error(
		    &im->call->body, "", "file", "required", "The table has no row of a person.");
		call_refuse(let_go(im));
		return;
	}
	im->ended = true;
	pump(im);
}

static void
on_piece(void *arg, const void *data, size_t len)
{
	struct import *im = arg;

	if (len == 0) {
		on_end(im);
		return;
	}
	if (im->form == NULL) {
		people_feed(&im->people, data, len);
	} else if (multipart_take(im->form, data, len) < 0) {
		call_problem(let_go(im), "bad_request", "The form data is not well-formed.");
		return;
	}
	if (im->call->body.n_errors > 0) {
		call_refuse(let_go(im));
	} else if (im->n >= PORTION) {
		http_body_pause(im->call->http);
		pump(im);
	}
}

void
contacts_import(struct call *c)
{
	static const struct people_ops people_ops = {on_person, on_bad};
	static const struct multipart_ops form_ops = {on_part, on_data};
	const char *type = http_head_get(&c->http->head, "content-type");
	const bool plain = type != NULL && strncasecmp(type, "text/csv", strlen("text/csv")) == 0;
	struct import *im = xcalloc(1, sizeof(*im));

	im->call = c;
	if (!plain) {
		im->form = multipart_new(type, &form_ops, im);
		if (im->form == NULL) {
			free(im);
			call_problem(c, "unsupported_media_type",
			    "Send the table as text/csv, or as the file of multipart/form-data.");
			return;
		}
	}
	buf_init(&im->errors, ANSWER_MAX / 2);
	people_init(&im->people, &people_ops, im);
	c->http->gone = on_gone;
	c->http->piece = on_piece;
	c->http->gone_arg = im;
}
