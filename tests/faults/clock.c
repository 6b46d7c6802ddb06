/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A wall clock that a test sets: loaded before a program's libraries (LD_PRELOAD), it adds the
 * seconds in the file CLOCK_FILE (8 bytes, the machine's order) to what the time of day is. Clocks
 * that nobody sets are left alone.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t none;
static const volatile int64_t *ahead = &none;

int clock_gettime(clockid_t clock, struct timespec *ts);
int gettimeofday(struct timeval *restrict tv, void *restrict zone);
time_t time(time_t *ret);

__attribute__((constructor)) static void
begin(void)
{
	const char *file = getenv("CLOCK_FILE");
	int fd = file != NULL ? open(file, O_RDONLY | O_CLOEXEC) : -1;
	void *p = fd >= 0 ? mmap(NULL, sizeof(*ahead), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (p != MAP_FAILED)
		ahead = p;
	if (fd >= 0)
		close(fd);
}

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	const int r = (int)syscall(SYS_clock_gettime, clock, ts);

	if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		ts->tv_sec += *ahead;
	return r;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *ret)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (ret != NULL)
		*ret = ts.tv_sec;
	return ts.tv_sec;
}
