/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Works out times; sends nothing, sleeps never, and remembers only what struct pacer holds. */
#include "waconnd/blast/pacer.h"

#include <stdio.h>
#include <string.h>

#include "waconnd/blast/zone.h"

#define MINUTE_MS 60000LL
#define DAY_MIN 1440
#define QUARTER_MS (15 * MINUTE_MS)
#define DAY_MS (DAY_MIN * MINUTE_MS)
#define SEARCH_MIN (3 * DAY_MIN) /* every window opens within that, also around clock changes */
#define CATCH_UP_MS 50		 /* timers fire late: so much is made up for */
#define ESTIMATE_DAYS_MAX 3660

/* A pace with its words read. */
struct plan {
	struct zone zone;
	bool has_zone;
	bool windowed;
	unsigned from, until; /* minutes of the day */
	double interval_ms;
	unsigned cap;
	unsigned warm_start;
	double warm_growth;
	int64_t linked_day;
};

static int
two_digits(const char *s, unsigned max, unsigned *ret)
{
	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return -1;
	*ret = (unsigned)(s[0] - '0') * 10 + (unsigned)(s[1] - '0');
	return *ret <= max ? 0 : -1;
}

static int
clock_time(const char *s, unsigned *ret_min)
{
	unsigned h, m;

	if (two_digits(s, 24, &h) < 0 || s[2] != ':' || two_digits(s + 3, 59, &m) < 0 ||
	    (h == 24 && m > 0))
		return -1;
	*ret_min = h * 60 + m;
	return 0;
}

int
pacer_window_parse(const char *window, unsigned *ret_from_min, unsigned *ret_until_min)
{
	unsigned from = 0, until = DAY_MIN;

	if (window[0] != '\0') {
		if (strlen(window) != strlen("HH:MM-HH:MM") || window[5] != '-' ||
		    clock_time(window, &from) < 0 || clock_time(window + 6, &until) < 0 ||
		    from == until || from == DAY_MIN)
			return -1;
	}
	*ret_from_min = from;
	*ret_until_min = until;
	return 0;
}

bool
pacer_timezone_known(const char *name)
{
	struct zone z;

	return zone_load(name, &z) == 0;
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t
local_ms(const struct plan *pl, int64_t ms)
{
	return pl->has_zone ? ms + zone_offset(&pl->zone, floor_div(ms, 1000)) * 1000LL : ms;
}

static int64_t
local_day(const struct plan *pl, int64_t ms)
{
	return floor_div(local_ms(pl, ms), DAY_MS);
}

/* counts: days matter even where nothing is limited by them. The zone is a file to be read, which a
 * blast at full speed must not do for each message. */
static void
plan_make(const struct outlet_pace *pace, bool counts, struct plan *pl)
{
	memset(pl, 0, sizeof(*pl));
	if (pacer_window_parse(pace->window, &pl->from, &pl->until) < 0) {
		pl->from = 0;
		pl->until = DAY_MIN;
	}
	pl->windowed = pl->from != 0 || pl->until != DAY_MIN;
	pl->cap = pace->daily_cap;
	pl->warm_start = pace->warm_start;
	pl->warm_growth = pace->warm_growth;
	pl->interval_ms = pace->per_minute > 0 ? (double)MINUTE_MS / pace->per_minute : 0;
	pl->has_zone = (counts || pl->windowed || pl->cap > 0 || pl->warm_start > 0) &&
		       zone_load(pace->timezone, &pl->zone) == 0;
	pl->linked_day = local_day(pl, pace->linked_at_ms);
}

static unsigned
local_minute(const struct plan *pl, int64_t ms)
{
	const int64_t local = local_ms(pl, ms);

	return (unsigned)((local - floor_div(local, DAY_MS) * DAY_MS) / MINUTE_MS);
}

static bool
inside(const struct plan *pl, int64_t ms)
{
	const unsigned m = local_minute(pl, ms);

	if (!pl->windowed)
		return true;
	return pl->from < pl->until ? m >= pl->from && m < pl->until
				    : m >= pl->from || m < pl->until;
}

struct edge { /* what a search looks for */
	bool (*reached)(const struct plan *pl, int64_t ms, int64_t since_ms);
	unsigned minute; /* of the day at which it is on an ordinary day */
};

/*
 * The first whole minute after `ms` where the edge is reached. On a day without a change of the
 * clock it is known beforehand; otherwise each minute is looked at.
 */
static int64_t
seek(const struct plan *pl, int64_t ms, const struct edge *edge)
{
	const int64_t start = floor_div(ms, MINUTE_MS) * MINUTE_MS;
	const int64_t wait = (edge->minute + DAY_MIN - local_minute(pl, start)) % DAY_MIN;
	const int64_t guess = start + (wait == 0 ? DAY_MIN : wait) * MINUTE_MS;

	if (guess - ms <= DAY_MS && local_ms(pl, guess) - guess == local_ms(pl, start) - start)
		return guess;
	for (int64_t i = 1; i <= SEARCH_MIN; i++)
		if (edge->reached(pl, start + i * MINUTE_MS, ms))
			return start + i * MINUTE_MS;
	return start + DAY_MS;
}

static bool
is_inside(const struct plan *pl, int64_t ms, int64_t since_ms)
{
	(void)since_ms;
	return inside(pl, ms);
}

static bool
is_outside(const struct plan *pl, int64_t ms, int64_t since_ms)
{
	(void)since_ms;
	return !inside(pl, ms);
}

static bool
is_next_day(const struct plan *pl, int64_t ms, int64_t since_ms)
{
	return local_day(pl, ms) > local_day(pl, since_ms);
}

static int64_t
seek_open(const struct plan *pl, int64_t ms)
{
	return seek(pl, ms, &(struct edge){is_inside, pl->from});
}

static int64_t
seek_close(const struct plan *pl, int64_t ms)
{
	return seek(pl, ms, &(struct edge){is_outside, pl->until % DAY_MIN});
}

static int64_t
seek_day(const struct plan *pl, int64_t ms)
{
	return seek(pl, ms, &(struct edge){is_next_day, 0});
}

/* That of the day of `ms`; 0: none. */
static unsigned
cap_at(const struct plan *pl, int64_t ms)
{
	const unsigned top = pl->cap > 0 ? pl->cap : PACER_DAILY_CAP_MAX;
	double warm = pl->warm_start;

	if (pl->warm_start == 0)
		return pl->cap;
	for (int64_t d = local_day(pl, ms) - pl->linked_day; d > 0 && warm < top; d--)
		warm *= pl->warm_growth;
	return warm < top ? (unsigned)warm : pl->cap;
}

static bool
capped(const struct plan *pl, const struct pacer *p, int64_t ms)
{
	const unsigned cap = cap_at(pl, ms);

	return cap > 0 && p->sent_today >= cap && local_day(pl, ms) == p->day;
}

/* The first time from `ms` on at which window and cap allow one. */
static int64_t
open_from(const struct plan *pl, const struct pacer *p, int64_t ms)
{
	for (unsigned i = 0; i < 8; i++) {
		if (capped(pl, p, ms))
			ms = seek_day(pl, ms);
		else if (!inside(pl, ms))
			ms = seek_open(pl, ms);
		else
			break;
	}
	return ms;
}

int64_t
pacer_next(const struct pacer *p, const struct outlet_pace *pace, int64_t now_ms)
{
	struct plan pl;

	plan_make(pace, false, &pl);
	/* Without a rate nobody waits for a turn that another blast's rate gave. */
	return open_from(&pl, p, pl.interval_ms > 0 && p->next_ms > now_ms ? p->next_ms : now_ms);
}

bool
pacer_closed(const struct pacer *p, const struct outlet_pace *pace, int64_t now_ms)
{
	struct plan pl;

	plan_make(pace, false, &pl);
	return open_from(&pl, p, now_ms) > now_ms;
}

unsigned
pacer_cap(const struct outlet_pace *pace, int64_t ms)
{
	struct plan pl;

	plan_make(pace, false, &pl);
	return cap_at(&pl, ms);
}

/* Days begin at whole quarters of an hour, anywhere in the world: this one is p->day still. */
static bool
same_day(const struct pacer *p, const struct outlet_pace *pace, int64_t now_ms)
{
	return p->quarter == floor_div(now_ms, QUARTER_MS) &&
	       strcmp(p->timezone, pace->timezone) == 0;
}

/* Also without window and cap: what is counted is counted for the next pace's cap. */
static void
count(struct pacer *p, const struct plan *pl, const struct outlet_pace *pace, int64_t now_ms)
{
	const bool same = same_day(p, pace, now_ms);
	const int64_t day = same ? p->day : local_day(pl, now_ms);

	if (day != p->day) {
		p->day = day;
		p->sent_today = 0;
	}
	p->sent_today++;
	if (same)
		return;
	p->quarter = floor_div(now_ms, QUARTER_MS);
	(void)snprintf(p->timezone, sizeof(p->timezone), "%s", pace->timezone);
}

void
pacer_sent(struct pacer *p, const struct outlet_pace *pace, int64_t now_ms, double random)
{
	const int64_t late = now_ms - p->next_ms;
	struct plan pl;
	double wait;

	plan_make(pace, !same_day(p, pace, now_ms), &pl);
	count(p, &pl, pace, now_ms);
	wait = pl.interval_ms * (1 + pace->jitter * (2 * random - 1));
	if (p->next_ms > 0 && late > 0 && late <= CATCH_UP_MS)
		wait -= (double)late;
	p->next_ms = now_ms + (wait > 0 ? (int64_t)(wait + 0.5) : 0);
}

void
pacer_restore(struct pacer *p, const struct outlet_pace *pace, int64_t now_ms, unsigned sent_today,
    int64_t last_ms)
{
	struct plan pl;

	plan_make(pace, true, &pl);
	p->day = local_day(&pl, now_ms);
	p->sent_today = sent_today;
	p->quarter = 0; /* whoever sends next looks again */
	/* By another clock, that of the database: it may be ahead of ours. */
	last_ms = last_ms < now_ms ? last_ms : now_ms;
	p->next_ms = last_ms > 0 ? last_ms + (int64_t)pl.interval_ms : 0;
}

static uint64_t
min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* How many go from `ms` on before the window closes, the day ends or its cap is reached. */
static uint64_t
stretch(const struct plan *pl, const struct pacer *p, int64_t ms)
{
	const unsigned cap = cap_at(pl, ms);
	uint64_t k = UINT64_MAX;
	int64_t end = INT64_MAX;

	if (pl->windowed)
		end = seek_close(pl, ms);
	if (cap > 0) {
		const int64_t day_end = seek_day(pl, ms);

		end = day_end < end ? day_end : end;
		k = cap - (local_day(pl, ms) == p->day ? p->sent_today : 0);
	}
	if (pl->interval_ms > 0 && end != INT64_MAX)
		k = min_u64(k, (uint64_t)((double)(end - 1 - ms) / pl->interval_ms) + 1);
	return k;
}

int64_t
pacer_estimate(const struct pacer *p, const struct outlet_pace *pace, int64_t now_ms, uint64_t n)
{
	struct pacer sim = *p;
	struct plan pl;
	int64_t ms = now_ms;
	uint64_t k;

	plan_make(pace, true, &pl);
	if (pl.interval_ms > 0 && p->next_ms > ms)
		ms = p->next_ms;
	for (unsigned i = 0; n > 0 && i < ESTIMATE_DAYS_MAX; i++) {
		const int64_t day = local_day(&pl, ms = open_from(&pl, &sim, ms));

		k = min_u64(stretch(&pl, &sim, ms), n);
		if ((double)k * pl.interval_ms > (double)ESTIMATE_DAYS_MAX * DAY_MS)
			return PACER_NEVER;
		sim.sent_today =
		    (sim.day == day ? sim.sent_today : 0) + (cap_at(&pl, ms) > 0 ? (unsigned)k : 0);
		sim.day = day;
		n -= k;
		ms += (int64_t)((double)(n > 0 ? k : k - 1) * pl.interval_ms);
	}
	return n > 0 ? PACER_NEVER : ms;
}

size_t
pacer_stretches(const struct pacer *p, const struct outlet_pace *pace, int64_t from_ms,
    int64_t until_ms, struct pacer_stretch *ret, size_t max)
{
	struct pacer sim = *p;
	struct plan pl;
	size_t n = 0;

	plan_make(pace, true, &pl);
	if (pl.interval_ms <= 0)
		pl.interval_ms = (double)MINUTE_MS / PACER_PER_MINUTE_MAX;
	for (int64_t ms = open_from(&pl, &sim, from_ms); n < max && ms < until_ms;
	     ms = open_from(&pl, &sim, ms)) {
		const int64_t day = local_day(&pl, ms);
		const uint64_t k = min_u64(stretch(&pl, &sim, ms),
		    (uint64_t)((double)(until_ms - 1 - ms) / pl.interval_ms) + 1);

		ret[n++] = (struct pacer_stretch){ms, k, pl.interval_ms};
		sim.sent_today = (sim.day == day ? sim.sent_today : 0) + (unsigned)k;
		sim.day = day;
		ms += (int64_t)((double)k * pl.interval_ms);
	}
	return n;
}
