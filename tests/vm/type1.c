/* SPDX-License-Identifier: BSD-3-Clause */
/* The type1 backend at its limits and through failures, on a real group: type1 ADDRESS [TEST]. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/vfio.h>
#include <rte_eal.h>

#include "hugemem.h"
#include "iommu.h"
#include "type1.h"
#include "unit.h"

#define PAGE  UINT64_C(4096)
#define IOVA  UINT64_C(0x40000000)
#define RW    (IOMMU_READ | IOMMU_WRITE)
#define LIMIT 65535 /* vfio_iommu_type1.dma_entry_limit */

static struct type1_config config;

/* --- failures ------------------------------------------------------------------------------- */

static unsigned int ioctls_until_failure; /* 0: none fails */

/* Ours, not DPDK's: the backend's own calls come here, and the one that is counted to fails. */
int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *argument;

	va_start(args, request);
	argument = va_arg(args, void *);
	va_end(args);
	if (ioctls_until_failure != 0 && --ioctls_until_failure == 0) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_ioctl, fd, request, argument);
}

static unsigned int count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned int count = 0;

	assert_non_null(folder);
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

static void limit_fds(rlim_t limit)
{
	struct rlimit rlimit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &rlimit), 0);
	rlimit.rlim_cur = limit == 0 ? rlimit.rlim_max : limit;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rlimit), 0);
}

/* --- a unit with a domain and its device ---------------------------------------------------- */

struct env {
	struct iommu_unit *unit;
	struct iommu_domain *domain;
	struct iommu_device *device;
};

static int set_up(void **state)
{
	static struct env env;
	struct base_error err = {0};

	if (iommu_unit_create(&type1_ops, 0, &config, &env.unit, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(iommu_domain_create(env.unit, NULL, &env.domain, NULL), 0);
	assert_int_equal(iommu_attach(env.domain, config.device, 0, &env.device, NULL), 0);
	*state = &env;
	return 0;
}

static int tear_down(void **state)
{
	struct env *env = *state;

	assert_int_equal(iommu_detach(env->device), 0);
	assert_int_equal(iommu_domain_destroy(env->domain), 0);
	assert_int_equal(iommu_unit_destroy(env->unit), 0);
	return 0;
}

static uint8_t page[4096] __attribute__((aligned(4096)));

static int map_page(struct env *env, uint64_t iova)
{
	return iommu_map(env->domain, iova, page, PAGE, PAGE, RW);
}

/* A mapping or unmapping that the backend knows nothing of. */
static int bare_map(struct env *env, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ,
		.vaddr = (uintptr_t)page,
		.iova = iova,
		.size = PAGE,
	};

	return ioctl(type1_unit_fd(env->unit), VFIO_IOMMU_MAP_DMA, &map) == 0 ? 0 : -errno;
}

static uint64_t bare_unmap(struct env *env, uint64_t iova)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = PAGE,
	};

	assert_int_equal(ioctl(type1_unit_fd(env->unit), VFIO_IOMMU_UNMAP_DMA, &unmap), 0);
	return unmap.size;
}

/* --- limits ---------------------------------------------------------------------------------- */

static void the_mapping_after_the_last_entry_is_refused_and_the_domain_goes_on(void **state)
{
	struct env *env = *state;
	struct base_error err = {0};
	struct iommu_domain_usage usage;
	struct iommu_gather gather = {0};

	for (uint64_t i = 0; i < LIMIT; i++)
		assert_int_equal(map_page(env, IOVA + 2 * i * PAGE), 0);
	assert_int_equal(map_page(env, IOVA + PAGE), -ENOSPC);
	/* The control: the kernel says so too, the ledger does not only believe it. */
	assert_int_equal(bare_map(env, IOVA + PAGE), -ENOSPC);
	iommu_map_error(env->domain, -ENOSPC, PAGE, &err);
	assert_non_null(strstr(err.text, "65535"));
	assert_non_null(strstr(err.text, "dma_entry_limit"));
	printf("text: %s\n", err.text);
	iommu_domain_usage(env->domain, &usage);
	assert_int_equal(usage.mappings, LIMIT);
	assert_int_equal(usage.entries_used, usage.entries_limit);
	assert_int_equal(usage.leaves_4k, LIMIT);
	/* It goes on: one goes, one comes. */
	assert_int_equal(iommu_unmap(env->domain, IOVA + 2 * PAGE, PAGE, &gather), 0);
	assert_int_equal(iommu_sync(env->domain, &gather), 0);
	assert_int_equal(map_page(env, IOVA + PAGE), 0);
	assert_int_equal(map_page(env, IOVA + 2 * PAGE), -ENOSPC);
}

static void what_the_kernel_reserves_is_a_hole(void **state)
{
	struct env *env = *state;
	const struct iommu_limits *limits = iommu_unit_limits(env->unit);

	assert_int_equal(limits->addr_bits, 48);
	assert_int_equal(limits->entries_limit, LIMIT);
	assert_int_equal(limits->page_sizes & 0x40201000, 0x40201000);
	assert_int_equal(limits->hole_count, 1);
	assert_int_equal(limits->hole[0].iova, 0xfee00000);
	assert_int_equal(limits->hole[0].size, 0x100000);
	assert_int_equal(map_page(env, 0xfee00000), -ERANGE);
	assert_int_equal(map_page(env, 0xfeeff000), -ERANGE);
	assert_int_equal(map_page(env, UINT64_C(1) << 48), -ERANGE);
	/* The kernel's own borders are there, no page sooner and no page later. */
	assert_int_equal(bare_map(env, 0xfee00000), -EINVAL);
	assert_int_equal(bare_map(env, 0xfeeff000), -EINVAL);
	assert_int_equal(map_page(env, 0xfedff000), 0);
	assert_int_equal(map_page(env, 0xfef00000), 0);
	assert_int_equal(map_page(env, (UINT64_C(1) << 48) - PAGE), 0);
}

/* tests/vm/test_type1.py counts the ioctls meanwhile. */
static void a_gib_of_contiguous_pages_is_one_entry(void **state)
{
	const struct hugemem_request request = {
		.size = HUGEMEM_1G, .page_size = HUGEMEM_2M, .is_exact = true, .node = -1};
	struct env *env = *state;
	struct hugemem_region *region;
	struct iommu_domain_usage usage;
	struct base_error err = {0};
	struct iommu_gather gather = {0};
	uint64_t pa, expected;

	if (hugemem_create(&request, &region, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(
		iommu_map(env->domain, IOVA, region->vaddr, region->size, region->page_size, RW),
		0);
	iommu_domain_usage(env->domain, &usage);
	assert_int_equal(usage.mappings, 1);
	assert_int_equal(usage.entries_used, 1);
	assert_int_equal(usage.mapped_bytes, HUGEMEM_1G);
	assert_int_equal(usage.leaves_2m, 512);
	assert_int_equal(usage.leaves_4k + usage.leaves_1g, 0);
	assert_int_equal(iommu_iova_to_phys(env->domain, IOVA + 777 * HUGEMEM_2M / 2 + 5, &pa), 0);
	assert_int_equal(hugemem_virt_to_phys((uint8_t *)region->vaddr + 777 * HUGEMEM_2M / 2 + 5,
					      &expected),
			 0);
	assert_int_equal(pa, expected);
	assert_int_equal(iommu_unmap(env->domain, IOVA, region->size, &gather), 0);
	assert_int_equal(iommu_sync(env->domain, &gather), 0);
	hugemem_destroy(region);
}

/* --- what can go wrong ------------------------------------------------------------------------ */

static void a_short_unmap_is_told_by_the_next_sync(void **state)
{
	struct env *env = *state;
	struct iommu_gather gather = {0};

	assert_int_equal(map_page(env, IOVA), 0);
	assert_int_equal(bare_unmap(env, IOVA), PAGE);
	assert_int_equal(iommu_unmap(env->domain, IOVA, PAGE, &gather), 0);
	assert_int_equal(iommu_sync(env->domain, &gather), -EIO);
	/* It was told: now all is as the ledger says. */
	assert_int_equal(iommu_sync(env->domain, &gather), 0);
	assert_int_equal(map_page(env, IOVA), 0);
}

static void a_failed_unmap_is_told_until_it_has_succeeded(void **state)
{
	struct env *env = *state;
	struct iommu_gather gather = {0};

	assert_int_equal(map_page(env, IOVA), 0);
	ioctls_until_failure = 1;
	assert_int_equal(iommu_unmap(env->domain, IOVA, PAGE, &gather), 0);
	ioctls_until_failure = 1;
	assert_int_equal(iommu_sync(env->domain, &gather), -EIO);
	/* The kernel still maps it, and nobody maps over it. */
	assert_int_equal(map_page(env, IOVA), -EEXIST);
	assert_int_equal(iommu_sync(env->domain, &gather), 0);
	assert_int_equal(bare_unmap(env, IOVA), 0);
	assert_int_equal(map_page(env, IOVA), 0);
}

static void a_failed_map_leaves_nothing(void **state)
{
	struct env *env = *state;
	uint8_t *nowhere = (uint8_t *)(uintptr_t)0x10000; /* below mmap_min_addr */
	struct iommu_domain_usage usage;

	assert_int_equal(iommu_map(env->domain, IOVA, nowhere, 16 * PAGE, PAGE, RW), -EFAULT);
	iommu_domain_usage(env->domain, &usage);
	assert_int_equal(usage.mappings + usage.leaves_4k + usage.entries_used, 0);
	for (uint64_t i = 0; i < 16; i++)
		assert_int_equal(bare_unmap(env, IOVA + i * PAGE), 0);
	assert_int_equal(map_page(env, IOVA), 0);
}

static void a_group_has_one_unit(void **state)
{
	struct base_error err = {0};
	struct iommu_unit *unit;

	assert_int_equal(iommu_unit_create(&type1_ops, 1, &config, &unit, &err), -EBUSY);
	printf("text: %s\n", err.text);
	assert_non_null(strstr(err.text, "in use"));
	assert_non_null(strstr(err.text, "fuser"));
}

static void a_unit_has_one_domain(void **state)
{
	struct env *env = *state;
	struct iommu_domain *domain;

	assert_int_equal(iommu_domain_create(env->unit, NULL, &domain, NULL), -EBUSY);
}

/* --- failures at each step -------------------------------------------------------------------- */

static void a_unit_that_fails_at_any_step_leaves_nothing_behind(void **state)
{
	unsigned int before = count_fds(), step, failures = 0;
	struct iommu_unit *unit;
	int ret = -1;

	/* descriptors run out: container, group, its copy */
	for (rlim_t limit = 3; ret != 0; limit++, failures++) {
		limit_fds(limit);
		ret = iommu_unit_create(&type1_ops, 0, &config, &unit, NULL);
		limit_fds(0);
		if (ret != 0)
			assert_int_equal(count_fds(), before);
		assert_true(limit < 1000);
	}
	assert_int_equal(iommu_unit_destroy(unit), 0);
	assert_true(failures > 3);
	/* ioctls fail: status, container, IOMMU driver, what it can do */
	for (unsigned int round = 0; round < 20; round++) {
		for (step = 1, ret = -1; ret != 0; step++) {
			ioctls_until_failure = step;
			ret = iommu_unit_create(&type1_ops, 0, &config, &unit, NULL);
			ioctls_until_failure = 0;
			if (ret != 0)
				assert_int_equal(count_fds(), before);
		}
		assert_int_equal(step - 2, 5);
		assert_int_equal(iommu_unit_destroy(unit), 0);
		assert_int_equal(count_fds(), before);
	}
}

static void an_attach_that_fails_at_any_step_leaves_nothing_behind(void **state)
{
	struct env *env = *state;
	unsigned int before, step;
	int ret;

	assert_int_equal(map_page(env, IOVA), 0);
	assert_int_equal(map_page(env, IOVA + 2 * PAGE), 0);
	assert_int_equal(iommu_detach(env->device), 0);
	before = count_fds();
	for (unsigned int round = 0; round < 20; round++) {
		/* status, container, IOMMU driver, what it can do (two), two mappings */
		for (step = 1, ret = -1; ret != 0; step++) {
			ioctls_until_failure = step;
			ret = iommu_attach(env->domain, config.device, 0, &env->device, NULL);
			ioctls_until_failure = 0;
			if (ret != 0)
				assert_int_equal(count_fds(), before);
		}
		assert_int_equal(step - 2, 7);
		assert_int_equal(bare_map(env, IOVA), -EEXIST);
		assert_int_equal(bare_map(env, IOVA + 2 * PAGE), -EEXIST);
		if (round != 19)
			assert_int_equal(iommu_detach(env->device), 0);
	}
}

/* --- the program ------------------------------------------------------------------------------ */

/* What a user is told: the first failure of unit and map, or that there was none. */
static int say(const char *kib, const char *user)
{
	uint64_t size = strtoull(kib, NULL, 10) << 10;
	struct base_error err = {0};
	struct iommu_domain *domain;
	struct iommu_unit *unit;
	void *memory = aligned_alloc(PAGE, size);
	int ret;

	if (user != NULL && setuid((uid_t)atoi(user)) != 0)
		return 2;
	ret = iommu_unit_create(&type1_ops, 0, &config, &unit, &err);

	if (ret == 0) {
		iommu_domain_create(unit, NULL, &domain, NULL);
		ret = iommu_map(domain, IOVA, memory, size, PAGE, RW);
		if (ret != 0)
			iommu_map_error(domain, ret, size, &err);
	}
	printf("%s: %s\n", ret == 0 ? "0" : strerrorname_np(-ret), ret == 0 ? "good" : err.text);
	return ret != 0;
}

#define WITH_UNIT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_UNIT(the_mapping_after_the_last_entry_is_refused_and_the_domain_goes_on),
		WITH_UNIT(what_the_kernel_reserves_is_a_hole),
		WITH_UNIT(a_gib_of_contiguous_pages_is_one_entry),
		WITH_UNIT(a_short_unmap_is_told_by_the_next_sync),
		WITH_UNIT(a_failed_unmap_is_told_until_it_has_succeeded),
		WITH_UNIT(a_failed_map_leaves_nothing),
		WITH_UNIT(a_group_has_one_unit),
		WITH_UNIT(a_unit_has_one_domain),
		cmocka_unit_test(a_unit_that_fails_at_any_step_leaves_nothing_behind),
		WITH_UNIT(an_attach_that_fails_at_any_step_leaves_nothing_behind),
	};
	char eal[][20] = {"type1",
			  "--no-shconf",
			  "--no-pci",
			  "--iova-mode=va",
			  "--no-telemetry",
			  "--lcores=0",
			  "--no-huge",
			  "-m",
			  "16"};
	char *arguments[sizeof(eal) / sizeof(eal[0])];

	for (unsigned int i = 0; i < sizeof(eal) / sizeof(eal[0]); i++)
		arguments[i] = eal[i];
	if (argc < 2 || rte_eal_init(sizeof(eal) / sizeof(eal[0]), arguments) < 0) {
		fprintf(stderr, "usage: type1 ADDRESS [TEST | say KIB [UID]]\n");
		return 2;
	}
	config.device = argv[1];
	if (argc >= 4)
		return say(argv[3], argv[4]);
	if (argc == 3)
		cmocka_set_test_filter(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
