/* SPDX-License-Identifier: BSD-3-Clause */
/* What is mapped in a domain, as ranges of pages of the size that the IOMMU has them in. */
#pragma once

#include "iommu.h"
#include "tracker.h"

/** A range a mapping, lowest first; the caller frees the array. -ENOMEM. */
int tracker_ranges_read(struct iommu_domain *domain, struct tracker_range **out,
			unsigned int *count);
