/* SPDX-License-Identifier: BSD-3-Clause */
/* translate_burst: the hit path, which takes no lock and makes no call. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "vtd_translate.h"

static inline bool hit(const struct vtd_iotlb *iotlb, const struct vtd_view *view,
		       struct vtd_burst *burst, struct iommu_access *access,
		       struct iommu_span *span)
{
	uint64_t iova = access->iova, last = iova + access->len - 1, data;
	uint64_t page = iova >> view->shift;
	uint16_t slot = __atomic_load_n(&iotlb->hint[(page + view->hint_key) & iotlb->hint_mask],
					__ATOMIC_RELAXED);
	struct vtd_entry *entry = &iotlb->entry[slot];

	if (page != last >> view->shift || last >= view->limit)
		return false;
	if (!vtd_entry_read(entry, page << view->shift | view->key, &data) ||
	    (data & access->prot) != access->prot)
		return false;
	if (__atomic_load_n(&entry->stamp, __ATOMIC_RELAXED) != burst->clock)
		__atomic_store_n(&entry->stamp, burst->clock, __ATOMIC_RELAXED);
	burst->clock += burst->tick;
	span->vaddr =
		(uint8_t *)(uintptr_t)((data & VTD_ENTRY_ADDRESS) + iova - (page << view->shift));
	span->len = access->len;
	access->span_count = 1;
	return true;
}

static inline void begin(struct vtd_translator *vtd, struct vtd_burst *burst)
{
	struct vtd_unit *unit = vtd->unit;
	uint64_t generation = __atomic_load_n(&unit->contexts.generation, __ATOMIC_ACQUIRE);
	uintptr_t user;

	if (generation != vtd->context_generation) {
		vtd->context_generation = generation;
		vtd->has_context = false;
		vtd->view.limit = 0;
	}
	if (!unit->iotlb.is_lru)
		return;
	user = (uintptr_t)pthread_self();
	burst->clock = __atomic_load_n(&unit->clock, __ATOMIC_RELAXED);
	burst->tick = 1;
	if (__atomic_load_n(&unit->user, __ATOMIC_RELAXED) != user)
		vtd_clock_claim(vtd, burst, user);
}

/* One writer a counter, so that readers need no lock and the writer no locked add. */
static inline void add(uint64_t *counter, uint64_t by)
{
	__atomic_store_n(counter, *counter + by, __ATOMIC_RELAXED);
}

static inline void end(struct vtd_translator *vtd, const struct vtd_burst *burst)
{
	struct iommu_counters *counters = &vtd->translator->counters;

	if (vtd->unit->iotlb.is_lru)
		__atomic_store_n(&vtd->unit->clock, burst->clock + (1 - burst->tick),
				 __ATOMIC_RELAXED);
	add(&counters->lookups, burst->hits + burst->misses);
	add(&counters->hits, burst->hits);
	if (burst->misses == 0 && burst->faults == 0)
		return;
	add(&counters->misses, burst->misses);
	add(&counters->walk_reads, burst->walk_reads);
	add(&counters->faults, burst->faults);
}

static uint16_t translate_burst(struct iommu_translator *translator, struct iommu_access *accesses,
				uint16_t n, struct iommu_span *spans, uint16_t span_max)
{
	struct vtd_translator *vtd = translator->priv;
	struct vtd_burst burst = {0};
	uint16_t used = 0, done;

	begin(vtd, &burst);
	for (done = 0; done < n; done++) {
		struct iommu_access *access = &accesses[done];
		int count;

		if (used < span_max &&
		    hit(&vtd->unit->iotlb, &vtd->view, &burst, access, &spans[used])) {
			burst.hits++;
			used++;
			continue;
		}
		count = vtd_translate_access(vtd, &burst, access, &spans[used],
					     (uint16_t)(span_max - used));
		if (count < 0)
			break;
		access->span_count = (uint16_t)count;
		used = (uint16_t)(used + count);
	}
	end(vtd, &burst);
	return done;
}

int vtd_translator_create(struct iommu_translator *translator)
{
	void *memory;
	struct vtd_translator *vtd;

	if (posix_memalign(&memory, 64, sizeof(*vtd)) != 0)
		return -ENOMEM;
	vtd = memory;
	memset(vtd, 0, sizeof(*vtd));
	vtd->unit = translator->device->domain->unit->priv;
	vtd->translator = translator;
	translator->priv = vtd;
	translator->translate_burst = translate_burst;
	return 0;
}

void vtd_translator_destroy(struct iommu_translator *translator)
{
	free(translator->priv);
}
