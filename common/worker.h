/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * worker: a few threads for what would block the loop (password hashing, name look-ups). A job runs
 * in a thread and touches nothing but its own argument; its `done` runs in the loop. The queue is
 * bounded.
 */
#ifndef COMMON_WORKER_H
#define COMMON_WORKER_H

#include <event2/event.h>

struct worker;

struct worker *worker_new(struct event_base *base, unsigned threads, unsigned queue_max);
/* Waits for jobs that run; the `done` of those that never ran is called with cancelled = 1. */
void worker_free(struct worker **w);
/* -1 when the queue is full (nothing will be called). */
int worker_run(struct worker *w, void (*job)(void *arg), void (*done)(void *arg, int cancelled),
    void *arg) __attribute__((warn_unused_result));

#endif
