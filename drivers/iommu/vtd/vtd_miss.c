/* SPDX-License-Identifier: BSD-3-Clause */
/* Accesses that do not hit at once: other page sizes, page crossings, walks, fills and faults. */
#include "vtd_translate.h"
#include "vtd_walk.h"

static inline void set_view(struct vtd_translator *vtd, unsigned int size)
{
	if (vtd->view.size != size)
		vtd->view = vtd_view_of(vtd->context.domain_id, size);
}

static uint8_t load_context(struct vtd_translator *vtd, struct vtd_burst *burst)
{
	struct vtd_unit *unit = vtd->unit;
	uint8_t reason =
		vtd_context_get(&unit->contexts, &unit->memory, vtd->translator->device->source_id,
				&vtd->context, &burst->walk_reads);

	if (reason != 0)
		return reason;
	vtd->has_context = true;
	if (vtd->context.type != VTD_TT_SECOND_STAGE)
		return 0;
	vtd->view = vtd_view_of(vtd->context.domain_id, 0);
	vtd->limit = vtd->context.limit;
	return 0;
}

/* --- IOTLB ---------------------------------------------------------------------------------- */

/* Looks for a page in the sizes other than the view's; makes the one that has it the view. */
static struct vtd_entry *find_other_size(struct vtd_translator *vtd, unsigned int sizes,
					 uint64_t iova, uint64_t *data)
{
	for (unsigned int size = 0; size < VTD_SIZES; size++) {
		struct vtd_view view = vtd_view_of(vtd->context.domain_id, size);
		struct vtd_entry *entry;
		struct vtd_probe probe;

		if (size == vtd->view.size || (sizes & 1u << size) == 0)
			continue;
		entry = vtd_iotlb_probe(&vtd->unit->iotlb, &view, iova, &probe, data);
		if (entry != NULL) {
			vtd->view = view;
			return entry;
		}
	}
	return NULL;
}

static inline struct vtd_entry *find(struct vtd_translator *vtd, struct vtd_burst *burst,
				     uint64_t iova, uint64_t *data)
{
	struct vtd_iotlb *iotlb = &vtd->unit->iotlb;
	struct vtd_entry *entry = vtd_iotlb_probe(iotlb, &vtd->view, iova, &burst->probe, data);
	unsigned int sizes;

	if (entry != NULL)
		return entry;
	sizes = __atomic_load_n(&iotlb->sizes[vtd->view.domain_id], __ATOMIC_RELAXED);
	if ((sizes & ~(1u << vtd->view.size)) == 0)
		return NULL;
	return find_other_size(vtd, sizes, iova, data);
}

/*
 * An entry without the right faults, without another walk: entries hold all rights of their page,
 * and software that adds rights invalidates first, as it must for hardware.
 */
static inline uint8_t check_rights(uint64_t data, uint32_t access)
{
	if ((access & ~data & IOMMU_WRITE) != 0)
		return VTD_FAULT_WRITE;
	return (access & ~data & IOMMU_READ) != 0 ? VTD_FAULT_READ : 0;
}

/* --- walk ----------------------------------------------------------------------------------- */

/* What a walk has found. */
struct leaf {
	uint64_t entry;
	uint64_t generation; /* read before the walk began */
	uint32_t rights;
	uint32_t level;
};

static inline void fill(struct vtd_translator *vtd, struct vtd_burst *burst,
			const struct leaf *leaf, uint64_t iova, const uint8_t *page)
{
	struct vtd_iotlb *iotlb = &vtd->unit->iotlb;
	uint64_t data;

	if (vtd->view.size != leaf->level - 1) {
		set_view(vtd, leaf->level - 1);
		(void)vtd_iotlb_probe(iotlb, &vtd->view, iova, &burst->probe, &data);
	}
	vtd_iotlb_fill(iotlb, &vtd->view, &burst->probe, (uintptr_t)page | leaf->rights,
		       burst->clock, leaf->generation);
	if (burst->tick != 0)
		burst->clock++;
	else
		vtd_clock_fill(vtd, burst);
}

static inline uint8_t span_of_leaf(struct vtd_translator *vtd, struct vtd_burst *burst,
				   const struct leaf *leaf, uint64_t iova, uint64_t len,
				   struct iommu_span *span)
{
	struct vtd_unit *unit = vtd->unit;
	uint64_t page_size = UINT64_C(1) << vtd_level_shift(leaf->level);
	uint64_t offset = iova & (page_size - 1), pa = leaf->entry & VTD_PTE_ADDRESS;
	uint8_t *page = vtd_memory_near(&unit->memory, &vtd->leaves, pa, page_size);

	span->len = len < page_size - offset ? len : page_size - offset;
	if (page != NULL) {
		fill(vtd, burst, leaf, iova, page);
		span->vaddr = page + offset;
		return 0;
	}
	/* A large leaf may reach beyond the memory there is: what is there can be used. */
	span->vaddr = vtd_memory_at(&unit->memory, pa + offset, span->len);
	return span->vaddr == NULL ? IOMMU_REASON_NO_MEMORY : 0;
}

/* Walks from a table that a walk cache knows, or from the top where table is NULL. */
static __attribute__((noinline)) uint8_t walk_far(struct vtd_translator *vtd,
						  struct vtd_burst *burst, const uint64_t *table,
						  uint64_t iova, uint32_t access, struct leaf *leaf)
{
	struct vtd_walker walker = {
		.unit = vtd->unit,
		.memory = &vtd->tables,
		.generation = leaf->generation,
		.domain_id = vtd->context.domain_id,
		.is_filling = true,
		.table = table,
		.rights = leaf->rights,
		.level = (uint8_t)leaf->level,
	};
	uint8_t reason = table == NULL ? vtd_walker_start(&walker, &vtd->context) : 0;

	if (reason == 0)
		reason = vtd_walker_run(&walker, iova, access);
	burst->walk_reads += walker.reads;
	leaf->entry = walker.entry;
	leaf->rights = walker.rights;
	leaf->level = walker.level;
	return reason;
}

/* Nearly always a walk cache knows the last table, and there is one entry to read. */
static inline uint8_t walk(struct vtd_translator *vtd, struct vtd_burst *burst, uint64_t iova,
			   uint32_t access, struct leaf *leaf)
{
	struct vtd_unit *unit = vtd->unit;
	const uint64_t *table;
	uint64_t data;

	leaf->generation = __atomic_load_n(&unit->generation, __ATOMIC_ACQUIRE);
	leaf->level = vtd_psc_lookup(&unit->psc, vtd->context.domain_id, iova, vtd->context.levels,
				     &data);
	if (leaf->level == vtd->context.levels)
		return walk_far(vtd, burst, NULL, iova, access, leaf);
	leaf->rights = (uint32_t)(data & VTD_ENTRY_RIGHTS);
	/* The entries above may say no already. */
	if (check_rights(leaf->rights, access) != 0)
		return check_rights(leaf->rights, access);
	table = (const uint64_t *)(uintptr_t)(data & VTD_ENTRY_ADDRESS);
	leaf->entry = __atomic_load_n(&table[vtd_level_index(iova, leaf->level)], __ATOMIC_ACQUIRE);
	if (!vtd_is_leaf(leaf->entry, leaf->level))
		return walk_far(vtd, burst, table, iova, access, leaf);
	burst->walk_reads++;
	leaf->rights &= leaf->entry;
	return vtd_check_entry(unit, leaf->entry, leaf->level, leaf->rights, access);
}

static uint8_t translate_by_walk(struct vtd_translator *vtd, struct vtd_burst *burst, uint64_t iova,
				 uint64_t len, uint32_t access, struct iommu_span *span)
{
	struct leaf leaf;
	uint8_t reason = walk(vtd, burst, iova, access, &leaf);

	return reason != 0 ? reason : span_of_leaf(vtd, burst, &leaf, iova, len, span);
}

/* --- accesses ------------------------------------------------------------------------------- */

static inline uint8_t translate_cached(struct vtd_translator *vtd, struct vtd_burst *burst,
				       uint64_t iova, uint64_t len, uint32_t access,
				       struct iommu_span *span)
{
	uint64_t data, page_size, offset;
	struct vtd_entry *entry = find(vtd, burst, iova, &data);

	if (entry == NULL) {
		burst->misses++;
		return translate_by_walk(vtd, burst, iova, len, access, span);
	}
	burst->hits++;
	if (__atomic_load_n(&entry->stamp, __ATOMIC_RELAXED) != burst->clock)
		__atomic_store_n(&entry->stamp, burst->clock, __ATOMIC_RELAXED);
	burst->clock += burst->tick;
	page_size = UINT64_C(1) << vtd->view.shift;
	offset = iova & (page_size - 1);
	span->len = len < page_size - offset ? len : page_size - offset;
	span->vaddr = (uint8_t *)(uintptr_t)(data & VTD_ENTRY_ADDRESS) + offset;
	return check_rights(data, access);
}

/* IOVA is PA, and there is nothing to cache; such pages are no lookups. */
static uint8_t pass_through(struct vtd_translator *vtd, uint64_t iova, uint64_t len,
			    struct iommu_span *span)
{
	uint64_t left = VTD_PAGE_SIZE - iova % VTD_PAGE_SIZE;

	span->len = len < left ? len : left;
	span->vaddr = vtd_memory_near(&vtd->unit->memory, &vtd->leaves, iova, span->len);
	return span->vaddr == NULL ? IOMMU_REASON_NO_MEMORY : 0;
}

/* Accesses that no page can serve, or that need none. */
static uint8_t translate_oddly(struct vtd_translator *vtd, uint64_t iova, uint64_t len,
			       uint32_t access, struct iommu_span *span)
{
	if ((access & VTD_ACCESS_TRANSLATED) != 0)
		return VTD_FAULT_TT_BLOCKS;
	if (vtd->context.type == VTD_TT_PASS_THROUGH)
		return pass_through(vtd, iova, len, span);
	return VTD_FAULT_BEYOND_MGAW;
}

/* One page's part of an access. */
static inline uint8_t translate_page(struct vtd_translator *vtd, struct vtd_burst *burst,
				     uint64_t iova, uint64_t len, uint32_t access,
				     struct iommu_span *span)
{
	uint8_t reason;

	if (iova < vtd->limit && (access & VTD_ACCESS_TRANSLATED) == 0)
		return translate_cached(vtd, burst, iova, len, access, span);
	reason = vtd->has_context ? 0 : load_context(vtd, burst);
	if (reason == 0 && iova < vtd->limit && (access & VTD_ACCESS_TRANSLATED) == 0)
		return translate_cached(vtd, burst, iova, len, access, span);
	if (reason == 0)
		reason = translate_oddly(vtd, iova, len, access, span);
	burst->misses += reason != 0 && reason != IOMMU_REASON_NO_MEMORY;
	return reason;
}

/* Only faults of a context that could be read are its to silence (VT-d specification, 7.1.3). */
static bool is_qualified(uint8_t reason)
{
	return reason != VTD_FAULT_ROOT_P && reason != VTD_FAULT_ROOT_TABLE &&
	       reason != VTD_FAULT_CONTEXT_TABLE && reason != VTD_FAULT_ROOT_RESERVED &&
	       reason != VTD_FAULT_CONTEXT_RESERVED;
}

static void refuse(struct vtd_translator *vtd, struct vtd_burst *burst, uint64_t iova,
		   uint32_t access, uint8_t reason)
{
	burst->faults++;
	if (!vtd->context.is_silent || !is_qualified(reason))
		iommu_report_fault(vtd->translator, iova, access & (IOMMU_READ | IOMMU_WRITE),
				   reason);
}

static uint64_t page_count(const struct iommu_access *access)
{
	return (access->iova % VTD_PAGE_SIZE + access->len + VTD_PAGE_SIZE - 1) / VTD_PAGE_SIZE;
}

/* Spans that an access takes, from the tables, without a trace in caches or counters. */
static uint64_t spans_needed(struct vtd_translator *vtd, const struct iommu_access *access)
{
	struct vtd_walker walker = {.unit = vtd->unit, .memory = &vtd->tables};
	uint64_t iova = access->iova, last = iova + access->len - 1, needed = 0;

	if (vtd->has_context && vtd->context.type == VTD_TT_PASS_THROUGH)
		return page_count(access);
	while (vtd->has_context && last >= iova && iova < vtd->context.limit) {
		if (vtd_walker_start(&walker, &vtd->context) != 0 ||
		    vtd_walker_run(&walker, iova, access->prot) != 0)
			break;
		needed++;
		iova = (iova | (vtd_walker_page_size(&walker) - 1)) + 1;
		if (iova > last)
			return needed;
	}
	return 0; /* it will be refused */
}

int vtd_translate_access(struct vtd_translator *vtd, struct vtd_burst *burst,
			 const struct iommu_access *access, struct iommu_span *spans,
			 unsigned int room)
{
	uint64_t iova = access->iova, left = access->len;
	unsigned int count = 0;

	if (!vtd->has_context && page_count(access) > room)
		(void)load_context(vtd, burst);
	if (page_count(access) > room && spans_needed(vtd, access) > room)
		return -1;
	while (left != 0) {
		/* Only where the tables changed since they were counted. */
		if (count == room)
			return -1;
		uint8_t reason =
			translate_page(vtd, burst, iova, left, access->prot, &spans[count]);

		if (reason != 0) {
			refuse(vtd, burst, iova, access->prot, reason);
			return 0;
		}
		iova += spans[count].len;
		left -= spans[count].len;
		count++;
	}
	return (int)count;
}
