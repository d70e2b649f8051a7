/* SPDX-License-Identifier: BSD-3-Clause */
/* Stands between devices and their unit, and writes down which pages they look up. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "accuracy_trace.h"

static struct accuracy_trace *trace; /* control: write */
static uint16_t (*translate)(struct iommu_translator *translator, struct iommu_access *accesses,
			     uint16_t n, struct iommu_span *spans, uint16_t span_max);

int accuracy_trace_create(uint64_t size, uint8_t page_shift, struct accuracy_trace *out)
{
	memset(out, 0, sizeof(*out));
	out->lookup = malloc(size * sizeof(*out->lookup));
	out->size = size;
	out->page_shift = page_shift;
	return out->lookup == NULL ? -ENOMEM : 0;
}

void accuracy_trace_destroy(struct accuracy_trace *old)
{
	free(old->lookup);
	if (trace == old)
		trace = NULL;
	memset(old, 0, sizeof(*old));
}

/* The lookups of an access: the unit has one for each page, and gives one span for it. */
static void write_access(struct accuracy_lookup lookup, const struct iommu_access *access,
			 uint64_t at)
{
	uint64_t first = access->iova >> trace->page_shift;
	uint64_t last = (access->iova + access->len - 1) >> trace->page_shift;

	if (last - first + 1 != access->span_count || last > UINT32_MAX)
		__atomic_fetch_add(&trace->strange, 1, __ATOMIC_RELAXED);
	for (uint64_t n = 0; n < access->span_count && at + n < trace->size; n++) {
		lookup.page = (uint32_t)(first + n);
		trace->lookup[at + n] = lookup;
	}
}

static uint16_t translate_and_record(struct iommu_translator *translator,
				     struct iommu_access *accesses, uint16_t n,
				     struct iommu_span *spans, uint16_t span_max)
{
	uint16_t done = translate(translator, accesses, n, spans, span_max);
	const struct accuracy_lookup lookup = {
		.domain = (uint16_t)iommu_domain_id(iommu_device_domain(translator->device)),
		.queue = (uint16_t)translator->qsbr_id,
	};
	uint64_t lookups = 0, at;

	for (uint16_t i = 0; i < done; i++)
		lookups += accesses[i].span_count;
	at = __atomic_fetch_add(&trace->count, lookups, __ATOMIC_RELAXED);
	for (uint16_t i = 0; i < done; i++) {
		write_access(lookup, &accesses[i], at);
		at += accesses[i].span_count;
	}
	return done;
}

void accuracy_trace_wrap(struct accuracy_trace *to, struct iommu_translator *translator)
{
	if (translator->translate_burst == translate_and_record)
		return;
	trace = to;
	translate = translator->translate_burst;
	translator->translate_burst = translate_and_record;
}
