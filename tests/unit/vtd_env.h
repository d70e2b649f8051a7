/* SPDX-License-Identifier: BSD-3-Clause */
/* What tests of the VT-d unit begin with: a unit, some memory, a domain, a device, a queue. */
#pragma once

#include "unit.h"

#include "iommu_burst.h"
#include "iommu_ops.h"
#include "vtd.h"

#define ENV_SOURCE_ID 0x1234
#define ENV_PAGE      UINT64_C(4096)

struct vtd_env {
	struct iommu_unit *unit;
	struct iommu_domain *domain;
	struct iommu_device *device;
	struct iommu_translator *translator;
	uint8_t *memory; /* aligned to 1 GiB at most; known to the unit at its own address */
	size_t memory_size;
};

/** config NULL: defaults; levels 0: the unit's. Fails the test when anything fails. */
void vtd_env_open(struct vtd_env *env, const struct vtd_config *config, uint8_t levels,
		  size_t memory_size);
void vtd_env_close(struct vtd_env *env);

/** One access in a burst of its own: its spans, 0 when it is refused. */
uint16_t vtd_env_access(struct vtd_env *env, uint64_t iova, uint32_t len, uint16_t prot,
			struct iommu_span *spans, uint16_t span_max);

/** Reads one byte's translation; NULL when it is refused. */
uint8_t *vtd_env_read(struct vtd_env *env, uint64_t iova);

/** Reason of the last recorded fault, 0 when there is none; the log is cleared. */
uint8_t vtd_env_reason(struct vtd_env *env);

/** Unmaps and syncs. */
void vtd_env_unmap(struct vtd_env *env, uint64_t iova, uint64_t size);
