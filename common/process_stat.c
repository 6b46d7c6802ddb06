/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads /proc and rusage. */
#include "common/process_stat.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

double
process_rss_bytes(void)
{
	unsigned long size, resident;
	FILE *f = fopen("/proc/self/statm", "re");
	int n;

	if (f == NULL)
		return 0;
	n = fscanf(f, "%lu %lu", &size, &resident);
	(void)fclose(f);
	return n == 2 ? (double)resident * (double)sysconf(_SC_PAGESIZE) : 0;
}

static double
seconds(const struct timeval *tv)
{
	return (double)tv->tv_sec + (double)tv->tv_usec / 1e6;
}

double
process_cpu_seconds(void)
{
	struct rusage u;

	return getrusage(RUSAGE_SELF, &u) == 0 ? seconds(&u.ru_utime) + seconds(&u.ru_stime) : 0;
}

double
process_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	double n = 0;

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n - 3; /* ".", ".." and the directory itself */
}
