/* SPDX-License-Identifier: BSD-3-Clause */
/* A backend for tests of the layers above: records calls, and fails where it is told to. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "fake_iommu.h"

struct fake_state fake;

void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.limits.page_sizes = (1u << 12) | (1u << 21) | (1u << 30);
	fake.limits.addr_bits = 48;
	fake.limits.is_protected = true;
	fake.limits.hole_count = 1;
	fake.limits.hole[0].iova = 0xfee00000;
	fake.limits.hole[0].size = 0x100000;
}

void fake_fail(enum fake_step step, int code, unsigned int skip)
{
	fake.fail[step] = code;
	fake.skip[step] = skip;
}

/* Some calls come under the registries' lock, some under a domain's. */
static int record(enum fake_step step)
{
	unsigned int place = __atomic_fetch_add(&fake.trace_count, 1, __ATOMIC_RELAXED);

	__atomic_fetch_add(&fake.calls[step], 1, __ATOMIC_RELAXED);
	if (place < sizeof(fake.trace))
		__atomic_store_n(&fake.trace[place], step, __ATOMIC_RELAXED);
	if (fake.fail[step] == 0 || fake.skip[step]-- != 0)
		return 0;
	fake.skip[step] = 0;
	return -fake.fail[step];
}

static int unit_create(struct iommu_unit *unit, const void *config, struct base_error *err)
{
	unit->limits = fake.limits;
	return record(FAKE_UNIT_CREATE);
}

static void unit_destroy(struct iommu_unit *unit)
{
	record(FAKE_UNIT_DESTROY);
}

static int memory_add(struct iommu_unit *unit, uint64_t pa, void *vaddr, size_t size)
{
	return record(FAKE_MEMORY_ADD);
}

static int memory_remove(struct iommu_unit *unit, uint64_t pa, size_t size)
{
	return record(FAKE_MEMORY_REMOVE);
}

static int domain_create(struct iommu_domain *domain, const struct iommu_domain_config *config,
			 struct base_error *err)
{
	return record(FAKE_DOMAIN_CREATE);
}

static void domain_destroy(struct iommu_domain *domain)
{
	record(FAKE_DOMAIN_DESTROY);
}

static int attach(struct iommu_device *device, struct base_error *err)
{
	return record(FAKE_ATTACH);
}

static void detach(struct iommu_device *device)
{
	record(FAKE_DETACH);
}

static int map(struct iommu_domain *domain, const struct iommu_mapping *mapping)
{
	fake.mapping = *mapping;
	return record(FAKE_MAP);
}

static void unmap(struct iommu_domain *domain, const struct iommu_mapping *mapping,
		  struct iommu_gather *gather)
{
	bool was_open = gather->is_open;
	int ret = record(FAKE_UNMAP);

	iommu_gather_add(gather, mapping->iova, mapping->iova + mapping->size - 1,
			 mapping->size / IOMMU_PAGE_SIZE);
	if (domain->unit->limits.unmap_syncs)
		gather->is_open = was_open || ret != 0;
	if (fake.freelist != NULL)
		gather->freelist = fake.freelist;
}

static int sync(struct iommu_domain *domain, const struct iommu_gather *gather)
{
	return record(FAKE_SYNC);
}

static void free_tables(struct iommu_domain *domain, void *freelist)
{
	record(FAKE_FREE_TABLES);
}

static int iova_to_phys(struct iommu_domain *domain, uint64_t iova, uint64_t *pa)
{
	*pa = iova;
	return 0;
}

/* Refuses everything: what the generic layer does with a fault can be seen. */
static uint16_t translate_burst(struct iommu_translator *translator, struct iommu_access *accesses,
				uint16_t n, struct iommu_span *spans, uint16_t span_max)
{
	for (uint16_t i = 0; i < n; i++) {
		accesses[i].span_count = 0;
		iommu_report_fault(translator, accesses[i].iova, accesses[i].prot,
				   accesses[i].prot == IOMMU_READ ? 6 : 5);
	}
	return n;
}

static int translator_create(struct iommu_translator *translator)
{
	translator->translate_burst = translate_burst;
	return record(FAKE_TRANSLATOR_CREATE);
}

static void translator_destroy(struct iommu_translator *translator)
{
	record(FAKE_TRANSLATOR_DESTROY);
}

const struct iommu_ops fake_ops = {
	.name = "fake",
	.unit_create = unit_create,
	.unit_destroy = unit_destroy,
	.memory_add = memory_add,
	.memory_remove = memory_remove,
	.domain_create = domain_create,
	.domain_destroy = domain_destroy,
	.attach = attach,
	.detach = detach,
	.map = map,
	.unmap = unmap,
	.sync = sync,
	.free_tables = free_tables,
	.iova_to_phys = iova_to_phys,
	.translator_create = translator_create,
	.translator_destroy = translator_destroy,
};

void fake_attach(struct iommu_unit **unit, struct iommu_domain **domain,
		 struct iommu_device **device)
{
	assert_int_equal(iommu_unit_create(&fake_ops, 0, NULL, unit, NULL), 0);
	assert_int_equal(iommu_domain_create(*unit, NULL, domain, NULL), 0);
	assert_int_equal(iommu_attach(*domain, "dev0", 0x100, device, NULL), 0);
}

void fake_detach(struct iommu_unit *unit, struct iommu_domain *domain, struct iommu_device *device)
{
	assert_int_equal(iommu_detach(device), 0);
	assert_int_equal(iommu_domain_destroy(domain), 0);
	assert_int_equal(iommu_unit_destroy(unit), 0);
}
