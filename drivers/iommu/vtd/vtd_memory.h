/* SPDX-License-Identifier: BSD-3-Clause */
/* Physical memory as the unit sees it: ranges that it was given, and nothing else. */
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct rte_rcu_qsbr;

struct vtd_range {
	uint64_t pa;
	uint64_t size;
	uint8_t *vaddr;
};

/* All ranges at one moment, sorted by pa, disjoint and never changed: a change makes another. */
struct vtd_range_list {
	struct vtd_range_list *older; /* replaced, but a burst may still read it */
	uint32_t count;
	struct vtd_range range[];
};

struct vtd_memory {
	struct vtd_range_list *list; /* control: write under the mutex, translators: read */
	uint64_t generation;	     /* as list; counts its changes */
	pthread_mutex_t mutex;
	struct rte_rcu_qsbr *qsbr;
};

/* The range found last, so that the next search is a comparison; one user. */
struct vtd_memory_cursor {
	uint64_t generation;
	struct vtd_range range;
};

/** qsbr: bursts that may look at the ranges; NULL: there are none. */
int vtd_memory_init(struct vtd_memory *memory, struct rte_rcu_qsbr *qsbr);
void vtd_memory_fini(struct vtd_memory *memory);

/** -EEXIST: part of it is known already. Any thread outside a burst. */
int vtd_memory_add(struct vtd_memory *memory, uint64_t pa, void *vaddr, size_t size);

/**
 * -ENOENT: not all of it is known, and nothing is removed. The unit's caches may still lead to
 * it: the caller invalidates them, then calls vtd_memory_settle().
 */
int vtd_memory_remove(struct vtd_memory *memory, uint64_t pa, size_t size);

/** Returns when no burst can be looking at memory that was removed before the call. */
void vtd_memory_settle(struct vtd_memory *memory);

/** The range that holds all of [pa, pa + size), or NULL; good until the burst ends. */
const struct vtd_range *vtd_memory_find(const struct vtd_memory *memory, uint64_t pa,
					uint64_t size);

/** Copies the range of pa to cursor and says where [pa, pa + size) stands, or NULL. */
void *vtd_memory_seek(const struct vtd_memory *memory, struct vtd_memory_cursor *cursor,
		      uint64_t pa, uint64_t size);

/** The same for memory named by its address here: 0, or -EFAULT when no range holds it all. */
int vtd_memory_seek_vaddr(const struct vtd_memory *memory, struct vtd_memory_cursor *cursor,
			  const void *vaddr, uint64_t size);

/** vtd_memory_at() that remembers: for one translator after the other access. */
static inline void *vtd_memory_near(const struct vtd_memory *memory,
				    struct vtd_memory_cursor *cursor, uint64_t pa, uint64_t size)
{
	uint64_t offset = pa - cursor->range.pa;

	if (cursor->generation == __atomic_load_n(&memory->generation, __ATOMIC_ACQUIRE) &&
	    offset < cursor->range.size && cursor->range.size - offset >= size)
		return cursor->range.vaddr + offset;
	return vtd_memory_seek(memory, cursor, pa, size);
}

/** Where [pa, pa + size) stands in this process, or NULL. */
static inline void *vtd_memory_at(const struct vtd_memory *memory, uint64_t pa, uint64_t size)
{
	const struct vtd_range *range = vtd_memory_find(memory, pa, size);

	return range == NULL ? NULL : range->vaddr + (pa - range->pa);
}
