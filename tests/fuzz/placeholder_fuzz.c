/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as what our own phone answers to a request for messages: what is taken from it is
 * whole, and the Messages in it are read or refused. */
#include "common/wa/message.h"
#include "common/wa/placeholder.h"
#include "tests/fuzz/fuzz.h"

struct sum {
	size_t n;
};

static void
on_result(void *arg, const struct placeholder_result *r)
{
	struct sum *s = arg;
	struct wa_message m;

	must(r->id != NULL && r->timestamp >= 0);
	must(r->len == 0 || r->message != NULL);
	s->n++;
	if (wa_message_read(r->message, r->len, &m) == 0)
		wa_message_done(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sum s = {0};

	if (placeholder_read_answer(data, size, on_result, &s) == 0)
		must(s.n <= PLACEHOLDER_RESULTS_MAX);
	else
		must(s.n == 0);
	return 0;
}
