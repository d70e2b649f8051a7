/* SPDX-License-Identifier: BSD-3-Clause */
/* The backends that keep the contract: one line each. */
#include "contract.h"

#include "direct.h"

const struct contract_backend contract_backends[] = {
	{"direct", &direct_ops, NULL, NULL},
};
const unsigned int contract_backend_count =
	sizeof(contract_backends) / sizeof(contract_backends[0]);
