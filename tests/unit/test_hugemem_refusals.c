/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of what hugemem refuses, and of its steps back to smaller pages. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/mman.h>
#include <linux/seccomp.h>
#include <numa.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hugemem.h"
#include "unit.h"

static int refused(struct hugemem_request request, struct base_error *err)
{
	struct hugemem_region *region = NULL;
	int ret;

	memset(err, 0, sizeof(*err));
	ret = hugemem_create(&request, &region, err);
	assert_null(region);
	assert_int_equal(ret, err->code);
	assert_true(ret < 0 && err->text[0] != '\0');
	return ret;
}

static void bad_requests_are_refused(void **state)
{
	struct base_error err;

	assert_int_equal(refused((struct hugemem_request){.size = 0, .node = -1}, &err), -EINVAL);
	assert_int_equal(refused((struct hugemem_request){.size = SIZE_MAX, .node = -1}, &err),
			 -EINVAL);
	assert_int_equal(
		refused((struct hugemem_request){.size = 1, .page_size = 65536, .node = -1}, &err),
		-EINVAL);
	assert_non_null(strstr(err.text, "65536"));
	if (numa_available() >= 0) {
		assert_int_equal(refused((struct hugemem_request){.size = 1, .node = 9999}, &err),
				 -EINVAL);
		assert_non_null(strstr(err.text, "NUMA node 9999"));
	}
}

static void exact_request_beyond_the_free_pages_says_what_to_write_where(void **state)
{
	struct hugemem_request request = {.page_size = HUGEMEM_2M, .is_exact = true, .node = -1};
	uint64_t free_pages, total;
	struct base_error err;
	char wanted[160];

	if (hugemem_pages(HUGEMEM_2M, -1, &free_pages, &total) != 0) {
		print_message("the kernel has no 2 MiB pages\n");
		skip();
	}
	request.size = (total + 100000) * HUGEMEM_2M;
	assert_int_equal(refused(request, &err), -ENOMEM);
	snprintf(wanted, sizeof(wanted), "2 MiB pages of the %ju needed; write ",
		 (uintmax_t)total + 100000);
	assert_non_null(strstr(err.text, wanted));
	assert_non_null(
		strstr(err.text, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages, or run"));
	assert_null(strstr(err.text, "MiB available")); /* 4 KiB pages were not tried */
	if (numa_available() < 0)
		return;
	request.node = numa_max_node();
	assert_int_equal(refused(request, &err), -ENOMEM);
	snprintf(wanted, sizeof(wanted),
		 "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB", request.node);
	assert_non_null(strstr(err.text, wanted));
}

static void more_memory_than_there_is_is_refused_before_it_is_touched(void **state)
{
	struct hugemem_request request = {
		.size = (size_t)1 << 46, .page_size = HUGEMEM_1G, .node = -1};
	struct base_error err;

	assert_int_equal(refused(request, &err), -ENOMEM);
	assert_non_null(strstr(err.text, "1 GiB"));
	assert_non_null(strstr(err.text, "; the machine has"));
	assert_non_null(strstr(err.text, "MiB available, 67108864 MiB are needed"));
}

/* Makes one system call fail with `code` when argument `arg` has all bits of `bits`. */
static int fail_system_call(unsigned int number, unsigned int arg, uint32_t bits, uint16_t code)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 (uint32_t)offsetof(struct seccomp_data, args) + 8 * arg),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, bits, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | code),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ? 0 : -errno;
}

/* What a child met: copied through a pipe, for an assertion in a child would go on with main(). */
struct outcome {
	int filter_code;
	int code;
	size_t page_size;
	char text[BASE_ERROR_TEXT_SIZE];
};

/* Creates a region in a child in which one system call fails. */
static struct outcome create_with_failure(struct hugemem_request request, unsigned int number,
					  unsigned int arg, uint32_t bits, uint16_t code)
{
	struct outcome outcome = {0};
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct hugemem_region *region;
		struct base_error err = {0};

		outcome.filter_code = fail_system_call(number, arg, bits, code);
		outcome.code = hugemem_create(&request, &region, &err);
		outcome.page_size = outcome.code == 0 ? region->page_size : 0;
		snprintf(outcome.text, sizeof(outcome.text), "%s",
			 outcome.code == 0 ? region->step_back : err.text);
		_exit(write(ends[1], &outcome, sizeof(outcome)) != sizeof(outcome));
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &outcome, sizeof(outcome)), sizeof(outcome));
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	if (outcome.filter_code != 0) {
		print_message("the kernel has no seccomp filters\n");
		skip();
	}
	return outcome;
}

static void missing_huge_pages_are_stepped_back_from_with_the_reason(void **state)
{
	struct hugemem_request request = {.size = 1, .page_size = HUGEMEM_1G, .node = -1};
	/* MAP_HUGE_2MB lacks a bit of MAP_HUGE_1GB. */
	uint32_t bits = MAP_HUGETLB | MAP_HUGE_1GB;
	struct outcome outcome = create_with_failure(request, SYS_mmap, 3, bits, ENOMEM);

	assert_int_equal(outcome.code, 0);
	assert_true(outcome.page_size < HUGEMEM_1G);
	assert_non_null(strstr(outcome.text, "1 GiB pages"));
	request.is_exact = true;
	outcome = create_with_failure(request, SYS_mmap, 3, bits, ENOMEM);
	assert_int_equal(outcome.code, -ENOMEM);
	assert_non_null(strstr(outcome.text, "1 GiB pages"));
}

static void refused_huge_pages_end_in_small_ones_with_both_reasons(void **state)
{
	struct hugemem_request request = {.size = 1, .page_size = HUGEMEM_1G, .node = -1};
	struct outcome outcome = create_with_failure(request, SYS_mmap, 3, MAP_HUGETLB, ENOMEM);

	assert_int_equal(outcome.code, 0);
	assert_int_equal(outcome.page_size, HUGEMEM_4K);
	assert_non_null(strstr(outcome.text, "1 GiB pages"));
	assert_non_null(strstr(outcome.text, "; "));
	assert_non_null(strstr(outcome.text, "2 MiB pages"));
}

static void older_kernel_is_refused_and_named(void **state)
{
	struct hugemem_request request = {.size = 1, .page_size = HUGEMEM_4K, .node = -1};
	/* MADV_POPULATE_WRITE is 23; MADV_DONTFORK (10) and MADV_NOHUGEPAGE (15) lack its bits. */
	struct outcome outcome = create_with_failure(request, SYS_madvise, 2, 23, EINVAL);

	assert_int_equal(outcome.code, -EINVAL);
	assert_non_null(strstr(outcome.text, "Linux 5.14 is needed"));
}

static void page_that_would_be_a_bus_error_is_a_refusal(void **state)
{
	struct hugemem_request request = {.size = 1, .page_size = HUGEMEM_4K, .node = -1};
	struct outcome outcome = create_with_failure(request, SYS_madvise, 2, 23, EFAULT);

	assert_int_equal(outcome.code, -ENOMEM);
	assert_non_null(strstr(outcome.text, "MADV_POPULATE_WRITE"));
}

static void region_that_a_child_would_share_is_refused(void **state)
{
	struct hugemem_request request = {.size = 1, .page_size = HUGEMEM_4K, .node = -1};
	struct outcome outcome = create_with_failure(request, SYS_madvise, 2, MADV_DONTFORK, EPERM);

	assert_int_equal(outcome.code, -EPERM);
	assert_non_null(strstr(outcome.text, "MADV_DONTFORK"));
}

static void node_that_cannot_be_bound_is_refused(void **state)
{
	struct hugemem_request request = {.size = 1, .page_size = HUGEMEM_4K, .node = 0};
	struct outcome outcome;

	if (numa_available() < 0) {
		print_message("the kernel has no NUMA policies\n");
		skip();
	}
	outcome = create_with_failure(request, SYS_mbind, 0, 0, EPERM);
	assert_int_equal(outcome.code, -EPERM);
	assert_non_null(strstr(outcome.text, "mbind of 1 4 KiB pages on node 0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_requests_are_refused),
		cmocka_unit_test(exact_request_beyond_the_free_pages_says_what_to_write_where),
		cmocka_unit_test(more_memory_than_there_is_is_refused_before_it_is_touched),
		cmocka_unit_test(missing_huge_pages_are_stepped_back_from_with_the_reason),
		cmocka_unit_test(refused_huge_pages_end_in_small_ones_with_both_reasons),
		cmocka_unit_test(older_kernel_is_refused_and_named),
		cmocka_unit_test(page_that_would_be_a_bus_error_is_a_refusal),
		cmocka_unit_test(region_that_a_child_would_share_is_refused),
		cmocka_unit_test(node_that_cannot_be_bound_is_refused),
	};

	return cmocka_run_group_tests_name("hugemem_refusals", tests, NULL, NULL);
}
