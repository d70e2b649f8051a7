/* SPDX-License-Identifier: BSD-3-Clause */
/* Adds and subtracts histograms of reuse times. */
#include "iotlb_reuse.h"

static uint64_t read_count(const uint64_t *field)
{
	return __atomic_load_n(field, __ATOMIC_RELAXED);
}

void iotlb_reuse_merge(struct iotlb_reuse *into, const struct iotlb_reuse *from)
{
	into->accesses += read_count(&from->accesses);
	into->cold += read_count(&from->cold);
	for (unsigned int i = 0; i < IOTLB_REUSE_BUCKETS; i++) {
		into->count[i] += read_count(&from->count[i]);
		into->fresh[i] += read_count(&from->fresh[i]);
	}
}

void iotlb_reuse_subtract(struct iotlb_reuse *from, const struct iotlb_reuse *earlier)
{
	from->accesses -= earlier->accesses;
	from->cold -= earlier->cold;
	for (unsigned int i = 0; i < IOTLB_REUSE_BUCKETS; i++) {
		from->count[i] -= earlier->count[i];
		from->fresh[i] -= earlier->fresh[i];
	}
}
