/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU units and domains for devices: made with their first user, gone with their last. */
#pragma once

#include <stdint.h>

#include "base_error.h"
#include "iommu.h"

/**
 * A domain for one more device behind unit `id`: one of its own, or with --domain shared the
 * unit's one. levels 0: the unit's default.
 */
int port_unit_domain(unsigned int id, uint8_t levels, struct iommu_domain **out,
		     struct base_error *err);

/** Destroys the domain and then the unit, unless others use them. */
void port_unit_release(struct iommu_domain *domain);

/** Attaches a device under the first free source id. */
int port_unit_attach(struct iommu_domain *domain, const char *name, struct iommu_device **out,
		     struct base_error *err);
