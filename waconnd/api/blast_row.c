/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asks for one blast and judges its state. Changes nothing. */
#include "waconnd/api/blast_row.h"

#include <string.h>

void
blast_row_ask(struct call *c, const char *id, void (*next)(struct call *c, const PGresult *result))
{
	const struct db_param params[] = {DB_TEXT(id), DB_TEXT(call_scope(c))};

	call_query(c, SQL_BLAST_GET, params, 2, NULL, next);
}

void
blast_row_refuse(struct call *c, const PGresult *r)
{
	const char *status;

	if (PQntuples(r) != 1) {
		call_problem(c, "not_found", NULL);
		return;
	}
	status = PQgetvalue(r, 0, 1);
	if (PQgetvalue(r, 0, 2)[0] != 't')
		call_problem(c, "forbidden", "The blast has other outlets, too.");
	else if (strcmp(status, "COMPLETED") == 0 || strcmp(status, "CANCELLED") == 0 ||
		 strcmp(status, "EXPIRED") == 0)
		call_problem(c, "blast_finished", NULL);
	else
		call_problem(c, "blast_state", NULL);
}
