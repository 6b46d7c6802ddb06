/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks a pace and writes what it holds; what is absent stays absent, so that defaults can change
 * later. */
#include "waconnd/api/pace.h"

#include "common/jsonw.h"
#include "waconnd/blast/pacer.h"

static void
check_warm_up(const Ipc__Pace *pace, const char **ret_field, const char **ret_detail)
{
	if (!pace->has_warm_up_start && !pace->has_warm_up_growth)
		return;
	if (pace->warm_up_start < 1 || pace->warm_up_start > PACER_DAILY_CAP_MAX) {
		*ret_field = "pace.warmUp.start";
		*ret_detail = "1 to 1000000";
	} else if (!(pace->warm_up_growth >= PACER_GROWTH_MIN &&
		       pace->warm_up_growth <= PACER_GROWTH_MAX)) {
		*ret_field = "pace.warmUp.growth";
		*ret_detail = "1.1 to 10";
	}
}

static int
check(const Ipc__Pace *pace, const char **ret_field, const char **ret_detail)
{
	unsigned from, until;

	*ret_field = NULL;
	if (pace->has_per_minute && pace->per_minute > PACER_PER_MINUTE_MAX) {
		*ret_field = "pace.perMinute";
		*ret_detail = "0 (no limit) to 6000";
	} else if (pace->has_jitter && !(pace->jitter >= 0 && pace->jitter <= 1)) {
		*ret_field = "pace.jitter";
		*ret_detail = "0 to 1";
	} else if (pace->has_daily_cap && pace->daily_cap > PACER_DAILY_CAP_MAX) {
		*ret_field = "pace.dailyCap";
		*ret_detail = "0 (no cap) to 1000000";
	} else if (pace->window != NULL && pacer_window_parse(pace->window, &from, &until) < 0) {
		*ret_field = "pace.window";
		*ret_detail = "HH:MM-HH:MM, such as 08:00-20:00";
	} else if (pace->timezone != NULL && !pacer_timezone_known(pace->timezone)) {
		*ret_field = "pace.timezone";
		*ret_detail = "a name of the tz database, such as Asia/Jakarta";
	} else {
		check_warm_up(pace, ret_field, ret_detail);
	}
	return *ret_field != NULL ? -1 : 0;
}

int
pace_to_json(
    const Ipc__Pace *pace, struct buf *out, const char **ret_field, const char **ret_detail)
{
	struct jsonw j;

	if (pace != NULL && check(pace, ret_field, ret_detail) < 0)
		return -1;
	jsonw_init(&j, out);
	jsonw_object(&j, NULL);
	if (pace != NULL) {
		if (pace->has_per_minute)
			jsonw_int(&j, "perMinute", pace->per_minute);
		if (pace->has_jitter)
			jsonw_real(&j, "jitter", pace->jitter);
		if (pace->has_daily_cap)
			jsonw_int(&j, "dailyCap", pace->daily_cap);
		if (pace->window != NULL)
			jsonw_str(&j, "window", pace->window);
		if (pace->timezone != NULL)
			jsonw_str(&j, "timezone", pace->timezone);
		if (pace->has_warm_up_start) {
			jsonw_object(&j, "warmUp");
			jsonw_int(&j, "start", pace->warm_up_start);
			jsonw_real(&j, "growth", pace->warm_up_growth);
			jsonw_object_end(&j);
		}
	}
	jsonw_object_end(&j);
	return 0;
}
