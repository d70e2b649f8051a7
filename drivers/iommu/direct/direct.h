/* SPDX-License-Identifier: BSD-3-Clause */
/* The backend without translation: the IOMMU is off, and a device's address is the physical one. */
#pragma once

#include "iommu_ops.h"

/**
 * Takes no config. Devices reach all memory that was added, mapped or not, with any right: its
 * limits say is_protected = false. A mapping must have iova == pa (-EADDRNOTAVAIL), so that a
 * program that chose other addresses learns it before a device writes elsewhere; an access
 * where no memory was added is refused, with fault reason IOMMU_REASON_NO_MEMORY.
 */
extern const struct iommu_ops direct_ops;

/**
 * The same for real devices: nothing stands between them and the machine's memory, and what is
 * mapped is bookkeeping only. A mapping's IOVAs must be the physical addresses of its pages, as
 * the kernel tells them (-EADDRNOTAVAIL; -EPERM: it hides them). Takes no config; no translators.
 */
extern const struct iommu_ops direct_hardware_ops;

/** Any address, no protection; all but the MSI window. */
void direct_set_limits(struct iommu_limits *limits);
