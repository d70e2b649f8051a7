/* SPDX-License-Identifier: BSD-3-Clause */
/* translate_burst: the hit path, which takes no lock and makes no call. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <rte_branch_prediction.h>

#include "vtd_translate.h"

/* An access that lies in one page of the view and has a right hint: the fast way. */
static inline __attribute__((always_inline)) bool hit(const struct vtd_iotlb *iotlb,
						      const struct vtd_view *view, uint64_t limit,
						      struct iommu_access *access,
						      struct iommu_span *span, uint64_t now,
						      bool is_exact)
{
	uint64_t iova = access->iova, last = iova + access->len - 1, data;
	uint64_t page = iova >> view->shift;
	const uint16_t *hint = vtd_iotlb_hint(iotlb, view, iova);
	struct vtd_entry *entry = &iotlb->entry[__atomic_load_n(hint, __ATOMIC_RELAXED)];

	if (page != last >> view->shift || last >= limit ||
	    !vtd_entry_read(entry, vtd_view_tag(view, iova), &data) || (access->prot & ~data) != 0)
		return false;
	if (is_exact || __atomic_load_n(&entry->stamp, __ATOMIC_RELAXED) != now)
		__atomic_store_n(&entry->stamp, now, __ATOMIC_RELAXED);
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

	burst->clock = 0;
	burst->tick = 0;
	burst->hits = 0;
	burst->misses = 0;
	burst->walk_reads = 0;
	burst->faults = 0;
	if (generation != vtd->context_generation) {
		vtd->context_generation = generation;
		vtd->has_context = false;
		vtd->limit = 0;
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

	if (burst->tick != 0)
		__atomic_store_n(&vtd->unit->clock, burst->clock, __ATOMIC_RELAXED);
	add(&counters->lookups, burst->hits + burst->misses);
	add(&counters->hits, burst->hits);
	if (burst->misses == 0 && burst->faults == 0 && burst->walk_reads == 0)
		return;
	add(&counters->misses, burst->misses);
	add(&counters->walk_reads, burst->walk_reads);
	add(&counters->faults, burst->faults);
}

/* is_exact is a constant, and what hit() needs stays in registers until something misses. */
static inline __attribute__((always_inline)) uint16_t translate_all(
	struct vtd_translator *vtd, struct vtd_burst *burst, struct iommu_access *accesses,
	unsigned int n, struct iommu_span *spans, unsigned int span_max, bool is_exact)
{
	struct vtd_iotlb iotlb = {.entry = vtd->unit->iotlb.entry,
				  .hint = vtd->unit->iotlb.hint,
				  .hint_mask = vtd->unit->iotlb.hint_mask};
	struct vtd_view view = vtd->view;
	unsigned int used = 0, done, slow = 0;
	uint64_t limit = vtd->limit, now = burst->clock;

	for (done = 0; done < n; done++) {
		int count;

		if (likely(used < span_max && hit(&iotlb, &view, limit, &accesses[done],
						  &spans[used], now, is_exact))) {
			now += is_exact;
			used++;
			continue;
		}
		burst->clock = now;
		count = vtd_translate_access(vtd, burst, &accesses[done], &spans[used],
					     span_max - used);
		if (count < 0)
			break;
		accesses[done].span_count = (uint16_t)count;
		used += (unsigned int)count;
		slow++;
		view = vtd->view;
		limit = vtd->limit;
		now = burst->clock;
	}
	burst->clock = now;
	burst->hits += done - slow;
	return (uint16_t)done;
}

static uint16_t translate_burst(struct iommu_translator *translator, struct iommu_access *accesses,
				uint16_t n, struct iommu_span *spans, uint16_t span_max)
{
	struct vtd_translator *vtd = translator->priv;
	struct vtd_burst burst;
	uint16_t done;

	begin(vtd, &burst);
	if (burst.tick != 0)
		done = translate_all(vtd, &burst, accesses, n, spans, span_max, true);
	else
		done = translate_all(vtd, &burst, accesses, n, spans, span_max, false);
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
