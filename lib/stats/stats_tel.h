/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts of a snapshot as dictionaries of DPDK's telemetry; what does not apply is left out. */
#pragma once

#include <stdint.h>
#include <rte_telemetry.h>

#include "stats.h"

/** An empty dictionary, or NULL. */
struct rte_tel_data *stats_tel_create(void);

/** Hands value, which may be NULL, over to dict; freed when it does not fit. */
void stats_tel_add(struct rte_tel_data *dict, const char *name, struct rte_tel_data *value);
void stats_tel_add_u64(struct rte_tel_data *dict, const char *name, uint64_t value);

/** The figures of a domain or of a queue, straight into dict. */
void stats_tel_add_domain(struct rte_tel_data *dict, const struct stats_domain *domain);
void stats_tel_add_queue(struct rte_tel_data *dict, const struct stats_queue *queue);

/** What is free of the IOVA plan. */
void stats_tel_add_space(struct rte_tel_data *dict, const struct dma_space_usage *usage);

/** What is estimated for all queues of a unit, or the two curves of a queue. */
void stats_tel_add_unit(struct rte_tel_data *dict, const struct stats_unit *unit);
void stats_tel_add_curves(struct rte_tel_data *dict, const struct stats_model *model);

/** A fault of a domain as the entry `name`. */
void stats_tel_add_fault(struct rte_tel_data *dict, const char *name, uint32_t domain,
			 const struct iommu_fault *fault);

/** A mapping as the entry of this number. */
void stats_tel_add_map(struct rte_tel_data *dict, unsigned int number,
		       const struct iommu_mapping *mapping);
