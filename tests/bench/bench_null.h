/* SPDX-License-Identifier: BSD-3-Clause */
/* A backend that does nothing: what is left is the cost of the layers above. */
#pragma once

#include "iommu_ops.h"

extern const struct iommu_ops bench_null_ops;
