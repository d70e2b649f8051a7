/* SPDX-License-Identifier: BSD-3-Clause */
/* The backends that keep the contract: one line each. */
#include "contract.h"

#include "direct.h"
#include "vtd.h"

static const struct vtd_config bad_vtd = {.geometry = {.entries = 3, .ways = 2}};

const struct contract_backend contract_backends[] = {
	{"direct", &direct_ops, 0, NULL, NULL},
	{"vtd", &vtd_ops, CONTRACT_PROTECTION | CONTRACT_TABLES | CONTRACT_REFUSALS, NULL,
	 &bad_vtd},
};
const unsigned int contract_backend_count =
	sizeof(contract_backends) / sizeof(contract_backends[0]);
