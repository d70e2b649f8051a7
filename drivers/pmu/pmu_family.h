/* SPDX-License-Identifier: BSD-3-Clause */
/* What a family of IOMMU PMUs implements, and what the families share. */
#pragma once

#include "pmu.h"
#include "pmu_sysfs.h"

/* A device to count for, and where it is. */
struct pmu_device {
	struct host_pci_device host;
	char root_bus[HOST_NAME_SIZE]; /* "0000:17", "" where sysfs does not tell */
	uint32_t segment;
	uint16_t requester_id; /* bus, device, function */
	uint32_t stream_id;    /* Arm's, once its family has found it */
};

struct pmu_family {
	const char *name;
	/** The kernel must be stopped counting while it is read: pmu_perf_read()'s stops. */
	bool stops_to_read;
	/**
	 * Appends the units that count for a device, nothing opened. -ENOENT: this family has
	 * none, and err says why if it is the one that should; -EINVAL: sysfs holds nonsense.
	 */
	int (*plan)(const char *root, const struct pmu_device *device, struct pmu_list *list,
		    struct base_error *err);
	/** Fills what the unit's counts tell; all is PMU_NA before. */
	void (*iotlb)(const struct pmu_unit *unit, struct pmu_iotlb *out);
};

extern const struct pmu_family pmu_dmar, pmu_iio, pmu_amd, pmu_smmuv3;

/** All of them; ends with NULL. */
extern const struct pmu_family *const pmu_families[];

/* An event that a family wants. */
struct pmu_event {
	const char *name;
	const char *terms;     /* where sysfs does not name it; NULL: then it is left out */
	bool is_per_requester; /* counted for a device alone, where that can be */
	bool is_per_unit;      /* counted for the whole unit, even where it is for a device */
};

/** The number at the end of "dmar3" when it begins with prefix; -1: it is not such a name. */
int pmu_name_number(const char *name, const char *prefix);

/* What a family would count on one PMU. */
struct pmu_request {
	const struct pmu_family *family;
	const struct pmu_source *source; /* counted on its first CPU */
	const struct pmu_event *events;	 /* a name of NULL ends them; those it lacks are left out */
	const struct pmu_device *device;
	/** Sets the device's filter in an attr, 0 or -errno; NULL: the PMU has no filters. */
	int (*filter)(const struct pmu_source *source, const struct pmu_device *device,
		      struct perf_event_attr *attr);
};

/**
 * Appends what is asked for: with a filter a unit of the events for the device alone and one of
 * those for the whole, without one a unit of all. -ENOENT: the PMU has none of the events.
 */
int pmu_request_plan(const struct pmu_request *request, struct pmu_list *list,
		     struct base_error *err);

/** The last count of an event; PMU_NA: none. Sets *is_scaled when it is an estimate. */
uint64_t pmu_unit_count(const struct pmu_unit *unit, const char *name, bool *is_scaled);

/** a + b and a - b (not below 0: the two are read one after the other), PMU_NA if one is. */
uint64_t pmu_sum(uint64_t a, uint64_t b);
uint64_t pmu_difference(uint64_t a, uint64_t b);
