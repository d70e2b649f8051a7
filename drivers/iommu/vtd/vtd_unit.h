/* SPDX-License-Identifier: BSD-3-Clause */
/* A unit, its domains and its translators, as the files of this folder share them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_spinlock.h>

#include "iommu_ops.h"
#include "vtd.h"
#include "vtd_context.h"
#include "vtd_iotlb.h"
#include "vtd_memory.h"
#include "vtd_pages.h"
#include "vtd_psc.h"
#include "vtd_tables.h"

/*
 * A sync invalidates page by page (and only what lies in the range) as long as the gathered range
 * spans at most this many 4 KiB pages, 2 MiB; beyond, it invalidates the domain.
 */
#define VTD_SYNC_PAGES_MAX 512

struct vtd_unit {
	/* control: write, translators: read */
	struct vtd_memory memory;
	struct vtd_iotlb iotlb;
	struct vtd_psc psc;
	struct vtd_contexts contexts;
	uint64_t reserved[VTD_LEVELS_MAX + 1]
			 [2]; /* bits of an entry by level; [1]: of a leaf > 4K */
	uint64_t *root;	      /* our own root table */
	uint8_t default_levels;
	uint64_t invalidations[3]; /* by page, domain, globally */

	/* control: write; translators: read in a miss */
	uint64_t generation __attribute__((aligned(64)));

	/* The translating threads: write and read, but all of them only in a shared unit seldom. */
	uint64_t clock __attribute__((aligned(64)));
	uint64_t handover; /* clock when the unit went from one thread to another */
	uintptr_t user;	   /* pthread_self() of the only translating thread, or VTD_USER_SHARED */
	uintptr_t last_user;

	rte_spinlock_t lock __attribute__((aligned(64))); /* what follows */
	struct vtd_pages pages;
	uint64_t domain_ids[65536 / 64]; /* in use, a bit each */
};

struct vtd_domain {
	struct vtd_unit *unit;
	uint16_t id; /* DID in context entries and tags */
	struct vtd_tables tables;
	/* these two: domain lock */
	struct vtd_memory_cursor memory;
	struct vtd_domain_stats stats;
};

/** Each makes every walk that is under way unable to fill, then clears the caches. Any thread. */
void vtd_invalidate_range(struct vtd_unit *unit, uint16_t domain_id, uint64_t first, uint64_t last,
			  bool leaves_only);
void vtd_invalidate_domain(struct vtd_unit *unit, uint16_t domain_id);
void vtd_invalidate_all(struct vtd_unit *unit);

/* vtd_translate.c and vtd_show.c: members of vtd_ops. */
int vtd_translator_create(struct iommu_translator *translator);
void vtd_translator_destroy(struct iommu_translator *translator);
int vtd_iova_to_phys(struct iommu_domain *domain, uint64_t iova, uint64_t *pa);
int vtd_walk(struct iommu_device *device, uint64_t iova, struct iommu_walk *walk);
int vtd_for_each_leaf(struct iommu_domain *domain,
		      int (*visit)(const struct iommu_mapping *leaf, void *arg), void *arg);
