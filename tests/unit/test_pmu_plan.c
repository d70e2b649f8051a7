/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of what would be opened on machines of all four makers: the exact attr of each event. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fake_pmu.h"
#include "fake_sys.h"
#include "pmu.h"
#include "unit.h"

#define PORT "0000:18:00.1" /* requester id 0x1801 */

static const char *root;
static struct pmu_list units;
static struct base_error err;

static int set_up(void **state)
{
	(void)state;
	root = fake_sys_create();
	TAILQ_INIT(&units);
	err = (struct base_error){0};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pmu_plan_free(&units);
	fake_sys_destroy();
	return 0;
}

/* What an event must be opened with: all but type, config* and what is the same for all is 0. */
struct expected {
	const char *name;
	uint64_t config, config1;
};

static void check_counters(const struct pmu_unit *unit, uint32_t type,
			   const struct expected *expected, unsigned int count)
{
	assert_int_equal(unit->counter_count, count);
	for (unsigned int i = 0; i < count; i++) {
		struct perf_event_attr attr = {
			.type = type,
			.size = sizeof(attr),
			.config = expected[i].config,
			.read_format =
				PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
			.config1 = expected[i].config1,
		};

		assert_string_equal(unit->counters[i].name, expected[i].name);
		assert_memory_equal(&unit->counters[i].attr, &attr, sizeof(attr));
		assert_int_equal(unit->counters[i].fd, -1);
	}
}

static void check_unit(const struct pmu_unit *unit, const char *pmu, const char *family,
		       const char *device, int cpu)
{
	assert_non_null(unit);
	assert_string_equal(unit->pmu, pmu);
	assert_string_equal(pmu_unit_family(unit), family);
	assert_int_equal(unit->scope, device[0] != '\0' ? PMU_SCOPE_REQUESTER : PMU_SCOPE_UNIT);
	assert_string_equal(unit->device, device);
	assert_int_equal(unit->cpu, cpu);
	assert_true(pmu_unit_serves(unit, PORT));
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void vtd_counts_a_requester_and_its_unit(void **state)
{
	static const struct expected requester[] = {
		{"iotlb_hit", 0x30000002, 0x18010001},
		{"iotlb_lookup", 0x30000001, 0x18010001},
	};
	static const struct expected unit[] = {
		{"iotlb_hit", 0x30000002, 0},	   {"iotlb_lookup", 0x30000001, 0},
		{"iommu_requests", 0x2, 0},	   {"iommu_mrds", 0x10000001, 0},
		{"pw_occupancy", 0x4, 0},	   {"iommu_clocks", 0x1, 0},
		{"ss_nonleaf_hit", 0x20000020, 0}, {"ss_nonleaf_lookup", 0x20000010, 0},
	};
	const struct pmu_unit *first, *second;

	(void)state;
	fake_pmu_dmar("dmar0", "51\n", true);
	fake_pmu_dmar("dmar3", "54\n", true);
	fake_pmu_device(PORT, "dmar3", "0000:17");
	assert_int_equal(pmu_plan(root, PORT, &units, &err), 0);
	first = TAILQ_FIRST(&units);
	check_unit(first, "dmar3", "dmar", PORT, 0);
	check_counters(first, 54, requester, COUNT(requester));
	second = TAILQ_NEXT(first, link);
	check_unit(second, "dmar3", "dmar", "", 0);
	check_counters(second, 54, unit, COUNT(unit));
	assert_null(TAILQ_NEXT(second, link));
}

static void vtd_without_a_filter_counts_its_unit_only(void **state)
{
	const struct pmu_unit *unit;

	(void)state;
	fake_pmu_dmar("dmar0", "51\n", false);
	fake_pmu_device(PORT, "dmar0", "0000:17");
	assert_int_equal(pmu_plan(root, PORT, &units, &err), 0);
	unit = TAILQ_FIRST(&units);
	check_unit(unit, "dmar0", "dmar", "", 0);
	assert_string_equal(unit->counters[0].name, "iotlb_hit");
	assert_int_equal(unit->counters[0].attr.config1, 0);
	assert_null(TAILQ_NEXT(unit, link));
}

static void formats_are_read_and_not_known_by_heart(void **state)
{
	static const struct expected requester[] = {
		{"iotlb_hit", 0x2030, UINT64_C(0x8000000018010000)},
		{"iotlb_lookup", 0x1030, UINT64_C(0x8000000018010000)},
	};

	(void)state;
	fake_pmu_dmar("dmar0", "51\n", true);
	fake_pmu_write("dmar0", "format/event", "config:12-27\n");
	fake_pmu_write("dmar0", "format/event_group", "config:4-6,9\n");
	fake_pmu_write("dmar0", "format/filter_requester_id_en", "config1:63\n");
	fake_pmu_device(PORT, "dmar0", "0000:17");
	assert_int_equal(pmu_plan(root, PORT, &units, &err), 0);
	check_counters(TAILQ_FIRST(&units), 51, requester, COUNT(requester));
}

static void iio_counts_the_box_of_the_root_bus_on_the_cpu_of_its_die(void **state)
{
	static const struct expected box[] = {
		{"UNC_IIO_IOMMU0.MISSES", 0x2040, 0},
		{"UNC_IIO_IOMMU0.FIRST_LOOKUPS", 0x0140, 0},
		{"UNC_IIO_IOMMU0.4K_HITS", 0x0440, 0},
		{"UNC_IIO_IOMMU1.NUM_MEM_ACCESSES", 0x4041, 0},
	};
	const struct pmu_unit *unit;

	(void)state;
	fake_pmu_iio("106", false);
	fake_pmu_device(PORT, "dmar0", "0000:17");
	assert_int_equal(pmu_plan(root, PORT, &units, &err), 0);
	unit = TAILQ_FIRST(&units);
	check_unit(unit, "uncore_iio_1", "iio", "", 0);
	check_counters(unit, 41, box, COUNT(box));
	assert_null(TAILQ_NEXT(unit, link));
	pmu_plan_free(&units);
	fake_pmu_device(PORT, "dmar0", "0000:80");
	assert_int_equal(pmu_plan(root, PORT, &units, &err), 0);
	check_unit(TAILQ_FIRST(&units), "uncore_iio_0", "iio", "", 28);
	assert_int_equal(TAILQ_FIRST(&units)->counters[0].attr.type, 40);
}

static void dies_are_numbered_by_package_and_not_by_cpu(void **state)
{
	(void)state;
	fake_pmu_iio("106", false);
	fake_sys_write("/sys/devices/system/cpu/cpu0/topology/physical_package_id", "1\n");
	fake_sys_write("/sys/devices/system/cpu/cpu28/topology/physical_package_id", "0\n");
	fake_pmu_device(PORT, "dmar0", "0000:97");
	assert_int_equal(pmu_plan(root, PORT, &units, &err), 0);
	check_unit(TAILQ_FIRST(&units), "uncore_iio_1", "iio", "", 0);
}

static void iio_events_differ_by_model(void **state)
{
	static const struct expected skylake[] = {
		{"UNC_IIO_VTD_ACCESS.TLB_MISS", 0x2041, 0},
		{"UNC_IIO_VTD_ACCESS.TLB1_MISS", 0x8041, 0},
		{"UNC_IIO_VTD_ACCESS.L4_PAGE_HIT", 0x0141, 0},
		{"UNC_IIO_VTD_ACCESS.CTXT_MISS", 0x0241, 0},
	};

	(void)state;
	fake_pmu_iio("85", true);
	fake_pmu_device(PORT, "dmar0", "0000:17");
	assert_int_equal(pmu_plan(root, PORT, &units, &err), 0);
	check_counters(TAILQ_FIRST(&units), 41, skylake, COUNT(skylake));
	pmu_plan_free(&units);
	fake_pmu_iio("207", false);
	assert_int_equal(pmu_plan(root, PORT, &units, &err), 0);
	assert_string_equal(TAILQ_FIRST(&units)->counters[3].name,
			    "UNC_IIO_IOMMU1.NUM_MEM_ACCESSES");
	assert_int_equal(TAILQ_FIRST(&units)->counters[3].attr.config, 0xc041);
	pmu_plan_free(&units);
	fake_pmu_iio("63", false); /* Haswell: its boxes have no such events */
	assert_int_equal(pmu_plan(root, PORT, &units, &err), -ENODEV);
}

static void amd_counts_a_device_by_mask_and_its_unit(void **state)
{
	static const struct expected requester[] = {
		{"mem_iommu_tlb_pte_hit", 0x180106, 0xffff},
		{"mem_iommu_tlb_pte_mis", 0x180107, 0xffff},
		{"mem_iommu_tlb_pde_hit", 0x180108, 0xffff},
		{"mem_iommu_tlb_pde_mis", 0x180109, 0xffff},
	};
	static const struct expected unit[] = {
		{"mem_trans_total", 0x05, 0},
		{"page_tbl_read_tot", 0x0c, 0},
		{"tlb_inv", 0x13, 0},
	};
	const struct pmu_unit *first;

	(void)state;
	fake_pmu_amd("amd_iommu_0", "12\n");
	fake_pmu_amd("amd_iommu_2", "14\n");
	fake_pmu_device(PORT, "ivhd2", "0000:17");
	assert_int_equal(pmu_plan(root, PORT, &units, &err), 0);
	first = TAILQ_FIRST(&units);
	check_unit(first, "amd_iommu_2", "amd", PORT, 0);
	check_counters(first, 14, requester, COUNT(requester));
	check_unit(TAILQ_NEXT(first, link), "amd_iommu_2", "amd", "", 0);
	check_counters(TAILQ_NEXT(first, link), 14, unit, COUNT(unit));
}

static void smmuv3_counts_the_groups_between_its_unit_and_the_next(void **state)
{
	static const struct expected group[] = {
		{"tlb_miss", 2, 0},
		{"transaction", 1, 0},
		{"trans_table_walk_access", 4, 0},
	};
	const struct pmu_unit *unit;

	(void)state;
	fake_sys_write("/sys/class/iommu/smmu3.0x000000002b400000/x", "");
	fake_sys_write("/sys/class/iommu/smmu3.0x000000002b600000/x", "");
	fake_pmu_smmuv3("smmuv3_pmcg_2b002", "8\n");
	fake_pmu_smmuv3("smmuv3_pmcg_2b402", "9\n");
	fake_pmu_smmuv3("smmuv3_pmcg_2b442", "10\n");
	fake_pmu_smmuv3("smmuv3_pmcg_2b602", "11\n");
	fake_pmu_device(PORT, "smmu3.0x000000002b400000", "0000:00");
	assert_int_equal(pmu_plan(root, PORT, &units, &err), 0);
	unit = TAILQ_FIRST(&units);
	check_unit(unit, "smmuv3_pmcg_2b402", "smmuv3", "", 5);
	check_counters(unit, 9, group, COUNT(group));
	unit = TAILQ_NEXT(unit, link);
	check_unit(unit, "smmuv3_pmcg_2b442", "smmuv3", "", 5);
	check_counters(unit, 10, group, COUNT(group));
	assert_null(TAILQ_NEXT(unit, link));
}

static void without_a_pmu_the_reason_is_told(void **state)
{
	static const struct {
		const char *iommu, *words;
	} cases[] = {
		{"dmar0", "Linux 6.3"},
		{"ivhd0", "amd_iommu_0"},
		{"smmu3.0x000000002b400000", "arm_smmuv3_pmu"},
		{"riscv-iommu@3000", "names none that is known"},
		{NULL, "behind no IOMMU"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		err = (struct base_error){0};
		fake_sys_destroy();
		root = fake_sys_create();
		fake_pmu_device(PORT, cases[i].iommu, "0000:17");
		assert_int_equal(pmu_plan(root, PORT, &units, &err), -ENODEV);
		if (strstr(err.text, cases[i].words) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].words);
		assert_true(TAILQ_EMPTY(&units));
	}
	assert_int_equal(pmu_plan(root, "0000:99:00.0", &units, NULL), -ENODEV);
}

static void what_sysfs_should_not_hold_is_refused_with_its_name(void **state)
{
	static const struct {
		const char *file, *text;
	} bad[] = {
		{"type", "\n"},
		{"type", "-1\n"},
		{"type", "4294967296\n"},
		{"type", "51x\n"},
		{"cpumask", "\n"},
		{"cpumask", "0-\n"},
		{"cpumask", "3-1\n"},
		{"cpumask", "99999999\n"},
		{"format/event", "config:0-77\n"},
		{"format/event_group", "config9:0-3\n"},
		{"events/iotlb_hit", "\n"},
		{"events/iotlb_hit", "event=\n"},
		{"events/iotlb_hit", "event=0x2,\n"},
		{"events/iotlb_hit", "event=-2\n"},
		{"events/iotlb_hit", "event=0x2 \n"},
		{"events/iotlb_hit", "event=?\n"},
		{"events/iotlb_hit", "event=0x10000000\n"},
		{"events/iotlb_hit", "event=0x2,colour=0x3\n"},
		{"events/iotlb_hit", "../type=1\n"},
		{"events/iotlb_hit", "event=99999999999999999999999\n"},
		{"format/filter_requester_id", "config1:16-30\n"}, /* 15 bits */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		int ret;

		err = (struct base_error){0};
		/* with a bit of the upper byte set, that 15 bits cannot hold */
		fake_pmu_device("0000:98:00.1", "dmar0", "0000:17");
		fake_pmu_dmar("dmar0", "51\n", true);
		fake_pmu_write("dmar0", bad[i].file, bad[i].text);
		ret = pmu_plan(root, "0000:98:00.1", &units, &err);
		if ((ret != -EINVAL && ret != -ERANGE) || strstr(err.text, "dmar0") == NULL)
			fail_msg("%s: \"%s\" gave %d, %s", bad[i].file, bad[i].text, ret, err.text);
		assert_true(TAILQ_EMPTY(&units));
	}
	/* the same machine without the damage */
	fake_pmu_dmar("dmar0", "51\n", true);
	assert_int_equal(pmu_plan(root, "0000:98:00.1", &units, &err), 0);
}

/* Files of any bytes: nothing crashes, and what is planned is whole. */
static void random_files_never_crash(void **state)
{
	static const char *const files[] = {"type",
					    "cpumask",
					    "die0",
					    "format/event",
					    "format/umask",
					    "format/csource",
					    "format/filter_requester_id",
					    "events/iotlb_hit",
					    "events/mem_iommu_tlb_pte_hit"};
	static const char *const pmus[] = {"dmar0", "amd_iommu_0", "uncore_iio_0"};
	static const char letters[] = "config0123456789:-,=xevnt?/. \n%\x80\xff";
	uint64_t random = 7;

	(void)state;
	fake_pmu_iio("106", false);
	fake_pmu_dmar("dmar0", "51\n", true);
	fake_pmu_amd("amd_iommu_0", "12\n");
	for (unsigned int i = 0; i < 500; i++) {
		const char *pmu = pmus[unit_random(&random) % COUNT(pmus)];
		const char *file = files[unit_random(&random) % COUNT(files)];
		size_t length = unit_random(&random) % (i % 50 == 0 ? 1023 : 24);
		struct pmu_unit *unit;
		char text[1024];

		for (size_t c = 0; c < length; c++)
			text[c] = letters[unit_random(&random) % (sizeof(letters) - 1)];
		text[length] = '\0';
		fake_pmu_write(pmu, file, text);
		fake_pmu_device(PORT, i % 2 == 0 ? "dmar0" : "ivhd0", "0000:00");
		pmu_plan(root, PORT, &units, NULL);
		TAILQ_FOREACH(unit, &units, link) {
			assert_in_range(unit->counter_count, 1, PMU_COUNTERS_MAX);
			assert_true(unit->cpu >= 0);
			for (unsigned int n = 0; n < unit->counter_count; n++)
				assert_int_equal(unit->counters[n].attr.size,
						 sizeof(struct perf_event_attr));
		}
		pmu_plan_free(&units);
		if (i % 8 != 0)
			continue;
		fake_pmu_iio("106", false);
		fake_pmu_dmar("dmar0", "51\n", true);
		fake_pmu_amd("amd_iommu_0", "12\n");
	}
}

/* What the kernel counted, told as figures of an IOTLB. */
static void counts_become_lookups_hits_and_misses(void **state)
{
	struct pmu_iotlb figures;
	struct pmu_unit *unit;

	(void)state;
	fake_pmu_dmar("dmar0", "51\n", true);
	fake_pmu_device(PORT, "dmar0", "0000:17");
	assert_int_equal(pmu_plan(root, PORT, &units, &err), 0);
	unit = TAILQ_FIRST(&units);
	pmu_unit_iotlb(unit, &figures);
	assert_int_equal(figures.lookups, PMU_NA);
	assert_int_equal(figures.misses, PMU_NA);
	unit->counters[0].count = 900;
	unit->counters[1].count = 1000;
	pmu_unit_iotlb(unit, &figures);
	assert_int_equal(figures.lookups, 1000);
	assert_int_equal(figures.hits, 900);
	assert_int_equal(figures.misses, 100);
	assert_false(figures.is_scaled);
	unit->counters[1].is_scaled = true;
	unit->counters[0].count = 1003; /* estimates may cross */
	pmu_unit_iotlb(unit, &figures);
	assert_int_equal(figures.misses, 0);
	assert_true(figures.is_scaled);
	pmu_plan_free(&units);
	fake_pmu_amd("amd_iommu_0", "12\n");
	fake_pmu_device(PORT, "ivhd0", "0000:17");
	assert_int_equal(pmu_plan(root, PORT, &units, &err), 0);
	unit = TAILQ_FIRST(&units);
	for (unsigned int i = 0; i < 4; i++)
		unit->counters[i].count = (uint64_t[]){10, 1, 2000, 30}[i];
	pmu_unit_iotlb(unit, &figures);
	assert_int_equal(figures.hits, 2010);
	assert_int_equal(figures.misses, 31);
	assert_int_equal(figures.lookups, 2041);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(vtd_counts_a_requester_and_its_unit),
		TEST(vtd_without_a_filter_counts_its_unit_only),
		TEST(formats_are_read_and_not_known_by_heart),
		TEST(iio_counts_the_box_of_the_root_bus_on_the_cpu_of_its_die),
		TEST(dies_are_numbered_by_package_and_not_by_cpu),
		TEST(iio_events_differ_by_model),
		TEST(amd_counts_a_device_by_mask_and_its_unit),
		TEST(smmuv3_counts_the_groups_between_its_unit_and_the_next),
		TEST(without_a_pmu_the_reason_is_told),
		TEST(what_sysfs_should_not_hold_is_refused_with_its_name),
		TEST(random_files_never_crash),
		TEST(counts_become_lookups_hits_and_misses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
