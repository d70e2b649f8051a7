/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's own tables, as its debugfs shows them (Linux drivers/iommu/intel/debugfs.c). */
#pragma once

#include <stdio.h>

#include "iommu.h"

/**
 * Looks an IOVA up in a dump of domain_translation_struct: a section for each device, and in it a
 * line for each leaf with the entries on the way to it. -ENOENT: no section of this device.
 */
int type1_tables_read(FILE *dump, const char *address, uint64_t iova, struct iommu_walk *walk);

/**
 * The same from the debugfs below root ("" is the machine's). -ENOTSUP where it has no such file,
 * as without CONFIG_IOMMU_DEBUGFS, or does not show it to us.
 */
int type1_tables_walk(const char *root, const char *address, uint64_t iova,
		      struct iommu_walk *walk);
