/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ipc_frame: reading and writing of the frames of ipc.proto on a bufferevent. Shared by both ends
 * of ipc; for nobody else. */
#ifndef COMMON_IPC_FRAME_H
#define COMMON_IPC_FRAME_H

#include <event2/bufferevent.h>

#include "common/ipc.h"

/* Begins to read and write: frames of up to IPC_FRAME_MAX, a large one in few system calls. */
void ipc_frame_begin(struct bufferevent *bev);
/*
 * One frame from the input. 1: *ret_frame (free with ipc__frame__free_unpacked), 0: more is needed,
 * -1: not one (too long, or no Frame message): drop the connection.
 */
int ipc_frame_read(struct bufferevent *bev, Ipc__Frame **ret_frame)
    __attribute__((warn_unused_result));
/* -1, and nothing written, when the frame is over IPC_FRAME_MAX. */
int ipc_frame_write(struct bufferevent *bev, const Ipc__Frame *frame)
    __attribute__((warn_unused_result));
size_t ipc_frame_unsent(struct bufferevent *bev);

#endif
