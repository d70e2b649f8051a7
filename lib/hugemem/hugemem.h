/* SPDX-License-Identifier: BSD-3-Clause */
/* Regions of 4 KiB, 2 MiB or 1 GiB pages on a NUMA node, and their physical addresses. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base_error.h"

#define HUGEMEM_4K ((size_t)1 << 12)
#define HUGEMEM_2M ((size_t)1 << 21)
#define HUGEMEM_1G ((size_t)1 << 30)

struct hugemem_request {
	size_t size;	  /* bytes; rounded up to the page size that is used */
	size_t page_size; /* largest page to ask for; 0: the largest not above size */
	bool is_exact;	  /* fail instead of stepping back to smaller pages */
	bool needs_huge;  /* fail instead of stepping back to 4 KiB pages, which may move */
	int node;	  /* NUMA node, -1: any */
};

struct hugemem_region {
	void *vaddr; /* aligned to page_size, zeroed, resident, MADV_DONTFORK */
	size_t size;
	size_t page_size;
	int node;	     /* as asked; -1 where the kernel has no NUMA policies: any */
	char step_back[512]; /* why the pages are smaller than asked for; "" when they are not */
};

/**
 * Maps a region; the caller owns it. Asks for 1 GiB, then 2 MiB, then 4 KiB pages from
 * request->page_size downwards; all pages are touched, on the node, before it returns.
 * -ENOMEM with the next step in err (how many pages are free on the node, what to write where).
 * -EINVAL: size 0, a page size or a node that is none here. Needs Linux 5.14.
 */
int hugemem_create(const struct hugemem_request *request, struct hugemem_region **out,
		   struct base_error *err);
void hugemem_destroy(struct hugemem_region *region);

/**
 * Physical address behind vaddr from /proc/self/pagemap (Linux admin-guide/mm/pagemap.rst).
 * -EPERM when the kernel hides frame numbers, -ENOENT when no page is present.
 */
int hugemem_virt_to_phys(const void *vaddr, uint64_t *pa);

/**
 * Where the machine's memory ends, from /proc/iomem. -EPERM when the kernel hides addresses,
 * -ENOENT when it lists no memory.
 */
int hugemem_physical_end(uint64_t *end);

/**
 * Free and total pages of one size on a node (-1: all nodes). Free huge pages that a mapping
 * has reserved do not count; free 4 KiB pages are those that the kernel can make free.
 * -ENOENT: the machine has no pages of this size, or no such node.
 */
int hugemem_pages(size_t page_size, int node, uint64_t *free_pages, uint64_t *total_pages);

/** "4 KiB", "2 MiB", "1 GiB", or NULL for another size. */
const char *hugemem_page_size_name(size_t page_size);
