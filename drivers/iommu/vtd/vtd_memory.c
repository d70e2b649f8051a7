/* SPDX-License-Identifier: BSD-3-Clause */
/* Ranges of memory that a unit may reach, replaced as a whole so that readers need no lock. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_rcu_qsbr.h>

#include "vtd_memory.h"

static struct vtd_range_list *list_alloc(uint32_t count)
{
	return calloc(1, sizeof(struct vtd_range_list) + count * sizeof(struct vtd_range));
}

int vtd_memory_init(struct vtd_memory *memory, struct rte_rcu_qsbr *qsbr)
{
	memory->list = list_alloc(0);
	if (memory->list == NULL)
		return -ENOMEM;
	memory->generation = 1; /* no cursor has it yet */
	memory->qsbr = qsbr;
	pthread_mutex_init(&memory->mutex, NULL);
	return 0;
}

static void free_older(struct vtd_range_list *list)
{
	struct vtd_range_list *older = list->older;

	list->older = NULL;
	while (older != NULL) {
		struct vtd_range_list *next = older->older;

		free(older);
		older = next;
	}
}

void vtd_memory_fini(struct vtd_memory *memory)
{
	free_older(memory->list);
	free(memory->list);
	pthread_mutex_destroy(&memory->mutex);
}

/* Index of the first range that ends above pa. */
static uint32_t list_from(const struct vtd_range_list *list, uint64_t pa)
{
	uint32_t low = 0, high = list->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (list->range[middle].pa + (list->range[middle].size - 1) < pa)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct vtd_range *vtd_memory_find(const struct vtd_memory *memory, uint64_t pa, uint64_t size)
{
	const struct vtd_range_list *list = __atomic_load_n(&memory->list, __ATOMIC_ACQUIRE);
	uint32_t i = list_from(list, pa);
	const struct vtd_range *range = &list->range[i];

	if (i == list->count || pa < range->pa || range->size - (pa - range->pa) < size)
		return NULL;
	return range;
}

void *vtd_memory_seek(const struct vtd_memory *memory, struct vtd_memory_cursor *cursor,
		      uint64_t pa, uint64_t size)
{
	/* Before the list: a cursor may look older than its range, never newer. */
	uint64_t generation = __atomic_load_n(&memory->generation, __ATOMIC_ACQUIRE);
	const struct vtd_range *range = vtd_memory_find(memory, pa, size);

	if (range == NULL)
		return NULL;
	cursor->range = *range;
	cursor->generation = generation;
	return range->vaddr + (pa - range->pa);
}

int vtd_memory_seek_vaddr(const struct vtd_memory *memory, struct vtd_memory_cursor *cursor,
			  const void *vaddr, uint64_t size)
{
	uint64_t generation = __atomic_load_n(&memory->generation, __ATOMIC_ACQUIRE);
	const struct vtd_range_list *list = __atomic_load_n(&memory->list, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < list->count; i++) {
		const struct vtd_range *range = &list->range[i];
		uint64_t offset = (uintptr_t)vaddr - (uintptr_t)range->vaddr;

		if (offset < range->size && range->size - offset >= size) {
			cursor->range = *range;
			cursor->generation = generation;
			return 0;
		}
	}
	return -EFAULT;
}

static void publish(struct vtd_memory *memory, struct vtd_range_list *list)
{
	list->older = memory->list;
	__atomic_store_n(&memory->list, list, __ATOMIC_RELEASE);
	__atomic_fetch_add(&memory->generation, 1, __ATOMIC_RELEASE);
}

/* Neighbours in both address spaces become one range, so that few are left to search. */
static void append(struct vtd_range_list *list, const struct vtd_range *range)
{
	struct vtd_range *last = list->count > 0 ? &list->range[list->count - 1] : NULL;

	if (last != NULL && last->pa + last->size == range->pa &&
	    last->vaddr + last->size == range->vaddr)
		last->size += range->size;
	else
		list->range[list->count++] = *range;
}

static int add_locked(struct vtd_memory *memory, const struct vtd_range *added)
{
	const struct vtd_range_list *now = memory->list;
	uint32_t at = list_from(now, added->pa);
	struct vtd_range_list *next;

	if (at < now->count && now->range[at].pa <= added->pa + (added->size - 1))
		return -EEXIST;
	next = list_alloc(now->count + 1);
	if (next == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < at; i++)
		append(next, &now->range[i]);
	append(next, added);
	for (uint32_t i = at; i < now->count; i++)
		append(next, &now->range[i]);
	publish(memory, next);
	return 0;
}

int vtd_memory_add(struct vtd_memory *memory, uint64_t pa, void *vaddr, size_t size)
{
	const struct vtd_range range = {.pa = pa, .size = size, .vaddr = vaddr};
	int ret;

	pthread_mutex_lock(&memory->mutex);
	ret = add_locked(memory, &range);
	pthread_mutex_unlock(&memory->mutex);
	return ret;
}

/* What is left of a range when [pa, last] goes: up to two pieces. */
static void append_rest(struct vtd_range_list *list, const struct vtd_range *range, uint64_t pa,
			uint64_t last)
{
	uint64_t range_last = range->pa + (range->size - 1);
	struct vtd_range piece;

	if (last < range->pa || range_last < pa) {
		append(list, range);
		return;
	}
	if (range->pa < pa) {
		piece = *range;
		piece.size = pa - range->pa;
		append(list, &piece);
	}
	if (last < range_last) {
		piece.pa = last + 1;
		piece.size = range_last - last;
		piece.vaddr = range->vaddr + (piece.pa - range->pa);
		append(list, &piece);
	}
}

static int remove_locked(struct vtd_memory *memory, uint64_t pa, uint64_t last)
{
	const struct vtd_range_list *now = memory->list;
	struct vtd_range_list *next;
	uint64_t from = pa;

	for (uint32_t i = list_from(now, pa); from <= last; i++) {
		if (i == now->count || now->range[i].pa > from)
			return -ENOENT;
		from = now->range[i].pa + now->range[i].size;
		if (from == 0)
			break;
	}
	next = list_alloc(now->count + 1);
	if (next == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < now->count; i++)
		append_rest(next, &now->range[i], pa, last);
	publish(memory, next);
	return 0;
}

int vtd_memory_remove(struct vtd_memory *memory, uint64_t pa, size_t size)
{
	int ret;

	if (size == 0 || pa + (size - 1) < pa)
		return -ENOENT;
	pthread_mutex_lock(&memory->mutex);
	ret = remove_locked(memory, pa, pa + (size - 1));
	pthread_mutex_unlock(&memory->mutex);
	return ret;
}

void vtd_memory_settle(struct vtd_memory *memory)
{
	pthread_mutex_lock(&memory->mutex);
	/* The list stands before a burst is seen offline, as in iommu_wait_for_bursts(). */
	rte_atomic_thread_fence(__ATOMIC_SEQ_CST);
	/* Not rte_rcu_qsbr_synchronize(): ThreadSanitizer sees inline functions only. */
	if (memory->qsbr != NULL)
		rte_rcu_qsbr_check(memory->qsbr, rte_rcu_qsbr_start(memory->qsbr), true);
	free_older(memory->list);
	pthread_mutex_unlock(&memory->mutex);
}
