/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions about a domain: addresses, mappings, usage, and walks with or without tables. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "iommu_node.h"

#define REASON_NO_READ 6 /* "PTE Read access is not set": an empty entry refuses a read */

int iommu_iova_to_phys(struct iommu_domain *domain, uint64_t iova, uint64_t *pa)
{
	int ret;

	rte_spinlock_lock(&domain->lock);
	ret = domain->unit->ops->iova_to_phys(domain, iova, pa);
	rte_spinlock_unlock(&domain->lock);
	return ret;
}

unsigned int iommu_mappings(struct iommu_domain *domain, uint64_t from,
			    struct iommu_mapping *mappings, unsigned int max)
{
	struct iommu_node *node;
	unsigned int count = 0;

	rte_spinlock_lock(&domain->lock);
	node = iommu_node_at(domain, from);
	for (; node != NULL && count < max; node = iommu_node_next(node))
		iommu_node_mapping(node, &mappings[count++]);
	rte_spinlock_unlock(&domain->lock);
	return count;
}

int iommu_ledger_from(struct iommu_domain *domain, uint64_t from, struct iommu_mapping *mapping)
{
	const struct iommu_node *node = iommu_node_at(domain, from);

	if (node == NULL)
		return -ENOENT;
	iommu_node_mapping(node, mapping);
	return 0;
}

void iommu_domain_usage(struct iommu_domain *domain, struct iommu_domain_usage *usage)
{
	rte_spinlock_lock(&domain->lock);
	*usage = domain->usage;
	rte_spinlock_unlock(&domain->lock);
}

/* What can be said without tables: the mapping that the ledger holds. */
static void walk_ledger(struct iommu_domain *domain, uint64_t iova, struct iommu_walk *walk)
{
	const struct iommu_node *node = iommu_node_at(domain, iova);

	snprintf(walk->source, sizeof(walk->source), "ledger");
	walk->reason = REASON_NO_READ;
	if (node == NULL || node->range.start > iova ||
	    domain->unit->ops->iova_to_phys(domain, iova, &walk->pa) != 0)
		return;
	walk->reason = 0;
	walk->prot = node->prot;
	walk->page_size = UINT64_C(1) << node->page_shift;
}

int iommu_walk(struct iommu_device *device, uint64_t iova, struct iommu_walk *walk)
{
	struct iommu_domain *domain = device->domain;
	int ret = -ENOTSUP;

	memset(walk, 0, sizeof(*walk));
	rte_spinlock_lock(&domain->lock);
	if (domain->unit->ops->walk != NULL)
		ret = domain->unit->ops->walk(device, iova, walk);
	if (ret == -ENOTSUP) {
		walk_ledger(domain, iova, walk);
		ret = 0;
	}
	rte_spinlock_unlock(&domain->lock);
	return ret;
}

static int visit_ledger(struct iommu_domain *domain,
			int (*visit)(const struct iommu_mapping *leaf, void *arg), void *arg)
{
	struct iommu_node *node = iommu_node_at(domain, 0);
	struct iommu_mapping mapping;
	int ret = 0;

	for (; node != NULL && ret == 0; node = iommu_node_next(node)) {
		iommu_node_mapping(node, &mapping);
		ret = visit(&mapping, arg);
	}
	return ret;
}

int iommu_for_each_leaf(struct iommu_domain *domain,
			int (*visit)(const struct iommu_mapping *leaf, void *arg), void *arg)
{
	int ret;

	rte_spinlock_lock(&domain->lock);
	if (domain->unit->ops->for_each_leaf != NULL)
		ret = domain->unit->ops->for_each_leaf(domain, visit, arg);
	else
		ret = visit_ledger(domain, visit, arg);
	rte_spinlock_unlock(&domain->lock);
	return ret;
}
