/* SPDX-License-Identifier: BSD-3-Clause */
/* Which domain a dmanic is behind, and, under programs that know nothing of it, what is mapped. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "iommu.h"

#define DMANIC_UNITS 16

struct dmanic_args;

struct dmanic_memory {
	struct iommu_device *device;
	struct iommu_domain *domain; /* ours, NULL: the application's */
	struct iommu_unit *unit;
	uint8_t unit_id;
	bool is_mapping_eal;
	TAILQ_ENTRY(dmanic_memory) link;
};

/**
 * Finds the device that the application has attached under this name. Otherwise makes a domain of
 * its own on unit args->unit, attaches, and (args->is_mapping_eal) maps all of EAL's memory, now
 * and as it changes. Control thread; the reason of a failure is logged.
 */
int dmanic_memory_attach(struct dmanic_memory *memory, const char *name,
			 const struct dmanic_args *args);
/** All translators must be gone. */
void dmanic_memory_detach(struct dmanic_memory *memory);

/** Maps memory that the application registered with rte_extmem_register(); errors of iommu_map. */
int dmanic_memory_map(struct dmanic_memory *memory, void *addr, uint64_t iova, size_t len);
/** Unmaps it, with a completed invalidation. */
int dmanic_memory_unmap(struct dmanic_memory *memory, void *addr, uint64_t iova, size_t len);
