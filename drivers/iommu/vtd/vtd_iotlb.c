/* SPDX-License-Identifier: BSD-3-Clause */
/* Fills, evicts and invalidates IOTLB entries, under the lock of their set's stripe. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_branch_prediction.h>

#include "vtd_iotlb.h"

#define HINTS_PER_ENTRY 16 /* 1 of 17 random pages shares its hint with another */
#define DOMAINS		65536
#define PAGE_PROBES_MAX 8 /* an invalidation of more pages looks at every entry instead */

int vtd_iotlb_init(struct vtd_iotlb *iotlb, const struct iotlb_geometry *geometry,
		   const uint64_t *generation)
{
	uint32_t hints = 1;
	void *entry;

	memset(iotlb, 0, sizeof(*iotlb));
	while (hints < geometry->entries * HINTS_PER_ENTRY)
		hints *= 2;
	if (posix_memalign(&entry, 64, geometry->entries * sizeof(struct vtd_entry)) != 0)
		return -ENOMEM;
	memset(entry, 0, geometry->entries * sizeof(struct vtd_entry));
	iotlb->entry = entry;
	iotlb->hint = calloc(hints, sizeof(*iotlb->hint));
	iotlb->sizes = calloc(DOMAINS, sizeof(*iotlb->sizes));
	if (iotlb->hint == NULL || iotlb->sizes == NULL) {
		vtd_iotlb_fini(iotlb);
		return -ENOMEM;
	}
	iotlb->hint_mask = hints - 1;
	iotlb->set_mask = iotlb_geometry_sets(geometry) - 1;
	iotlb->ways = geometry->ways;
	iotlb->is_lru = geometry->replacement == IOTLB_LRU;
	iotlb->generation = generation;
	iotlb->geometry = *geometry;
	for (unsigned int i = 0; i < VTD_IOTLB_STRIPES; i++) {
		rte_spinlock_init(&iotlb->stripe[i].lock);
		iotlb->stripe[i].random = 0x9e3779b97f4a7c15 * (i + 1);
	}
	return 0;
}

void vtd_iotlb_fini(struct vtd_iotlb *iotlb)
{
	free(iotlb->entry);
	free(iotlb->hint);
	free(iotlb->sizes);
}

static inline uint64_t read_tag(const struct vtd_entry *entry)
{
	return __atomic_load_n(&entry->tag, __ATOMIC_RELAXED);
}

#define ENTRY_WORDS (sizeof(struct vtd_entry) / sizeof(uint64_t))

/* Inlined with a constant number of ways for the usual geometry: a miss spends its time here. */
static inline __attribute__((always_inline)) struct vtd_entry *search_set(
	struct vtd_entry *set, const uint64_t *age, uint32_t ways, uint64_t tag, uint64_t *data,
	struct vtd_iotlb_place *place)
{
	uint64_t lowest = UINT64_MAX;
	uint32_t victim = 0;

	for (uint32_t way = 0; way < ways; way++) {
		uint64_t found = __atomic_load_n(&age[way * ENTRY_WORDS], __ATOMIC_RELAXED);

		if (unlikely(read_tag(&set[way]) == tag) && vtd_entry_read(&set[way], tag, data))
			return &set[way];
		victim = found < lowest ? way : victim;
		lowest = found < lowest ? found : lowest;
	}
	place->victim = &set[victim];
	return NULL;
}

struct vtd_entry *vtd_iotlb_search(struct vtd_iotlb *iotlb, uint64_t page, uint64_t tag,
				   uint64_t *data, struct vtd_iotlb_place *place)
{
	struct vtd_entry *set = vtd_iotlb_set(iotlb, page);
	/* What is lowest for the entry to evict; 0 in empty ones. */
	const uint64_t *age = iotlb->is_lru ? &set->stamp : &set->order;

	place->order = __atomic_load_n(&vtd_iotlb_stripe(iotlb, page)->order, __ATOMIC_ACQUIRE);
	if (iotlb->ways == 8)
		return search_set(set, age, 8, tag, data, place);
	return search_set(set, age, iotlb->ways, tag, data, place);
}

/* --- fill ----------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static struct vtd_entry *make_room(struct vtd_iotlb *iotlb, struct vtd_iotlb_stripe *stripe,
				   struct vtd_entry *set, struct vtd_entry *victim)
{
	if (read_tag(victim) == 0)
		return victim;
	stripe->evictions++;
	if (iotlb->geometry.replacement == IOTLB_RANDOM)
		return &set[next_random(&stripe->random) % iotlb->ways];
	if (iotlb->geometry.replacement == IOTLB_FLUSH) {
		stripe->evictions += iotlb->ways - 1;
		for (uint32_t way = 0; way < iotlb->ways; way++)
			vtd_entry_clear(&set[way]);
		return set;
	}
	return victim;
}

static void fill_locked(struct vtd_iotlb *iotlb, struct vtd_iotlb_stripe *stripe,
			const struct vtd_iotlb_fill *fill)
{
	struct vtd_entry *set = vtd_iotlb_set(iotlb, fill->page), *entry = NULL;
	uint8_t *sizes = &iotlb->sizes[fill->domain_id];
	uint64_t data;

	if ((__atomic_load_n(sizes, __ATOMIC_SEQ_CST) & 1u << fill->size) == 0)
		__atomic_fetch_or(sizes, (uint8_t)(1u << fill->size), __ATOMIC_SEQ_CST);
	/*
	 * Here, after the size is noted: an invalidation counts the generation up before it reads
	 * the sizes and takes the lock, so it either is seen here or finds the entry.
	 */
	if (__atomic_load_n(iotlb->generation, __ATOMIC_SEQ_CST) != fill->generation) {
		stripe->dropped++;
		return;
	}
	/* Another thread may have filled the set, even with the same page, since it was searched.
	 */
	if (stripe->order != fill->place->order)
		entry = vtd_iotlb_search(iotlb, fill->page, fill->tag, &data, fill->place);
	if (entry == NULL)
		entry = make_room(iotlb, stripe, set, fill->place->victim);
	__atomic_store_n(&stripe->order, stripe->order + 1, __ATOMIC_RELAXED);
	vtd_entry_write(entry, fill->tag, fill->data, stripe->order, fill->stamp);
	__atomic_store_n(&iotlb->hint[(fill->page + fill->hint_key) & iotlb->hint_mask],
			 (uint16_t)(entry - iotlb->entry), __ATOMIC_RELAXED);
}

void vtd_iotlb_fill(struct vtd_iotlb *iotlb, const struct vtd_iotlb_fill *fill)
{
	struct vtd_iotlb_stripe *stripe = vtd_iotlb_stripe(iotlb, fill->page);

	rte_spinlock_lock(&stripe->lock);
	fill_locked(iotlb, stripe, fill);
	rte_spinlock_unlock(&stripe->lock);
}

/* --- invalidate ----------------------------------------------------------------------------- */

/* What to take out: entries with tag & mask == match whose pages overlap [first, last]. */
struct victims {
	uint64_t mask;
	uint64_t match;
	uint64_t first;
	uint64_t last;
};

static inline bool is_victim(const struct victims *victims, uint64_t tag)
{
	uint64_t start = tag & VTD_TAG_ADDRESS;

	return tag != 0 && (tag & victims->mask) == victims->match && start <= victims->last &&
	       start + ((UINT64_C(1) << vtd_size_shift(vtd_tag_size(tag))) - 1) >= victims->first;
}

static void clear_set(struct vtd_iotlb *iotlb, uint32_t set_number, const struct victims *victims)
{
	struct vtd_entry *set = &iotlb->entry[(uint64_t)set_number * iotlb->ways];

	for (uint32_t way = 0; way < iotlb->ways; way++) {
		if (is_victim(victims, read_tag(&set[way])))
			vtd_entry_clear(&set[way]);
	}
}

static void clear_everywhere(struct vtd_iotlb *iotlb, const struct victims *victims)
{
	for (uint32_t i = 0; i < VTD_IOTLB_STRIPES && i <= iotlb->set_mask; i++) {
		rte_spinlock_lock(&iotlb->stripe[i].lock);
		for (uint32_t set = i; set <= iotlb->set_mask; set += VTD_IOTLB_STRIPES)
			clear_set(iotlb, set, victims);
		rte_spinlock_unlock(&iotlb->stripe[i].lock);
	}
}

static void clear_pages(struct vtd_iotlb *iotlb, unsigned int size, const struct victims *victims)
{
	unsigned int shift = vtd_size_shift(size);

	for (uint64_t page = victims->first >> shift; page <= victims->last >> shift; page++) {
		uint32_t set = (uint32_t)page & iotlb->set_mask;
		rte_spinlock_t *lock = &iotlb->stripe[set & (VTD_IOTLB_STRIPES - 1)].lock;

		rte_spinlock_lock(lock);
		clear_set(iotlb, set, victims);
		rte_spinlock_unlock(lock);
	}
}

void vtd_iotlb_invalidate_range(struct vtd_iotlb *iotlb, uint16_t domain_id, uint64_t first,
				uint64_t last)
{
	const struct victims victims = {.mask = VTD_TAG_DOMAIN,
					.match = vtd_tag_key(domain_id, 0) & VTD_TAG_DOMAIN,
					.first = first,
					.last = last};
	uint8_t sizes = __atomic_load_n(&iotlb->sizes[domain_id], __ATOMIC_SEQ_CST);
	uint64_t probes = 0;

	for (unsigned int size = 0; size < VTD_SIZES; size++) {
		if ((sizes & 1u << size) != 0)
			probes += (last >> vtd_size_shift(size)) - (first >> vtd_size_shift(size)) +
				  1;
	}
	if (probes > PAGE_PROBES_MAX) {
		clear_everywhere(iotlb, &victims);
		return;
	}
	for (unsigned int size = 0; size < VTD_SIZES; size++) {
		if ((sizes & 1u << size) != 0)
			clear_pages(iotlb, size, &victims);
	}
}

/*
 * All stripes are locked while the sizes are forgotten: a fill notes its size and puts its entry in
 * under one lock, so there is never an entry of a size that is not noted.
 */
void vtd_iotlb_invalidate_domain(struct vtd_iotlb *iotlb, uint16_t domain_id)
{
	const struct victims victims = {.mask = VTD_TAG_DOMAIN,
					.match = vtd_tag_key(domain_id, 0) & VTD_TAG_DOMAIN,
					.last = UINT64_MAX};

	for (unsigned int i = 0; i < VTD_IOTLB_STRIPES; i++)
		rte_spinlock_lock(&iotlb->stripe[i].lock);
	for (uint32_t set = 0; set <= iotlb->set_mask; set++)
		clear_set(iotlb, set, &victims);
	__atomic_store_n(&iotlb->sizes[domain_id], 0, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < VTD_IOTLB_STRIPES; i++)
		rte_spinlock_unlock(&iotlb->stripe[i].lock);
}

void vtd_iotlb_invalidate_all(struct vtd_iotlb *iotlb)
{
	const struct victims victims = {.last = UINT64_MAX};

	clear_everywhere(iotlb, &victims);
}
