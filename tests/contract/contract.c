/* SPDX-License-Identifier: BSD-3-Clause */
/* Puts a device on each backend in turn and runs the tests on it. */
#include "contract.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "contract_edu.h"
#include "contract_hardware.h"
#include "hugemem.h"

#define IOVA	  UINT64_C(0x40000000)
#define SOURCE_ID 0x10
#define STRIDE	  509 /* a prime: each byte of a page's number changes */

#define TESTS_MAX 256

/* --- the fixture ---------------------------------------------------------------------------- */

static uint8_t *memory_create(void)
{
	uint8_t *memory;

	memory = mmap(NULL, CONTRACT_MEMORY + M2, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

static uint8_t *aligned(uint8_t *memory)
{
	return (uint8_t *)(((uintptr_t)memory + M2 - 1) & ~(uintptr_t)(M2 - 1));
}

struct fixture {
	struct contract c;
	uint8_t *mapped[2];
};

static void fill(struct contract *c)
{
	for (uint64_t page = 0; page < CONTRACT_PAGES; page++)
		memset(c->memory + page * K4, contract_byte(page), K4);
}

static int setup(void **state)
{
	const struct contract_backend *backend = *state;
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct contract *c = &fixture->c;
	int ret;

	c->backend = backend;
	c->is_software = (backend->promises & CONTRACT_SOFTWARE) != 0;
	c->stride = c->is_software ? 1 : STRIDE;
	fixture->mapped[0] = memory_create();
	fixture->mapped[1] = memory_create();
	c->memory = aligned(fixture->mapped[0]);
	c->strange = aligned(fixture->mapped[1]);
	fill(c);
	assert_int_equal(iommu_unit_create(backend->ops, 0, backend->config[0], &c->unit, NULL), 0);
	ret = iommu_memory_add(c->unit, (uintptr_t)c->memory, c->memory, CONTRACT_MEMORY);
	assert_int_equal(ret, c->is_software ? 0 : -ENOTSUP);
	assert_int_equal(iommu_domain_create(c->unit, NULL, &c->domain, NULL), 0);
	contract_attach(c, 0);
	c->iova = iommu_unit_limits(c->unit)->is_protected ? IOVA : (uintptr_t)c->memory;
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	struct contract *c = &fixture->c;

	contract_detach(c);
	assert_int_equal(iommu_domain_destroy(c->domain), 0);
	assert_int_equal(iommu_unit_destroy(c->unit), 0);
	munmap(fixture->mapped[0], CONTRACT_MEMORY + M2);
	munmap(fixture->mapped[1], CONTRACT_MEMORY + M2);
	free(fixture);
	return 0;
}

/* --- devices and domains --------------------------------------------------------------------- */

void contract_domain_create(struct contract *c, unsigned int number)
{
	if (!c->is_software)
		assert_int_equal(iommu_unit_create(c->backend->ops, 1, c->backend->config[number],
						   &c->unit, NULL),
				 0);
	assert_int_equal(iommu_domain_create(c->unit, NULL, &c->domain, NULL), 0);
}

void contract_domain_destroy(struct contract *c)
{
	assert_int_equal(iommu_domain_destroy(c->domain), 0);
	if (!c->is_software)
		assert_int_equal(iommu_unit_destroy(c->unit), 0);
}

void contract_attach(struct contract *c, unsigned int number)
{
	const char *name = c->backend->device[number];

	assert_int_equal(
		iommu_attach(c->domain, name, (uint16_t)(SOURCE_ID + number), &c->device, NULL), 0);
	if (c->is_software)
		assert_int_equal(iommu_translator_create(c->device, true, 3, &c->translator), 0);
	else
		c->edu = edu_open(name);
}

void contract_detach(struct contract *c)
{
	if (c->is_software)
		iommu_translator_destroy(c->translator);
	else
		edu_close(c->edu);
	assert_int_equal(iommu_detach(c->device), 0);
}

/* --- running -------------------------------------------------------------------------------- */

int contract_run(const struct contract_test *tests, unsigned int count)
{
	static struct CMUnitTest units[TESTS_MAX];
	static char names[TESTS_MAX][128];
	const struct contract_backend *backends;
	unsigned int n = 0, backend_count = contract_backends(&backends);

	if (backend_count * count > TESTS_MAX) {
		fprintf(stderr, "contract: more than %d tests\n", TESTS_MAX);
		return 1;
	}
	for (unsigned int b = 0; b < backend_count; b++) {
		const struct contract_backend *backend = &backends[b];

		for (unsigned int t = 0; t < count; t++) {
			if ((tests[t].needs & ~backend->promises) != 0)
				continue;
			snprintf(names[n], sizeof(names[n]), "%s_%s", backend->name, tests[t].name);
			units[n].name = names[n];
			units[n].test_func = tests[t].run;
			units[n].setup_func = setup;
			units[n].teardown_func = teardown;
			units[n].initial_state = (void *)(uintptr_t)backend;
			n++;
		}
	}
	return _cmocka_run_group_tests("contract", units, n, NULL, NULL);
}

/* --- helpers -------------------------------------------------------------------------------- */

static bool is_ours(const struct contract *c, const struct iommu_span *span)
{
	return span->vaddr >= c->memory && span->len <= CONTRACT_MEMORY &&
	       span->vaddr + span->len <= c->memory + CONTRACT_MEMORY;
}

unsigned int contract_access(struct contract *c, uint64_t iova, uint32_t len, uint32_t prot,
			     struct iommu_span *spans)
{
	struct iommu_access access = {.iova = iova, .len = len, .prot = (uint16_t)prot};
	uint64_t faults = iommu_faults_total(c->domain), total = 0;

	iommu_burst_begin(c->translator);
	assert_int_equal(iommu_translate_burst(c->translator, &access, 1, spans, CONTRACT_SPANS),
			 1);
	iommu_burst_end(c->translator);
	for (unsigned int i = 0; i < access.span_count; i++) {
		assert_true(is_ours(c, &spans[i]));
		total += spans[i].len;
	}
	assert_int_equal(total, access.span_count == 0 ? 0 : len);
	assert_int_equal(iommu_faults_total(c->domain), faults + (access.span_count == 0));
	return access.span_count;
}

bool contract_reaches(struct contract *c, uint64_t iova, uint32_t len, uint32_t prot)
{
	static struct iommu_span spans[CONTRACT_SPANS];

	if (!c->is_software)
		return ((prot & IOMMU_READ) == 0 || hardware_reads(c, iova, len)) &&
		       ((prot & IOMMU_WRITE) == 0 || hardware_writes(c, iova, len));
	return contract_access(c, iova, len, prot, spans) != 0;
}

int contract_read(struct contract *c, uint64_t iova)
{
	struct iommu_span span[CONTRACT_SPANS];

	if (!c->is_software)
		return hardware_read(c, iova);
	return contract_access(c, iova, 1, IOMMU_READ, span) == 0 ? -1 : *span[0].vaddr;
}

uint64_t contract_pa(const struct contract *c, const uint8_t *vaddr)
{
	uint64_t pa;

	if (c->is_software)
		return (uintptr_t)vaddr;
	assert_int_equal(hugemem_virt_to_phys(vaddr, &pa), 0);
	return pa;
}

int contract_map(struct contract *c, uint64_t offset, uint64_t size, uint64_t page_size,
		 uint32_t prot)
{
	return iommu_map(c->domain, c->iova + offset, c->memory + offset, size, page_size, prot);
}

void contract_unmap(struct contract *c, uint64_t offset, uint64_t size)
{
	struct iommu_gather gather = {0};

	assert_int_equal(iommu_unmap(c->domain, c->iova + offset, size, &gather), 0);
	assert_int_equal(iommu_sync(c->domain, &gather), 0);
}
