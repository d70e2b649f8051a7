/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU units and domains for devices: made with their first user, gone with their last. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base_error.h"
#include "iommu.h"

#define PORT_UNIT_OWN	    (-1)
#define PORT_SOURCE_ID_FREE (-1)

/* Where a device goes. */
struct port_place {
	const struct iommu_ops *ops; /* the backend */
	int unit;		     /* its id, or PORT_UNIT_OWN: none that is there already */
	const void *config;	     /* the backend's, should the unit be made now */
	uint8_t levels;		     /* of the domain, 0: the unit's default */
	bool is_shared;		     /* its devices cannot be kept apart: they have one domain */
};

/**
 * A domain for one more device: one of its own, or with --domain shared the unit's one
 * (PORT_UNIT_OWN: that of the first unit of the backend). port_unit_release() gives it back.
 */
int port_unit_domain(const struct port_place *place, struct iommu_domain **out,
		     struct base_error *err);

/** Destroys the domain and then the unit, unless others use them. */
void port_unit_release(struct iommu_domain *domain);

/**
 * Attaches a device under its source id, or PORT_SOURCE_ID_FREE: the first that is free. What the
 * unit cannot map from then on is kept out of the process's IOVA plan.
 */
int port_unit_attach(struct iommu_domain *domain, const char *name, int source_id,
		     struct iommu_device **out, struct base_error *err);
