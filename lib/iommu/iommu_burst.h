/* SPDX-License-Identifier: BSD-3-Clause */
/* Begin and end of a burst of translations: what iommu_sync() waits for. */
#pragma once

#include <rte_rcu_qsbr.h>

#include "iommu.h"

/** From here to the end, translations and spans of this translator's unit stay good. */
static inline void iommu_burst_begin(struct iommu_translator *translator)
{
	rte_rcu_qsbr_thread_online(translator->qsbr, translator->qsbr_id);
}

static inline void iommu_burst_end(struct iommu_translator *translator)
{
	rte_rcu_qsbr_thread_offline(translator->qsbr, translator->qsbr_id);
}
