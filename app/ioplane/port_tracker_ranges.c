/* SPDX-License-Identifier: BSD-3-Clause */
/* What is mapped in a domain, as ranges of pages of the size that the IOMMU has them in. */
#include "port_tracker_ranges.h"

#include <errno.h>
#include <stdlib.h>

#define CHUNK 64

/*
 * The leaves of a mapping: the largest that the unit has, the memory's pages allow, and to which
 * addresses and size are aligned.
 */
static uint8_t leaf_shift(const struct iommu_limits *limits, const struct iommu_mapping *mapping)
{
	uint64_t low = mapping->iova | mapping->size | (uint64_t)(uintptr_t)mapping->vaddr;
	uint64_t sizes = limits->page_sizes & (mapping->page_size | (mapping->page_size - 1));

	low &= -low;
	sizes &= low | (low - 1);
	return sizes == 0 ? 12 : (uint8_t)(63 - __builtin_clzll(sizes));
}

int tracker_ranges_read(struct iommu_domain *domain, struct tracker_range **out,
			unsigned int *count)
{
	const struct iommu_limits *limits = iommu_unit_limits(iommu_domain_unit(domain));
	struct iommu_mapping mappings[CHUNK];
	struct tracker_range *ranges = NULL;
	unsigned int total = 0, n;
	uint64_t from = 0;

	while ((n = iommu_mappings(domain, from, mappings, CHUNK)) > 0) {
		struct tracker_range *more = realloc(ranges, (total + n) * sizeof(*ranges));

		if (more == NULL) {
			free(ranges);
			return -ENOMEM;
		}
		ranges = more;
		for (unsigned int i = 0; i < n; i++)
			ranges[total++] = (struct tracker_range){
				.iova = mappings[i].iova,
				.size = mappings[i].size,
				.page_shift = leaf_shift(limits, &mappings[i]),
			};
		from = mappings[n - 1].iova + mappings[n - 1].size;
	}
	*out = ranges;
	*count = total;
	return 0;
}
