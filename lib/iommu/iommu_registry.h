/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this folder share: the lock and the lists of the registries. */
#pragma once

#include "iommu_ops.h"

/** Guards the lists of units, domains, devices and translators; never taken for a burst. */
void iommu_registry_lock(void);
void iommu_registry_unlock(void);

/* The list of all domains; registry lock. */
TAILQ_HEAD(iommu_domain_list, iommu_domain);
extern struct iommu_domain_list iommu_domains;

/** Unmaps and syncs all that is mapped, and gives the domain's nodes back to the heap. */
void iommu_domain_clear(struct iommu_domain *domain);
