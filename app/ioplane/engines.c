/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of engines: a new engine is a file and a line here. */
#include "engine.h"

#include <string.h>

const struct engine *const engines[] = {
	&engine_io,	&engine_mac,	&engine_macswap, &engine_replay,
	&engine_rxloss, &engine_rxonly, &engine_txonly,	 NULL,
};

const struct engine *engine_find(const char *name)
{
	for (unsigned int i = 0; engines[i] != NULL; i++)
		if (strcmp(engines[i]->name, name) == 0)
			return engines[i];
	return NULL;
}
