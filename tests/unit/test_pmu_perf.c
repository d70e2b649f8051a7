/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of opening, reading and closing counters, on PMUs that the kernel of any machine has. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fake_pmu.h"
#include "fake_sys.h"
#include "pmu.h"
#include "pmu_perf.h"
#include "pmu_sysfs.h"
#include "unit.h"

#define PORT  "0000:18:00.0"
#define OTHER "0000:18:00.1"

static const char *root;
static struct base_error err;

/*
 * A VT-d unit whose type is that of the kernel's software events, which count CPU 0's time
 * (iotlb_lookup), its task's (iotlb_hit) and nothing at all (iommu_requests, a dummy): what
 * opens and reads it is the same for all PMUs. linux/perf_event.h, perf_sw_ids.
 */
static int set_up(void **state)
{
	(void)state;
	root = fake_sys_create();
	err = (struct base_error){0};
	fake_pmu_write("dmar0", "type", "1\n");
	fake_pmu_write("dmar0", "cpumask", "0\n");
	fake_pmu_write("dmar0", "format/event", "config:0-27\n");
	fake_pmu_write("dmar0", "events/iotlb_lookup", "event=0x0\n");
	fake_pmu_write("dmar0", "events/iotlb_hit", "event=0x1\n");
	fake_pmu_write("dmar0", "events/iommu_requests", "event=0x9\n");
	fake_pmu_device(PORT, "dmar0", "0000:17");
	fake_pmu_device(OTHER, "dmar0", "0000:17");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_sys_destroy();
	return 0;
}

static void wait_ms(unsigned int ms)
{
	struct timespec time = {.tv_nsec = ms * 1000000l};

	nanosleep(&time, NULL);
}

static unsigned int open_files(void)
{
	unsigned int count = 0;
	DIR *folder = opendir("/proc/self/fd");

	assert_non_null(folder);
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

/* Skips where the machine keeps perf from us. */
static void attach_or_skip(struct pmu *pmu, const char *address)
{
	int ret = pmu_attach(pmu, address, &err);

	if (ret == -EACCES || ret == -EPERM || ret == -ENOSYS) {
		print_message("perf_event_open: %s\n", err.text);
		pmu_destroy(pmu);
		skip();
	}
	assert_int_equal(ret, 0);
}

static const struct pmu_counter *counter(const struct pmu *pmu, const char *name)
{
	const struct pmu_unit *unit = TAILQ_FIRST(pmu_units(pmu));

	for (unsigned int i = 0; i < unit->counter_count; i++) {
		if (strcmp(unit->counters[i].name, name) == 0)
			return &unit->counters[i];
	}
	fail_msg("no counter %s", name);
	return NULL;
}

static void a_real_kernel_counts_and_nothing_stays_open(void **state)
{
	unsigned int files = open_files();
	uint64_t before;
	struct pmu *pmu;

	(void)state;
	assert_int_equal(pmu_create(root, &pmu), 0);
	attach_or_skip(pmu, PORT);
	assert_int_equal(open_files(), files + 3);
	assert_int_equal(counter(pmu, "iotlb_lookup")->count, PMU_NA);
	for (unsigned int i = 0; i < 3; i++) {
		int flags = fcntl(TAILQ_FIRST(pmu_units(pmu))->counters[i].fd, F_GETFD);

		assert_true((flags & FD_CLOEXEC) != 0);
	}
	pmu_read(pmu);
	before = counter(pmu, "iotlb_lookup")->count;
	wait_ms(20);
	pmu_read(pmu);
	/* nanoseconds of CPU 0 */
	assert_in_range(counter(pmu, "iotlb_lookup")->count - before, 19000000, 5000000000);
	assert_int_equal(counter(pmu, "iommu_requests")->count, 0);
	assert_false(counter(pmu, "iotlb_lookup")->is_scaled);
	pmu_destroy(pmu);
	assert_int_equal(open_files(), files);
}

static void ports_behind_one_unit_share_its_counters(void **state)
{
	unsigned int files = open_files();
	struct pmu *pmu;

	(void)state;
	assert_int_equal(pmu_create(root, &pmu), 0);
	attach_or_skip(pmu, PORT);
	attach_or_skip(pmu, OTHER);
	assert_int_equal(open_files(), files + 3);
	assert_true(pmu_unit_serves(TAILQ_FIRST(pmu_units(pmu)), PORT));
	assert_true(pmu_unit_serves(TAILQ_FIRST(pmu_units(pmu)), OTHER));
	pmu_detach(pmu, PORT);
	pmu_detach(pmu, "0000:99:00.0");
	assert_int_equal(open_files(), files + 3);
	assert_false(pmu_unit_serves(TAILQ_FIRST(pmu_units(pmu)), PORT));
	pmu_detach(pmu, OTHER);
	assert_true(TAILQ_EMPTY(pmu_units(pmu)));
	assert_int_equal(open_files(), files);
	pmu_destroy(pmu);
}

static void an_event_that_the_kernel_refuses_costs_only_itself(void **state)
{
	struct pmu *pmu;

	(void)state;
	fake_pmu_write("dmar0", "events/iotlb_hit", "event=0xffffff\n");
	assert_int_equal(pmu_create(root, &pmu), 0);
	attach_or_skip(pmu, PORT);
	assert_int_not_equal(counter(pmu, "iotlb_hit")->error, 0);
	assert_non_null(strstr(err.text, "iotlb_hit"));
	pmu_read(pmu);
	assert_int_equal(counter(pmu, "iotlb_hit")->count, PMU_NA);
	assert_int_not_equal(counter(pmu, "iotlb_lookup")->count, PMU_NA);
	pmu_destroy(pmu);
	/* a unit that has no other */
	fake_pmu_write("dmar0", "type", "4294967295\n");
	err = (struct base_error){0};
	assert_int_equal(pmu_create(root, &pmu), 0);
	assert_int_not_equal(pmu_attach(pmu, PORT, &err), 0);
	assert_non_null(strstr(err.text, "dmar0"));
	assert_true(TAILQ_EMPTY(pmu_units(pmu)));
	pmu_destroy(pmu);
}

/* As AMD's units are read: stopped, read and started again; the counts go on. */
static void a_counter_that_is_stopped_to_be_read_goes_on(void **state)
{
	struct pmu_counter clock = {.fd = -1};
	struct pmu_source source;
	uint64_t last = 0;

	(void)state;
	assert_int_equal(pmu_source_open(root, "dmar0", &source), 0);
	pmu_source_attr(&source, &clock.attr);
	assert_int_equal(pmu_source_event(&source, "iotlb_lookup", &clock.attr), 0);
	if (pmu_perf_open(&clock, source.cpus[0]) != 0) {
		print_message("perf_event_open: %s\n", strerror(-clock.error));
		skip();
	}
	for (unsigned int i = 0; i < 5; i++) {
		wait_ms(5);
		assert_int_equal(pmu_perf_read(&clock, true), 0);
		assert_in_range(clock.count - last, 4000000, 5000000000);
		last = clock.count;
	}
	pmu_perf_close(&clock);
	assert_int_equal(pmu_perf_read(&clock, true), -EBADF);
}

#ifdef __x86_64__
static uint64_t tsc(void)
{
	return __builtin_ia32_rdtsc();
}

/* The machine's own sysfs and a counter whose truth is known: between two reads of the TSC. */
static void the_kernels_msr_pmu_counts_what_the_tsc_counts(void **state)
{
	struct pmu_counter clock = {.fd = -1};
	struct pmu_source source;
	uint64_t outer, inner, first;

	(void)state;
	if (pmu_source_open("", "msr", &source) != 0) {
		print_message("this kernel has no msr PMU\n");
		skip();
	}
	pmu_source_attr(&source, &clock.attr);
	assert_int_equal(pmu_source_event(&source, "tsc", &clock.attr), 0);
	if (pmu_perf_open(&clock, source.cpus[0]) != 0) {
		print_message("perf_event_open: %s\n", strerror(-clock.error));
		skip();
	}
	outer = tsc();
	assert_int_equal(pmu_perf_read(&clock, false), 0);
	inner = tsc();
	first = clock.count;
	wait_ms(30);
	inner = tsc() - inner;
	assert_int_equal(pmu_perf_read(&clock, false), 0);
	outer = tsc() - outer;
	pmu_perf_close(&clock);
	/* CPUs' own TSCs may be some cycles apart */
	assert_in_range(clock.count - first, inner - 1000, outer + 1000);
}
#endif

static void a_count_of_a_part_of_the_time_is_scaled(void **state)
{
	(void)state;
	assert_int_equal(pmu_perf_scale(1000, 500, 500), 1000);
	assert_int_equal(pmu_perf_scale(1000, 500, 250), 2000);
	assert_int_equal(pmu_perf_scale(1000, 300, 200), 1500);
	assert_int_equal(pmu_perf_scale(0, 300, 200), 0);
	assert_int_equal(pmu_perf_scale(0, 300, 0), PMU_NA);
	assert_int_equal(pmu_perf_scale(UINT64_C(1) << 60, UINT64_C(4) << 40, UINT64_C(1) << 40),
			 UINT64_C(1) << 62);
	assert_int_equal(pmu_perf_scale(UINT64_MAX - 1, 1000, 1), PMU_NA - 1);
}

/* In a child, which gives its rights away: 0 as it should be, 77 the machine allows it anyway. */
static int attach_as_nobody(void)
{
	struct pmu *pmu;
	int ret;

	if (setgid(65534) != 0 || setuid(65534) != 0 || pmu_create(root, &pmu) != 0)
		return 1;
	ret = pmu_attach(pmu, PORT, &err);
	pmu_destroy(pmu);
	if (ret == 0)
		return 77;
	if (ret != -EACCES && ret != -EPERM)
		return 2;
	return strstr(err.text, "CAP_PERFMON") != NULL &&
			       strstr(err.text, "perf_event_paranoid") != NULL
		       ? 0
		       : 3;
}

static void without_the_right_to_count_it_is_told_what_to_change(void **state)
{
	int status;
	pid_t child;

	(void)state;
	if (getuid() != 0) {
		print_message("only root can give its rights away\n");
		skip();
	}
	assert_int_equal(chmod(root, 0755), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(attach_as_nobody());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("kernel.perf_event_paranoid lets everybody count\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_real_kernel_counts_and_nothing_stays_open),
		TEST(ports_behind_one_unit_share_its_counters),
		TEST(an_event_that_the_kernel_refuses_costs_only_itself),
		TEST(a_counter_that_is_stopped_to_be_read_goes_on),
#ifdef __x86_64__
		TEST(the_kernels_msr_pmu_counts_what_the_tsc_counts),
#endif
		TEST(a_count_of_a_part_of_the_time_is_scaled),
		TEST(without_the_right_to_count_it_is_told_what_to_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
