/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Links that the test plays: the functions of link.h, each link in a list that the test drives.
 * Callbacks come from the loop, never from inside a call, and sends are answered after the batch's
 * commit, as the real link does. Included by one .c each, in place of the real one.
 */
#ifndef TESTS_WACONND_FAKE_LINK_H
#define TESTS_WACONND_FAKE_LINK_H

#include "tests/unit/store/store_world.h"

#include <sys/queue.h>

#include "common/xalloc.h"
#include "waconnd/link/link.h"

#define FAKE_SENDS_MAX 4096

struct fake_send {
	struct link *link; /* NULL: answered */
	char id[64], phone[24], path[64], outlet[64];
	enum wa_content_kind kind;
	char *text;
	void *send_arg;
};

struct link {
	TAILQ_ENTRY(link) entry;
	enum link_mode mode;
	char outlet[64], expect[24];
	struct keydb *keys;
	const struct link_ops *ops;
	void *arg;
	bool open, ready, ended, closing, freed;
	bool wants_passkey, wants_confirmation; /* set by the test, taken once */
	enum link_end end;
	struct event *later;
};

/* What becomes of a send: false leaves it without an answer. */
typedef bool (*fake_policy)(
    const struct fake_send *s, enum link_sent *ret_result, unsigned *ret_code);

static struct fake {
	struct event_base *base;
	TAILQ_HEAD(, link) links;
	unsigned begun, freed;
	struct fake_send sends[FAKE_SENDS_MAX];
	unsigned n_sends;
	unsigned in_flight, in_flight_max;
	fake_policy policy;
	enum link_media_result upload_result;
	unsigned uploads;
	uint64_t uploaded_bytes;
	char retry_text[256];
	unsigned account_asks;
	struct link *checker; /* of the check below; NULL: none */
	void *check_arg;
	struct link_number checked[LINK_CHECK_MAX];
	size_t n_checked;
	bool refuse_checks;
	unsigned n_checks;
	void (*on_check)(void); /* in a turn of its own: fills fake.checked in, and answers */
} fake;

static void
fake_reset(struct event_base *base)
{
	for (unsigned i = 0; i < fake.n_sends; i++)
		free(fake.sends[i].text);
	memset(&fake, 0, sizeof(fake));
	fake.base = base;
	TAILQ_INIT(&fake.links);
}

/* The newest link of an outlet that lives and is not being closed, or NULL. Not inlined: the
 * compiler would warn of the NULL that a test rules out. */
UNUSED __attribute__((noinline)) static struct link *
fake_find(const char *outlet)
{
	struct link *l;

	TAILQ_FOREACH(l, &fake.links, entry)
	if (!l->ended && !l->closing && strcmp(l->outlet, outlet) == 0)
		return l;
	return NULL;
}

/* Answers the check with what the test noted in fake.checked. */
UNUSED static void
fake_check_answer(enum link_check result, unsigned code, unsigned backoff_s)
{
	const struct link_checked checked = {result, code, backoff_s, fake.checked, fake.n_checked};
	struct link *l = fake.checker;

	assert_non_null(l);
	fake.checker = NULL;
	l->ops->numbers(l->arg, fake.check_arg, &checked);
}

/* What WhatsApp says of the account. */
UNUSED static void
fake_timelock(struct link *l, bool active, int64_t until_ms)
{
	const struct link_account said = {
	    .has_timelock = true, .timelock = {active, until_ms, "DEFAULT"}};

	l->ops->account(l->arg, &said);
}

UNUSED static void
fake_cap(struct link *l, int64_t quota, int64_t used, int64_t until_ms)
{
	const struct link_account said = {
	    .has_cap = true, .cap = {quota > 0 && used >= quota, quota, used, until_ms, "NONE"}};

	l->ops->account(l->arg, &said);
}

static void
fake_end(struct link *l, enum link_end end, int64_t until_ms)
{
	assert_false(l->ended);
	for (unsigned i = 0; i < fake.n_sends; i++) {
		struct fake_send *s = &fake.sends[i];

		if (s->link == l) {
			s->link = NULL;
			fake.in_flight--;
			l->ops->sent(l->arg, s->send_arg, LINK_SENT_UNCERTAIN, 0);
		}
	}
	if (fake.checker == l)
		fake_check_answer(LINK_CHECK_UNHEARD, 0, 0);
	l->keys->ops->forget(l->keys, l);
	l->ended = true;
	l->open = l->ready = false;
	l->ops->ended(l->arg, end, "test", until_ms);
}

static void
fake_later(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;

	(void)fd;
	(void)what;
	if (!l->ended)
		fake_end(l, l->end, 0);
}

UNUSED static void
fake_up(struct link *l)
{
	const struct jid own = jid_make(JID_SERVER_PN, l->expect, 7),
			 lid = jid_make(JID_SERVER_LID, "12345", 7);

	l->open = true;
	l->ops->open(l->arg, &own, &lid);
	l->ready = true;
	l->ops->ready(l->arg);
}

struct link *
link_new(
    struct link_net *net, const struct link_params *params, const struct link_ops *ops, void *arg)
{
	struct link *l = xcalloc(1, sizeof(*l));

	(void)net;
	l->mode = params->mode;
	(void)snprintf(l->outlet, sizeof(l->outlet), "%s", params->outlet);
	(void)snprintf(l->expect, sizeof(l->expect), "%s", params->expect_phone);
	l->keys = params->keys;
	l->ops = ops;
	l->arg = arg;
	l->later = evtimer_new(fake.base, fake_later, l);
	TAILQ_INSERT_HEAD(&fake.links, l, entry);
	fake.begun++;
	return l;
}

static void
fake_end_soon(struct link *l, enum link_end end)
{
	l->end = end;
	l->closing = true;
	event_active(l->later, EV_TIMEOUT, 0);
}

bool
link_passkey_answer(struct link *l, const struct buf *credential, const struct buf *assertion,
    int64_t *ret_expires_ms)
{
	const bool taken = l->wants_passkey;

	assert_true(credential->len > 0 && assertion->len > 0);
	l->wants_passkey = false;
	if (taken)
		*ret_expires_ms = clock_wall_ms() + 180000;
	return taken;
}

bool
link_passkey_confirm(struct link *l, int64_t *ret_expires_ms)
{
	const bool taken = l->wants_confirmation;

	l->wants_confirmation = false;
	if (taken)
		*ret_expires_ms = clock_wall_ms() + 60000;
	return taken;
}

void
link_close(struct link *l)
{
	fake_end_soon(l, LINK_END_ASKED);
}

void
link_logout(struct link *l)
{
	assert_true(l->open);
	fake_end_soon(l, LINK_END_LOGGED_OUT);
}

void
link_free(struct link **lp)
{
	struct link *l = *lp;

	for (unsigned i = 0; i < fake.n_sends; i++)
		if (fake.sends[i].link == l)
			fake.sends[i].link = NULL;
	l->keys->ops->forget(l->keys, l);
	if (fake.checker == l)
		fake.checker = NULL;
	TAILQ_REMOVE(&fake.links, l, entry);
	event_free(l->later);
	free(l);
	fake.freed++;
	*lp = NULL;
}

static void
fake_answer(struct link *l, struct fake_send *s)
{
	enum link_sent result = LINK_SENT_OK;
	unsigned code = 0;

	if (fake.policy != NULL && !fake.policy(s, &result, &code))
		return;
	s->link = NULL;
	fake.in_flight--;
	l->ops->sent(l->arg, s->send_arg, result, code);
}

static void
fake_committed(void *arg, int err)
{
	struct link *l = arg;

	assert_int_equal(err, 0);
	for (unsigned i = 0; i < fake.n_sends && !l->ended; i++)
		if (fake.sends[i].link == l)
			fake_answer(l, &fake.sends[i]);
}

void
link_send(struct link *l, const char *id, const char *phone, const struct wa_content *content,
    void *send_arg)
{
	struct fake_send *s = &fake.sends[fake.n_sends++];

	assert_true(l->ready);
	assert_true(fake.n_sends < FAKE_SENDS_MAX);
	s->link = l;
	(void)snprintf(s->id, sizeof(s->id), "%s", id);
	(void)snprintf(s->phone, sizeof(s->phone), "%s", phone);
	(void)snprintf(s->outlet, sizeof(s->outlet), "%s", l->outlet);
	s->kind = content->kind;
	s->text = xstrdup(content->text != NULL ? content->text : "");
	if (wa_content_is_file(content->kind))
		(void)snprintf(s->path, sizeof(s->path), "%s", content->media.direct_path);
	s->send_arg = send_arg;
	if (++fake.in_flight > fake.in_flight_max)
		fake.in_flight_max = fake.in_flight;
	l->keys->ops->commit(l->keys, fake_committed, l);
}

void
link_account_ask(struct link *l)
{
	assert_true(l->ready);
	fake.account_asks++;
}

static void
fake_check_later(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (fake.on_check != NULL && fake.checker != NULL)
		fake.on_check();
}

bool
link_check_numbers(struct link *l, const char *const *phones, size_t n, void *check_arg)
{
	if (fake.refuse_checks)
		return false;
	assert_null(fake.checker);
	fake.checker = l;
	fake.check_arg = check_arg;
	fake.n_checked = n;
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(
		    fake.checked[i].phone, sizeof(fake.checked[i].phone), "%s", phones[i]);
		fake.checked[i].state = LINK_NUMBER_UNKNOWN;
	}
	fake.n_checks++;
	(void)event_base_once(fake.base, -1, EV_TIMEOUT, fake_check_later, NULL, NULL);
	return true;
}

void
link_retry_content(
    struct link *l, uint64_t token, const char *phone, const struct wa_content *content)
{
	(void)l;
	(void)snprintf(fake.retry_text, sizeof(fake.retry_text), "%llu:%s:%s",
	    (unsigned long long)token, phone != NULL ? phone : "-",
	    content == NULL			? "-"
	    : wa_content_is_file(content->kind) ? content->media.direct_path
						: content->text);
}

/* Answered in the next turn: the file's bytes are counted, and its place is its number. */
struct fake_upload {
	struct link *link;
	void *arg;
	enum link_media_result result;
	char path[64];
	struct wa_media_ref ref;
	struct event *ev;
};

static void
fake_uploaded(evutil_socket_t fd, short what, void *arg)
{
	struct fake_upload *u = arg;

	(void)fd;
	(void)what;
	u->link->ops->uploaded(
	    u->link->arg, u->arg, u->result, u->result == LINK_MEDIA_OK ? &u->ref : NULL, "");
	event_free(u->ev);
	free(u);
}

void
link_upload(struct link *l, enum wa_media_type type, int take_fd, void *upload_arg)
{
	struct fake_upload *u = xcalloc(1, sizeof(*u));

	assert_true(l->ready);
	u->link = l;
	u->arg = upload_arg;
	u->result = fake.upload_result;
	(void)snprintf(u->path, sizeof(u->path), "/%d/%u", (int)type, ++fake.uploads);
	u->ref.url = "https://host/x";
	u->ref.direct_path = u->path;
	u->ref.length = fake.uploaded_bytes = (uint64_t)lseek(take_fd, 0, SEEK_END);
	close(take_fd);
	u->ev = evtimer_new(fake.base, fake_uploaded, u);
	event_active(u->ev, EV_TIMEOUT, 0);
}

void
link_download(
    struct link *l, const struct link_media *media, int take_fd, uint64_t max, void *download_arg)
{
	(void)l;
	(void)media;
	(void)max;
	(void)download_arg;
	close(take_fd);
}

const char *
link_media_result_name(enum link_media_result result)
{
	return result == LINK_MEDIA_OK ? "ok" : "failed";
}

bool
link_is_open(const struct link *l)
{
	return l->open && !l->closing;
}

bool
link_is_ready(const struct link *l)
{
	return l->ready && !l->closing;
}

int64_t
link_last_heard_ms(const struct link *l)
{
	return l->open ? clock_wall_ms() : 0;
}

int
link_latency_ms(const struct link *l)
{
	return l->open ? 84 : -1;
}

const struct link_reason *
link_reason(enum link_end end)
{
	static const struct link_reason reasons[LINK_END_COUNT] = {
#define REASON(e, f, er, c) \
	[e] = {.end = e, .follow = f, .erase = er, .code = c, .message = "What.", .action = "Do."}
	    REASON(LINK_END_ASKED, LINK_FOLLOW_NONE, false, "closed"),
	    REASON(LINK_END_RESTART, LINK_FOLLOW_NOW, false, "restart"),
	    REASON(LINK_END_SILENT, LINK_FOLLOW_BACKOFF, false, "silent"),
	    REASON(LINK_END_QR_EXPIRED, LINK_FOLLOW_STOP, false, "qr_expired"),
	    REASON(LINK_END_CODE_EXPIRED, LINK_FOLLOW_STOP, false, "code_expired"),
	    REASON(LINK_END_CODE_THROTTLED, LINK_FOLLOW_STOP, false, "code_throttled"),
	    REASON(LINK_END_PASSKEY, LINK_FOLLOW_STOP, false, "passkey_required"),
	    REASON(LINK_END_PASSKEY_REFUSED, LINK_FOLLOW_STOP, false, "passkey_refused"),
	    REASON(LINK_END_LOGGED_OUT, LINK_FOLLOW_STOP, true, "logged_out"),
	    REASON(LINK_END_REPLACED, LINK_FOLLOW_STOP, false, "replaced"),
	    REASON(LINK_END_TEMP_BANNED, LINK_FOLLOW_LATER, false, "temporarily_banned"),
	    REASON(LINK_END_OUTDATED, LINK_FOLLOW_STOP, false, "client_outdated"),
	    REASON(LINK_END_RATE_LIMITED, LINK_FOLLOW_LATER, false, "rate_limited"),
	    REASON(LINK_END_REJECTED, LINK_FOLLOW_STOP, false, "rejected"),
	    REASON(LINK_END_LOST, LINK_FOLLOW_STOP, true, "account_lost"),
#define COUNTED(e, f, er, c, t, la) \
	[e] = {.end = e,            \
	    .follow = f,            \
	    .erase = er,            \
	    .code = c,              \
	    .message = "What.",     \
	    .action = "Do.",        \
	    .tries = t,             \
	    .last = la}
	    COUNTED(LINK_END_UNAUTHORIZED, LINK_FOLLOW_NOW, false, "unauthorized", 1,
		LINK_END_LOGGED_OUT),
	    COUNTED(LINK_END_LOCKED, LINK_FOLLOW_STOP, false, "account_locked", 1, LINK_END_LOST),
	    COUNTED(LINK_END_POSTPONED, LINK_FOLLOW_LATER, false, "login_postponed", 3,
		LINK_END_REJECTED),
#undef COUNTED
#undef REASON
	};
	static const struct link_reason none = {
	    .code = "none", .message = "What.", .action = "Do."};

	return reasons[end].code != NULL ? &reasons[end] : &none;
}

/* -- waiting -- */

static void
fake_nothing(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* Turns the loop until the condition holds, and fails after WAIT_MS. */
UNUSED static void
until(bool (*condition)(void *arg), void *arg, const char *what)
{
	const int64_t end = clock_monotonic_ms() + WAIT_MS;
	struct event *turn = event_new(fake.base, -1, EV_PERSIST, fake_nothing, NULL);
	const struct timeval tv = {0, 5000};
	bool holds;

	event_add(turn, &tv);
	while (!(holds = condition(arg)) && clock_monotonic_ms() < end)
		event_base_loop(fake.base, EVLOOP_ONCE);
	event_free(turn);
	if (!holds)
		fail_msg("it did not happen within %d ms: %s", WAIT_MS, what);
}

struct fake_sql {
	struct world *w;
	const char *sql, *want;
};

UNUSED static bool
fake_sql_is(void *arg)
{
	const struct fake_sql *q = arg;

	return strcmp(world_sql(q->w, q->sql), q->want) == 0;
}

UNUSED static void
until_sql(struct world *w, const char *sql, const char *want)
{
	struct fake_sql q = {w, sql, want};

	until(fake_sql_is, &q, sql);
}

#endif
