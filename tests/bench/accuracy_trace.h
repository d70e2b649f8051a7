/* SPDX-License-Identifier: BSD-3-Clause */
/* Records every page that queues of software devices translate, in the order of the lookups. */
#pragma once

#include <stdint.h>

#include "iommu.h"

#define ACCURACY_QUEUES 1024 /* a unit has no more translators */

/* One lookup. */
struct accuracy_lookup {
	uint32_t page; /* number, in the trace's page size */
	uint16_t domain;
	uint16_t queue; /* of the translator: its qsbr_id */
};

/* What was looked up; those that record: add, to their end. */
struct accuracy_trace {
	struct accuracy_lookup *lookup;
	uint64_t count;
	uint64_t size;	    /* lookups there is room for */
	uint8_t page_shift; /* of all mappings */
	uint64_t strange;   /* accesses whose spans are not the pages that they touch */
};

/** Room for `size` lookups; further ones are counted but not kept. -ENOMEM. */
int accuracy_trace_create(uint64_t size, uint8_t page_shift, struct accuracy_trace *trace);
void accuracy_trace_destroy(struct accuracy_trace *trace);

/** Makes a translator record into the process's trace, from its next burst on; control. */
void accuracy_trace_wrap(struct accuracy_trace *trace, struct iommu_translator *translator);

static inline uint64_t accuracy_lookup_key(const struct accuracy_lookup *lookup)
{
	return (uint64_t)lookup->domain << 32 | lookup->page;
}
