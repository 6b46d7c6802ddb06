/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fault_point: places at which a test lets the program end as a crash would.
 *
 * Only in what the tests run (SAN=1 defines FAULT_POINTS); otherwise the macro is nothing. With
 * WACONN_FAULT=NAME:N in the environment the Nth pass of the point NAME ends the process at once
 * with FAULT_POINT_STATUS: nothing is flushed, closed or said. tests/faults/points.test.mjs has a
 * row for each name.
 */
#ifndef COMMON_FAULT_POINT_H
#define COMMON_FAULT_POINT_H

#ifdef FAULT_POINTS
#define FAULT_POINT_STATUS 86
#define FAULT_POINT(name) fault_point(name)
void fault_point(const char *name);
#else
#define FAULT_POINT(name) ((void)0)
#endif

#endif
