/* SPDX-License-Identifier: BSD-3-Clause */
/* The mappings of a domain: an ordered set with a short way to a range that was there before. */
#pragma once

#include "iommu_ops.h"

enum iommu_node_state {
	IOMMU_NODE_FREE,
	IOMMU_NODE_MAPPED,
	IOMMU_NODE_RESTING, /* unmapped; keeps its place in the set for the next map of it */
};

/* One cache line: a map or unmap of a known range touches nothing else of the set. */
struct iommu_node {
	struct base_interval range;
	union {
		void *vaddr;
		struct iommu_node *next_free;
	};
	uint8_t page_shift;
	uint8_t prot;
	uint8_t state;
	uint32_t place; /* in the ring of resting nodes */
} __attribute__((aligned(64)));

/** Adds a mapping; domain locked, as for all of these. -EEXIST, -ENOMEM. */
int iommu_node_add(struct iommu_domain *domain, const struct iommu_mapping *mapping,
		   struct iommu_node **out);

/** Takes a mapping out. */
void iommu_node_remove(struct iommu_domain *domain, struct iommu_node *node);

/** The mapping that begins at iova, else the lowest that ends above it, or NULL. */
struct iommu_node *iommu_node_at(struct iommu_domain *domain, uint64_t iova);

/** The next mapping upwards, or NULL. */
struct iommu_node *iommu_node_next(struct iommu_node *node);

/** Gives all nodes back to the heap. */
void iommu_node_free_all(struct iommu_domain *domain);

static inline void iommu_node_mapping(const struct iommu_node *node, struct iommu_mapping *mapping)
{
	mapping->iova = node->range.start;
	mapping->vaddr = node->vaddr;
	mapping->size = node->range.last - node->range.start + 1;
	mapping->page_size = UINT64_C(1) << node->page_shift;
	mapping->prot = node->prot;
}
