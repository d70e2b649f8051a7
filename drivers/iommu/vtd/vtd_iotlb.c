/* SPDX-License-Identifier: BSD-3-Clause */
/* Fills, evicts and invalidates IOTLB entries, under the lock of their set's stripe. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
	iotlb->is_plain = iotlb->is_lru || geometry->replacement == IOTLB_FIFO;
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

/* --- search --------------------------------------------------------------------------------- */

/* What is lowest for the entry to evict; 0 in an empty one. */
static inline uint64_t read_age(const struct vtd_entry *entry, bool is_lru)
{
	return __atomic_load_n(is_lru ? &entry->stamp : &entry->order, __ATOMIC_RELAXED);
}

struct candidate {
	struct vtd_entry *entry;
	uint64_t age;
};

static inline struct candidate candidate(struct vtd_entry *entry)
{
	return (struct candidate){entry, read_age(entry, true)};
}

static inline struct candidate older(struct candidate a, struct candidate b)
{
	return (struct candidate){b.age < a.age ? b.entry : a.entry, b.age < a.age ? b.age : a.age};
}

static inline struct candidate oldest_of_4(struct vtd_entry *set)
{
	return older(older(candidate(&set[0]), candidate(&set[1])),
		     older(candidate(&set[2]), candidate(&set[3])));
}

static inline struct vtd_entry *find_in_4(struct vtd_entry *set, uint64_t tag)
{
	if (read_tag(&set[0]) == tag)
		return &set[0];
	if (read_tag(&set[1]) == tag)
		return &set[1];
	if (read_tag(&set[2]) == tag)
		return &set[2];
	return read_tag(&set[3]) == tag ? &set[3] : NULL;
}

/* Eight ways and LRU, without loops: misses of the usual geometry spend their time here. */
static inline bool search_8(struct vtd_probe *probe)
{
	struct vtd_entry *set = probe->set, *entry = find_in_4(set, probe->tag);

	if (entry == NULL)
		entry = find_in_4(set + 4, probe->tag);
	probe->place = entry;
	if (entry == NULL)
		probe->place = older(oldest_of_4(set), oldest_of_4(set + 4)).entry;
	return entry != NULL;
}

/* Sets probe->place; true: to the page's own entry. */
static inline bool search(const struct vtd_iotlb *iotlb, struct vtd_probe *probe)
{
	uint64_t lowest = UINT64_MAX;

	if (iotlb->ways == 8 && iotlb->is_lru)
		return search_8(probe);
	for (uint32_t way = 0; way < iotlb->ways; way++) {
		struct vtd_entry *entry = &probe->set[way];
		uint64_t age = read_age(entry, iotlb->is_lru);

		if (read_tag(entry) == probe->tag) {
			probe->place = entry;
			return true;
		}
		probe->place = age < lowest ? entry : probe->place;
		lowest = age < lowest ? age : lowest;
	}
	return false;
}

struct vtd_entry *vtd_iotlb_probe(struct vtd_iotlb *iotlb, const struct vtd_view *view,
				  uint64_t iova, struct vtd_probe *probe, uint64_t *data)
{
	uint32_t set_number = (uint32_t)(iova >> view->shift) & iotlb->set_mask;

	probe->tag = vtd_view_tag(view, iova);
	probe->hint = vtd_iotlb_hint(iotlb, view, iova);
	probe->set = &iotlb->entry[(uint64_t)set_number * iotlb->ways];
	probe->stripe = &iotlb->stripe[set_number % VTD_IOTLB_STRIPES];
	probe->order = __atomic_load_n(&probe->stripe->order, __ATOMIC_ACQUIRE);
	if (!search(iotlb, probe) || !vtd_entry_read(probe->place, probe->tag, data))
		return NULL;
	__atomic_store_n(probe->hint, (uint16_t)(probe->place - iotlb->entry), __ATOMIC_RELAXED);
	return probe->place;
}

/* --- fill ----------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A full set loses something else than its oldest entry. */
static struct vtd_entry *evict_otherwise(struct vtd_iotlb *iotlb, const struct vtd_probe *probe)
{
	if (iotlb->geometry.replacement == IOTLB_RANDOM)
		return &probe->set[next_random(&probe->stripe->random) % iotlb->ways];
	probe->stripe->evictions += iotlb->ways - 1;
	for (uint32_t way = 0; way < iotlb->ways; way++)
		vtd_entry_clear(&probe->set[way]);
	return probe->set;
}

static inline struct vtd_entry *make_room(struct vtd_iotlb *iotlb, const struct vtd_probe *probe)
{
	uint64_t evicted = read_tag(probe->place);

	if (evicted == 0 || evicted == probe->tag)
		return probe->place;
	probe->stripe->evictions++;
	return iotlb->is_plain ? probe->place : evict_otherwise(iotlb, probe);
}

static inline void fill_locked(struct vtd_iotlb *iotlb, const struct vtd_view *view,
			       struct vtd_probe *probe, uint64_t data, uint64_t stamp,
			       uint64_t generation)
{
	struct vtd_iotlb_stripe *stripe = probe->stripe;
	uint8_t *sizes = &iotlb->sizes[view->domain_id];
	struct vtd_entry *entry;

	if ((__atomic_load_n(sizes, __ATOMIC_SEQ_CST) & 1u << view->size) == 0)
		__atomic_fetch_or(sizes, (uint8_t)(1u << view->size), __ATOMIC_SEQ_CST);
	/*
	 * Here, after the size is noted: an invalidation counts the generation up before it reads
	 * the sizes and takes the lock, so it either is seen here or finds the entry.
	 */
	if (__atomic_load_n(iotlb->generation, __ATOMIC_SEQ_CST) != generation) {
		stripe->dropped++;
		return;
	}
	/* Another thread may have filled the set, even with this page, since it was probed. */
	if (stripe->order != probe->order)
		(void)search(iotlb, probe);
	entry = make_room(iotlb, probe);
	__atomic_store_n(&stripe->order, stripe->order + 1, __ATOMIC_RELAXED);
	vtd_entry_write(entry, probe->tag, data, stripe->order, stamp);
	__atomic_store_n(probe->hint, (uint16_t)(entry - iotlb->entry), __ATOMIC_RELAXED);
}

void vtd_iotlb_fill(struct vtd_iotlb *iotlb, const struct vtd_view *view, struct vtd_probe *probe,
		    uint64_t data, uint64_t stamp, uint64_t generation)
{
	rte_spinlock_lock(&probe->stripe->lock);
	fill_locked(iotlb, view, probe, data, stamp, generation);
	rte_spinlock_unlock(&probe->stripe->lock);
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
