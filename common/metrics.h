/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * metrics: counters, gauges and histograms of one program, written in Prometheus' text format.
 *
 * A family has a name, a help text and at most one label. Its series are bounded: past
 * METRIC_SERIES_MAX what is new counts under the label value "other". Names, helps, label names and
 * bounds are constants of the caller; label values are copied. Every function takes NULL and does
 * nothing then, so that modules work without metrics. Times are seconds, sizes bytes or rows.
 */
#ifndef COMMON_METRICS_H
#define COMMON_METRICS_H

#include <stddef.h>

#include "common/buf.h"

#define METRIC_SERIES_MAX 128
#define METRIC_LABEL_MAX 96 /* of a value, with its NUL; longer ones are cut */

struct metrics;
struct metric; /* a family; belongs to its metrics */

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metrics *metrics_new(void);
void metrics_free(struct metrics **m);

/* label NULL: one series without a label, there from the start. A counter's name ends in _total. */
struct metric *metrics_counter(
    struct metrics *m, const char *name, const char *help, const char *label);
struct metric *metrics_gauge(
    struct metrics *m, const char *name, const char *help, const char *label);
/* bounds: n ascending upper bounds; +Inf is added. */
struct metric *metrics_histogram(struct metrics *m, const char *name, const char *help,
    const char *label, const double *bounds, size_t n);
/* From some 100 µs to a minute: for what people and programs wait for. */
struct metric *metrics_seconds(
    struct metrics *m, const char *name, const char *help, const char *label);

/* value: the label's, NULL where the family has none. */
void metric_add(struct metric *f, const char *value, double by);
void metric_set(struct metric *f, const char *value, double to);
void metric_observe(struct metric *f, const char *value, double x);

/* The place of a series, for what is counted so often that looking the label up would cost more
 * than counting; good for as long as the family is there. */
size_t metric_place(struct metric *f, const char *value);
void metric_add_at(struct metric *f, size_t place, double by);
void metric_observe_at(struct metric *f, size_t place, double x);

/* All families in the order they were made. */
void metrics_write(const struct metrics *m, struct buf *out);

#endif
