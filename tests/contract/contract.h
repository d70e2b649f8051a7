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

struct contract_backend {
	const char *name;
	const struct iommu_ops *ops;
	const void *config;
	const void *bad_config; /* refused by unit_create; NULL: it refuses none */
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
};

#define CONTRACT_TEST(function)     \
	{                           \
#function, function \
	}

/** Runs each test on each backend; the program's exit status. */
int contract_run(const struct contract_test *tests, unsigned int count);

/** Skips the test, and says why, where the backend does not promise it. */
void contract_needs_protection(struct contract *c);
void contract_needs_tables(struct contract *c);

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
