/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threads that take jobs from one list and put them on another; a pipe tells the loop that there is
 * something on it. The lock covers the two lists and nothing else.
 */
#include "common/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "common/xalloc.h"

struct job {
	STAILQ_ENTRY(job) entry;
	void (*run)(void *arg);
	void (*done)(void *arg, int cancelled);
	void *arg;
};
STAILQ_HEAD(jobs, job);

struct worker {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct jobs waiting, finished;
	unsigned n_waiting, queue_max;
	bool stopping;
	pthread_t *threads;
	unsigned n_threads;
	int pipe[2]; /* threads write a byte, the loop reads it */
	struct event *readable;
};

static void *
thread_main(void *arg)
{
	struct worker *w = arg;
	struct job *job;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (STAILQ_EMPTY(&w->waiting) && !w->stopping)
			pthread_cond_wait(&w->wake, &w->lock);
		if (w->stopping)
			break;
		job = STAILQ_FIRST(&w->waiting);
		STAILQ_REMOVE_HEAD(&w->waiting, entry);
		w->n_waiting--;
		pthread_mutex_unlock(&w->lock);
		job->run(job->arg);
		pthread_mutex_lock(&w->lock);
		STAILQ_INSERT_TAIL(&w->finished, job, entry);
		/* A full pipe already holds a byte that will wake the loop. */
		if (write(w->pipe[1], "", 1) < 0 && errno != EAGAIN)
			abort();
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static struct job *
take_finished(struct worker *w)
{
	struct job *job;

	pthread_mutex_lock(&w->lock);
	job = STAILQ_FIRST(&w->finished);
	if (job != NULL)
		STAILQ_REMOVE_HEAD(&w->finished, entry);
	pthread_mutex_unlock(&w->lock);
	return job;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct job *job;
	char drain[64];

	(void)what;
	while (read(fd, drain, sizeof(drain)) > 0)
		continue;
	while ((job = take_finished(w)) != NULL) {
		job->done(job->arg, 0);
		free(job);
	}
}

struct worker *
worker_new(struct event_base *base, unsigned threads, unsigned queue_max)
{
	struct worker *w = xcalloc(1, sizeof(*w));
	sigset_t all, old;

	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	STAILQ_INIT(&w->waiting);
	STAILQ_INIT(&w->finished);
	w->queue_max = queue_max;
	if (pipe2(w->pipe, O_NONBLOCK | O_CLOEXEC) < 0)
		abort();
	w->readable = event_new(base, w->pipe[0], EV_READ | EV_PERSIST, on_readable, w);
	if (w->readable == NULL || event_add(w->readable, NULL) < 0)
		abort();
	w->threads = xcalloc(threads, sizeof(*w->threads));
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	for (w->n_threads = 0; w->n_threads < threads; w->n_threads++) {
		if (pthread_create(&w->threads[w->n_threads], NULL, thread_main, w) != 0)
			abort();
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return w;
}

static void
finish_all(struct jobs *jobs, int cancelled)
{
	struct job *job;

	while ((job = STAILQ_FIRST(jobs)) != NULL) {
		STAILQ_REMOVE_HEAD(jobs, entry);
		job->done(job->arg, cancelled);
		free(job);
	}
}

void
worker_free(struct worker **wp)
{
	struct worker *w = *wp;

	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->n_threads; i++)
		pthread_join(w->threads[i], NULL);
	finish_all(&w->finished, 0);
	finish_all(&w->waiting, 1);
	event_free(w->readable);
	close(w->pipe[0]);
	close(w->pipe[1]);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w->threads);
	free(w);
	*wp = NULL;
}

int
worker_run(
    struct worker *w, void (*job)(void *arg), void (*done)(void *arg, int cancelled), void *arg)
{
	struct job *j;

	pthread_mutex_lock(&w->lock);
	if (w->n_waiting >= w->queue_max) {
		pthread_mutex_unlock(&w->lock);
		return -1;
	}
	j = xcalloc(1, sizeof(*j));
	*j = (struct job){.run = job, .done = done, .arg = arg};
	STAILQ_INSERT_TAIL(&w->waiting, j, entry);
	w->n_waiting++;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	return 0;
}
