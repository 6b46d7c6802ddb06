/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * token: the string dictionaries of binary XML, version 3. Source: PROTOCOL section 4 "Tokens"; the
 * tables are checked against the hash in the test vectors.
 */
#ifndef COMMON_WA_TOKEN_H
#define COMMON_WA_TOKEN_H

#include <stdint.h>

#define TOKEN_SINGLE_COUNT 236
#define TOKEN_DICTIONARIES 4
#define TOKEN_DICTIONARY_SIZE 256

/* NULL for index 0 and past the end. */
const char *token_single(unsigned index);
const char *token_double(unsigned dictionary, unsigned index);
/* 1: a single-byte token in *ret_index; 2: double, with *ret_dictionary; 0: none. By hash, O(1). */
int token_find(const char *text, uint8_t *ret_dictionary, uint8_t *ret_index);

#endif
