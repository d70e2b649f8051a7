/* SPDX-License-Identifier: BSD-3-Clause */
/* Trackers of IOMMU units and of the domains behind them. */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include "base_error.h"
#include "port.h"
#include "tracker.h"

/* All that shares one IOTLB: a software unit, or a unit of the machine as sysfs names it. */
struct tracked_unit {
	LIST_ENTRY(tracked_unit) link;
	char name[IOMMU_NAME_SIZE]; /* "vtd0", "dmar1"; a device's where sysfs names no unit */
	char backend[IOMMU_NAME_SIZE];
	struct iotlb_geometry profile; /* misses are predicted for it */
	struct tracker *tracker;
	unsigned int domain_count;
};

/* A domain with what was mapped there when forwarding started. */
struct tracked_domain {
	LIST_ENTRY(tracked_domain) link;
	struct iommu_domain *domain;
	struct tracked_unit *unit;
	struct tracker_domain *tracked;
	struct tracker_range *ranges;
	unsigned int range_count;
	unsigned int port_count;
};

/** The port's domain for one port more, made at need. Main lcore, as all here. */
int tracked_domain_get(const struct port *port, struct tracked_domain **out,
		       struct base_error *err);
/** One port less; the last one frees it, with its queues, and the unit with its last domain. */
void tracked_domain_put(struct tracked_domain *domain);

/**
 * Adds what is mapped by now; what is not any more stays, and is not accessed. -EEXIST:
 * something stands where there were pages of another size: the domain has to be made anew.
 */
int tracked_domain_update(struct tracked_domain *domain);

/** The units in turn, NULL: the first. */
struct tracked_unit *tracked_unit_next(const struct tracked_unit *prev);

/** The unit that a port stands behind, or NULL; and whether a queue's ring was found. */
const struct tracked_unit *port_tracker_unit(const struct port *port);
bool port_tracker_has_ring(const struct port *port, bool is_rx, uint16_t queue);
