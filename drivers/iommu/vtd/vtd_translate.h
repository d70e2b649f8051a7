/* SPDX-License-Identifier: BSD-3-Clause */
/* A translator's own state, and that of one burst. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vtd_unit.h"

#define VTD_USER_SHARED UINTPTR_MAX

struct vtd_translator {
	struct vtd_unit *unit;
	struct iommu_translator *translator;
	struct vtd_view view; /* of the page size that was found last: what is tried first */
	uint64_t limit;	      /* first IOVA that is too wide; 0: nothing is to be looked up */
	uint64_t context_generation; /* of the copy below */
	bool has_context;
	struct vtd_context context;
	struct vtd_memory_cursor tables;
	struct vtd_memory_cursor leaves;
	uint32_t shared_bursts;
	uint32_t shared_fills; /* since it moved the clock */
	uint32_t alone;	       /* looks at a shared unit that met nobody else */
} __attribute__((aligned(64)));

/* Figures and time of one burst, added to the shared ones at its end. */
struct vtd_burst {
	uint64_t clock;		/* stamp of the next use */
	uint64_t tick;		/* 1: exact order of uses; 0: a shared unit's */
	struct vtd_probe probe; /* of the page that missed last, in the view's size */
	uint64_t hits;
	uint64_t misses;
	uint64_t walk_reads;
	uint64_t faults;
};

/* vtd_clock.c */

/** Decides the burst's tick, where the unit's user is not this thread. */
void vtd_clock_claim(struct vtd_translator *vtd, struct vtd_burst *burst, uintptr_t user);

/** Counts a fill in a shared unit. */
void vtd_clock_fill(struct vtd_translator *vtd, struct vtd_burst *burst);

/* vtd_miss.c */

/**
 * Translates an access page by page, with all checks. Returns its spans, 0 when it was refused
 * (recorded), -1 when they would not fit into room (nothing is recorded or counted).
 */
int vtd_translate_access(struct vtd_translator *vtd, struct vtd_burst *burst,
			 const struct iommu_access *access, struct iommu_span *spans,
			 unsigned int room);
