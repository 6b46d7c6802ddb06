/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames on the wire: a 32-bit big-endian length and a packed Frame message. Knows nothing of
 * requests and answers. */
#include "common/ipc_frame.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define AT_ONCE (256u << 10) /* bytes; libevent's own is 16 KiB */

void
ipc_frame_begin(struct bufferevent *bev)
{
	bufferevent_setwatermark(bev, EV_READ, 0, IPC_FRAME_MAX + sizeof(uint32_t));
	(void)bufferevent_set_max_single_read(bev, AT_ONCE);
	(void)bufferevent_set_max_single_write(bev, AT_ONCE);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

int
ipc_frame_read(struct bufferevent *bev, Ipc__Frame **ret_frame)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	uint32_t header, len;
	const uint8_t *body;

	if (evbuffer_copyout(in, &header, sizeof(header)) < (ev_ssize_t)sizeof(header))
		return 0;
	len = ntohl(header);
	if (len > IPC_FRAME_MAX)
		return -1;
	if (evbuffer_get_length(in) < sizeof(header) + len)
		return 0;
	evbuffer_drain(in, sizeof(header));
	body = evbuffer_pullup(in, (ev_ssize_t)len);
	*ret_frame = ipc__frame__unpack(NULL, len, len > 0 ? body : (const uint8_t *)"");
	evbuffer_drain(in, len);
	return *ret_frame != NULL ? 1 : -1;
}

int
ipc_frame_write(struct bufferevent *bev, const Ipc__Frame *frame)
{
	size_t len = ipc__frame__get_packed_size(frame);
	uint8_t *bytes;
	uint32_t header;

	if (len > IPC_FRAME_MAX)
		return -1;
	header = htonl((uint32_t)len);
	bytes = xmalloc(sizeof(header) + len);
	memcpy(bytes, &header, sizeof(header));
	ipc__frame__pack(frame, bytes + sizeof(header));
	bufferevent_write(bev, bytes, sizeof(header) + len);
	free(bytes);
	return 0;
}

size_t
ipc_frame_unsent(struct bufferevent *bev)
{
	return evbuffer_get_length(bufferevent_get_output(bev));
}
