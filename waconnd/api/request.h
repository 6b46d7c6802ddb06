/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * request: what holds for the fields of any request, whatever its operation: texts that the
 * database takes, and the rules for the kinds of values that several operations have.
 */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#define REQUEST_TEXT_MAX 65536	  /* bytes of a message, which WhatsApp takes */
#define REQUEST_TEMPLATE_MAX 4096 /* characters of a blast's text */

/* Are all strings in the message and below it valid UTF-8? */
bool request_is_text(const ProtobufCMessage *message);
/* Characters (code points) of valid UTF-8. */
size_t request_length(const char *text);
/* Nothing but white space? */
bool request_is_blank(const char *text);
/* A name as people give it: 1 to max bytes, not blank, no control characters. */
bool request_is_name(const char *text, size_t max);
/* What is searched for among stored numbers: the digits of q without leading zeros, so that 0812
 * finds 62812. */
void request_digits(const char *q, char *out, size_t size);
/* Is it one of the words, which end with NULL? */
bool request_is_one_of(const char *word, const char *const *words);

#endif
