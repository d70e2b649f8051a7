/* SPDX-License-Identifier: BSD-3-Clause */
/* Real devices without an IOMMU before them: only the kernel's page map can say who is right. */
#include <errno.h>
#include <stdio.h>

#include "direct.h"
#include "hugemem.h"

static int unit_create(struct iommu_unit *unit, const void *config __rte_unused,
		       struct base_error *err __rte_unused)
{
	direct_set_limits(&unit->limits);
	return 0;
}

static void unit_destroy(struct iommu_unit *unit __rte_unused)
{
}

static int domain_create(struct iommu_domain *domain __rte_unused,
			 const struct iommu_domain_config *config __rte_unused,
			 struct base_error *err __rte_unused)
{
	return 0;
}

static void domain_destroy(struct iommu_domain *domain __rte_unused)
{
}

static int attach(struct iommu_device *device __rte_unused, struct base_error *err __rte_unused)
{
	return 0;
}

static void detach(struct iommu_device *device __rte_unused)
{
}

/* Inside a page of the memory, addresses follow each other; from one to the next they need not. */
static int map(struct iommu_domain *domain __rte_unused, const struct iommu_mapping *mapping)
{
	const uint8_t *vaddr = mapping->vaddr;
	uint64_t done = 0;

	while (done < mapping->size) {
		uint64_t offset = (uintptr_t)(vaddr + done) & (mapping->page_size - 1);
		uint64_t pa;
		int ret = hugemem_virt_to_phys(vaddr + done, &pa);

		if (ret != 0)
			return ret == -ENOENT ? -EFAULT : ret;
		if (pa != mapping->iova + done)
			return -EADDRNOTAVAIL;
		done += mapping->page_size - offset;
	}
	return 0;
}

static void unmap(struct iommu_domain *domain __rte_unused, const struct iommu_mapping *mapping,
		  struct iommu_gather *gather)
{
	iommu_gather_add(gather, mapping->iova, mapping->iova + mapping->size - 1, 0);
}

static int sync(struct iommu_domain *domain __rte_unused,
		const struct iommu_gather *gather __rte_unused)
{
	return 0;
}

/* There are no tables to look into: mapped or not, a device comes to the address that it names. */
static int iova_to_phys(struct iommu_domain *domain __rte_unused, uint64_t iova, uint64_t *pa)
{
	*pa = iova;
	return 0;
}

static int walk(struct iommu_device *device __rte_unused, uint64_t iova, struct iommu_walk *result)
{
	snprintf(result->source, sizeof(result->source), "no translation");
	result->pa = iova;
	result->prot = IOMMU_READ | IOMMU_WRITE;
	return 0;
}

const struct iommu_ops direct_hardware_ops = {
	.name = "direct",
	.unit_create = unit_create,
	.unit_destroy = unit_destroy,
	.domain_create = domain_create,
	.domain_destroy = domain_destroy,
	.attach = attach,
	.detach = detach,
	.map = map,
	.unmap = unmap,
	.sync = sync,
	.iova_to_phys = iova_to_phys,
	.walk = walk,
};
