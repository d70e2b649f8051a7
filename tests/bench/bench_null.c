/* SPDX-License-Identifier: BSD-3-Clause */
/* A backend that does nothing: what is left is the cost of the layers above. */
#include "bench_null.h"

static int unit_create(struct iommu_unit *unit, const void *config __rte_unused,
		       struct base_error *err __rte_unused)
{
	unit->limits.page_sizes = 1u << 12;
	unit->limits.addr_bits = 48;
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

static int map(struct iommu_domain *domain __rte_unused,
	       const struct iommu_mapping *mapping __rte_unused)
{
	return 0;
}

static void unmap(struct iommu_domain *domain __rte_unused, const struct iommu_mapping *mapping,
		  struct iommu_gather *gather)
{
	iommu_gather_add(gather, mapping->iova, mapping->iova + mapping->size - 1, 1);
}

static int sync(struct iommu_domain *domain __rte_unused,
		const struct iommu_gather *gather __rte_unused)
{
	return 0;
}

static int iova_to_phys(struct iommu_domain *domain __rte_unused, uint64_t iova, uint64_t *pa)
{
	*pa = iova;
	return 0;
}

static int translator_create(struct iommu_translator *translator __rte_unused)
{
	return 0;
}

const struct iommu_ops bench_null_ops = {
	.name = "null",
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
	.translator_create = translator_create,
};
