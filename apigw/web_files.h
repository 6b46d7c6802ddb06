/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * web_files: the built web UI, read into memory at the start. Only what was found then can be asked
 * for, by its exact path, so no path from outside ever reaches the file system.
 */
#ifndef APIGW_WEB_FILES_H
#define APIGW_WEB_FILES_H

#include <stdbool.h>
#include <stddef.h>

#define WEB_FILES_MAX 2000
#define WEB_BYTES_MAX (64u << 20)

struct web_file {
	char *path; /* "/assets/main-1a2b.js" */
	unsigned char *data;
	size_t len;
	const struct web_file *gzip; /* the same, compressed; NULL */
	const char *type;
	char etag[36];	/* with its quotes */
	bool immutable; /* its name changes with its content */
};

struct web_files;

/* Never NULL: a root that is not there gives no files (said in the log). */
struct web_files *web_files_load(const char *root);
void web_files_free(struct web_files **files);
const struct web_file *web_files_find(const struct web_files *files, const char *path);
/* The file that answers a page's address (the application draws all pages); NULL when the address
 * is no page. */
const struct web_file *web_files_page(const struct web_files *files, const char *path);

#endif
