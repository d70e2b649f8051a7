/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of hugemem regions and their physical addresses, on the pages this machine has. */
#include <errno.h>
#include <inttypes.h>
#include <numa.h>
#include <numaif.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hugemem.h"
#include "unit.h"

/* Skips where fewer than n huge pages of 2 MiB are free: other programs share them. */
static void need_huge_pages(uint64_t n)
{
	uint64_t free_pages, total;

	if (hugemem_pages(HUGEMEM_2M, -1, &free_pages, &total) != 0 || free_pages < n) {
		print_message("needs %ju free 2 MiB pages\n", (uintmax_t)n);
		skip();
	}
}

static void need_frame_numbers(void)
{
	static char here;
	uint64_t pa;

	here = 1;
	if (hugemem_virt_to_phys(&here, &pa) == -EPERM) {
		print_message("needs CAP_SYS_ADMIN to read frame numbers\n");
		skip();
	}
}

static struct hugemem_region *create(size_t size, size_t page_size, int node)
{
	struct hugemem_request request = {.size = size, .page_size = page_size, .node = node};
	struct hugemem_region *region;
	struct base_error err = {0};

	if (hugemem_create(&request, &region, &err) != 0)
		fail_msg("%s", err.text);
	return region;
}

/* A figure of the mapping that begins at vaddr, in KiB, from /proc/self/smaps. */
static uint64_t smaps_kib(const void *vaddr, const char *key)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	uint64_t value = UINT64_MAX;
	bool is_inside = false;
	char line[512], start[32];

	assert_non_null(file);
	snprintf(start, sizeof(start), "%" PRIxPTR "-", (uintptr_t)vaddr);
	while (value == UINT64_MAX && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, start, strlen(start)) == 0)
			is_inside = true;
		else if (is_inside && strncmp(line, key, strlen(key)) == 0)
			assert_int_equal(sscanf(line + strlen(key), ": %" SCNu64, &value), 1);
	}
	fclose(file);
	assert_true(value != UINT64_MAX);
	return value;
}

static void assert_zeroed_and_writable(struct hugemem_region *region)
{
	uint8_t *bytes = region->vaddr;

	for (size_t i = 0; i < region->size; i += 64)
		assert_int_equal(bytes[i], 0);
	bytes[0] = 1;
	bytes[region->size - 1] = 2;
}

static void small_pages_are_small_resident_and_zeroed(void **state)
{
	struct hugemem_region *region = create((4 << 20) + 1, HUGEMEM_4K, -1);

	assert_int_equal(region->size, (4 << 20) + 4096);
	assert_int_equal(region->page_size, HUGEMEM_4K);
	assert_string_equal(region->step_back, "");
	assert_int_equal(smaps_kib(region->vaddr, "Rss"), 4096 + 4);
	assert_int_equal(smaps_kib(region->vaddr, "KernelPageSize"), 4);
	assert_int_equal(smaps_kib(region->vaddr, "AnonHugePages"), 0);
	assert_zeroed_and_writable(region);
	hugemem_destroy(region);
}

static void huge_pages_are_huge_resident_and_zeroed(void **state)
{
	struct hugemem_region *region;

	need_huge_pages(2);
	region = create(3 << 20, 0, -1);
	assert_int_equal(region->size, 4 << 20);
	assert_int_equal(region->page_size, HUGEMEM_2M);
	assert_string_equal(region->step_back, "");
	assert_int_equal((uintptr_t)region->vaddr % HUGEMEM_2M, 0);
	assert_int_equal(smaps_kib(region->vaddr, "KernelPageSize"), 2048);
	assert_int_equal(smaps_kib(region->vaddr, "Private_Hugetlb"), 4096);
	assert_zeroed_and_writable(region);
	hugemem_destroy(region);
}

static void page_size_0_is_the_largest_not_above_the_size(void **state)
{
	struct hugemem_region *region = create(HUGEMEM_2M - 1, 0, -1);

	assert_int_equal(region->page_size, HUGEMEM_4K);
	assert_int_equal(region->size, HUGEMEM_2M);
	assert_string_equal(region->step_back, "");
	hugemem_destroy(region);
}

static void destroyed_region_gives_its_address_space_back(void **state)
{
	struct hugemem_region *region = create(HUGEMEM_4K, HUGEMEM_4K, -1);
	void *vaddr = region->vaddr;
	unsigned char resident;

	assert_int_equal(mincore(vaddr, HUGEMEM_4K, &resident), 0);
	hugemem_destroy(region);
	assert_int_equal(mincore(vaddr, HUGEMEM_4K, &resident), -1);
	assert_int_equal(errno, ENOMEM);
	hugemem_destroy(NULL);
}

static void region_is_on_the_node_that_was_asked_for(void **state)
{
	const size_t sizes[] = {HUGEMEM_4K, HUGEMEM_2M};

	if (numa_available() < 0) {
		struct hugemem_region *region = create(HUGEMEM_4K, HUGEMEM_4K, 0);

		assert_int_equal(region->node, -1);
		hugemem_destroy(region);
		print_message("the kernel has no NUMA policies\n");
		skip();
	}
	need_huge_pages(2);
	for (unsigned int i = 0; i < 2; i++) {
		int node = numa_max_node(), actual = -1, mode = -1;
		struct hugemem_region *region = create(2 * sizes[i], sizes[i], node);
		char *last = (char *)region->vaddr + region->size - 1;

		assert_int_equal(region->node, node);
		assert_int_equal(get_mempolicy(&actual, NULL, 0, last, MPOL_F_NODE | MPOL_F_ADDR),
				 0);
		assert_int_equal(actual, node);
		assert_int_equal(get_mempolicy(&mode, NULL, 0, last, MPOL_F_ADDR), 0);
		assert_int_equal(mode, MPOL_BIND);
		hugemem_destroy(region);
	}
}

/* Whether a forked child has memory at vaddr. */
static bool child_sees(void *vaddr)
{
	unsigned char resident[1];
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(mincore(vaddr, HUGEMEM_4K, resident) == 0 ? 1 : 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) == 1;
}

static void forked_child_does_not_see_a_region(void **state)
{
	struct hugemem_region *small = create(HUGEMEM_4K, HUGEMEM_4K, -1), *huge;
	void *plain =
		mmap(NULL, HUGEMEM_4K, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(plain != MAP_FAILED);
	assert_true(child_sees(plain));
	assert_false(child_sees(small->vaddr));
	munmap(plain, HUGEMEM_4K);
	hugemem_destroy(small);
	need_huge_pages(1);
	huge = create(HUGEMEM_2M, HUGEMEM_2M, -1);
	assert_false(child_sees(huge->vaddr));
	hugemem_destroy(huge);
}

static void physical_addresses_follow_the_offset_in_a_huge_page(void **state)
{
	struct hugemem_region *region;
	uint64_t first, other;
	char *vaddr;

	need_frame_numbers();
	need_huge_pages(1);
	region = create(HUGEMEM_2M, HUGEMEM_2M, -1);
	vaddr = region->vaddr;
	assert_int_equal(hugemem_virt_to_phys(vaddr, &first), 0);
	assert_int_equal(first % HUGEMEM_2M, 0);
	assert_int_equal(hugemem_virt_to_phys(vaddr + 1234567, &other), 0);
	assert_int_equal(other - first, 1234567);
	assert_int_equal(hugemem_virt_to_phys(vaddr + HUGEMEM_2M - 1, &other), 0);
	assert_int_equal(other - first, HUGEMEM_2M - 1);
	hugemem_destroy(region);
}

static void small_pages_have_frames_of_their_own(void **state)
{
	struct hugemem_region *region;
	uint64_t first, second;

	need_frame_numbers();
	region = create(2 * HUGEMEM_4K, HUGEMEM_4K, -1);
	assert_int_equal(hugemem_virt_to_phys(region->vaddr, &first), 0);
	assert_int_equal(hugemem_virt_to_phys((char *)region->vaddr + HUGEMEM_4K, &second), 0);
	assert_true(first / HUGEMEM_4K != second / HUGEMEM_4K);
	hugemem_destroy(region);
}

static void physical_address_of_an_untouched_page_is_refused(void **state)
{
	void *vaddr =
		mmap(NULL, HUGEMEM_4K, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t pa;

	assert_true(vaddr != MAP_FAILED);
	assert_int_equal(hugemem_virt_to_phys(vaddr, &pa), -ENOENT);
	munmap(vaddr, HUGEMEM_4K);
	assert_int_equal(hugemem_virt_to_phys(vaddr, &pa), -ENOENT);
	assert_int_equal(hugemem_virt_to_phys((void *)UINTPTR_MAX, &pa), -ENOENT);
}

/* In a child that is nobody: the code of a look-up, with pagemap readable or not. */
static int look_up_as_nobody(bool is_readable)
{
	static char here;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		uint64_t pa;

		here = 1;
		if (setuid(65534) != 0 || prctl(PR_SET_DUMPABLE, is_readable) != 0)
			_exit(0);
		_exit(-hugemem_virt_to_phys(&here, &pa));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void hidden_frame_numbers_are_refused(void **state)
{
	if (geteuid() != 0) {
		print_message("needs root, to become nobody\n");
		skip();
	}
	assert_int_equal(look_up_as_nobody(true), -EPERM);  /* the frame reads as 0 */
	assert_int_equal(look_up_as_nobody(false), -EPERM); /* the file is root's */
}

static void page_counts_are_those_of_the_kernel(void **state)
{
	uint64_t free_pages, total, node_total = 0, value;

	assert_int_equal(hugemem_pages(3 << 20, -1, &free_pages, &total), -ENOENT);
	assert_int_equal(hugemem_pages(HUGEMEM_2M, 9999, &free_pages, &total), -ENOENT);
	assert_int_equal(hugemem_pages(HUGEMEM_4K, 9999, &free_pages, &total), -ENOENT);
	assert_int_equal(hugemem_pages(HUGEMEM_4K, -1, &free_pages, &total), 0);
	assert_true(free_pages > 0 && free_pages <= total);
	if (hugemem_pages(HUGEMEM_2M, -1, &free_pages, &total) != 0) {
		print_message("the kernel has no 2 MiB pages\n");
		skip();
	}
	assert_true(free_pages <= total);
	for (int node = 0; node < 64; node++) {
		if (hugemem_pages(HUGEMEM_2M, node, &free_pages, &value) == 0) {
			assert_true(free_pages <= value);
			node_total += value;
			assert_int_equal(hugemem_pages(HUGEMEM_4K, node, &free_pages, &value), 0);
			assert_true(free_pages > 0 && free_pages <= value);
		}
	}
	assert_true(node_total == total || node_total == 0);
}

static void page_sizes_have_names(void **state)
{
	assert_string_equal(hugemem_page_size_name(HUGEMEM_4K), "4 KiB");
	assert_string_equal(hugemem_page_size_name(HUGEMEM_2M), "2 MiB");
	assert_string_equal(hugemem_page_size_name(HUGEMEM_1G), "1 GiB");
	assert_null(hugemem_page_size_name(65536));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_pages_are_small_resident_and_zeroed),
		cmocka_unit_test(huge_pages_are_huge_resident_and_zeroed),
		cmocka_unit_test(page_size_0_is_the_largest_not_above_the_size),
		cmocka_unit_test(destroyed_region_gives_its_address_space_back),
		cmocka_unit_test(region_is_on_the_node_that_was_asked_for),
		cmocka_unit_test(forked_child_does_not_see_a_region),
		cmocka_unit_test(physical_addresses_follow_the_offset_in_a_huge_page),
		cmocka_unit_test(small_pages_have_frames_of_their_own),
		cmocka_unit_test(physical_address_of_an_untouched_page_is_refused),
		cmocka_unit_test(hidden_frame_numbers_are_refused),
		cmocka_unit_test(page_counts_are_those_of_the_kernel),
		cmocka_unit_test(page_sizes_have_names),
	};

	return cmocka_run_group_tests_name("hugemem", tests, NULL, NULL);
}
