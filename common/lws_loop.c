/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The embedding of libuv in libevent. It knows nothing of what the sockets are for. */
#include "common/lws_loop.h"

#include <stdbool.h>
#include <stdlib.h>
#include <uv.h>

#include "common/xalloc.h"

#define DRAIN_TURNS_MAX 1000

struct lws_loop {
	struct event_base *base;
	uv_loop_t uv;
	struct lws_context *context;
	struct event *backend; /* libuv has something to do */
	struct event *timer;   /* libuv's next timer is due */
	struct event *second;
};

/* The events below only wake the loop: uv_run does the work at the next turn. */
static void
wake(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* libwebsockets re-arms its own timer after socket activity only; without this a connect that
 * nobody answers never times out. */
static void
every_second(evutil_socket_t fd, short what, void *arg)
{
	struct lws_loop *loop = arg;

	(void)fd;
	(void)what;
	if (loop->context != NULL)
		lws_cancel_service(loop->context);
}

int
lws_loop_new(struct event_base *base, struct lws_loop **ret_loop)
{
	const struct timeval second = {1, 0};
	struct lws_loop *loop = xcalloc(1, sizeof(*loop));

	loop->base = base;
	if (uv_loop_init(&loop->uv) != 0) {
		free(loop);
		return -1;
	}
	loop->backend = event_new(base, uv_backend_fd(&loop->uv), EV_READ | EV_PERSIST, wake, loop);
	loop->timer = event_new(base, -1, 0, wake, loop);
	loop->second = event_new(base, -1, EV_PERSIST, every_second, loop);
	if (loop->backend == NULL || loop->timer == NULL || loop->second == NULL ||
	    event_add(loop->backend, NULL) < 0 || event_add(loop->second, &second) < 0) {
		lws_loop_free(&loop);
		return -1;
	}
	*ret_loop = loop;
	return 0;
}

struct lws_context *
lws_loop_context(struct lws_loop *loop, struct lws_context_creation_info *info)
{
	void *foreign[1] = {&loop->uv};

	info->options |= LWS_SERVER_OPTION_LIBUV;
	info->foreign_loops = foreign;
	info->pcontext = &loop->context; /* NULL again when it is freed */
	loop->context = lws_create_context(info);
	info->foreign_loops = NULL;
	return loop->context;
}

static int
turn(struct lws_loop *loop)
{
	int ms;

	(void)uv_run(&loop->uv, UV_RUN_NOWAIT);
	ms = uv_backend_timeout(&loop->uv);
	if (ms == 0) /* also while changes of descriptors are queued */
		return event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	if (ms > 0) {
		const struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

		(void)event_add(loop->timer, &tv);
	} else {
		(void)event_del(loop->timer);
	}
	return event_base_loop(loop->base, EVLOOP_ONCE);
}

void
lws_loop_run(struct lws_loop *loop)
{
	while (turn(loop) == 0) {
		if (event_base_got_break(loop->base) || event_base_got_exit(loop->base))
			break;
	}
}

static void
close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void
drain(struct lws_loop *loop)
{
	for (int i = 0; i < DRAIN_TURNS_MAX && uv_run(&loop->uv, UV_RUN_NOWAIT) != 0; i++)
		;
}

void
lws_loop_free(struct lws_loop **lp)
{
	struct lws_loop *loop = *lp;

	if (loop == NULL)
		return;
	if (loop->context != NULL)
		lws_context_destroy(loop->context);
	drain(loop);
	/* On a loop that is not its own, the first call closes and the second frees. */
	if (loop->context != NULL)
		lws_context_destroy(loop->context);
	drain(loop);
	uv_walk(&loop->uv, close_handle, NULL);
	(void)uv_run(&loop->uv, UV_RUN_NOWAIT);
	(void)uv_loop_close(&loop->uv);
	if (loop->backend != NULL)
		event_free(loop->backend);
	if (loop->timer != NULL)
		event_free(loop->timer);
	if (loop->second != NULL)
		event_free(loop->second);
	free(loop);
	*lp = NULL;
}
