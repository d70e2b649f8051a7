/* SPDX-License-Identifier: BSD-3-Clause */
/* Map, unmap and sync: the checks, the mapping nodes, and the order of an invalidation. */
#include <errno.h>
#include <string.h>

#include "iommu_node.h"
#include "iommu_registry.h"

/* --- map ------------------------------------------------------------------------------------ */

static bool is_in_hole(const struct iommu_limits *limits, uint64_t iova, uint64_t last)
{
	for (unsigned int i = 0; i < limits->hole_count; i++) {
		/* Not the end, which is 0 when the hole ends with the address space. */
		if (iova <= limits->hole[i].iova + (limits->hole[i].size - 1) &&
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
	struct iommu_node *node;
	int ret = iommu_node_add(domain, mapping, &node);

	if (ret != 0)
		return ret;
	if (usage->entries_limit != 0 && usage->entries_used >= usage->entries_limit) {
		ret = -ENOSPC;
		goto remove_node;
	}
	ret = domain->unit->ops->map(domain, mapping);
	if (ret != 0)
		goto remove_node;
	usage->maps++;
	usage->mappings++;
	usage->entries_used++;
	usage->mapped_bytes += mapping->size;
	return 0;

remove_node:
	iommu_node_remove(domain, node);
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

/* What the checks above refuse; a backend knows the rest. */
static const char *error_text(int code)
{
	switch (code) {
	case -ERANGE:
		return "the addresses are past the domain's width or in a hole; see show iommu "
		       "limits";
	case -EEXIST:
		return "a mapping is there already";
	case -ENOSPC:
		return "all entries of the domain are in use; larger pages need fewer";
	case -EFAULT:
		return "the unit does not know the memory";
	default:
		return strerror(-code);
	}
}

int iommu_map_error(struct iommu_domain *domain, int code, uint64_t size, struct base_error *err)
{
	const struct iommu_ops *ops = domain->unit->ops;

	if (ops->explain_map != NULL)
		ops->explain_map(domain, code, size, err);
	return base_error_set(err, code, "%s", error_text(code));
}

/* --- unmap ---------------------------------------------------------------------------------- */

static void unmap_node(struct iommu_domain *domain, struct iommu_node *node,
		       struct iommu_gather *gather)
{
	struct iommu_domain_usage *usage = &domain->usage;
	struct iommu_mapping mapping;

	if (gather->count == 0) {
		gather->start = UINT64_MAX;
		gather->last = 0;
		gather->pages = 0;
		gather->freelist = NULL;
		gather->is_open = false;
	}
	iommu_node_mapping(node, &mapping);
	domain->unit->ops->unmap(domain, &mapping, gather);
	gather->count++;
	usage->syncs += !gather->is_open;
	iommu_node_remove(domain, node);
	usage->unmaps++;
	usage->mappings--;
	usage->entries_used--;
	usage->mapped_bytes -= mapping.size;
}

static int unmap_locked(struct iommu_domain *domain, uint64_t iova, uint64_t size,
			struct iommu_gather *gather)
{
	struct iommu_node *node = iommu_node_at(domain, iova);

	if (node == NULL || (size != 0 && node->range.start > iova + (size - 1)))
		return -ENOENT;
	if (node->range.start != iova || node->range.last - iova != size - 1)
		return -EINVAL;
	unmap_node(domain, node, gather);
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
 * A translator that is seen offline after the fence either ended its burst, or began a new one
 * after the invalidation: its own fence stands between going online and looking anything up.
 * rte_rcu_qsbr_check() asks the same with 5 cycles a translator.
 */
static bool is_any_online(const struct iommu_unit *unit)
{
	const struct rte_rcu_qsbr_cnt *cnt = unit->qsbr->qsbr_cnt;
	const struct rte_rcu_qsbr_cnt *end;
	uint64_t online = 0;

	rte_atomic_thread_fence(__ATOMIC_SEQ_CST);
	end = cnt + __atomic_load_n(&unit->qsbr_id_limit, __ATOMIC_ACQUIRE);
	for (; cnt < end; cnt++)
		online |= __atomic_load_n(&cnt->cnt, __ATOMIC_ACQUIRE);
	return online != 0;
}

/* Not rte_rcu_qsbr_synchronize(): it is no inline function, and ThreadSanitizer sees only ours. */
void iommu_wait_for_bursts(const struct iommu_unit *unit)
{
	if (is_any_online(unit))
		rte_rcu_qsbr_check(unit->qsbr, rte_rcu_qsbr_start(unit->qsbr), true);
}

/*
 * First no new burst may find the old translations, then the bursts that may hold one end, and
 * only then can table pages go: a walk in such a burst may stand in one of them.
 */
static int close_gather(struct iommu_domain *domain, struct iommu_gather *gather)
{
	const struct iommu_ops *ops = domain->unit->ops;
	int ret;

	rte_spinlock_lock(&domain->lock);
	ret = ops->sync(domain, gather);
	domain->usage.syncs += ret == 0;
	rte_spinlock_unlock(&domain->lock);
	if (ret != 0)
		return ret;
	iommu_wait_for_bursts(domain->unit);
	if (gather->freelist != NULL && ops->free_tables != NULL) {
		rte_spinlock_lock(&domain->lock);
		ops->free_tables(domain, gather->freelist);
		rte_spinlock_unlock(&domain->lock);
	}
	return 0;
}

int iommu_sync(struct iommu_domain *domain, struct iommu_gather *gather)
{
	int ret;

	if (gather->count == 0)
		return 0;
	if (gather->is_open) {
		ret = close_gather(domain, gather);
		if (ret != 0)
			return ret;
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
	struct iommu_node *node;
	uint64_t from = 0;

	rte_spinlock_lock(&domain->lock);
	/* Not from 0 again each time: thousands of nodes rest there. */
	while ((node = iommu_node_at(domain, from)) != NULL) {
		from = node->range.last + 1;
		unmap_node(domain, node, &gather);
		if (from == 0)
			break;
	}
	rte_spinlock_unlock(&domain->lock);
	/* A failed invalidation cannot be told; the tables go with the domain either way. */
	iommu_sync(domain, &gather);
	iommu_node_free_all(domain);
}
