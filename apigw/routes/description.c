/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this interface is, for programs and for people: files made from docs/openapi.yaml when the
 * web UI is built. */
#include "apigw/routes/routes.h"
#include "apigw/web_pages.h"

void
description_json(struct call *c)
{
	web_pages_file(c, "/openapi.json");
}

void
description_page(struct call *c)
{
	web_pages_file(c, "/api-docs.html");
}
