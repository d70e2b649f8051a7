/* SPDX-License-Identifier: BSD-3-Clause */
/* One cached translation that is read without a lock, and the tag that finds it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vtd_format.h"

/*
 * Writers hold a lock. A reader that finds its tag between two equal values of `order` has the
 * data that belongs to it: `order` changes between the old entry and the new one.
 */
struct vtd_entry {
	uint64_t tag;	/* 0: empty */
	uint64_t data;	/* address in this process, aligned to 4 KiB, and VTD_PTE_R | VTD_PTE_W */
	uint64_t order; /* VTD_ENTRY_FILLED and number of the fill, unique in its set */
	uint64_t stamp; /* of the last use; translators: write and read */
} __attribute__((aligned(32)));

#define VTD_ENTRY_FILLED  (UINT64_C(1) << 63)
#define VTD_ENTRY_RIGHTS  VTD_PTE_RW
#define VTD_ENTRY_ADDRESS (~(uint64_t)(VTD_PAGE_SIZE - 1))

/*
 * A tag is the address of the page, bits 56:12, with the domain id in bits 63:57 and 11:3, the
 * page size in bits 2:1 (level of the leaf - 1) and a one in bit 0.
 */
#define VTD_TAG_ADDRESS	 UINT64_C(0x01fffffffffff000)
#define VTD_TAG_DOMAIN	 UINT64_C(0xfe00000000000ff8)
#define VTD_ADDRESS_BITS 57

static inline uint64_t vtd_tag_key(uint16_t domain_id, unsigned int size)
{
	return (uint64_t)(domain_id & 0x7f) << 57 | (uint64_t)(domain_id >> 7) << 3 | size << 1 | 1;
}

static inline unsigned int vtd_tag_size(uint64_t tag)
{
	return (unsigned int)(tag >> 1) & 3;
}

static inline bool vtd_entry_read(const struct vtd_entry *entry, uint64_t tag, uint64_t *data)
{
	uint64_t order = __atomic_load_n(&entry->order, __ATOMIC_ACQUIRE);
	uint64_t found = __atomic_load_n(&entry->tag, __ATOMIC_ACQUIRE);

	*data = __atomic_load_n(&entry->data, __ATOMIC_ACQUIRE);
	return found == tag && order == __atomic_load_n(&entry->order, __ATOMIC_RELAXED);
}

/*
 * Lowers order and stamp, so that an empty entry is the oldest of its set. The order stays unlike
 * any before: a reader may stand still here while the entry is filled and cleared again and again.
 */
static inline void vtd_entry_clear(struct vtd_entry *entry)
{
	uint64_t order = __atomic_load_n(&entry->order, __ATOMIC_RELAXED);

	__atomic_store_n(&entry->tag, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->order, order & ~VTD_ENTRY_FILLED, __ATOMIC_RELEASE);
	__atomic_store_n(&entry->stamp, 0, __ATOMIC_RELAXED);
}

static inline void vtd_entry_write(struct vtd_entry *entry, uint64_t tag, uint64_t data,
				   uint64_t order, uint64_t stamp)
{
	__atomic_store_n(&entry->tag, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->order, order | VTD_ENTRY_FILLED, __ATOMIC_RELEASE);
	__atomic_store_n(&entry->data, data, __ATOMIC_RELEASE);
	__atomic_store_n(&entry->stamp, stamp, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->tag, tag, __ATOMIC_RELEASE);
}
