/* SPDX-License-Identifier: BSD-3-Clause */
/* The devargs of a net_dmanic. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include "iommu.h"

struct dmanic_args {
	char cable[IOMMU_NAME_SIZE]; /* name of the device at the other end, "": none asked for */
	uint8_t unit;		     /* IOMMU unit */
	uint8_t levels;		     /* of the page tables, 0: the unit's default */
	bool is_mapping_eal;
	bool is_pausing; /* until flow control says otherwise */
	struct rte_ether_addr mac;
};

/** Reads "key=value,..."; name makes the default address. -EINVAL, and the reason is logged. */
int dmanic_args_parse(const char *name, const char *text, struct dmanic_args *args);
