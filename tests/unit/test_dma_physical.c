/* SPDX-License-Identifier: BSD-3-Clause */
/* Arenas at physical addresses, for devices that no IOMMU stands before. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "direct.h"
#include "dma.h"
#include "fake_iommu.h"
#include "hugemem.h"
#include "vtd.h"

#define M2     UINT64_C(0x200000)
#define RW     (IOMMU_READ | IOMMU_WRITE)
#define NOBODY 65534

static struct dma_space *space;

static const struct dma_arena_config config = {
	.name = "p",
	.ring_size = 3 * 4096,
	.buffer_size = 6 * M2,
	.page_size = M2,
	.node = -1,
};

static int setup(void **state __rte_unused)
{
	struct base_error err = {0};

	fake_reset();
	assert_int_equal(dma_space_create(&space, NULL), 0);
	if (dma_space_use_physical(space, &err) == 0)
		return 0;
	print_message("%s\n", err.text);
	dma_space_destroy(space);
	space = NULL;
	return 0;
}

static int teardown(void **state __rte_unused)
{
	if (space != NULL)
		assert_int_equal(dma_space_destroy(space), 0);
	return 0;
}

/* Skips where the machine has no pages for it. */
static struct dma_arena *make_arena(void)
{
	struct base_error err = {0};
	struct dma_arena *arena;

	if (space == NULL)
		skip();
	if (dma_arena_create(space, &config, &arena, &err) != 0) {
		print_message("%s\n", err.text);
		skip();
	}
	return arena;
}

static unsigned int run_count(const struct dma_arena *arena, enum dma_part part)
{
	struct dma_range run;
	unsigned int n = 0;

	while (dma_arena_run(arena, part, n, &run))
		n++;
	return n;
}

/* Pages that were given back come again in the other order, so one of two times they are apart. */
static struct dma_arena *make_scattered(void)
{
	struct dma_arena *arena = make_arena();

	if (run_count(arena, DMA_BUFFERS) > 2)
		return arena;
	assert_int_equal(dma_arena_destroy(arena), 0);
	arena = make_arena();
	assert_true(run_count(arena, DMA_BUFFERS) > 2);
	return arena;
}

static void every_byte_has_its_physical_address(void **state __rte_unused)
{
	struct dma_arena *arena = make_arena();

	for (enum dma_part part = 0; part < DMA_PARTS; part++) {
		struct dma_range whole, run;
		size_t done = 0;

		dma_arena_range(arena, part, &whole);
		assert_int_equal(whole.page_size, M2);
		for (unsigned int n = 0; dma_arena_run(arena, part, n, &run); n++) {
			assert_ptr_equal(run.vaddr, (uint8_t *)whole.vaddr + done);
			for (uint64_t at = 0; at < run.size; at += 4096) {
				uint64_t pa;

				assert_int_equal(
					hugemem_virt_to_phys((uint8_t *)run.vaddr + at, &pa), 0);
				assert_int_equal(pa, run.iova + at);
				assert_int_equal(pa, dma_arena_iova(arena, part, done + at));
			}
			if (n == 0)
				assert_int_equal(run.iova, whole.iova);
			done += run.size;
		}
		assert_int_equal(done, whole.size);
	}
	assert_int_equal(dma_arena_destroy(arena), 0);
}

static void small_pages_are_refused_with_the_next_step(void **state __rte_unused)
{
	struct dma_arena_config small = config;
	struct base_error err = {0};
	struct dma_arena *arena;

	if (space == NULL)
		skip();
	small.page_size = 4096;
	small.ring_size = 0;
	assert_int_equal(dma_arena_create(space, &small, &arena, &err), -EINVAL);
	assert_non_null(strstr(err.text, "4 KiB pages may move"));
	assert_non_null(strstr(err.text, "use pages of 2 MiB"));
	/* Nor are they stepped back to: more is asked for than any machine has. */
	err = (struct base_error){0};
	small.page_size = M2;
	small.buffer_size = (size_t)1 << 46;
	assert_int_equal(dma_arena_create(space, &small, &arena, &err), -ENOMEM);
	assert_non_null(strstr(err.text, "free 2 MiB pages"));
	assert_null(strstr(err.text, "MiB available"));
}

static void an_arena_reaches_all_kinds_of_domains_at_one_address(void **state __rte_unused)
{
	static const struct iommu_ops *const ops[] = {&direct_hardware_ops, &vtd_ops};
	struct dma_arena *arena = make_scattered();
	struct dma_ledger ledger = {0};

	for (unsigned int i = 0; i < 2; i++) {
		struct iommu_domain_usage usage;
		struct iommu_domain *domain;
		struct iommu_unit *unit;
		struct dma_range run;

		assert_int_equal(iommu_unit_create(ops[i], 0, NULL, &unit, NULL), 0);
		assert_int_equal(iommu_domain_create(unit, NULL, &domain, NULL), 0);
		assert_int_equal(dma_space_add_unit(space, unit), 0);
		assert_int_equal(dma_arena_grant(arena, DMA_BUFFERS, domain, RW, &ledger), 0);
		assert_int_equal(dma_arena_rights(arena, DMA_BUFFERS, domain), RW);
		iommu_domain_usage(domain, &usage);
		assert_int_equal(usage.mappings, run_count(arena, DMA_BUFFERS));
		assert_int_equal(usage.mapped_bytes, config.buffer_size);
		for (unsigned int n = 0; dma_arena_run(arena, DMA_BUFFERS, n, &run); n++) {
			uint64_t pa,
				expected = ops[i] == &vtd_ops ? (uintptr_t)run.vaddr : run.iova;

			assert_int_equal(iommu_iova_to_phys(domain, run.iova, &pa), 0);
			assert_int_equal(pa, expected);
		}
		assert_int_equal(dma_arena_grant(arena, DMA_BUFFERS, domain, 0, &ledger), 0);
		iommu_domain_usage(domain, &usage);
		assert_int_equal(usage.mappings, 0);
		assert_int_equal(ledger.maps, ledger.unmaps);
		assert_int_equal(ledger.mapped_bytes, ledger.unmapped_bytes);
		assert_int_equal(ledger.invalidations, i + 1);
		assert_int_equal(iommu_domain_destroy(domain), 0);
		assert_int_equal(iommu_unit_destroy(unit), 0);
	}
	assert_int_equal(dma_arena_destroy(arena), 0);
}

/* The negative control: a device would write where these addresses lead. */
static void a_planned_arena_is_refused_before_real_devices(void **state __rte_unused)
{
	struct dma_space *planned;
	struct iommu_domain *domain;
	struct iommu_unit *unit;
	struct dma_arena *arena;

	if (space == NULL)
		skip();
	assert_int_equal(dma_space_create(&planned, NULL), 0);
	assert_int_equal(dma_arena_create(planned, &config, &arena, NULL), 0);
	assert_int_equal(dma_space_use_physical(planned, NULL), -EBUSY);
	assert_int_equal(iommu_unit_create(&direct_hardware_ops, 0, NULL, &unit, NULL), 0);
	assert_false(iommu_unit_limits(unit)->is_protected);
	assert_int_equal(iommu_domain_create(unit, NULL, &domain, NULL), 0);
	for (enum dma_part part = 0; part < DMA_PARTS; part++) {
		assert_int_equal(dma_arena_grant(arena, part, domain, RW, NULL), -EADDRNOTAVAIL);
		assert_int_equal(dma_arena_rights(arena, part, domain), 0);
	}
	assert_int_equal(iommu_domain_destroy(domain), 0);
	assert_int_equal(iommu_unit_destroy(unit), 0);
	assert_int_equal(dma_arena_destroy(arena), 0);
	assert_int_equal(dma_space_destroy(planned), 0);
}

static void a_page_elsewhere_in_a_mapping_is_refused(void **state __rte_unused)
{
	struct dma_arena *arena = make_scattered();
	struct iommu_domain *domain;
	struct iommu_unit *unit;
	struct dma_range whole;

	assert_int_equal(iommu_unit_create(&direct_hardware_ops, 0, NULL, &unit, NULL), 0);
	assert_int_equal(iommu_domain_create(unit, NULL, &domain, NULL), 0);
	dma_arena_range(arena, DMA_BUFFERS, &whole);
	assert_int_equal(iommu_map(domain, whole.iova, whole.vaddr, whole.size, M2, RW),
			 -EADDRNOTAVAIL);
	/* nothing is there */
	assert_int_equal(iommu_map(domain, 0x1000, (void *)(uintptr_t)0x1000, 0x1000, 0x1000, RW),
			 -EFAULT);
	assert_int_equal(iommu_domain_destroy(domain), 0);
	assert_int_equal(iommu_unit_destroy(unit), 0);
	assert_int_equal(dma_arena_destroy(arena), 0);
}

static void a_grant_that_fails_part_of_the_way_leaves_nothing(void **state __rte_unused)
{
	struct dma_arena *arena = make_scattered();
	struct iommu_domain_usage usage;
	struct iommu_domain *domain;
	struct iommu_device *device;
	struct iommu_unit *unit;
	struct dma_ledger ledger = {0};

	fake_attach(&unit, &domain, &device);
	fake_fail(FAKE_MAP, ENOSPC, 2);
	assert_int_equal(dma_arena_grant(arena, DMA_BUFFERS, domain, RW, &ledger), -ENOSPC);
	assert_int_equal(dma_arena_rights(arena, DMA_BUFFERS, domain), 0);
	iommu_domain_usage(domain, &usage);
	assert_int_equal(usage.mappings, 0);
	assert_int_equal(ledger.maps, 2);
	assert_int_equal(ledger.unmaps, 2);
	assert_int_equal(ledger.mapped_bytes, ledger.unmapped_bytes);

	/* What cannot be taken back is said to be there, until it can. */
	fake_fail(FAKE_MAP, ENOSPC, 2);
	fake_fail(FAKE_SYNC, EIO, 0);
	assert_int_equal(dma_arena_grant(arena, DMA_BUFFERS, domain, RW, &ledger), -ENOSPC);
	assert_int_equal(dma_arena_rights(arena, DMA_BUFFERS, domain), RW);
	assert_int_equal(dma_arena_destroy(arena), -EBUSY);
	memset(fake.fail, 0, sizeof(fake.fail));
	assert_int_equal(dma_arena_grant(arena, DMA_BUFFERS, domain, 0, &ledger), 0);
	assert_int_equal(ledger.maps, 4);
	assert_int_equal(ledger.unmaps, 4);
	assert_int_equal(ledger.mapped_bytes, ledger.unmapped_bytes);
	fake_detach(unit, domain, device);
	assert_int_equal(dma_arena_destroy(arena), 0);
}

static void mappers_stay_clear_of_all_memory(void **state __rte_unused)
{
	struct dma_arena *arena = make_arena();
	static const struct dma_policy_config strict_fresh = {.policy = DMA_STRICT,
							      .is_fresh = true};
	struct dma_mapper *mapper;
	struct iommu_domain *domain;
	struct iommu_device *device;
	struct iommu_unit *unit;
	struct dma_range whole;
	uint64_t iova[64], end;

	assert_int_equal(hugemem_physical_end(&end), 0);
	fake_attach(&unit, &domain, &device);
	dma_arena_range(arena, DMA_BUFFERS, &whole);
	assert_true(whole.iova + whole.size <= end);
	assert_int_equal(dma_mapper_create(space, domain, 4096, &strict_fresh, &mapper), 0);
	for (unsigned int i = 0; i < 64; i++) {
		assert_int_equal(dma_map(mapper, (uint8_t *)whole.vaddr + i * 4096, RW, &iova[i]),
				 0);
		assert_true(iova[i] >= end);
	}
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(dma_unmap(mapper, iova[i]), 0);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
	fake_detach(unit, domain, device);
	assert_int_equal(dma_arena_destroy(arena), 0);
}

/* In a process of its own, as there is no way back to root. */
static void hidden_addresses_are_told_with_the_next_step(void **state __rte_unused)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct base_error err = {0};
		struct dma_space *mine;

		if (geteuid() == 0 && setuid(NOBODY) != 0)
			_exit(1);
		if (dma_space_create(&mine, NULL) != 0)
			_exit(2);
		if (dma_space_use_physical(mine, &err) != -EPERM || dma_space_is_physical(mine))
			_exit(3);
		_exit(strstr(err.text, "CAP_SYS_ADMIN") == NULL ? 4 : 0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_has_its_physical_address),
		cmocka_unit_test(small_pages_are_refused_with_the_next_step),
		cmocka_unit_test(an_arena_reaches_all_kinds_of_domains_at_one_address),
		cmocka_unit_test(a_planned_arena_is_refused_before_real_devices),
		cmocka_unit_test(a_page_elsewhere_in_a_mapping_is_refused),
		cmocka_unit_test(a_grant_that_fails_part_of_the_way_leaves_nothing),
		cmocka_unit_test(mappers_stay_clear_of_all_memory),
		cmocka_unit_test(hidden_addresses_are_told_with_the_next_step),
	};
	struct CMUnitTest with_space[sizeof(tests) / sizeof(tests[0])];

	for (unsigned int i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		with_space[i] = tests[i];
		with_space[i].setup_func = setup;
		with_space[i].teardown_func = teardown;
	}
	return cmocka_run_group_tests(with_space, NULL, NULL);
}
