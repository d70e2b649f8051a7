/* SPDX-License-Identifier: BSD-3-Clause */
/* The software VT-d unit: a backend of lib/iommu whose tables and caches are in this process. */
#pragma once

#include <stdint.h>

#include "base_error.h"
#include "iommu.h"
#include "iotlb_geometry.h"

extern const struct iommu_ops vtd_ops;

/*
 * An access with this bit in prot claims to be translated already (AT = 10b on the bus). A device
 * without ATS must not send it: fault 0xD (VT-d specification, section 4.2.3).
 */
#define VTD_ACCESS_TRANSLATED (1u << 2)

/* For iommu_unit_create(); members that are 0 are replaced by their defaults. */
struct vtd_config {
	struct iotlb_geometry geometry; /* entries 0: iotlb_geometry_default() */
	uint8_t levels;			/* of domains that ask for none; 0: 4 */
	uint8_t host_addr_bits; /* address bits of a table entry above are reserved; 0: 52 */
};

/* Figures of a unit since its creation; read while it runs they are a moment old. */
struct vtd_stats {
	uint64_t fills;		/* entries put into the IOTLB */
	uint64_t evictions;	/* valid entries that a fill replaced */
	uint64_t dropped_fills; /* fills that an invalidation overtook */
	uint64_t invalidations_page;
	uint64_t invalidations_domain;
	uint64_t invalidations_global;
	uint64_t table_pages; /* 4 KiB pages that hold tables now */
};
void vtd_unit_stats(const struct iommu_unit *unit, struct vtd_stats *stats);

/* What the unit did for a domain since its creation, counted by itself: truth for ledgers. */
struct vtd_domain_stats {
	uint64_t maps;
	uint64_t unmaps;
	uint64_t mapped_bytes;
	uint64_t unmapped_bytes;
	uint64_t syncs;	      /* invalidations that completed unmaps */
	uint64_t map_flushes; /* invalidations by maps, where a walk cache led to an old table */
};
void vtd_domain_stats(struct iommu_domain *domain, struct vtd_domain_stats *stats);

const struct iotlb_geometry *vtd_unit_geometry(const struct iommu_unit *unit);

/**
 * Points the unit to another root table, for example of a saved image, and invalidates all its
 * caches, as software does after a write to RTADDR_REG (VT-d specification, section 11.4.5).
 */
void vtd_unit_set_root(struct iommu_unit *unit, uint64_t root_pa);
uint64_t vtd_unit_root(const struct iommu_unit *unit);

/** Global context-cache, then global IOTLB invalidation (sections 6.5.1.1 and 6.5.1.2). */
void vtd_unit_invalidate(struct iommu_unit *unit);
