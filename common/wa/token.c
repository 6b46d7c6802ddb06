/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looks up dictionary strings by number and numbers by string. It never changes anything: both
 * directions read const tables (token_table.c).
 */
#include "common/wa/token.h"

#include <stddef.h>
#include <string.h>

#include "common/wa/token_table.h"

#define FNV_OFFSET 2166136261u
#define FNV_PRIME 16777619u

const char *
token_single(unsigned index)
{
	return index > 0 && index < TOKEN_SINGLE_COUNT ? token_table_single[index] : NULL;
}

const char *
token_double(unsigned dictionary, unsigned index)
{
	if (dictionary >= TOKEN_DICTIONARIES || index >= TOKEN_DICTIONARY_SIZE)
		return NULL;
	return token_table_double[dictionary][index];
}

static unsigned
slot_of(const char *text)
{
	uint32_t h = FNV_OFFSET;

	for (; *text != '\0'; text++)
		h = (h ^ (uint8_t)*text) * FNV_PRIME;
	return (h ^ (h >> 15)) % TOKEN_TABLE_SLOTS;
}

static const char *
token_of(uint16_t value)
{
	return value < TOKEN_DICTIONARY_SIZE ? token_table_single[value]
					     : token_table_double[(value >> 8) - 1][value & 0xff];
}

int
token_find(const char *text, uint8_t *ret_dictionary, uint8_t *ret_index)
{
	unsigned i = slot_of(text);

	/* Ends: two thirds of the slots are empty. */
	while (token_table_slots[i] != 0 && strcmp(token_of(token_table_slots[i]), text) != 0)
		i = (i + 1) % TOKEN_TABLE_SLOTS;
	if (token_table_slots[i] == 0)
		return 0;
	*ret_index = (uint8_t)(token_table_slots[i] & 0xff);
	if (token_table_slots[i] < TOKEN_DICTIONARY_SIZE)
		return 1;
	*ret_dictionary = (uint8_t)((token_table_slots[i] >> 8) - 1);
	return 2;
}
