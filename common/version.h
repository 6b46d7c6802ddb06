/* SPDX-License-Identifier: GPL-3.0-or-later */
/* version: of the programs, which are released together. */
#ifndef COMMON_VERSION_H
#define COMMON_VERSION_H

#define WACONN_VERSION "0.1.0"

#endif
