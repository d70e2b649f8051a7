/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads, caches and writes root and context entries (VT-d specification, 9.1 and 9.3). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vtd_context.h"

#define ENTRY_SIZE 16

int vtd_contexts_init(struct vtd_contexts *contexts, uint64_t root_pa, uint64_t reserved)
{
	memset(contexts, 0, sizeof(*contexts));
	rte_spinlock_init(&contexts->lock);
	contexts->root_pa = root_pa;
	contexts->reserved = reserved;
	contexts->generation = 1;
	/* 2 MiB of addresses, of which the kernel gives pages only where devices are. */
	contexts->cache = calloc(VTD_SOURCES, sizeof(*contexts->cache));
	return contexts->cache == NULL ? -ENOMEM : 0;
}

void vtd_contexts_fini(struct vtd_contexts *contexts)
{
	free(contexts->cache);
}

/* --- read ----------------------------------------------------------------------------------- */

static bool read_entry(const struct vtd_memory *memory, uint64_t pa, unsigned int step,
		       struct vtd_context_trace *trace)
{
	const uint64_t *entry = vtd_memory_at(memory, pa, ENTRY_SIZE);

	if (entry == NULL)
		return false;
	/* Attaching writes the low word last: who sees P sees the rest. */
	trace->entry[step][0] = __atomic_load_n(&entry[0], __ATOMIC_ACQUIRE);
	trace->entry[step][1] = __atomic_load_n(&entry[1], __ATOMIC_RELAXED);
	trace->entry_pa[step] = pa;
	trace->reads++;
	return true;
}

static uint8_t decode(uint64_t low, uint64_t high, uint64_t reserved, struct vtd_context *context)
{
	unsigned int width = (unsigned int)(high & VTD_CONTEXT_AW);

	context->is_silent = (low & VTD_CONTEXT_FPD) != 0;
	if ((low & VTD_CONTEXT_P) == 0)
		return VTD_FAULT_CONTEXT_P;
	if ((low & (VTD_CONTEXT_RESERVED | reserved)) != 0 || (high & VTD_CONTEXT_RESERVED_HI) != 0)
		return VTD_FAULT_CONTEXT_RESERVED;
	context->type = (low >> VTD_CONTEXT_TT_SHIFT) & 3;
	context->levels = (uint8_t)(width + 2);
	context->table_pa = low & VTD_ADDRESS_MASK;
	context->domain_id = (uint16_t)(high >> VTD_CONTEXT_DID_SHIFT);
	if (width < VTD_LEVELS_MIN - 2 || width > VTD_LEVELS_MAX - 2)
		return VTD_FAULT_CONTEXT_INVALID;
	/* There are no device IOTLBs here (ECAP.DT is 0), so TT 1 is as invalid as TT 3. */
	if (context->type != VTD_TT_SECOND_STAGE && context->type != VTD_TT_PASS_THROUGH)
		return VTD_FAULT_CONTEXT_INVALID;
	context->limit = UINT64_C(1) << vtd_level_shift(context->levels + 1);
	return 0;
}

uint8_t vtd_context_read(const struct vtd_contexts *contexts, const struct vtd_memory *memory,
			 uint16_t source_id, struct vtd_context *context,
			 struct vtd_context_trace *trace)
{
	uint64_t root_pa = __atomic_load_n(&contexts->root_pa, __ATOMIC_RELAXED);
	const uint64_t *root = trace->entry[0];

	memset(context, 0, sizeof(*context));
	if (!read_entry(memory, root_pa + (source_id >> 8) * ENTRY_SIZE, 0, trace))
		return VTD_FAULT_ROOT_TABLE;
	if ((root[0] & VTD_ROOT_P) == 0)
		return VTD_FAULT_ROOT_P;
	if ((root[0] & (VTD_ROOT_RESERVED | contexts->reserved)) != 0 || root[1] != 0)
		return VTD_FAULT_ROOT_RESERVED;
	if (!read_entry(memory, (root[0] & VTD_ADDRESS_MASK) + (source_id & 0xff) * ENTRY_SIZE, 1,
			trace))
		return VTD_FAULT_CONTEXT_TABLE;
	return decode(trace->entry[1][0], trace->entry[1][1], contexts->reserved, context);
}

/* --- cache ---------------------------------------------------------------------------------- */

uint8_t vtd_context_get(struct vtd_contexts *contexts, const struct vtd_memory *memory,
			uint16_t source_id, struct vtd_context *context, uint64_t *reads)
{
	struct vtd_context *cached = &contexts->cache[source_id];
	struct vtd_context_trace trace = {0};
	uint8_t reason = 0;

	/* Reading under the lock: an invalidation comes before the read or after the fill. */
	rte_spinlock_lock(&contexts->lock);
	if (!cached->is_cached) {
		reason = vtd_context_read(contexts, memory, source_id, context, &trace);
		if (reason == 0) {
			*cached = *context;
			cached->is_cached = true;
		}
	} else {
		*context = *cached;
	}
	rte_spinlock_unlock(&contexts->lock);
	*reads += trace.reads;
	return reason;
}

void vtd_contexts_invalidate(struct vtd_contexts *contexts, uint16_t source_id)
{
	rte_spinlock_lock(&contexts->lock);
	contexts->cache[source_id].is_cached = false;
	__atomic_fetch_add(&contexts->generation, 1, __ATOMIC_RELEASE);
	rte_spinlock_unlock(&contexts->lock);
}

void vtd_contexts_invalidate_all(struct vtd_contexts *contexts)
{
	rte_spinlock_lock(&contexts->lock);
	for (uint32_t source_id = 0; source_id < VTD_SOURCES; source_id++) {
		/* Pages that were never written stay unwritten. */
		if (contexts->cache[source_id].is_cached)
			contexts->cache[source_id].is_cached = false;
	}
	__atomic_fetch_add(&contexts->generation, 1, __ATOMIC_RELEASE);
	rte_spinlock_unlock(&contexts->lock);
}

/* --- write ---------------------------------------------------------------------------------- */

static uint64_t *context_entry(uint64_t *root, uint16_t source_id)
{
	uint64_t table = root[(source_id >> 8) * 2] & VTD_ADDRESS_MASK;

	return (uint64_t *)(uintptr_t)table + (source_id & 0xff) * 2;
}

int vtd_context_write(uint64_t *root, struct vtd_pages *pages, uint16_t source_id,
		      const struct vtd_context *context)
{
	uint64_t *root_entry = &root[(source_id >> 8) * 2], *entry;
	void *page;

	if ((*root_entry & VTD_ROOT_P) == 0) {
		if (vtd_pages_get(pages, 1, &page) != 0)
			return -ENOMEM;
		__atomic_store_n(root_entry, (uintptr_t)page | VTD_ROOT_P, __ATOMIC_RELEASE);
	}
	entry = context_entry(root, source_id);
	__atomic_store_n(&entry[1],
			 (uint64_t)context->domain_id << VTD_CONTEXT_DID_SHIFT |
				 (uint64_t)(context->levels - 2),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&entry[0],
			 context->table_pa | (uint64_t)context->type << VTD_CONTEXT_TT_SHIFT |
				 VTD_CONTEXT_P,
			 __ATOMIC_RELEASE);
	return 0;
}

void vtd_context_clear(uint64_t *root, uint16_t source_id)
{
	uint64_t *entry = context_entry(root, source_id);

	__atomic_store_n(&entry[0], 0, __ATOMIC_RELAXED);
	__atomic_store_n(&entry[1], 0, __ATOMIC_RELAXED);
}
