/* SPDX-License-Identifier: BSD-3-Clause */
/* Fills and invalidates the paging-structure caches. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vtd_psc.h"

int vtd_psc_init(struct vtd_psc *psc, uint32_t entries, const uint64_t *generation)
{
	size_t size = VTD_PSC_LEVELS * entries * sizeof(struct vtd_entry);
	void *entry;

	memset(psc, 0, sizeof(*psc));
	rte_spinlock_init(&psc->lock);
	psc->generation = generation;
	psc->entries = entries;
	if (entries == 0)
		return 0;
	if (posix_memalign(&entry, 64, size) != 0)
		return -ENOMEM;
	memset(entry, 0, size);
	psc->entry = entry;
	return 0;
}

void vtd_psc_fini(struct vtd_psc *psc)
{
	free(psc->entry);
}

void vtd_psc_fill(struct vtd_psc *psc, uint16_t domain_id, uint64_t iova, unsigned int level,
		  uint64_t data, uint64_t generation)
{
	if (psc->entry == NULL)
		return;
	rte_spinlock_lock(&psc->lock);
	/* As vtd_iotlb_fill(). */
	if (__atomic_load_n(psc->generation, __ATOMIC_SEQ_CST) == generation)
		vtd_entry_write(vtd_psc_slot(psc, domain_id, iova, level),
				vtd_psc_tag(domain_id, iova, level), data, ++psc->order, 0);
	rte_spinlock_unlock(&psc->lock);
}

/* Clears entries of one level whose tag & mask == match and which cover part of [first, last]. */
static void clear_level(struct vtd_psc *psc, unsigned int level, uint64_t mask, uint64_t match,
			uint64_t first, uint64_t last)
{
	uint64_t span = (UINT64_C(1) << vtd_level_shift(level)) - 1;

	for (uint32_t i = 0; i < psc->entries; i++) {
		struct vtd_entry *entry = &psc->entry[(level - 2) * psc->entries + i];
		uint64_t tag = __atomic_load_n(&entry->tag, __ATOMIC_RELAXED);
		uint64_t start = tag & VTD_TAG_ADDRESS;

		if (tag != 0 && (tag & mask) == match && start <= last && start + span >= first)
			vtd_entry_clear(entry);
	}
}

static void clear_blocks(struct vtd_psc *psc, unsigned int level, uint16_t domain_id,
			 uint64_t first, uint64_t last)
{
	unsigned int shift = vtd_level_shift(level);

	for (uint64_t block = first >> shift; block <= last >> shift; block++) {
		struct vtd_entry *entry = vtd_psc_slot(psc, domain_id, block << shift, level);

		if (__atomic_load_n(&entry->tag, __ATOMIC_RELAXED) ==
		    vtd_psc_tag(domain_id, block << shift, level))
			vtd_entry_clear(entry);
	}
}

void vtd_psc_invalidate_range(struct vtd_psc *psc, uint16_t domain_id, uint64_t first,
			      uint64_t last)
{
	uint64_t match = vtd_tag_key(domain_id, 0) & VTD_TAG_DOMAIN;

	if (psc->entry == NULL)
		return;
	rte_spinlock_lock(&psc->lock);
	for (unsigned int level = 2; level <= VTD_LEVELS_MAX; level++) {
		unsigned int shift = vtd_level_shift(level);

		if ((last >> shift) - (first >> shift) < psc->entries)
			clear_blocks(psc, level, domain_id, first, last);
		else
			clear_level(psc, level, VTD_TAG_DOMAIN, match, first, last);
	}
	rte_spinlock_unlock(&psc->lock);
}

static void clear_all_levels(struct vtd_psc *psc, uint64_t mask, uint64_t match)
{
	if (psc->entry == NULL)
		return;
	rte_spinlock_lock(&psc->lock);
	for (unsigned int level = 2; level <= VTD_LEVELS_MAX; level++)
		clear_level(psc, level, mask, match, 0, UINT64_MAX);
	rte_spinlock_unlock(&psc->lock);
}

void vtd_psc_invalidate_domain(struct vtd_psc *psc, uint16_t domain_id)
{
	clear_all_levels(psc, VTD_TAG_DOMAIN, vtd_tag_key(domain_id, 0) & VTD_TAG_DOMAIN);
}

void vtd_psc_invalidate_all(struct vtd_psc *psc)
{
	clear_all_levels(psc, 0, 0);
}
