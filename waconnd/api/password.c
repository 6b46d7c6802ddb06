/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Password hashing by libargon2. Holds no state; never logs. */
#include "waconnd/api/password.h"

#include <argon2.h>
#include <string.h>

#include "common/rng.h"

/* RFC 9106's second recommended option. */
#define T_COST 3
#define M_COST_KIB 65536
#define PARALLELISM 1
#define SALT_LEN 16
#define HASH_LEN 32

bool
password_acceptable(const char *password)
{
	return password != NULL && strlen(password) >= PASSWORD_MIN &&
	       strlen(password) <= PASSWORD_MAX;
}

int
password_hash(const char *password, char ret_hash[PASSWORD_HASH_LEN])
{
	uint8_t salt[SALT_LEN];

	rng_bytes(salt, sizeof(salt));
	return argon2id_hash_encoded(T_COST, M_COST_KIB, PARALLELISM, password, strlen(password),
		   salt, sizeof(salt), HASH_LEN, ret_hash, PASSWORD_HASH_LEN) == ARGON2_OK
		   ? 0
		   : -1;
}

bool
password_matches(const char *hash, const char *password)
{
	return argon2id_verify(hash, password, strlen(password)) == ARGON2_OK;
}

const char *
password_nobody(void)
{
	return "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
	       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
}
