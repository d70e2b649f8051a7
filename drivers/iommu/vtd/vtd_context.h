/* SPDX-License-Identifier: BSD-3-Clause */
/* Root and context tables: which domain a device is in; and the cache in front of them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_spinlock.h>

#include "vtd_format.h"
#include "vtd_memory.h"
#include "vtd_pages.h"

/* What a context entry says. */
struct vtd_context {
	uint64_t table_pa;
	uint64_t limit; /* first IOVA that is too wide */
	uint16_t domain_id;
	uint8_t type; /* VTD_TT_* */
	uint8_t levels;
	bool is_silent; /* FPD: qualified faults are not recorded */
	bool is_cached;
};

struct vtd_contexts {
	rte_spinlock_t lock;
	uint64_t generation; /* control: write under the lock, translators: read */
	uint64_t root_pa;
	uint64_t reserved;	   /* address bits beyond the host's width */
	struct vtd_context *cache; /* by source id */
};

/* The entries that led to a context, as far as the walk came. */
struct vtd_context_trace {
	uint32_t reads;
	uint64_t entry_pa[2]; /* root, context */
	uint64_t entry[2][2];
};

int vtd_contexts_init(struct vtd_contexts *contexts, uint64_t root_pa, uint64_t reserved);
void vtd_contexts_fini(struct vtd_contexts *contexts);

/**
 * Reads a device's context entry from memory. Returns 0 or the fault reason, in the order of
 * the VT-d specification, 7.1.3; is_silent is right in either case.
 */
uint8_t vtd_context_read(const struct vtd_contexts *contexts, const struct vtd_memory *memory,
			 uint16_t source_id, struct vtd_context *context,
			 struct vtd_context_trace *trace);

/** The same through the cache; adds the entries read from memory to reads. Any thread. */
uint8_t vtd_context_get(struct vtd_contexts *contexts, const struct vtd_memory *memory,
			uint16_t source_id, struct vtd_context *context, uint64_t *reads);

/** Makes every translator and the cache read again: one device, or all. */
void vtd_contexts_invalidate(struct vtd_contexts *contexts, uint16_t source_id);
void vtd_contexts_invalidate_all(struct vtd_contexts *contexts);

/**
 * Writes the context entry of a device in our own root table; pages gives the context table of
 * its bus. Not at the same time as another write.
 */
int vtd_context_write(uint64_t *root, struct vtd_pages *pages, uint16_t source_id,
		      const struct vtd_context *context);
void vtd_context_clear(uint64_t *root, uint16_t source_id);
