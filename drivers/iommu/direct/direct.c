/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers each access from the memory table: no tables, no IOTLB, no protection. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "direct.h"
#include "direct_memory.h"

#define MSI_WINDOW	UINT64_C(0xfee00000) /* a write there is an interrupt, also without IOMMU */
#define MSI_WINDOW_SIZE UINT64_C(0x100000)

void direct_set_limits(struct iommu_limits *limits)
{
	limits->page_sizes = (1u << 12) | (1u << 21) | (1u << 30);
	limits->addr_bits = 64;
	limits->is_protected = false;
	limits->hole_count = 1;
	limits->hole[0].iova = MSI_WINDOW;
	limits->hole[0].size = MSI_WINDOW_SIZE;
}

static int unit_create(struct iommu_unit *unit, const void *config __rte_unused,
		       struct base_error *err __rte_unused)
{
	struct direct_memory *memory = calloc(1, sizeof(*memory));

	if (memory == NULL)
		return -ENOMEM;
	if (direct_memory_init(memory, unit) != 0) {
		free(memory);
		return -ENOMEM;
	}
	direct_set_limits(&unit->limits);
	unit->priv = memory;
	return 0;
}

static void unit_destroy(struct iommu_unit *unit)
{
	direct_memory_fini(unit->priv);
	free(unit->priv);
}

static int memory_add(struct iommu_unit *unit, uint64_t pa, void *vaddr, size_t size)
{
	return direct_memory_add(unit->priv, pa, vaddr, size);
}

static int memory_remove(struct iommu_unit *unit, uint64_t pa, size_t size)
{
	return direct_memory_remove(unit->priv, pa, size);
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

/* --- mappings: nothing to write down, only to check ----------------------------------------- */

static const struct direct_range *find_vaddr(const struct direct_table *table, const uint8_t *vaddr)
{
	for (unsigned int i = 0; i < table->count; i++) {
		const struct direct_range *range = &table->range[i];

		if (vaddr >= range->vaddr &&
		    (uint64_t)(vaddr - range->vaddr) <= range->last - range->pa)
			return range;
	}
	return NULL;
}

static int check_addresses(const struct direct_table *table, const struct iommu_mapping *mapping)
{
	uint64_t done = 0;

	while (done < mapping->size) {
		const uint8_t *vaddr = (const uint8_t *)mapping->vaddr + done;
		const struct direct_range *range = find_vaddr(table, vaddr);
		uint64_t offset;

		if (range == NULL)
			return -EFAULT;
		offset = (uint64_t)(vaddr - range->vaddr);
		if (range->pa + offset != mapping->iova + done)
			return -EADDRNOTAVAIL;
		done += range->last - range->pa - offset + 1;
	}
	return 0;
}

static int map(struct iommu_domain *domain, const struct iommu_mapping *mapping)
{
	struct direct_memory *memory = domain->unit->priv;
	int ret;

	pthread_mutex_lock(&memory->lock);
	ret = check_addresses(memory->table, mapping);
	pthread_mutex_unlock(&memory->lock);
	return ret;
}

static void unmap(struct iommu_domain *domain __rte_unused, const struct iommu_mapping *mapping,
		  struct iommu_gather *gather)
{
	iommu_gather_add(gather, mapping->iova, mapping->iova + mapping->size - 1, 0);
}

/* Nothing is cached, so nothing is stale. */
static int sync(struct iommu_domain *domain __rte_unused,
		const struct iommu_gather *gather __rte_unused)
{
	return 0;
}

static int iova_to_phys(struct iommu_domain *domain, uint64_t iova, uint64_t *pa)
{
	struct direct_memory *memory = domain->unit->priv;
	bool is_memory;

	pthread_mutex_lock(&memory->lock);
	is_memory = direct_table_find(memory->table, iova) != NULL;
	pthread_mutex_unlock(&memory->lock);
	if (!is_memory)
		return -ENOENT;
	*pa = iova;
	return 0;
}

static int walk(struct iommu_device *device, uint64_t iova, struct iommu_walk *result)
{
	snprintf(result->source, sizeof(result->source), "no translation");
	if (iova_to_phys(device->domain, iova, &result->pa) != 0)
		result->reason = IOMMU_REASON_NO_MEMORY;
	else
		result->prot = IOMMU_READ | IOMMU_WRITE;
	return 0;
}

/* --- translation ---------------------------------------------------------------------------- */

/* Spans of one access: how many, 0: refused at *fault, -1: more than span_max. */
static int translate(const struct direct_table *table, const struct iommu_access *access,
		     struct iommu_span *spans, unsigned int span_max, uint64_t *fault)
{
	uint64_t iova = access->iova, left = access->len;
	unsigned int count = 0;

	*fault = iova;
	if (left == 0 || iova + (left - 1) < iova)
		return 0;
	while (left != 0) {
		const struct direct_range *range = direct_table_find(table, iova);
		uint64_t len;

		if (range == NULL) {
			*fault = iova;
			return 0;
		}
		if (count == span_max)
			return -1;
		len = range->last - iova + 1;
		if (len > left)
			len = left;
		spans[count].vaddr = range->vaddr + (iova - range->pa);
		spans[count].len = len;
		count++;
		iova += len;
		left -= len;
	}
	return (int)count;
}

static uint16_t translate_burst(struct iommu_translator *translator, struct iommu_access *accesses,
				uint16_t n, struct iommu_span *spans, uint16_t span_max)
{
	struct direct_memory *memory = translator->priv;
	const struct direct_table *table = __atomic_load_n(&memory->table, __ATOMIC_ACQUIRE);
	unsigned int used = 0;
	uint64_t fault;

	for (uint16_t i = 0; i < n; i++) {
		struct iommu_access *access = &accesses[i];
		int count = translate(table, access, &spans[used], span_max - used, &fault);

		if (count < 0)
			return i;
		access->span_count = (uint16_t)count;
		used += (unsigned int)count;
		if (count == 0) {
			__atomic_store_n(&translator->counters.faults,
					 translator->counters.faults + 1, __ATOMIC_RELAXED);
			iommu_report_fault(translator, fault, access->prot, IOMMU_REASON_NO_MEMORY);
		}
	}
	return n;
}

static int translator_create(struct iommu_translator *translator)
{
	translator->translate_burst = translate_burst;
	translator->priv = translator->device->domain->unit->priv;
	return 0;
}

const struct iommu_ops direct_ops = {
	.name = "direct",
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
	.iova_to_phys = iova_to_phys,
	.walk = walk,
	.translator_create = translator_create,
};
