/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads ledgers, whole or since they were cleared. */
#include <stdlib.h>
#include <string.h>

#include "stats.h"

static uint64_t read_u64(const uint64_t *field)
{
	return __atomic_load_n(field, __ATOMIC_RELAXED);
}

void stats_copy_ledger(const struct dma_ledger *ledger, struct dma_ledger *out)
{
	memset(out, 0, sizeof(*out));
	out->policy = ledger->policy;
	out->maps = read_u64(&ledger->maps);
	out->unmaps = read_u64(&ledger->unmaps);
	out->mapped_bytes = read_u64(&ledger->mapped_bytes);
	out->unmapped_bytes = read_u64(&ledger->unmapped_bytes);
	out->invalidations = read_u64(&ledger->invalidations);
	out->waiting = read_u64(&ledger->waiting);
	out->lost = read_u64(&ledger->lost);
	base_hist_merge(&out->map_ns, &ledger->map_ns);
	base_hist_merge(&out->unmap_ns, &ledger->unmap_ns);
	base_hist_merge(&out->sync_ns, &ledger->sync_ns);
	base_hist_merge(&out->window_ns, &ledger->window_ns);
}

static void collect_hist(struct base_hist *now, const struct base_hist *base,
			 struct stats_hist *out)
{
	if (base != NULL)
		base_hist_subtract(now, base);
	stats_collect_hist(now, out);
}

static void collect(struct dma_ledger *now, const struct dma_ledger *base, struct stats_dma *out)
{
	static const struct dma_ledger zero;
	const struct dma_ledger *from = base == NULL ? &zero : base;

	*out = (struct stats_dma){
		.policy = now->policy,
		.batch = STATS_NA,
		.timeout_us = STATS_NA,
		.maps = now->maps - from->maps,
		.unmaps = now->unmaps - from->unmaps,
		.mapped_bytes = now->mapped_bytes - from->mapped_bytes,
		.unmapped_bytes = now->unmapped_bytes - from->unmapped_bytes,
		.invalidations = now->invalidations - from->invalidations,
		.waiting = now->waiting,
		.lost = now->lost - from->lost,
	};
	collect_hist(&now->map_ns, base == NULL ? NULL : &base->map_ns, &out->map_ns);
	collect_hist(&now->unmap_ns, base == NULL ? NULL : &base->unmap_ns, &out->unmap_ns);
	collect_hist(&now->sync_ns, base == NULL ? NULL : &base->sync_ns, &out->sync_ns);
	collect_hist(&now->window_ns, base == NULL ? NULL : &base->window_ns, &out->window_ns);
}

/* A copy first: what is shown is of one moment. */
void stats_collect_dma(const struct dma_ledger *ledger, const struct dma_ledger *base,
		       struct stats_dma *out)
{
	struct dma_ledger now;

	stats_copy_ledger(ledger, &now);
	collect(&now, base, out);
}

void stats_set_policy(struct stats_dma *dma, const struct dma_policy_config *config)
{
	if (config->policy == DMA_STATIC)
		return;
	dma->iova = config->is_fresh ? "fresh" : "fixed";
	if (config->policy != DMA_DEFERRED)
		return;
	dma->batch = config->batch;
	dma->timeout_us = config->timeout_us;
}
