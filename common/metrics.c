/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The families and their text. Knows nothing of what is measured. */
#include "common/metrics.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/xalloc.h"

#define OTHER "other"

struct series {
	char label[METRIC_LABEL_MAX]; /* "": none */
	double value;		      /* a histogram's sum */
	uint64_t count;
	uint64_t *buckets; /* not cumulated */
};

struct metric {
	TAILQ_ENTRY(metric) entry;
	enum metric_kind kind;
	const char *name, *help, *label;
	const double *bounds;
	size_t n_bounds;
	struct series *series;
	size_t n_series;
};

struct metrics {
	TAILQ_HEAD(, metric) families;
};

static const char *const kind_names[] = {
    [METRIC_COUNTER] = "counter",
    [METRIC_GAUGE] = "gauge",
    [METRIC_HISTOGRAM] = "histogram",
};

struct metrics *
metrics_new(void)
{
	struct metrics *m = xcalloc(1, sizeof(*m));

	TAILQ_INIT(&m->families);
	return m;
}

void
metrics_free(struct metrics **m)
{
	struct metric *f;

	if (*m == NULL)
		return;
	while ((f = TAILQ_FIRST(&(*m)->families)) != NULL) {
		TAILQ_REMOVE(&(*m)->families, f, entry);
		for (size_t i = 0; i < f->n_series; i++)
			free(f->series[i].buckets);
		free(f->series);
		free(f);
	}
	free(*m);
	*m = NULL;
}

static struct series *
add_series(struct metric *f, const char *label)
{
	struct series *s;

	f->series = xreallocarray(f->series, f->n_series + 1, sizeof(*f->series));
	s = &f->series[f->n_series++];
	*s = (struct series){0};
	(void)snprintf(s->label, sizeof(s->label), "%s", label);
	if (f->kind == METRIC_HISTOGRAM)
		s->buckets = xcalloc(f->n_bounds + 1, sizeof(*s->buckets));
	return s;
}

static struct metric *
add_family(struct metrics *m, enum metric_kind kind, const char *name, const char *help,
    const char *label, const double *bounds, size_t n_bounds)
{
	struct metric *f;

	if (m == NULL)
		return NULL;
	f = xcalloc(1, sizeof(*f));
	f->kind = kind;
	f->name = name;
	f->help = help;
	f->label = label;
	f->bounds = bounds;
	f->n_bounds = n_bounds;
	TAILQ_INSERT_TAIL(&m->families, f, entry);
	if (label == NULL)
		(void)add_series(f, "");
	return f;
}

struct metric *
metrics_counter(struct metrics *m, const char *name, const char *help, const char *label)
{
	return add_family(m, METRIC_COUNTER, name, help, label, NULL, 0);
}

struct metric *
metrics_gauge(struct metrics *m, const char *name, const char *help, const char *label)
{
	return add_family(m, METRIC_GAUGE, name, help, label, NULL, 0);
}

struct metric *
metrics_histogram(struct metrics *m, const char *name, const char *help, const char *label,
    const double *bounds, size_t n)
{
	return add_family(m, METRIC_HISTOGRAM, name, help, label, bounds, n);
}

struct metric *
metrics_seconds(struct metrics *m, const char *name, const char *help, const char *label)
{
	static const double bounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
	    0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60};

	return metrics_histogram(m, name, help, label, bounds, sizeof(bounds) / sizeof(bounds[0]));
}

/* -- values -- */

static struct series *
find_series(struct metric *f, const char *value)
{
	const char *label = f->label == NULL || value == NULL ? "" : value;

	for (size_t i = 0; i < f->n_series; i++) {
		if (strncmp(f->series[i].label, label, METRIC_LABEL_MAX - 1) == 0)
			return &f->series[i];
	}
	/* The last place is kept for what finds none. */
	if (f->n_series >= METRIC_SERIES_MAX - 1 && strcmp(label, OTHER) != 0)
		return find_series(f, OTHER);
	return add_series(f, label);
}

void
metric_add(struct metric *f, const char *value, double by)
{
	if (f != NULL)
		find_series(f, value)->value += by;
}

void
metric_set(struct metric *f, const char *value, double to)
{
	if (f != NULL)
		find_series(f, value)->value = to;
}

void
metric_observe(struct metric *f, const char *value, double x)
{
	metric_observe_at(f, metric_place(f, value), x);
}

size_t
metric_place(struct metric *f, const char *value)
{
	return f != NULL ? (size_t)(find_series(f, value) - f->series) : 0;
}

void
metric_add_at(struct metric *f, size_t place, double by)
{
	if (f != NULL)
		f->series[place].value += by;
}

void
metric_observe_at(struct metric *f, size_t place, double x)
{
	struct series *s;
	size_t i = 0;

	if (f == NULL)
		return;
	s = &f->series[place];
	while (i < f->n_bounds && x > f->bounds[i])
		i++;
	s->buckets[i]++;
	s->count++;
	s->value += x;
}

/* -- text -- */

/* {label="value",extra}; nothing when there is neither. */
static void
write_labels(struct buf *out, const struct metric *f, const struct series *s, const char *extra)
{
	if (f->label == NULL && extra == NULL)
		return;
	buf_add_str(out, "{");
	if (f->label != NULL) {
		buf_addf(out, "%s=\"", f->label);
		for (const char *p = s->label; *p != '\0'; p++) {
			if (*p == '\n')
				buf_add_str(out, "\\n");
			else
				buf_addf(out, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
		}
		buf_add_str(out, "\"");
	}
	if (extra != NULL)
		buf_addf(out, "%s%s", f->label != NULL ? "," : "", extra);
	buf_add_str(out, "}");
}

static void
write_number(struct buf *out, double x)
{
	if (x == floor(x) && fabs(x) < 1e15)
		buf_addf(out, " %.0f\n", x);
	else
		buf_addf(out, " %.9g\n", x);
}

static void
write_histogram(struct buf *out, const struct metric *f, const struct series *s)
{
	uint64_t sum = 0;
	char le[48];

	for (size_t i = 0; i <= f->n_bounds; i++) {
		sum += s->buckets[i];
		if (i < f->n_bounds)
			(void)snprintf(le, sizeof(le), "le=\"%g\"", f->bounds[i]);
		else
			(void)snprintf(le, sizeof(le), "le=\"+Inf\"");
		buf_addf(out, "%s_bucket", f->name);
		write_labels(out, f, s, le);
		write_number(out, (double)sum);
	}
	buf_addf(out, "%s_sum", f->name);
	write_labels(out, f, s, NULL);
	write_number(out, s->value);
	buf_addf(out, "%s_count", f->name);
	write_labels(out, f, s, NULL);
	write_number(out, (double)s->count);
}

void
metrics_write(const struct metrics *m, struct buf *out)
{
	const struct metric *f;

	if (m == NULL)
		return;
	TAILQ_FOREACH(f, &m->families, entry)
	{
		buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name,
		    kind_names[f->kind]);
		for (size_t i = 0; i < f->n_series; i++) {
			if (f->kind == METRIC_HISTOGRAM) {
				write_histogram(out, f, &f->series[i]);
				continue;
			}
			buf_add_str(out, f->name);
			write_labels(out, f, &f->series[i], NULL);
			write_number(out, f->series[i].value);
		}
	}
}
