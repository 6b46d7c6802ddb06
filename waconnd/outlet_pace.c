/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads a stored pace. The values were checked when they were stored and are checked again: a row
 * may be edited by hand. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "waconnd/blast/pacer.h"

static void
overlay_number(const json_t *value, json_int_t max, unsigned *field)
{
	if (json_is_integer(value) && json_integer_value(value) >= 0 &&
	    json_integer_value(value) <= max)
		*field = (unsigned)json_integer_value(value);
}

static void
overlay_text(const json_t *value, char *field, size_t size)
{
	if (json_is_string(value) && json_string_length(value) < size)
		(void)snprintf(field, size, "%s", json_string_value(value));
}

static void
overlay_warm_up(const json_t *value, struct outlet_pace *pace)
{
	const json_int_t start = json_integer_value(json_object_get(value, "start"));
	const double growth = json_number_value(json_object_get(value, "growth"));

	if (start < 1 || start > PACER_DAILY_CAP_MAX ||
	    !(growth >= PACER_GROWTH_MIN && growth <= PACER_GROWTH_MAX))
		return;
	pace->warm_start = (unsigned)start;
	pace->warm_growth = growth;
}

void
outlet_pace_overlay(struct outlet_pace *pace, const char *json)
{
	json_t *root = json != NULL ? json_loads(json, 0, NULL) : NULL;
	const json_t *jitter = json_object_get(root, "jitter"),
		     *window = json_object_get(root, "window");
	unsigned from, until;

	overlay_number(json_object_get(root, "perMinute"), PACER_PER_MINUTE_MAX, &pace->per_minute);
	overlay_number(json_object_get(root, "dailyCap"), PACER_DAILY_CAP_MAX, &pace->daily_cap);
	if (json_is_number(jitter) && json_number_value(jitter) >= 0 &&
	    json_number_value(jitter) <= 1)
		pace->jitter = json_number_value(jitter);
	if (json_is_string(window) &&
	    pacer_window_parse(json_string_value(window), &from, &until) == 0)
		overlay_text(window, pace->window, sizeof(pace->window));
	overlay_text(json_object_get(root, "timezone"), pace->timezone, sizeof(pace->timezone));
	overlay_warm_up(json_object_get(root, "warmUp"), pace);
	json_decref(root);
}
