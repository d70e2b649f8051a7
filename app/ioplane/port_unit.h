/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU units and domains for devices: made with their first user, gone with their last. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base_error.h"
#include "iommu.h"
#include "port.h"

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
 * Gives the port's device a domain: one of its own, or with --domain shared the unit's one
 * (PORT_UNIT_OWN: that of the first unit of the backend). It is attached under its source id, or
 * PORT_SOURCE_ID_FREE: the first that is free. What the unit cannot map is kept out of the
 * process's IOVA plan. On failure nothing is left behind.
 */
int port_unit_enter(const struct port_place *place, struct port *port, int source_id,
		    struct base_error *err);

/** Attaches the device of a port that has a domain and no device there. */
int port_unit_attach(struct port *port, int source_id, struct base_error *err);

/** Detaches the device; domain and unit go with their last user. */
void port_unit_leave(struct port *port);
