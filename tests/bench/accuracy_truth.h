/* SPDX-License-Identifier: BSD-3-Clause */
/* What LRU IOTLBs would miss of a trace: all lookups together, and each queue for itself. */
#pragma once

#include <stdint.h>

#include "accuracy_trace.h"

#define ACCURACY_SIZES 5 /* 32, 64, 128, 256, 512 entries */

static inline uint32_t accuracy_entries(unsigned int size)
{
	return 32u << size;
}

struct accuracy_queue_truth {
	uint64_t lookups;
	uint64_t pages;			 /* different ones */
	uint64_t misses[ACCURACY_SIZES]; /* in company */
	uint64_t alone[ACCURACY_SIZES];	 /* if it had the IOTLB for itself */
};

struct accuracy_truth {
	uint64_t lookups;
	uint64_t misses[ACCURACY_SIZES];
	double estimate[ACCURACY_SIZES]; /* what lib/iotlb makes of the trace's own reuse times */
	struct accuracy_queue_truth queue[ACCURACY_QUEUES]; /* by qsbr_id */
};

/** Of lookups first to last - 1; the IOTLB is empty at the trace's begin. The caller frees it. */
struct accuracy_truth *accuracy_truth_find(const struct accuracy_trace *trace);

/** Misses of the whole trace in an IOTLB of so many entries. */
uint64_t accuracy_truth_misses(const struct accuracy_trace *trace, uint32_t entries);
