/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads what VFIO_IOMMU_GET_INFO answers. */
#pragma once

#include <stddef.h>

#include "iommu.h"

/**
 * Fills limits from an answer of size bytes (linux/vfio.h: vfio_iommu_type1_info and its chain of
 * capabilities): pages, width, entries, and as holes what lies below the width in no range.
 * -EBADMSG: the chain leaves the answer; -ENOTSUP: no IOVA ranges (Linux before 5.4).
 */
int type1_info_parse(const void *info, size_t size, struct iommu_limits *limits);
