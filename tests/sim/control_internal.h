/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * control_internal: what the parts of the control interface share.
 *
 *	control.c          HTTP, routes, answers
 *	control_args.c     fields of bodies and queries, checked
 *	control_state.c    the simulator as a whole, faults
 *	control_phones.c   scanning, phones
 *	control_send.c     what phones write, media hosts
 *	control_code.c     typing a pairing code, and waiting for what comes of it
 *	control_passkey.c  the owner's browser, asked for the passkey
 *	control_group.c    what phones write in groups, and messages without content
 *	control_records.c  messages, receipts, violations, and waiting for them
 */
#ifndef SIM_CONTROL_INTERNAL_H
#define SIM_CONTROL_INTERNAL_H

#include <event2/http.h>
#include <sys/queue.h>

#include "common/phone.h"
#include "tests/sim/sim.h"

#define CONTROL_BODY_MAX (12u << 20)
#define CONTROL_WAIT_MAX_S 60
#define CONTROL_ID_MAX 128 /* of a message */

struct control_pending;
struct control_typed;

struct control {
	struct sim *sim;
	struct evhttp *http;
	LIST_HEAD(, control_pending) pending; /* control_records.c: those who wait */
	LIST_HEAD(, control_typed) typed;     /* control_code.c: the same */
};

/* One request while its handler runs. A handler answers with control_ok or control_fail, or keeps
 * the request. */
struct control_call {
	struct control *control;
	struct sim *sim;
	struct evhttp_request *request;
	char *segment; /* what stands for * in the path; NULL: none */
	json_t *args;  /* an object: the body's fields, or the query's as strings */
	bool from_query;
};

/* -- answers -- */
void control_answer(struct evhttp_request *request, json_t *take_json);
void control_answer_error(struct evhttp_request *request, int status, const char *error);
void control_ok(struct control_call *c, json_t *take_json);
void control_fail(struct control_call *c, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* -- control_args.c: false when it answered with what is wrong -- */
/* No fields but these (NULL at the end). */
bool control_args_only(struct control_call *c, const char *const names[]);
/* NULL when it is absent and not required; borrowed. */
bool control_args_text(
    struct control_call *c, const char *name, bool required, size_t max, const char **ret);
/* "" when absent. */
bool control_args_phone(
    struct control_call *c, const char *name, bool required, char ret[PHONE_DIGITS_MAX + 1]);
/* Untouched when absent; *ret_present may be NULL. */
bool control_args_number(
    struct control_call *c, const char *name, uint32_t max, uint32_t *ret, bool *ret_present);
bool control_args_bool(struct control_call *c, const char *name, bool *ret, bool *ret_present);
/* The index of the text among `words` (NULL at the end); -1 when absent. */
bool control_args_word(
    struct control_call *c, const char *name, const char *const words[], int *ret);
/* The phone in the path. */
bool control_args_segment_phone(struct control_call *c, char ret[PHONE_DIGITS_MAX + 1]);

/* The account of the phone in the path; NULL when it answered that there is none. */
struct account *control_account(struct control_call *c, bool create);

/* -- handlers -- */
void control_state(struct control_call *c);
void control_fault_arm(struct control_call *c);
void control_fault_list(struct control_call *c);
void control_fault_forget(struct control_call *c);
void control_fault_forget_all(struct control_call *c);
void control_scan(struct control_call *c);
void control_code(struct control_call *c);
void control_passkey(struct control_call *c);
void control_phone_set(struct control_call *c);
void control_phone_list(struct control_call *c);
void control_phone_get(struct control_call *c);
void control_phone_unlink(struct control_call *c);
void control_phone_send(struct control_call *c);
void control_phone_message(struct control_call *c);
void control_phone_reinstall(struct control_call *c);
void control_phone_group(struct control_call *c);
void control_phone_bare(struct control_call *c);
void control_phone_keep(struct control_call *c);
void control_media(struct control_call *c);
void control_media_fault(struct control_call *c);
void control_media_file(struct control_call *c);
void control_messages(struct control_call *c);
void control_receipts(struct control_call *c);
void control_violations(struct control_call *c);
/* Answers all who wait with what there is. */
void control_pending_end(struct control *control);
void control_code_end(struct control *control);

#endif
