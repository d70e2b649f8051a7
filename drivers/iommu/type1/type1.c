/* SPDX-License-Identifier: BSD-3-Clause */
/* The contract of iommu_ops.h kept by the kernel: what a unit, a domain and a device are in VFIO.
 */
#include "type1.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hugemem.h"
#include "iommu_ops.h"
#include "type1_container.h"
#include "type1_dma.h"
#include "type1_error.h"
#include "type1_tables.h"

struct type1_unit {
	struct type1_container container;
	struct type1_dma dma;
	struct iommu_domain *domain; /* the one there may be */
	bool is_live;		     /* a group is in: the kernel maps; domain's lock */
};

int type1_unit_fd(const struct iommu_unit *unit)
{
	return ((const struct type1_unit *)unit->priv)->container.fd;
}

/* --- units ----------------------------------------------------------------------------------- */

static int open_unit(struct type1_unit *type1, const char *device, struct iommu_limits *limits,
		     struct base_error *err)
{
	struct type1_group *group;
	int ret = type1_container_open(&type1->container, err);

	if (ret != 0)
		return ret;
	ret = type1_container_join(&type1->container, device, &group, err);
	if (ret == 0)
		ret = type1_container_limits(&type1->container, limits, err);
	if (ret != 0)
		type1_container_close(&type1->container);
	return ret;
}

static int unit_create(struct iommu_unit *unit, const void *config, struct base_error *err)
{
	const struct type1_config *type1_config = config;
	struct type1_unit *type1;
	int ret;

	if (config == NULL || type1_config->device == NULL)
		return base_error_set(err, -EINVAL,
				      "a unit of type1 needs a device: its PCI address");
	type1 = calloc(1, sizeof(*type1));
	if (type1 == NULL)
		return -ENOMEM;
	ret = open_unit(type1, type1_config->device, &unit->limits, err);
	if (ret != 0) {
		free(type1);
		return ret;
	}
	SLIST_INIT(&type1->dma.stuck);
	type1->dma.fd = type1->container.fd;
	type1->is_live = true;
	unit->priv = type1;
	return 0;
}

static void unit_destroy(struct iommu_unit *unit)
{
	struct type1_unit *type1 = unit->priv;

	type1_container_close(&type1->container);
	type1_dma_forget(&type1->dma);
	free(type1);
}

static int domain_create(struct iommu_domain *domain, const struct iommu_domain_config *config,
			 struct base_error *err)
{
	struct type1_unit *type1 = domain->unit->priv;

	if (type1->domain != NULL)
		return base_error_set(err, -EBUSY,
				      "unit %u of type1 has its domain: a VFIO container is one "
				      "domain, another needs another unit",
				      domain->unit->id);
	if (config->levels != 0)
		return base_error_set(err, -ENOTSUP,
				      "the kernel chooses the levels of a real IOMMU's tables: "
				      "leave levels out");
	type1->domain = domain;
	return 0;
}

/* All has been unmapped by now, but what the kernel refused to unmap is not the next domain's. */
static void domain_destroy(struct iommu_domain *domain)
{
	struct type1_unit *type1 = domain->unit->priv;

	if (type1_dma_sync(&type1->dma) != 0 && type1->is_live)
		type1_dma_unmap_all(&type1->dma);
	type1->domain = NULL;
}

/* --- devices --------------------------------------------------------------------------------- */

/* Each device may narrow what can be mapped; entries were counted when none was used. */
static int narrow(struct iommu_domain *domain, struct base_error *err)
{
	struct type1_unit *type1 = domain->unit->priv;
	struct iommu_limits limits;
	int ret = type1_container_limits(&type1->container, &limits, err);

	if (ret != 0)
		return ret;
	limits.entries_limit = domain->unit->limits.entries_limit;
	rte_spinlock_lock(&domain->lock);
	domain->unit->limits = limits;
	if (limits.addr_bits < domain->addr_bits)
		domain->addr_bits = limits.addr_bits;
	rte_spinlock_unlock(&domain->lock);
	return 0;
}

static int replay_locked(struct iommu_domain *domain, struct base_error *err)
{
	struct type1_unit *type1 = domain->unit->priv;
	struct iommu_mapping mapping;
	uint64_t from = 0;

	while (iommu_ledger_from(domain, from, &mapping) == 0) {
		int ret = type1_dma_map(&type1->dma, &mapping);

		if (ret != 0) {
			type1_error_map(domain, ret, mapping.size, err);
			return ret;
		}
		from = mapping.iova + mapping.size;
		if (from == 0)
			break;
	}
	type1->is_live = true;
	return 0;
}

/* The kernel forgot all mappings with the last group; the domain did not. */
static int replay(struct iommu_domain *domain, struct base_error *err)
{
	struct type1_unit *type1 = domain->unit->priv;
	int ret = 0;

	rte_spinlock_lock(&domain->lock);
	if (!type1->is_live)
		ret = replay_locked(domain, err);
	rte_spinlock_unlock(&domain->lock);
	return ret;
}

static void leave(struct iommu_domain *domain, struct type1_group *group)
{
	struct type1_unit *type1 = domain->unit->priv;
	bool is_last =
		LIST_FIRST(&type1->container.groups) == group && LIST_NEXT(group, link) == NULL;

	if (is_last) {
		rte_spinlock_lock(&domain->lock);
		type1->is_live = false;
		type1_dma_forget(&type1->dma);
		rte_spinlock_unlock(&domain->lock);
	}
	type1_container_leave(group, &type1->container);
}

static int attach(struct iommu_device *device, struct base_error *err)
{
	struct iommu_domain *domain = device->domain;
	struct type1_unit *type1 = domain->unit->priv;
	struct type1_group *group;
	int ret = type1_container_join(&type1->container, device->name, &group, err);

	if (ret != 0)
		return ret;
	if (group->device_count == 0) {
		ret = narrow(domain, err);
		if (ret == 0)
			ret = replay(domain, err);
		if (ret != 0) {
			leave(domain, group);
			return ret;
		}
	}
	group->device_count++;
	device->priv = group;
	return 0;
}

static void detach(struct iommu_device *device)
{
	struct type1_group *group = device->priv;

	if (--group->device_count == 0)
		leave(device->domain, group);
}

/* --- mappings -------------------------------------------------------------------------------- */

/* Pages of 2^shift whole in the mapping, where IOVA and memory are aligned with each other. */
static uint64_t count_pages(const struct iommu_limits *limits, const struct iommu_mapping *mapping,
			    unsigned int shift)
{
	uint64_t page = UINT64_C(1) << shift, end = mapping->iova + mapping->size;
	uint64_t first = (mapping->iova + page - 1) >> shift;

	if ((limits->page_sizes & page) == 0 || mapping->page_size < page ||
	    ((mapping->iova ^ (uintptr_t)mapping->vaddr) & (page - 1)) != 0 ||
	    end >> shift <= first)
		return 0;
	return (end >> shift) - first;
}

static uint64_t account_large(struct iommu_domain *domain, const struct iommu_mapping *mapping,
			      bool is_map)
{
	const struct iommu_limits *limits = &domain->unit->limits;
	struct iommu_domain_usage *usage = &domain->usage;
	uint64_t of_1g = count_pages(limits, mapping, 30), of_2m = count_pages(limits, mapping, 21);
	uint64_t of_4k = (mapping->size >> 12) - (of_2m << 9);

	of_2m -= of_1g << 9;
	usage->leaves_1g += is_map ? of_1g : -of_1g;
	usage->leaves_2m += is_map ? of_2m : -of_2m;
	usage->leaves_4k += is_map ? of_4k : -of_4k;
	return of_1g + of_2m + of_4k;
}

/* The kernel uses larger leaves where it finds small pages contiguous by chance: at most these. */
static inline uint64_t account(struct iommu_domain *domain, const struct iommu_mapping *mapping,
			       bool is_map)
{
	uint64_t of_4k = mapping->size >> 12;

	if (mapping->page_size > IOMMU_PAGE_SIZE && mapping->size >= HUGEMEM_2M)
		return account_large(domain, mapping, is_map);
	domain->usage.leaves_4k += is_map ? of_4k : -of_4k;
	return of_4k;
}

static int map(struct iommu_domain *domain, const struct iommu_mapping *mapping)
{
	struct type1_unit *type1 = domain->unit->priv;
	int ret = type1->is_live ? type1_dma_map(&type1->dma, mapping) : 0;

	if (ret == 0)
		account(domain, mapping, true);
	return ret;
}

static void unmap(struct iommu_domain *domain, const struct iommu_mapping *mapping,
		  struct iommu_gather *gather)
{
	struct type1_unit *type1 = domain->unit->priv;
	bool was_open = gather->is_open;

	if (type1->is_live)
		type1_dma_unmap(&type1->dma, mapping->iova, mapping->size);
	iommu_gather_add(gather, mapping->iova, mapping->iova + (mapping->size - 1),
			 account(domain, mapping, false));
	/* the kernel has invalidated; only what failed is still to be told */
	gather->is_open = was_open || type1->dma.is_failed;
}

static int sync(struct iommu_domain *domain, const struct iommu_gather *gather __rte_unused)
{
	struct type1_unit *type1 = domain->unit->priv;

	return type1_dma_sync(&type1->dma);
}

/* The kernel shows its tables to debuggers only; it pins the memory that was asked for. */
static int iova_to_phys(struct iommu_domain *domain, uint64_t iova, uint64_t *pa)
{
	struct iommu_mapping mapping;

	if (iommu_ledger_from(domain, iova, &mapping) != 0 || mapping.iova > iova)
		return -ENOENT;
	return hugemem_virt_to_phys((const uint8_t *)mapping.vaddr + (iova - mapping.iova), pa);
}

static int walk(struct iommu_device *device, uint64_t iova, struct iommu_walk *result)
{
	return type1_tables_walk("", device->name, iova, result);
}

const struct iommu_ops type1_ops = {
	.name = "type1",
	.unit_create = unit_create,
	.unit_destroy = unit_destroy,
	.domain_create = domain_create,
	.domain_destroy = domain_destroy,
	.attach = attach,
	.detach = detach,
	.map = map,
	.unmap = unmap,
	.sync = sync,
	.explain_map = type1_error_map,
	.iova_to_phys = iova_to_phys,
	.walk = walk,
};
