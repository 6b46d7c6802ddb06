/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads TZif files and the POSIX rule at their end. Knows nothing of calendars beyond what the
 * rules need, and keeps no state. */
#include "waconnd/blast/zone.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ZONE_DIR "/usr/share/zoneinfo"
#define ZONE_FILE_MAX 65536
#define HEADER_LEN 44
#define DAY_S 86400

struct header {
	uint32_t n_isut, n_isstd, n_leap, n_time, n_type, n_char;
};

static uint32_t
u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t
i64(const uint8_t *p)
{
	return (int64_t)((uint64_t)u32(p) << 32 | u32(p + 4));
}

static int
parse_header(const uint8_t *p, size_t len, struct header *h)
{
	if (len < HEADER_LEN || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
		return -1;
	h->n_isut = u32(p + 20);
	h->n_isstd = u32(p + 24);
	h->n_leap = u32(p + 28);
	h->n_time = u32(p + 32);
	h->n_type = u32(p + 36);
	h->n_char = u32(p + 40);
	if (h->n_time > ZONE_TRANSITIONS_MAX || h->n_type < 1 || h->n_type > ZONE_TYPES_MAX)
		return -1;
	if (h->n_isut > ZONE_TYPES_MAX || h->n_isstd > ZONE_TYPES_MAX || h->n_leap > 1024 ||
	    h->n_char > 1024)
		return -1;
	return 0;
}

static size_t
body_len(const struct header *h, size_t time_size)
{
	return h->n_time * (time_size + 1) + h->n_type * 6 + h->n_char +
	       h->n_leap * (time_size + 4) + h->n_isstd + h->n_isut;
}

static int
parse_body(const uint8_t *p, const struct header *h, struct zone *z)
{
	const uint8_t *index = p + h->n_time * 8, *types = index + h->n_time;

	z->n = h->n_time;
	z->first = (int32_t)u32(types);
	for (size_t i = 0; i < h->n_time; i++) {
		if (index[i] >= h->n_type)
			return -1;
		z->at[i] = i64(p + i * 8);
		z->offset[i] = (int32_t)u32(types + index[i] * 6u);
		if (i > 0 && z->at[i] <= z->at[i - 1])
			return -1;
	}
	return 0;
}

/* -- the POSIX rule, such as "EST5EDT,M3.2.0,M11.1.0" or "<+07>-7" -- */

static bool
skip_name(const char **s)
{
	const char *p = *s;

	if (*p == '<') {
		p = strchr(p, '>');
		if (p == NULL)
			return false;
		p++;
	} else {
		while ((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z'))
			p++;
	}
	if (p - *s < 3)
		return false;
	*s = p;
	return true;
}

static bool
read_number(const char **s, int max, int *ret)
{
	int v = 0;
	const char *p = *s;

	while (*p >= '0' && *p <= '9' && v <= max)
		v = v * 10 + (*p++ - '0');
	if (p == *s || v > max)
		return false;
	*s = p;
	*ret = v;
	return true;
}

/* [+-]hh[:mm[:ss]] */
static bool
read_time(const char **s, int32_t *ret)
{
	int part, sign = 1, unit = 3600, sum = 0;

	if (**s == '+' || **s == '-')
		sign = *(*s)++ == '-' ? -1 : 1;
	if (!read_number(s, 167, &part))
		return false;
	sum = part * unit;
	while (**s == ':' && unit > 1) {
		(*s)++;
		unit /= 60;
		if (!read_number(s, 59, &part))
			return false;
		sum += part * unit;
	}
	*ret = sign * sum;
	return true;
}

static bool
read_rule(const char **s, struct zone_rule *r)
{
	r->at = 2 * 3600;
	r->kind = '0';
	if (*(*s)++ != ',')
		return false;
	if (**s == 'M') {
		r->kind = *(*s)++;
		if (!read_number(s, 12, &r->month) || r->month < 1 || *(*s)++ != '.' ||
		    !read_number(s, 5, &r->week) || r->week < 1 || *(*s)++ != '.' ||
		    !read_number(s, 6, &r->day))
			return false;
	} else {
		if (**s == 'J')
			r->kind = *(*s)++;
		if (!read_number(s, 365, &r->day) || (r->kind == 'J' && r->day < 1))
			return false;
	}
	if (**s == '/') {
		(*s)++;
		return read_time(s, &r->at);
	}
	return true;
}

static int
parse_posix(const char *s, struct zone *z)
{
	if (*s == '\0')
		return 0;
	if (!skip_name(&s) || !read_time(&s, &z->std_offset))
		return -1;
	z->std_offset = -z->std_offset; /* POSIX counts west of Greenwich */
	z->has_rule = 1;
	if (*s == '\0')
		return 0;
	if (!skip_name(&s))
		return -1;
	z->dst_offset = z->std_offset + 3600;
	if (*s != ',') {
		if (!read_time(&s, &z->dst_offset))
			return -1;
		z->dst_offset = -z->dst_offset;
	}
	z->has_dst = 1;
	return read_rule(&s, &z->dst_from) && read_rule(&s, &z->dst_until) && *s == '\0' ? 0 : -1;
}

int
zone_parse(const uint8_t *data, size_t len, struct zone *ret)
{
	struct header h;
	struct zone z = {0};
	char footer[128];
	const uint8_t *end;
	size_t skip;

	/* Version 1's block comes first, with times of 32 bits: skipped. */
	if (parse_header(data, len, &h) < 0)
		return -1;
	skip = HEADER_LEN + body_len(&h, 4);
	if (skip > len || parse_header(data + skip, len - skip, &h) < 0)
		return -1;
	skip += HEADER_LEN;
	if (body_len(&h, 8) > len - skip || parse_body(data + skip, &h, &z) < 0)
		return -1;
	skip += body_len(&h, 8);
	if (len - skip < 2 || data[skip] != '\n')
		return -1;
	skip++;
	end = memchr(data + skip, '\n', len - skip);
	if (end == NULL || (size_t)(end - data) - skip >= sizeof(footer))
		return -1;
	memcpy(footer, data + skip, (size_t)(end - data) - skip);
	footer[(size_t)(end - data) - skip] = '\0';
	if (parse_posix(footer, &z) < 0)
		return -1;
	*ret = z;
	return 0;
}

static bool
name_is_sane(const char *name)
{
	const size_t len = strlen(name);

	if (len == 0 || len > 60 || name[0] == '/' || name[0] == '.' ||
	    strstr(name, "..") != NULL || name[len - 1] == '/')
		return false;
	return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") ==
	       len;
}

int
zone_load(const char *name, struct zone *ret)
{
	uint8_t data[ZONE_FILE_MAX];
	char path[128];
	ssize_t n;
	size_t len = 0;
	int fd;

	if (!name_is_sane(name))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/%s", ZONE_DIR, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	while (len < sizeof(data) && (n = read(fd, data + len, sizeof(data) - len)) > 0)
		len += (size_t)n;
	(void)close(fd);
	return zone_parse(data, len, ret);
}

/* -- the offset at a time -- */

/* Days since 1970 of the first of a month (proleptic Gregorian; years from March, so that leap days
 * come last). */
static int64_t
days_of(int64_t year, int month)
{
	const int64_t y = month <= 2 ? year - 1 : year;
	const int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
	const int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int64_t
year_of(int64_t unix_s)
{
	int64_t days = unix_s / DAY_S - (unix_s % DAY_S < 0), year = 1970 + days / 366;

	while (days_of(year + 1, 1) <= days)
		year++;
	while (days_of(year, 1) > days)
		year--;
	return year;
}

static bool
is_leap(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

/* Local seconds since 1970 at which the rule strikes in that year. */
static int64_t
rule_time(const struct zone_rule *r, int64_t year)
{
	int64_t day;

	if (r->kind == 'M') {
		const int64_t first = days_of(year, r->month);
		const int64_t next =
		    r->month == 12 ? days_of(year + 1, 1) : days_of(year, r->month + 1);
		const int weekday =
		    (int)(((first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */

		day = first + (r->day - weekday + 7) % 7 + (r->week - 1) * 7;
		while (day >= next)
			day -= 7;
	} else if (r->kind == 'J') {
		day = days_of(year, 1) + r->day - 1 + (is_leap(year) && r->day > 59);
	} else {
		day = days_of(year, 1) + r->day;
	}
	return day * DAY_S + r->at;
}

static int32_t
rule_offset(const struct zone *z, int64_t unix_s)
{
	int64_t year, from, until;
	bool dst;

	if (!z->has_dst)
		return z->std_offset;
	year = year_of(unix_s + z->std_offset);
	from = rule_time(&z->dst_from, year) - z->std_offset;
	until = rule_time(&z->dst_until, year) - z->dst_offset;
	dst = from < until ? unix_s >= from && unix_s < until : unix_s >= from || unix_s < until;
	return dst ? z->dst_offset : z->std_offset;
}

int32_t
zone_offset(const struct zone *z, int64_t unix_s)
{
	size_t low = 0, high = z->n;

	if (z->n > 0 && unix_s < z->at[0])
		return z->first;
	if (z->has_rule && (z->n == 0 || unix_s >= z->at[z->n - 1]))
		return rule_offset(z, unix_s);
	while (low < high) {
		size_t mid = (low + high) / 2;

		if (z->at[mid] <= unix_s)
			low = mid + 1;
		else
			high = mid;
	}
	return low == 0 ? z->first : z->offset[low - 1];
}
