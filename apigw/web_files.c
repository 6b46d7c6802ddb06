/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loading the web UI. Follows no symbolic links and takes regular files only. */
#include "apigw/web_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/xalloc.h"

#define DEPTH_MAX 8
#define PATH_LEN_MAX 512

struct web_files {
	struct web_file *files; /* sorted by path once loaded */
	size_t n;
	size_t bytes;
};

static const struct {
	const char *suffix, *type;
} media_types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".jpg", "image/jpeg"},
    {".webp", "image/webp"},
    {".woff2", "font/woff2"},
    {".json", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".txt", "text/plain; charset=utf-8"},
    {".map", "application/json"},
    {".gz", "application/gzip"},
    {"", "application/octet-stream"},
};

static const char *const pages[] = {"/login", "/outlet-status", "/outlets", "/blast", "/blasts",
    "/contacts", "/settings", "/webhooks", NULL};

static bool
ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && strcmp(s + n - m, suffix) == 0;
}

static const char *
type_of(const char *path)
{
	size_t i = 0;

	while (!ends_with(path, media_types[i].suffix))
		i++;
	return media_types[i].type;
}

static void
set_etag(struct web_file *f)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char *p = f->etag;

	SHA256(f->data, f->len, digest);
	*p++ = '"';
	for (size_t i = 0; i < 16; i++)
		p += snprintf(p, 3, "%02x", digest[i]);
	*p++ = '"';
	*p = '\0';
}

static int
read_all(int fd, unsigned char *data, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = read(fd, data + done, len - done);

		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

static void
add_file(struct web_files *w, int fd, size_t len, const char *path)
{
	struct web_file *f;
	unsigned char *data;

	if (w->n == WEB_FILES_MAX || len > WEB_BYTES_MAX - w->bytes) {
		log_warn("web.too_much", LOG_STR("path", path));
		return;
	}
	data = xmalloc(len + 1);
	if (read_all(fd, data, len) < 0) {
		log_warn("web.unreadable", LOG_STR("path", path));
		free(data);
		return;
	}
	w->files = xreallocarray(w->files, w->n + 1, sizeof(*w->files));
	f = &w->files[w->n++];
	*f = (struct web_file){
	    .path = xstrdup(path), .data = data, .len = len, .type = type_of(path)};
	f->immutable = strncmp(path, "/assets/", 8) == 0;
	set_etag(f);
	w->bytes += len;
}

/* Takes dir_fd. */
static void
load_dir(struct web_files *w, int take_dir_fd, const char *prefix, unsigned depth)
{
	DIR *dir = fdopendir(take_dir_fd);
	struct dirent *e;

	if (dir == NULL) {
		close(take_dir_fd);
		return;
	}
	while ((e = readdir(dir)) != NULL) {
		char path[PATH_LEN_MAX];
		struct stat st;
		int fd;

		if (e->d_name[0] == '.' ||
		    snprintf(path, sizeof(path), "%s/%s", prefix, e->d_name) >= (int)sizeof(path))
			continue;
		fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st) < 0) {
			log_warn("web.skipped", LOG_STR("path", path));
			if (fd >= 0)
				close(fd);
		} else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
			load_dir(w, fd, path, depth + 1);
		} else {
			if (S_ISREG(st.st_mode))
				add_file(w, fd, (size_t)st.st_size, path);
			close(fd);
		}
	}
	closedir(dir);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct web_file *)a)->path, ((const struct web_file *)b)->path);
}

const struct web_file *
web_files_find(const struct web_files *files, const char *path)
{
	const struct web_file key = {.path = (char *)(uintptr_t)path};

	return files->n == 0 ? NULL : bsearch(&key, files->files, files->n, sizeof(key), compare);
}

struct web_files *
web_files_load(const char *root)
{
	struct web_files *w = xcalloc(1, sizeof(*w));
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		log_warn("web.missing", LOG_STR("root", root), LOG_STR("why", strerror(errno)));
		return w;
	}
	load_dir(w, fd, "", 0);
	if (w->n > 0)
		qsort(w->files, w->n, sizeof(*w->files), compare);
	for (size_t i = 0; i < w->n; i++) {
		char name[PATH_LEN_MAX];

		if (snprintf(name, sizeof(name), "%s.gz", w->files[i].path) < (int)sizeof(name))
			w->files[i].gzip = web_files_find(w, name);
	}
	log_info(
	    "web.loaded", LOG_INT("files", (int64_t)w->n), LOG_INT("bytes", (int64_t)w->bytes));
	return w;
}

void
web_files_free(struct web_files **files)
{
	struct web_files *w = *files;

	if (w == NULL)
		return;
	for (size_t i = 0; i < w->n; i++) {
		free(w->files[i].path);
		free(w->files[i].data);
	}
	free(w->files);
	free(w);
	*files = NULL;
}

const struct web_file *
web_files_page(const struct web_files *files, const char *path)
{
	for (size_t i = 0; pages[i] != NULL; i++) {
		size_t n = strlen(pages[i]);

		if (strncmp(path, pages[i], n) == 0 && (path[n] == '\0' || path[n] == '/'))
			return web_files_find(files, "/index.html");
	}
	return NULL;
}
