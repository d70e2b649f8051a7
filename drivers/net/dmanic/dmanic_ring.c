/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptors of a ring as the device reaches them: by IOVA, in as few accesses as there can be. */
#include <string.h>

#include <rte_branch_prediction.h>

#include "dmanic_wire.h"

unsigned int dmanic_ring_reach(struct iommu_translator *translator,
			       const struct dmanic_ring_range *range, uint16_t prot,
			       struct iommu_span spans[DMANIC_RING_SPANS])
{
	uint16_t left = range->size - range->index;
	uint16_t first = range->count < left ? range->count : left;
	struct iommu_access access[2];

	access[0].iova = range->iova + (uint64_t)range->index * DMANIC_DESC_SIZE;
	access[0].len = first * DMANIC_DESC_SIZE;
	access[0].prot = prot;
	if (likely(first == range->count)) {
		iommu_translate_burst(translator, access, 1, spans, DMANIC_RING_SPANS);
		return access[0].span_count;
	}
	access[1].iova = range->iova;
	access[1].len = (range->count - first) * DMANIC_DESC_SIZE;
	access[1].prot = prot;
	iommu_translate_burst(translator, access, 2, spans, DMANIC_RING_SPANS);
	if (access[0].span_count == 0 || access[1].span_count == 0)
		return 0;
	return access[0].span_count + access[1].span_count;
}

bool dmanic_ring_fetch(struct iommu_translator *translator, const struct dmanic_ring_range *range,
		       void *to)
{
	struct iommu_span spans[DMANIC_RING_SPANS];
	unsigned int count = dmanic_ring_reach(translator, range, IOMMU_READ, spans);
	uint8_t *at = to;

	for (unsigned int i = 0; i < count; i++) {
		memcpy(at, spans[i].vaddr, spans[i].len);
		at += spans[i].len;
	}
	return count > 0;
}
