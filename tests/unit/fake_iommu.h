/* SPDX-License-Identifier: BSD-3-Clause */
/* A backend for tests of the layers above: records calls, and fails where it is told to. */
#pragma once

#include "iommu_ops.h"

enum fake_step {
	FAKE_UNIT_CREATE,
	FAKE_UNIT_DESTROY,
	FAKE_MEMORY_ADD,
	FAKE_MEMORY_REMOVE,
	FAKE_DOMAIN_CREATE,
	FAKE_DOMAIN_DESTROY,
	FAKE_ATTACH,
	FAKE_DETACH,
	FAKE_MAP,
	FAKE_UNMAP,
	FAKE_SYNC,
	FAKE_FREE_TABLES,
	FAKE_TRANSLATOR_CREATE,
	FAKE_TRANSLATOR_DESTROY,
	FAKE_STEPS,
};

struct fake_state {
	unsigned int calls[FAKE_STEPS];
	int fail[FAKE_STEPS];	       /* errno to return from the step, 0: it works */
	unsigned int skip[FAKE_STEPS]; /* calls of the step that work before it fails */
	uint8_t trace[1024];	       /* the first steps in the order they came */
	unsigned int trace_count;
	struct iommu_limits limits;   /* given to the next unit */
	struct iommu_mapping mapping; /* of the last map */
	void *freelist;		      /* chained to the gather by the next unmap */
};

extern const struct iommu_ops fake_ops;
extern struct fake_state fake;

/** Forgets everything; limits are 48 bits, 4 KiB to 1 GiB, one hole at the MSI window. */
void fake_reset(void);

/** Lets a step fail with errno `code` after `skip` calls that work. */
void fake_fail(enum fake_step step, int code, unsigned int skip);

/** Makes a unit of the fake with one domain, and device "dev0" (source id 0x100) in it. */
void fake_attach(struct iommu_unit **unit, struct iommu_domain **domain,
		 struct iommu_device **device);
/** Takes them apart: each must go at the first try. */
void fake_detach(struct iommu_unit *unit, struct iommu_domain *domain, struct iommu_device *device);
