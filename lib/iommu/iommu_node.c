/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps the mappings of a domain. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "iommu_node.h"

#define NODES_PER_BLOCK 255

/* Nodes come in blocks, and stay nodes until the domain goes: a stale hint is still a node. */
struct iommu_node_block {
	struct iommu_node_block *next;
	struct iommu_node node[NODES_PER_BLOCK];
};

/*
 * IOVA caches give out again what came back last, so under strict and deferred the same ranges
 * come and go. Removing and inserting in a tree of 4096 costs 130 ns; finding the node that rests
 * in it by a hint, 10 ns. The ring of the last ones to rest says which leaves the tree for good.
 */
static struct iommu_node **hint_of(struct iommu_domain *domain, uint64_t iova)
{
	return &domain->node_hints[iova / IOMMU_PAGE_SIZE % IOMMU_NODE_HINTS];
}

static int refill(struct iommu_domain *domain)
{
	struct iommu_node_block *block;
	void *memory;

	if (posix_memalign(&memory, sizeof(struct iommu_node), sizeof(*block)) != 0)
		return -ENOMEM;
	block = memory;
	memset(block, 0, sizeof(*block));
	block->next = domain->node_blocks;
	domain->node_blocks = block;
	for (unsigned int i = 0; i + 1 < NODES_PER_BLOCK; i++)
		block->node[i].next_free = &block->node[i + 1];
	domain->node_freelist = &block->node[0];
	return 0;
}

static void put(struct iommu_domain *domain, struct iommu_node *node)
{
	node->state = IOMMU_NODE_FREE;
	node->next_free = domain->node_freelist;
	domain->node_freelist = node;
}

static void take_out(struct iommu_domain *domain, struct iommu_node *node)
{
	base_interval_remove(&domain->mappings, &node->range);
	put(domain, node);
}

/* Makes room in [start, last]; -EEXIST when a mapping is there. */
static int clear_resting(struct iommu_domain *domain, uint64_t start, uint64_t last)
{
	struct base_interval *range;

	while ((range = base_interval_from(&domain->mappings, start)) != NULL &&
	       range->start <= last) {
		struct iommu_node *node = (struct iommu_node *)range;

		if (node->state != IOMMU_NODE_RESTING)
			return -EEXIST;
		take_out(domain, node);
	}
	return 0;
}

static int insert(struct iommu_domain *domain, struct iommu_node *node)
{
	int ret = base_interval_insert(&domain->mappings, &node->range);

	if (ret != -EEXIST)
		return ret;
	ret = clear_resting(domain, node->range.start, node->range.last);
	return ret != 0 ? ret : base_interval_insert(&domain->mappings, &node->range);
}

static int add(struct iommu_domain *domain, const struct iommu_mapping *mapping,
	       struct iommu_node **out)
{
	struct iommu_node *node;
	int ret;

	if (domain->node_freelist == NULL && refill(domain) != 0)
		return -ENOMEM;
	node = domain->node_freelist;
	domain->node_freelist = node->next_free;
	node->range.start = mapping->iova;
	node->range.last = mapping->iova + mapping->size - 1;
	ret = insert(domain, node);
	if (ret != 0) {
		put(domain, node);
		return ret;
	}
	*hint_of(domain, mapping->iova) = node;
	*out = node;
	return 0;
}

static bool is_resting_for(const struct iommu_node *node, const struct iommu_mapping *mapping)
{
	return node != NULL && node->state == IOMMU_NODE_RESTING &&
	       node->range.start == mapping->iova &&
	       node->range.last - node->range.start == mapping->size - 1;
}

int iommu_node_add(struct iommu_domain *domain, const struct iommu_mapping *mapping,
		   struct iommu_node **out)
{
	struct iommu_node *node = *hint_of(domain, mapping->iova);
	int ret;

	if (!is_resting_for(node, mapping)) {
		ret = add(domain, mapping, &node);
		if (ret != 0)
			return ret;
	}
	node->state = IOMMU_NODE_MAPPED;
	node->vaddr = mapping->vaddr;
	node->page_shift = (uint8_t)__builtin_ctzll(mapping->page_size);
	node->prot = (uint8_t)mapping->prot;
	*out = node;
	return 0;
}

void iommu_node_remove(struct iommu_domain *domain, struct iommu_node *node)
{
	uint32_t place = domain->resting_next++ % IOMMU_NODE_RESTING_MAX;
	struct iommu_node *oldest = domain->resting[place];

	/* It may have been mapped since, and may rest again, but then in another place. */
	if (oldest != NULL && oldest->state == IOMMU_NODE_RESTING && oldest->place == place)
		take_out(domain, oldest);
	domain->resting[place] = node;
	node->place = place;
	node->state = IOMMU_NODE_RESTING;
}

static struct iommu_node *first_mapped(struct base_interval *range)
{
	while (range != NULL && ((struct iommu_node *)range)->state != IOMMU_NODE_MAPPED)
		range = base_interval_next(range);
	return (struct iommu_node *)range;
}

struct iommu_node *iommu_node_at(struct iommu_domain *domain, uint64_t iova)
{
	struct iommu_node *node = *hint_of(domain, iova);

	if (node != NULL && node->state == IOMMU_NODE_MAPPED && node->range.start == iova)
		return node;
	return first_mapped(base_interval_from(&domain->mappings, iova));
}

struct iommu_node *iommu_node_next(struct iommu_node *node)
{
	return first_mapped(base_interval_next(&node->range));
}

void iommu_node_free_all(struct iommu_domain *domain)
{
	struct iommu_node_block *block;

	while ((block = domain->node_blocks) != NULL) {
		domain->node_blocks = block->next;
		free(block);
	}
	RB_INIT(&domain->mappings);
	memset(domain->node_hints, 0, sizeof(domain->node_hints));
	domain->node_freelist = NULL;
	memset(domain->resting, 0, sizeof(domain->resting));
}
