/* SPDX-License-Identifier: BSD-3-Clause */
/* translate_burst: the hit path, which takes no lock and makes no call. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "vtd_translate.h"

/*
 * Translates accesses that lie in one page of the size that hit last, up to the first that does not
 * hit; returns how many. Everything is in registers and is_exact is a constant: this is the loop
 * that the figures of tests/bench/bench_vtd.c time.
 */
static inline __attribute__((always_inline)) uint16_t hit_run(const struct vtd_translator *vtd,
							      struct iommu_access *accesses,
							      uint16_t n, struct iommu_span *spans,
							      uint64_t *clock, bool is_exact)
{
	const struct vtd_iotlb *iotlb = &vtd->unit->iotlb;
	const struct vtd_view view = vtd->view;
	const uint16_t *hint = iotlb->hint;
	struct vtd_entry *const entries = iotlb->entry;
	const uint64_t hint_mask = iotlb->hint_mask;
	uint64_t now = *clock;
	uint16_t i;

	for (i = 0; i < n; i++) {
		uint64_t iova = accesses[i].iova, last = iova + accesses[i].len - 1, data;
		uint64_t page = iova >> view.shift;
		struct vtd_entry *entry = &entries[__atomic_load_n(
			&hint[(page + view.hint_key) & hint_mask], __ATOMIC_RELAXED)];

		if (page != last >> view.shift || last >= view.limit ||
		    !vtd_entry_read(entry, page << view.shift | view.key, &data) ||
		    (accesses[i].prot & ~data) != 0)
			break;
		if (is_exact || __atomic_load_n(&entry->stamp, __ATOMIC_RELAXED) != now)
			__atomic_store_n(&entry->stamp, now, __ATOMIC_RELAXED);
		now += is_exact;
		spans[i].vaddr = (uint8_t *)(uintptr_t)((data & VTD_ENTRY_ADDRESS) + iova -
							(page << view.shift));
		spans[i].len = accesses[i].len;
		accesses[i].span_count = 1;
	}
	*clock = now;
	return i;
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

static uint16_t translate_burst(struct iommu_translator *translator, struct iommu_access *accesses,
				uint16_t n, struct iommu_span *spans, uint16_t span_max)
{
	struct vtd_translator *vtd = translator->priv;
	struct vtd_burst burst = {0};
	uint16_t used = 0, done = 0;

	begin(vtd, &burst);
	for (;;) {
		uint16_t left = (uint16_t)(n - done), room = (uint16_t)(span_max - used), hits;
		int count;

		hits = left < room ? left : room;
		hits = burst.tick != 0 ? hit_run(vtd, accesses + done, hits, spans + used,
						 &burst.clock, true)
				       : hit_run(vtd, accesses + done, hits, spans + used,
						 &burst.clock, false);
		burst.hits += hits;
		used = (uint16_t)(used + hits);
		done = (uint16_t)(done + hits);
		if (done == n)
			break;
		count = vtd_translate_access(vtd, &burst, &accesses[done], &spans[used],
					     (uint16_t)(span_max - used));
		if (count < 0)
			break;
		accesses[done].span_count = (uint16_t)count;
		used = (uint16_t)(used + count);
		done++;
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
