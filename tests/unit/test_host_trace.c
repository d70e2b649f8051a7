/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of what is read of tracefs: texts as Linux 6.1 writes them. */
#include <errno.h>
#include <string.h>

#include "host_trace.h"
#include "unit.h"

static const char mounts[] = "proc /proc proc rw,relatime 0 0\n"
			     "tracefs /not\\040this sysfs rw 0 0\n"
			     "tracefs /sys/kernel/tra\\040cing tracefs rw,relatime 0 0\n"
			     "share /share 9p rw,sync 0 0\n";

static void tracefs_is_found_by_its_type(void **state)
{
	char path[HOST_TRACE_PATH_SIZE];

	assert_int_equal(host_trace_mount(mounts, path, sizeof(path)), 0);
	assert_string_equal(path, "/sys/kernel/tra cing");
	assert_int_equal(host_trace_mount("proc /proc proc rw 0 0\n", path, sizeof(path)), -ENOENT);
	assert_int_equal(host_trace_mount("", path, sizeof(path)), -ENOENT);
	assert_int_equal(host_trace_mount("tracefs", path, sizeof(path)), -ENOENT);
}

static const char map_hist[] =
	"# event histogram\n#\n# trigger info: "
	"hist:keys=common_type:vals=hitcount,size:sort=hitcount"
	":size=2048 [active]\n#\n\n"
	"{ common_type:       1149 } hitcount:     100001  size:  409608192\n\n"
	"Totals:\n    Hits: 100001\n    Entries: 1\n    Dropped: 0\n";

static const char empty_hist[] =
	"# event histogram\n#\n# trigger info: "
	"hist:keys=common_type:vals=hitcount,size:sort=hitcount"
	":size=2048 [active]\n#\n\n\nTotals:\n    Hits: 0\n    Entries: 0\n    Dropped: 0\n";

static void a_histogram_gives_hits_and_the_sum_of_sizes(void **state)
{
	uint64_t count, bytes;

	assert_int_equal(host_trace_sums(map_hist, "size", &count, &bytes), 0);
	assert_int_equal(count, 100001);
	assert_int_equal(bytes, 409608192);
	assert_int_equal(host_trace_sums(map_hist, NULL, &count, &bytes), 0);
	assert_int_equal(count, 100001);
	assert_int_equal(bytes, 0);
	assert_int_equal(host_trace_sums(empty_hist, "size", &count, &bytes), 0);
	assert_int_equal(count, 0);
	assert_int_equal(bytes, 0);
	assert_int_equal(host_trace_sums("", "size", &count, &bytes), -EINVAL);
	assert_int_equal(host_trace_sums("\nTotals:\n", "size", &count, &bytes), -EINVAL);
}

static void only_instances_of_our_name_have_an_owner(void **state)
{
	assert_int_equal(host_trace_owner("ioplane-4711"), 4711);
	assert_int_equal(host_trace_owner("ioplane-"), 0);
	assert_int_equal(host_trace_owner("ioplane-12x"), 0);
	assert_int_equal(host_trace_owner("ioplane--12"), 0);
	assert_int_equal(host_trace_owner("ioplane-0"), 0);
	assert_int_equal(host_trace_owner("ioplane-99999999999999999999"), 0);
	assert_int_equal(host_trace_owner("other-12"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tracefs_is_found_by_its_type),
		cmocka_unit_test(a_histogram_gives_hits_and_the_sum_of_sizes),
		cmocka_unit_test(only_instances_of_our_name_have_an_owner),
	};

	return cmocka_run_group_tests_name("host_trace", tests, NULL, NULL);
}
