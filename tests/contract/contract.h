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
#define CONTRACT_PROTECTION 0x1u  /* devices reach what is mapped for them and nothing else */
#define CONTRACT_TABLES	    0x2u  /* tables that can be read */
#define CONTRACT_REFUSALS   0x4u  /* bad_config is refused by unit_create */
#define CONTRACT_SOFTWARE   0x8u  /* devices are ours: translators, spans, counted faults */
#define CONTRACT_HARDWARE   0x10u /* devices are real: QEMU's edu */

#define CONTRACT_TRANSLATION (CONTRACT_SOFTWARE | CONTRACT_PROTECTION)

#define CONTRACT_DEVICES 2

struct contract_backend {
	const char *name;
	const struct iommu_ops *ops;
	unsigned int promises;
	const void *config[CONTRACT_DEVICES]; /* of a unit for each device */
	const void *bad_config;
	const char *device[CONTRACT_DEVICES];
};

/** The backends that can be tried on this machine. */
unsigned int contract_backends(const struct contract_backend **out);

/* A unit, a domain, a device that does DMA, and memory that the unit knows. */
struct contract {
	const struct contract_backend *backend;
	struct iommu_unit *unit;
	struct iommu_domain *domain;
	struct iommu_device *device;
	struct iommu_translator *translator; /* of software */
	struct edu *edu;		     /* of hardware */
	bool is_software;
	uint64_t stride; /* a test of each page takes each stride-th: DMA of hardware takes 0.1 s */
	uint8_t *memory; /* CONTRACT_MEMORY bytes, aligned to 2 MiB, filled with contract_byte() */
	uint8_t *strange; /* as much, that the unit does not know */
	uint64_t iova;	  /* where tests map memory: its own address where nothing is translated */
};

/** What fills a page of the memory; never 0, which is what hardware reads where it is refused. */
static inline int contract_byte(uint64_t page)
{
	return (int)(1 + page % 251);
}

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

/** An empty domain for a device: in c's unit, or where units have one domain in a unit of its own.
 */
void contract_domain_create(struct contract *c, unsigned int number);
void contract_domain_destroy(struct contract *c);

/** Attaches one of the backend's devices to c's domain, and has it ready for DMA. */
void contract_attach(struct contract *c, unsigned int number);
void contract_detach(struct contract *c);

/** One access in a burst of its own; the spans, 0: refused. They must stand in our memory. */
unsigned int contract_access(struct contract *c, uint64_t iova, uint32_t len, uint32_t prot,
			     struct iommu_span *spans);

/** Whether one access is granted; with both rights: one of each. */
bool contract_reaches(struct contract *c, uint64_t iova, uint32_t len, uint32_t prot);

/** The byte that a device reads at iova, -1: refused. */
int contract_read(struct contract *c, uint64_t iova);

/** The physical address of memory, as the unit has to give it. */
uint64_t contract_pa(const struct contract *c, const uint8_t *vaddr);

/** As iommu_map() at the fixture's place: offset bytes from c->iova and from c->memory. */
int contract_map(struct contract *c, uint64_t offset, uint64_t size, uint64_t page_size,
		 uint32_t prot);

/** Unmaps what contract_map() mapped, and syncs. */
void contract_unmap(struct contract *c, uint64_t offset, uint64_t size);
