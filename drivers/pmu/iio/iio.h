/* SPDX-License-Identifier: BSD-3-Clause */
/* Which IOMMU events the IIO boxes of this machine's CPU have. */
#pragma once

#include "pmu_family.h"

#define IIO_LOOKUPS    "UNC_IIO_IOMMU0.FIRST_LOOKUPS"
#define IIO_MISSES     "UNC_IIO_IOMMU0.MISSES"
#define IIO_SKX_MISSES "UNC_IIO_VTD_ACCESS.TLB_MISS"

/**
 * The events by the CPU's model, at most four, as a box has counters; NULL: none are known for
 * it. Names and codes: Linux tools/perf/pmu-events/arch/x86, uncore-io.json of each model.
 */
const struct pmu_event *iio_events(const char *root);
