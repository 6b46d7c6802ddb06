/* SPDX-License-Identifier: GPL-3.0-or-later */
/* api_internal: the handlers of the operations, and what api.c and its parts share. Not for anyone
 * above. */
#ifndef API_API_INTERNAL_H
#define API_API_INTERNAL_H

#include "waconnd/api/call.h"

struct call *call_new(
    struct api *api, const struct api_env *env, uint64_t peer, Ipc__Request *take_request);
struct ipc_peer *api_peer(struct api *api, uint64_t serial); /* NULL when gone */
struct calls *api_calls(struct api *api);		     /* all that are under way */
struct auth *api_auth(struct api *api);
struct forward *api_forward(struct api *api);
/* A call whose principal is known: checked against the table of operations and done. */
void api_do(struct call *c);
struct throttle *api_throttle(struct api *api);

/* 429 login_throttled. */
void api_answer_throttled(struct call *c, unsigned wait_s);

/* Handlers: each answers its call, now or later. Row by row as in the table of api.c. */
void api_login(struct call *c);
void api_logout(struct call *c);
void api_me(struct call *c);
void api_health(struct call *c);
void api_metrics(struct call *c);
void api_status_list(struct call *c);
void api_status_get(struct call *c);
void api_outlet_list(struct call *c);
void api_outlet_add(struct call *c);
void api_outlet_get(struct call *c);
void api_outlet_edit(struct call *c);
void api_outlet_remove(struct call *c);
void api_outlet_connect(struct call *c);
void api_outlet_qr(struct call *c);
void api_outlet_pairing_code(struct call *c);
void api_outlet_passkey(struct call *c);
void api_outlet_passkey_answer(struct call *c);
void api_outlet_passkey_confirm(struct call *c);
void api_outlet_disconnect(struct call *c);
void api_outlet_pause(struct call *c);
void api_outlet_restore_keys(struct call *c);
/* Hourly: keys that were kept long enough. */
void outlet_keys_purge(struct db *db);
void api_outlet_resume(struct call *c);
void api_outlet_logout(struct call *c);
void api_outlet_account(struct call *c);
void api_number_check(struct call *c);
void number_checks_purge(struct db *db); /* those that are too old */
void api_message_send(struct call *c);
void api_message_list(struct call *c);
void api_message_get(struct call *c);
void api_blast_preview(struct call *c);
void api_blast_create(struct call *c);
void api_blast_list(struct call *c);
void api_blast_get(struct call *c);
void api_blast_recipients(struct call *c);
void api_blast_pause(struct call *c);
void api_blast_resume(struct call *c);
void api_blast_cancel(struct call *c);
void api_blast_retry(struct call *c);
void api_blast_replies(struct call *c);
void api_blast_outlets(struct call *c);
void api_blast_move(struct call *c);
void api_subscribe(struct call *c);
void api_unsubscribe(struct call *c);
void api_user_add(struct call *c);
void api_user_list(struct call *c);
void api_user_get(struct call *c);
void api_user_edit(struct call *c);
void api_user_remove(struct call *c);
void api_password_change(struct call *c);
void api_audit_list(struct call *c);
void api_outlet_events(struct call *c);
void api_summary(struct call *c);
void api_opt_out_list(struct call *c);
void api_opt_out_add(struct call *c);
void api_opt_out_remove(struct call *c);
void api_contact_list(struct call *c);
void api_contact_add(struct call *c);
void api_contact_import(struct call *c);
void api_contact_remove(struct call *c);
void api_template_list(struct call *c);
void api_template_add(struct call *c);
void api_template_get(struct call *c);
void api_template_edit(struct call *c);
void api_template_remove(struct call *c);
void api_webhook_list(struct call *c);
void api_webhook_add(struct call *c);
void api_webhook_get(struct call *c);
void api_webhook_edit(struct call *c);
void api_webhook_remove(struct call *c);
void api_webhook_rotate(struct call *c);
void api_webhook_test(struct call *c);
void api_delivery_list(struct call *c);
void api_delivery_get(struct call *c);
void api_delivery_redeliver(struct call *c);
void api_settings_get(struct call *c);
void api_settings_edit(struct call *c);
void api_token_add(struct call *c);
void api_token_list(struct call *c);
void api_token_revoke(struct call *c);
void api_media_begin(struct call *c);
void api_media_chunk(struct call *c);
void api_media_end(struct call *c);
void api_media_abort(struct call *c);
void api_media_get(struct call *c);
void api_media_remove(struct call *c);
void api_media_read(struct call *c);
void api_message_media(struct call *c);

/* What is measured of the API itself, and the gauges that are read when somebody asks
 * (api_metrics.c). */
struct api_metrics;
struct api_metrics *api_metrics_of(struct api *api);
struct api_metrics *api_metrics_new(struct metrics *m); /* NULL: measures nothing */
void api_metrics_free(struct api_metrics **am);
void api_metrics_answered(struct api_metrics *am, const Ipc__Request *request, int64_t us);

/* Drops lines of the audit log that are older than the settings say (api_settings.c). */
void settings_audit_purge(struct db *db);

/* The kept rendering of the whole status list (api_status.c). */
struct status_cache;
struct status_cache *api_status_cache(struct api *api);
struct status_cache *status_cache_new(void);
void status_cache_free(struct status_cache **sc);

/* Subscriptions of one peer end with it, and with what allowed them (api_events.c). */
struct subscriptions;
struct subscriptions *api_subscriptions(struct api *api);
struct subscriptions *subscriptions_new(struct api *api, const struct api_env *env);
void subscriptions_free(struct subscriptions **s);
void subscriptions_drop_peer(struct subscriptions *s, uint64_t peer);
/* Soon: who may still hear events? */
void subscriptions_check(void *subscriptions);

/* Files on their way in; those of one peer end with it (api_upload.c). */
struct uploads;
struct uploads *api_uploads(struct api *api);
struct uploads *uploads_new(struct db *db, const struct config *config);
void uploads_free(struct uploads **us);
void uploads_drop_peer(struct uploads *us, uint64_t peer);
/* What a stop left incomplete in the database. */
void uploads_sweep(struct uploads *us);

/* Files of received messages, fetched from WhatsApp (api_message_media.c). */
struct downloads;
struct downloads *api_downloads(struct api *api);
struct downloads *downloads_new(const struct api_env *env);
void downloads_free(struct downloads **ds);
void downloads_sweep(struct downloads *ds); /* now and then: what nobody reads any more goes */
bool downloads_is_handle(const char *id);   /* is it read from there? */
void downloads_read(struct call *c);	    /* MEDIA_READ of one */

/* Whose files the caller's are, and whose it may see: its own, or (NULL) all (api_media.c). */
const char *media_owner(const struct call *c);
const char *media_scope(const struct call *c);

#endif
