/* SPDX-License-Identifier: GPL-3.0-or-later */
/* routes: what the rows of the route table call, by noun. Each fills one typed request from path,
 * query and body. */
#ifndef APIGW_ROUTES_H
#define APIGW_ROUTES_H

#include "apigw/call.h"

/* For any operation without fields, with the path's id, or with a list's parameters. */
void routes_build_empty(struct call *c);
void routes_build_id(struct call *c);
void routes_build_list(struct call *c);
/* The query parameter limit. */
void routes_read_limit(struct call *c, protobuf_c_boolean *ret_has, uint32_t *ret_limit);

/* Reads the object `pace` into *ret_pace; NULL object: nothing. Only that of an outlet may have a
 * warm-up. */
void routes_read_pace(struct call *c, const json_t *object, bool of_outlet, Ipc__Pace **ret_pace);

/* A whole number from the query. */
void routes_read_number(struct call *c, const char *name, uint32_t min, uint32_t max,
    protobuf_c_boolean *ret_has, uint32_t *ret);
/* limit, from the query. */
void routes_read_limit(struct call *c, protobuf_c_boolean *ret_has, uint32_t *ret_limit);
/* The strings of a list, borrowed from the document; list NULL: none. What is not valid is noted
 * as an error. */
char **routes_read_strings(struct call *c, const char *field, const json_t *list, size_t n_max,
    size_t bytes_max, size_t *ret_n);

/* An object of variables; vars is not NULL. */
Ipc__Variable **routes_read_vars(
    struct call *c, const char *prefix, const json_t *vars, size_t *ret_n);

/* Reads a file's reference, {id, caption, fileName, kind}; never NULL. */
Ipc__MediaPart *routes_read_media(struct call *c, const char *prefix, const json_t *object);

void auth_login(struct call *c);
void auth_password(struct call *c);
void auth_login_answer(struct call *c, const Ipc__Response *response);
void auth_logout_answer(struct call *c, const Ipc__Response *response);

void outlets_status(struct call *c);
void outlets_status_answer(struct call *c, const Ipc__Response *response);
void outlets_add(struct call *c);
void outlets_edit(struct call *c);
void outlets_connect(struct call *c);
void outlets_passkey(struct call *c);
void outlets_qr(struct call *c);
void outlets_qr_answer(struct call *c, const Ipc__Response *response);

void messages_send(struct call *c);
void numbers_check(struct call *c);
void blasts_build(struct call *c);
void blasts_recipients(struct call *c);
void blasts_report(struct call *c);
void blasts_command(struct call *c);
void blasts_move(struct call *c);
void outlets_events_answer(struct call *c, const Ipc__Response *response);
void summary_get(struct call *c);
void opt_outs_add(struct call *c);
void opt_outs_remove(struct call *c);
void contacts_list(struct call *c);
void contacts_add(struct call *c);
void contacts_remove(struct call *c);
void contacts_import(struct call *c);
void templates_add(struct call *c);
void templates_edit(struct call *c);
void settings_edit(struct call *c);
void webhooks_add(struct call *c);
void webhooks_edit(struct call *c);
void webhooks_rotate(struct call *c);
void webhooks_deliveries(struct call *c);

void users_add(struct call *c);
void users_edit(struct call *c);
void tokens_add(struct call *c);
void audit_list(struct call *c);

void health_live(struct call *c);
void health_ready(struct call *c);
void metrics_run(struct call *c);
void description_json(struct call *c);
void description_page(struct call *c);

#endif
