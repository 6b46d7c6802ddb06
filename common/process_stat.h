/* SPDX-License-Identifier: GPL-3.0-or-later */
/* process_stat: what the kernel says of this process. */
#ifndef COMMON_PROCESS_STAT_H
#define COMMON_PROCESS_STAT_H

double process_rss_bytes(void);	  /* resident memory; 0 when /proc is not there */
double process_cpu_seconds(void); /* user and system, since the start */
double process_open_fds(void);	  /* 0 when /proc is not there */

#endif
