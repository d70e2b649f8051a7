/* SPDX-License-Identifier: BSD-3-Clause */
/* The memory that a direct unit may reach: a sorted table, replaced as a whole. */
#pragma once

#include <pthread.h>

#include "iommu_ops.h"

struct direct_range {
	uint64_t pa;
	uint64_t last; /* inclusive */
	uint8_t *vaddr;
};

struct direct_table {
	unsigned int count;
	struct direct_range range[]; /* by pa, disjoint */
};

struct direct_memory {
	pthread_mutex_t lock; /* writers, and readers outside bursts */
	struct direct_table
		*table; /* writers: replace; bursts: load acquire, good until their end */
	const struct iommu_unit *unit;
};

int direct_memory_init(struct direct_memory *memory, const struct iommu_unit *unit);
void direct_memory_fini(struct direct_memory *memory);

/** Errors of iommu_memory_add(); both return when no burst holds the old table. */
int direct_memory_add(struct direct_memory *memory, uint64_t pa, void *vaddr, size_t size);
int direct_memory_remove(struct direct_memory *memory, uint64_t pa, size_t size);

/** The range that holds pa, or NULL; in a burst, or with the lock held. */
static inline const struct direct_range *direct_table_find(const struct direct_table *table,
							   uint64_t pa)
{
	unsigned int low = 0, high = table->count;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (table->range[middle].last < pa)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == table->count || table->range[low].pa > pa)
		return NULL;
	return &table->range[low];
}
