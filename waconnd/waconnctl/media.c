/* SPDX-License-Identifier: GPL-3.0-or-later */
/* media add, send: files to the daemon, and one message by hand. Never holds more of a file than a
 * chunk. */
#include "waconnd/waconnctl/media.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "waconnd/waconnctl/command.h"

#define ID_PREFIX "media_"

/* -- one file -- */

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static int
begin(struct ctl *ctl, const char *path, char *ret_id)
{
	Ipc__Request q = IPC__REQUEST__INIT;
	Ipc__MediaBegin m = IPC__MEDIA_BEGIN__INIT;
	json_t *answer = NULL;
	const char *id;
	int status;

	m.file_name = (char *)(uintptr_t)base_name(path);
	q.op_case = IPC__REQUEST__OP_MEDIA_BEGIN;
	q.media_begin = &m;
	status = ctl_ask(ctl, &q, CTL_DEADLINE_MS, &answer);
	id = status == 0 ? ctl_string(answer, "media.id") : NULL;
	if (id != NULL && strlen(id) <= MEDIA_ID_MAX)
		memcpy(ret_id, id, strlen(id) + 1);
	else if (status == 0)
		status = ctl_say(ctl, CTL_UNASKED, "the daemon's answer has no id");
	json_decref(answer);
	return status;
}

static int
send_chunk(struct ctl *ctl, const char *id, uint32_t n, uint8_t *bytes, size_t len)
{
	Ipc__Request q = IPC__REQUEST__INIT;
	Ipc__MediaChunk m = IPC__MEDIA_CHUNK__INIT;
	json_t *answer = NULL;
	int status;

	m.id = (char *)(uintptr_t)id;
	m.has_n = 1;
	m.n = n;
	m.has_bytes = 1;
	m.bytes.data = bytes;
	m.bytes.len = len;
	q.op_case = IPC__REQUEST__OP_MEDIA_CHUNK;
	q.media_chunk = &m;
	status = ctl_ask(ctl, &q, CTL_LONG_MS, &answer);
	json_decref(answer);
	return status;
}

static int
send_chunks(struct ctl *ctl, const char *path, FILE *in, const char *id)
{
	uint8_t *bytes = xmalloc(IPC_MEDIA_CHUNK);
	int status = 0;
	uint32_t n = 0;
	size_t len;

	do {
		len = fread(bytes, 1, IPC_MEDIA_CHUNK, in);
		if (len > 0)
			status = send_chunk(ctl, id, n++, bytes, len);
	} while (status == 0 && len == IPC_MEDIA_CHUNK);
	if (status == 0 && ferror(in) != 0)
		status = ctl_say(ctl, CTL_UNASKED, "%s: %s", path, strerror(errno));
	else if (status == 0 && n == 0)
		status = ctl_say(ctl, CTL_UNASKED, "%s is empty", path);
	free(bytes);
	return status;
}

/* What was begun goes by itself with our connection when it is not ended. */
static int
upload(struct ctl *ctl, const char *path, FILE *in, json_t **ret_answer)
{
	const bool json = ctl->json;
	char id[MEDIA_ID_MAX + 1];
	int status;

	ctl->json = false; /* only the last answer says something */
	status = begin(ctl, path, id);
	if (status == 0)
		status = send_chunks(ctl, path, in, id);
	ctl->json = json;
	return status == 0 ? ctl_ask_id(ctl, IPC__REQUEST__OP_MEDIA_END, id, ret_answer) : status;
}

static int
add(struct ctl *ctl, const char *path, json_t **ret_answer)
{
	FILE *in = fopen(path, "re");
	int status;

	if (in == NULL)
		return ctl_say(ctl, CTL_UNASKED, "%s: %s", path, strerror(errno));
	status = upload(ctl, path, in, ret_answer);
	(void)fclose(in);
	return status;
}

int
media_upload(struct ctl *ctl, const char *path, char ret_id[MEDIA_ID_MAX + 1])
{
	const bool json = ctl->json;
	json_t *answer = NULL;
	const char *id = path;
	int status = 0;

	if (strncmp(path, ID_PREFIX, strlen(ID_PREFIX)) != 0 || access(path, F_OK) == 0) {
		ctl->json = false;
		status = add(ctl, path, &answer);
		ctl->json = json;
		id = ctl_string(answer, "media.id");
	}
	if (status == 0 && (id == NULL || strlen(id) > MEDIA_ID_MAX))
		status = ctl_say(ctl, CTL_UNASKED, "%s is no id of a file", path);
	else if (status == 0)
		memcpy(ret_id, id, strlen(id) + 1);
	json_decref(answer);
	return status;
}

int
command_media_add(struct ctl *ctl, const struct args *args)
{
	json_t *answer = NULL;
	int status = add(ctl, args->words[0], &answer);

	if (status == 0 && !ctl->json)
		(void)fprintf(ctl->out, "%s\n", ctl_string(answer, "media.id"));
	json_decref(answer);
	return status;
}

/* -- one message: ID TO [TEXT] [--media FILE] -- */

int
command_send(struct ctl *ctl, const struct args *args)
{
	const char *file = args_value(args, ARG_MEDIA);
	char *text = args->n_words > 2 ? (char *)(uintptr_t)args->words[2] : NULL;
	Ipc__Request q = IPC__REQUEST__INIT;
	Ipc__MessageSend m = IPC__MESSAGE_SEND__INIT;
	Ipc__MediaPart media = IPC__MEDIA_PART__INIT;
	char id[MEDIA_ID_MAX + 1];
	json_t *answer = NULL;
	int status = 0;

	if (text == NULL && file == NULL)
		return ctl_say(
		    ctl, CTL_UNASKED, "what to send? Give a text, --media FILE, or both");
	m.outlet_id = (char *)(uintptr_t)args->words[0];
	m.to = (char *)(uintptr_t)args->words[1];
	if (file != NULL) {
		status = media_upload(ctl, file, id);
		media.id = id;
		media.caption = text;
		m.media = &media;
	} else {
		m.text = text;
	}
	q.op_case = IPC__REQUEST__OP_MESSAGE_SEND;
	q.message_send = &m;
	if (status == 0)
		status = ctl_ask(ctl, &q, CTL_DEADLINE_MS, &answer);
	if (status == 0 && !ctl->json)
		(void)fprintf(ctl->out, "%s\n", ctl_string(answer, "message.id"));
	json_decref(answer);
	return status;
}
