/* SPDX-License-Identifier: BSD-3-Clause */
/* The backends that keep the contract: one line each. */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>

#include "direct.h"
#include "type1.h"
#include "vtd.h"

#define SOFTWARE                         \
	{                                \
		"contract0", "contract1" \
	}

static const struct vtd_config bad_vtd = {.geometry = {.entries = 3, .ways = 2}};
static const struct type1_config bad_type1 = {.device = "0000:ff:1f.7"};
static struct type1_config type1[CONTRACT_DEVICES];

/* Hardware comes last: without its devices the list ends before it. */
static struct contract_backend backends[] = {
	{"direct", &direct_ops, CONTRACT_SOFTWARE, {NULL}, NULL, SOFTWARE},
	{"vtd",
	 &vtd_ops,
	 CONTRACT_SOFTWARE | CONTRACT_PROTECTION | CONTRACT_TABLES | CONTRACT_REFUSALS,
	 {NULL},
	 &bad_vtd,
	 SOFTWARE},
	{"type1",
	 &type1_ops,
	 CONTRACT_HARDWARE | CONTRACT_PROTECTION | CONTRACT_REFUSALS,
	 {&type1[0], &type1[1]},
	 &bad_type1,
	 {NULL}},
};

/* IOPLANE_TYPE1_DEVICES=ADDRESS,ADDRESS: two of QEMU's edu, bound to vfio-pci. */
static bool find_devices(struct contract_backend *backend)
{
	static char eal[][16] = {"contract", "--in-memory", "--no-pci",	 "--iova-mode=va",
				 "-m",	     "64",	    "--lcores=0"};
	const char *names = getenv("IOPLANE_TYPE1_DEVICES");
	char *arguments[sizeof(eal) / sizeof(eal[0])];
	static char copy[64];

	if (names == NULL)
		return false;
	snprintf(copy, sizeof(copy), "%s", names);
	backend->device[0] = strtok(copy, ",");
	backend->device[1] = strtok(NULL, ",");
	for (unsigned int i = 0; i < CONTRACT_DEVICES; i++)
		type1[i].device = backend->device[i];
	for (unsigned int i = 0; i < sizeof(eal) / sizeof(eal[0]); i++)
		arguments[i] = eal[i];
	if (backend->device[1] == NULL ||
	    rte_eal_init(sizeof(eal) / sizeof(eal[0]), arguments) < 0) {
		fprintf(stderr, "contract: IOPLANE_TYPE1_DEVICES names two devices, for EAL\n");
		exit(1);
	}
	return true;
}

unsigned int contract_backends(const struct contract_backend **out)
{
	unsigned int count = sizeof(backends) / sizeof(backends[0]);

	*out = backends;
	return find_devices(&backends[count - 1]) ? count : count - 1;
}
