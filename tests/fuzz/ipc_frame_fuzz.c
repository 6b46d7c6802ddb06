/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a peer sends on the daemon's socket, whole and in pieces (the first byte says how long),
 * gives the same frames; each of them, written and read again, is the same.
 */
#include "common/ipc_frame.h"

#include <event2/buffer.h>

#include "tests/fuzz/fuzz.h"

#define OUT_MAX (8u << 20)

static struct bufferevent *
bufferevent(struct event_base *base)
{
	struct bufferevent *bev = bufferevent_socket_new(base, -1, 0);

	must(bev != NULL);
	/* Its input is filled by hand, its output taken by hand. */
	evbuffer_unfreeze(bufferevent_get_input(bev), 0);
	evbuffer_unfreeze(bufferevent_get_output(bev), 1);
	return bev;
}

/* The frame as it is written, into `out`. */
static void
write_frame(struct event_base *base, const Ipc__Frame *frame, struct buf *out)
{
	struct bufferevent *bev = bufferevent(base);
	struct evbuffer *bytes = bufferevent_get_output(bev);

	if (ipc_frame_write(bev, frame) == 0) {
		const size_t len = evbuffer_get_length(bytes);

		must(len == ipc_frame_unsent(bev));
		buf_add(out, evbuffer_pullup(bytes, -1), len);
	}
	bufferevent_free(bev);
}

static void
check_again(struct event_base *base, const Ipc__Frame *frame)
{
	struct buf first = BUF_INIT(OUT_MAX), second = BUF_INIT(OUT_MAX);
	struct bufferevent *bev = bufferevent(base);
	Ipc__Frame *again = NULL;

	write_frame(base, frame, &first);
	if (first.len > 0) {
		evbuffer_add(bufferevent_get_input(bev), first.data, first.len);
		must(ipc_frame_read(bev, &again) == 1);
		write_frame(base, again, &second);
		must(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
		ipc__frame__free_unpacked(again, NULL);
	}
	bufferevent_free(bev);
	buf_done(&first);
	buf_done(&second);
}

/* Everything that came out, with the final verdict. */
static int
run(struct event_base *base, const uint8_t *data, size_t size, size_t step, struct buf *out)
{
	struct bufferevent *bev = bufferevent(base);
	Ipc__Frame *frame;
	int got = 0;

	for (size_t at = 0; at < size && got >= 0; at += step) {
		evbuffer_add(
		    bufferevent_get_input(bev), data + at, size - at < step ? size - at : step);
		while ((got = ipc_frame_read(bev, &frame)) == 1) {
			write_frame(base, frame, out);
			check_again(base, frame);
			ipc__frame__free_unpacked(frame, NULL);
		}
	}
	bufferevent_free(bev);
	return got;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = BUF_INIT(OUT_MAX), pieces = BUF_INIT(OUT_MAX);
	struct event_base *base;

	if (size < 2)
		return 0;
	base = event_base_new();
	must(base != NULL);
	must(run(base, data + 1, size - 1, size, &whole) ==
	     run(base, data + 1, size - 1, 1u + data[0], &pieces));
	must(whole.len == pieces.len);
	must(whole.len == 0 || memcmp(whole.data, pieces.data, whole.len) == 0);
	event_base_free(base);
	buf_done(&whole);
	buf_done(&pieces);
	return 0;
}
