/* SPDX-License-Identifier: BSD-3-Clause */
/* Map, unmap and sync: the checks, the mapping nodes, and the order of an invalidation. */
#include <errno.h>
#include <stdlib.h>

#include "iommu_registry.h"

#define NODES_PER_BLOCK 255

/* Nodes come in blocks: malloc() for each map costs as much as the table update. */
struct node_block {
	struct node_block *next;
	struct iommu_node node[NODES_PER_BLOCK];
};

/* --- nodes ---------------------------------------------------------------------------------- */

static struct iommu_node *node_refill(struct iommu_domain *domain)
{
	struct node_block *block = malloc(sizeof(*block));

	if (block == NULL)
		return NULL;
	block->next = domain->node_blocks;
	domain->node_blocks = block;
	for (unsigned int i = 0; i < NODES_PER_BLOCK; i++)
		block->node[i].next_free = i + 1 < NODES_PER_BLOCK ? &block->node[i + 1] : NULL;
	return &block->node[0];
}

static struct iommu_node *node_get(struct iommu_domain *domain)
{
	struct iommu_node *node = domain->node_freelist;

	if (node == NULL)
		node = node_refill(domain);
	if (node != NULL)
		domain->node_freelist = node->next_free;
	return node;
}

static void node_put(struct iommu_domain *domain, struct iommu_node *node)
{
	node->next_free = domain->node_freelist;
	domain->node_freelist = node;
}

/* --- map ------------------------------------------------------------------------------------ */

static bool is_in_hole(const struct iommu_limits *limits, uint64_t iova, uint64_t last)
{
	for (unsigned int i = 0; i < limits->hole_count; i++) {
		if (iova < limits->hole[i].iova + limits->hole[i].size &&
		    limits->hole[i].iova <= last)
			return true;
	}
	return false;
}

/* The checks that need no lock, in the order in which iommu.h lists their errnos. */
static int check(const struct iommu_domain *domain, uint64_t iova, const void *vaddr, uint64_t size,
		 uint64_t page_size, uint32_t prot)
{
	uint64_t last = iova + size - 1;

	if (size == 0 || prot == 0 || (prot & ~(IOMMU_READ | IOMMU_WRITE)) != 0 ||
	    page_size < IOMMU_PAGE_SIZE || (page_size & (page_size - 1)) != 0)
		return -EINVAL;
	if (((iova | (uintptr_t)vaddr | size) & (IOMMU_PAGE_SIZE - 1)) != 0)
		return -ENXIO;
	if (last < iova || (domain->addr_bits < 64 && last >> domain->addr_bits != 0) ||
	    is_in_hole(&domain->unit->limits, iova, last))
		return -ERANGE;
	if (vaddr == NULL || (uintptr_t)vaddr + (size - 1) < (uintptr_t)vaddr)
		return -EFAULT;
	return 0;
}

static int map_locked(struct iommu_domain *domain, const struct iommu_mapping *mapping)
{
	struct iommu_domain_usage *usage = &domain->usage;
	struct iommu_node *node = node_get(domain);
	int ret;

	if (node == NULL)
		return -ENOMEM;
	node->range.start = mapping->iova;
	node->range.last = mapping->iova + mapping->size - 1;
	node->mapping = *mapping;
	ret = base_interval_insert(&domain->mappings, &node->range);
	if (ret != 0)
		goto put_node;
	if (usage->entries_limit != 0 && usage->entries_used >= usage->entries_limit) {
		ret = -ENOSPC;
		goto remove_node;
	}
	ret = domain->unit->ops->map(domain, mapping);
	if (ret != 0)
		goto remove_node;
	usage->mappings++;
	usage->entries_used++;
	usage->mapped_bytes += mapping->size;
	return 0;

remove_node:
	base_interval_remove(&domain->mappings, &node->range);
put_node:
	node_put(domain, node);
	return ret;
}

int iommu_map(struct iommu_domain *domain, uint64_t iova, void *vaddr, uint64_t size,
	      uint64_t page_size, uint32_t prot)
{
	const struct iommu_mapping mapping = {
		.iova = iova,
		.vaddr = vaddr,
		.size = size,
		.page_size = page_size,
		.prot = prot,
	};
	int ret = check(domain, iova, vaddr, size, page_size, prot);

	if (ret != 0)
		return ret;
	rte_spinlock_lock(&domain->lock);
	ret = map_locked(domain, &mapping);
	rte_spinlock_unlock(&domain->lock);
	return ret;
}

/* --- unmap ---------------------------------------------------------------------------------- */

static void unmap_node(struct iommu_domain *domain, struct iommu_node *node,
		       struct iommu_gather *gather)
{
	struct iommu_domain_usage *usage = &domain->usage;

	if (gather->count == 0) {
		gather->start = UINT64_MAX;
		gather->last = 0;
		gather->pages = 0;
		gather->freelist = NULL;
	}
	domain->unit->ops->unmap(domain, &node->mapping, gather);
	gather->count++;
	base_interval_remove(&domain->mappings, &node->range);
	usage->mappings--;
	usage->entries_used--;
	usage->mapped_bytes -= node->mapping.size;
	node_put(domain, node);
}

static int unmap_locked(struct iommu_domain *domain, uint64_t iova, uint64_t size,
			struct iommu_gather *gather)
{
	struct base_interval *range = base_interval_from(&domain->mappings, iova);

	if (range == NULL || (size != 0 && range->start > iova + (size - 1)))
		return -ENOENT;
	if (range->start != iova || range->last - range->start != size - 1)
		return -EINVAL;
	unmap_node(domain, (struct iommu_node *)range, gather);
	return 0;
}

int iommu_unmap(struct iommu_domain *domain, uint64_t iova, uint64_t size,
		struct iommu_gather *gather)
{
	int ret;

	rte_spinlock_lock(&domain->lock);
	ret = unmap_locked(domain, iova, size, gather);
	rte_spinlock_unlock(&domain->lock);
	return ret;
}

/* --- sync ----------------------------------------------------------------------------------- */

/*
 * First no new burst may find the old translations, then the bursts that may hold one end, and
 * only then can table pages go: a walk in such a burst may stand in one of them.
 */
int iommu_sync(struct iommu_domain *domain, struct iommu_gather *gather)
{
	const struct iommu_ops *ops = domain->unit->ops;
	int ret;

	if (gather->count == 0)
		return 0;
	rte_spinlock_lock(&domain->lock);
	ret = ops->sync(domain, gather);
	domain->usage.syncs += ret == 0;
	rte_spinlock_unlock(&domain->lock);
	if (ret != 0)
		return ret;
	rte_rcu_qsbr_synchronize(domain->unit->qsbr, RTE_QSBR_THRID_INVALID);
	if (gather->freelist != NULL && ops->free_tables != NULL) {
		rte_spinlock_lock(&domain->lock);
		ops->free_tables(domain, gather->freelist);
		rte_spinlock_unlock(&domain->lock);
	}
	gather->freelist = NULL;
	gather->count = 0;
	gather->pages = 0;
	return 0;
}

/* Nobody can use the domain any more: it has no devices. */
void iommu_domain_clear(struct iommu_domain *domain)
{
	struct iommu_gather gather = {0};
	struct base_interval *range;
	struct node_block *block;

	rte_spinlock_lock(&domain->lock);
	while ((range = base_interval_from(&domain->mappings, 0)) != NULL)
		unmap_node(domain, (struct iommu_node *)range, &gather);
	rte_spinlock_unlock(&domain->lock);
	/* A failed invalidation cannot be told; the tables go with the domain either way. */
	iommu_sync(domain, &gather);
	while ((block = domain->node_blocks) != NULL) {
		domain->node_blocks = block->next;
		free(block);
	}
	domain->node_freelist = NULL;
}
