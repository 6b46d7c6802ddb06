/* SPDX-License-Identifier: GPL-3.0-or-later */
/* web_pages: answers what is outside /api: the web UI's pages and files. */
#ifndef APIGW_WEB_PAGES_H
#define APIGW_WEB_PAGES_H

struct call;

void web_pages_answer(struct call *c);
/* A file of the web root by its path, "/name". */
void web_pages_file(struct call *c, const char *path);

#endif
