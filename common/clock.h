/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * clock: the clocks everything uses. Wall time for what people and the database read, the monotonic
 * clock for every wait, and for leases the one that goes on while the machine sleeps. Modules under
 * test take their time as a parameter.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void);	  /* milliseconds since 1970 */
int64_t clock_monotonic_ms(void); /* milliseconds since some start */
int64_t clock_monotonic_us(void); /* microseconds since the same start */
int64_t clock_lease_ms(void);	  /* the same, suspended time counted */

#endif
