/* SPDX-License-Identifier: GPL-3.0-or-later */
/* References in turn, and the parts of pair-success. It writes nothing and keeps no key. */
#include "waconnd/link/link_qr.h"

#include <string.h>

#include "common/wa/adv.h"
#include "common/wa/utf8.h"
#include "common/xalloc.h"

void
link_qr_refs(struct link_qr *qr, const struct node *pair_device)
{
	qr->n = qr->shown = 0;
	for (const struct node *ref = node_first(pair_device);
	     ref != NULL && qr->n < LINK_QR_REFS_MAX; ref = node_next(ref)) {
		size_t len;
		const uint8_t *data = node_data(ref, &len);

		if (!node_is(ref, "ref") || data == NULL || len == 0 || len >= LINK_QR_REF_MAX ||
		    memchr(data, '\0', len) != NULL)
			continue;
		memcpy(qr->refs[qr->n], data, len);
		qr->refs[qr->n++][len] = '\0';
	}
}

bool
link_qr_next(struct link_qr *qr, int64_t now_ms)
{
	if (qr->shown >= qr->n)
		return false;
	qr->expires_ms = now_ms + (qr->shown == 0 ? LINK_QR_FIRST_MS : LINK_QR_NEXT_MS);
	qr->shown++;
	qr->sequence++;
	return true;
}

bool
link_qr_redraw(struct link_qr *qr)
{
	if (qr->shown == 0)
		return false;
	qr->sequence++;
	return true;
}

const char *
link_qr_ref(const struct link_qr *qr)
{
	return qr->shown > 0 ? qr->refs[qr->shown - 1] : "";
}

static const char *
text_or_empty(const char *text)
{
	return text != NULL ? text : "";
}

int
link_pairing_read(const struct node *n, struct link_pairing *ret)
{
	const struct node *device = node_find(n, "device");
	struct link_pairing p = {0};

	p.container = node_data(node_find(n, "device-identity"), &p.container_len);
	if (p.container == NULL || node_get_jid(device, "jid", &p.own) < 0 ||
	    p.own.server != JID_SERVER_PN || p.own.user[0] == '\0')
		return ADV_E_PROTOBUF;
	if (node_get(device, "lid") != NULL &&
	    (node_get_jid(device, "lid", &p.lid) < 0 || p.lid.server != JID_SERVER_LID))
		return ADV_E_PROTOBUF;
	p.platform = text_or_empty(node_get(node_find(n, "platform"), "name"));
	p.business = text_or_empty(node_get(node_find(n, "biz"), "name"));
	*ret = p;
	return 0;
}

char *
link_pairing_name(const struct link_pairing *p)
{
	static const struct {
		const char *platform, *name;
	} names[] = {
	    {"android", "Android"},
	    {"iphone", "iPhone"},
	    {"smba", "WhatsApp Business (Android)"},
	    {"smbi", "WhatsApp Business (iPhone)"},
	};

	if (p->business[0] != '\0')
		return utf8_clean_copy(p->business);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(p->platform, names[i].platform) == 0)
			return xstrdup(names[i].name);
	return utf8_clean_copy(p->platform[0] != '\0' ? p->platform : "WhatsApp");
}
