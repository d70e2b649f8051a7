/* SPDX-License-Identifier: BSD-3-Clause */
/* All families of IOMMU PMUs: a new one is a line here. */
#include <stddef.h>

#include "pmu_family.h"

const struct pmu_family *const pmu_families[] = {
	&pmu_dmar, &pmu_iio, &pmu_amd, &pmu_smmuv3, NULL,
};
