/* SPDX-License-Identifier: BSD-3-Clause */
/* What every contract test includes: the backends, and one device with memory on each of them. */
#pragma once

#include "unit.h"

#include "iommu_burst.h"
#include "iommu_ops.h"

#define K4 UINT64_C(0x1000)
#define M2 UINT64_C(0x200000)
#define RW (IOMMU_READ | IOMMU_WRITE)

#define CONTRACT_MEMORY (4 * M2)
#define CONTRACT_PAGES	(CONTRACT_MEMORY / K4)
#define CONTRACT_SPANS	1024

/* What not every backend promises; a test of it runs on those that do. */
#define CONTRACT_PROTECTION 0x1u /* devices reach what is mapped for them and nothing else */
#define CONTRACT_TABLES	    0x2u /* tables that can be read */
#define CONTRACT_REFUSALS   0x4u /* bad_config is refused by unit_create */

struct contract_backend {
	const char *name;
	const struct iommu_ops *ops;
	unsigned int promises;
	const void *config;
	const void *bad_config;
};

extern const struct contract_backend contract_backends[];
extern const unsigned int contract_backend_count;

/* A unit, a domain, a device with a translator, and memory that the unit knows. */
struct contract {
	const struct contract_backend *backend;
	struct iommu_unit *unit;
	struct iommu_domain *domain;
	struct iommu_device *device;
	struct iommu_translator *translator;
	uint8_t *memory;  /* CONTRACT_MEMORY bytes, aligned to 2 MiB; page n is full of n & 0xff */
	uint8_t *strange; /* as much, that the unit does not know */
	uint64_t iova;	  /* where tests map memory: its own address where nothing is translated */
};

struct contract_test {
	const char *name;
	CMUnitTestFunction run; /* *state is a struct contract * */
	unsigned int needs;	/* promises of the backend */
};

#define CONTRACT_TEST(function)                    \
	{                                          \
		.name = #function, .run = function \
	}
#define CONTRACT_TEST_OF(promise, function)                                     \
	{                                                                       \
		.name = #function, .run = function, .needs = CONTRACT_##promise \
	}

/** Runs each test on each backend that promises what it needs; the program's exit status. */
int contract_run(const struct contract_test *tests, unsigned int count);

/** One access in a burst of its own; the spans, 0: refused. They must stand in our memory. */
unsigned int contract_access(struct contract *c, uint64_t iova, uint32_t len, uint32_t prot,
			     struct iommu_span *spans);

/** Whether one access is granted. */
bool contract_reaches(struct contract *c, uint64_t iova, uint32_t len, uint32_t prot);

/** The byte that a device reads at iova, -1: refused. */
int contract_read(struct contract *c, uint64_t iova);

/** As iommu_map() at the fixture's place: offset bytes from c->iova and from c->memory. */
int contract_map(struct contract *c, uint64_t offset, uint64_t size, uint64_t page_size,
		 uint32_t prot);

/** Unmaps what contract_map() mapped, and syncs. */
void contract_unmap(struct contract *c, uint64_t offset, uint64_t size);
