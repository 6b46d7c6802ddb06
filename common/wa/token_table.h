/* SPDX-License-Identifier: GPL-3.0-or-later */
/* token_table: the data behind token.h; nobody else includes it. */
#ifndef COMMON_WA_TOKEN_TABLE_H
#define COMMON_WA_TOKEN_TABLE_H

#include <stdint.h>

#include "common/wa/token.h"

#define TOKEN_TABLE_SLOTS 4096

extern const char *const token_table_single[TOKEN_SINGLE_COUNT];
extern const char *const token_table_double[TOKEN_DICTIONARIES][TOKEN_DICTIONARY_SIZE];
/* By FNV-1a, linear probing: 0 for an empty slot, a single token's number, or (dictionary + 1) << 8
 * | index. */
extern const uint16_t token_table_slots[TOKEN_TABLE_SLOTS];

#endif
