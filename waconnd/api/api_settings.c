/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings for the whole: the words of opting out and in, the replies to them, when a blast stops
 * by itself, how long the audit log is kept. The database keeps and uses them (settings_json()). */
#include <string.h>

#include "waconnd/api/api_internal.h"
#include "waconnd/api/request.h"

#define WORDS_MAX 100
#define WORD_MAX_BYTES 64
#define REPLY_MAX 4096
#define AUDIT_DAYS_MIN 30
#define AUDIT_DAYS_MAX 36500

static void
on_got(struct call *c, const PGresult *result)
{
	call_reply_row(c, result, "settings", 200);
}

void
api_settings_get(struct call *c)
{
	call_query(c, SQL_SETTINGS_GET, NULL, 0, NULL, on_got);
}

static bool
words_valid(char *const *words, size_t n)
{
	if (n > WORDS_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!request_is_name(words[i], WORD_MAX_BYTES))
			return false;
	return true;
}

static size_t
check(const Ipc__Settings *s, struct problem_field *errors)
{
	static const char words[] = "At most 100 words of 1 to 64 bytes.";
	size_t n = 0;

	if (!words_valid(s->opt_out_words, s->n_opt_out_words))
		errors[n++] = (struct problem_field){"optOutWords", "invalid", words};
	if (!words_valid(s->opt_in_words, s->n_opt_in_words))
		errors[n++] = (struct problem_field){"optInWords", "invalid", words};
	if (s->opt_out_reply != NULL && request_length(s->opt_out_reply) > REPLY_MAX)
		errors[n++] =
		    (struct problem_field){"optOutReply", "too_long", "At most 4096 characters."};
	if (s->opt_in_reply != NULL && request_length(s->opt_in_reply) > REPLY_MAX)
		errors[n++] =
		    (struct problem_field){"optInReply", "too_long", "At most 4096 characters."};
	if (s->has_pause_percent && s->pause_percent > 100)
		errors[n++] = (struct problem_field){
		    "autoPause.failurePercent", "out_of_range", "0 (never) to 100."};
	if (s->has_pause_minimum && (s->pause_minimum < 1 || s->pause_minimum > 100000))
		errors[n++] =
		    (struct problem_field){"autoPause.minimum", "out_of_range", "1 to 100000."};
	if (s->has_pause_restrictions && s->pause_restrictions > 100)
		errors[n++] = (struct problem_field){
		    "autoPause.restrictions", "out_of_range", "0 (never) to 100."};
	if (s->has_audit_days && s->audit_days != 0 &&
	    (s->audit_days < AUDIT_DAYS_MIN || s->audit_days > AUDIT_DAYS_MAX))
		errors[n++] = (struct problem_field){
		    "auditDays", "out_of_range", "0 (for ever), or 30 to 36500."};
	return n;
}

static void
write_words(struct jsonw *j, const char *key, char *const *words, size_t n)
{
	jsonw_array(j, key);
	for (size_t i = 0; i < n; i++)
		jsonw_str(j, NULL, words[i]);
	jsonw_array_end(j);
}

static void
write_change(const Ipc__Settings *s, struct buf *out)
{
	struct jsonw j;

	jsonw_init(&j, out);
	jsonw_object(&j, NULL);
	if (s->has_opt_out_words)
		write_words(&j, "optOutWords", s->opt_out_words, s->n_opt_out_words);
	if (s->has_opt_in_words)
		write_words(&j, "optInWords", s->opt_in_words, s->n_opt_in_words);
	if (s->opt_out_reply != NULL)
		jsonw_str(&j, "optOutReply", s->opt_out_reply[0] != '\0' ? s->opt_out_reply : NULL);
	if (s->opt_in_reply != NULL)
		jsonw_str(&j, "optInReply", s->opt_in_reply[0] != '\0' ? s->opt_in_reply : NULL);
	if (s->has_pause_percent && s->has_pause_minimum) {
		jsonw_object(&j, "autoPause");
		jsonw_int(&j, "failurePercent", s->pause_percent);
		jsonw_int(&j, "minimum", s->pause_minimum);
		if (s->has_pause_restrictions)
			jsonw_int(&j, "restrictions", s->pause_restrictions);
		jsonw_object_end(&j);
	}
	if (s->has_audit_days)
		jsonw_int(&j, "auditDays", s->audit_days);
	jsonw_object_end(&j);
}

void
api_settings_edit(struct call *c)
{
	const Ipc__Settings *s = c->request->settings_edit;
	struct buf change = BUF_INIT(65536);
	struct problem_field errors[8];
	size_t n = check(s, errors);

	if (n > 0) {
		call_invalid_fields(c, errors, n);
		return;
	}
	write_change(s, &change);
	{
		const struct db_param json = DB_TEXT(buf_str(&change));
		const struct db_step step = {SQL_SETTINGS_EDIT, &json, 1};

		call_change(c, "settings_edit", &step, 1, NULL, on_got);
	}
	buf_done(&change);
}

static void
on_purged(void *arg, enum db_error error, const PGresult *result)
{
	(void)arg;
	(void)result;
	if (error != DB_OK)
		log_warn("audit.purge", LOG_STR("why", db_error_text(error)));
}

void
settings_audit_purge(struct db *db)
{
	(void)db_query(db, SQL_SETTINGS_AUDIT_PURGE, NULL, 0, on_purged, NULL);
}
