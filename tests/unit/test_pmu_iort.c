/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of stream ids and counter groups out of a firmware's IORT. */
#include <errno.h>
#include <string.h>

#include "fake_pmu.h"
#include "fake_sys.h"
#include "pmu.h"
#include "smmuv3_iort.h"
#include "unit.h"

#define PORT	  "0000:18:00.1" /* requester id 0x1801 */
#define UNIT_ONE  UINT64_C(0x2b400000)
#define UNIT_TWO  UINT64_C(0x148000000000)
#define IORT_FILE "/sys/firmware/acpi/tables/IORT"

/* The table as it is built; node offsets are found by it. */
static struct {
	uint8_t bytes[1024];
	uint32_t size;
} table;

static const char *root;

static void put(uint64_t value, unsigned int count)
{
	for (; count != 0; count--, value >>= 8)
		table.bytes[table.size++] = (uint8_t)value;
}

static void set_u32(uint32_t at, uint32_t value)
{
	for (unsigned int i = 0; i < 4; i++)
		table.bytes[at + i] = (uint8_t)(value >> (8 * i));
}

/* A node's header; its offset, to be referred to. */
static uint32_t put_node(uint8_t type, uint16_t length, uint32_t mappings, uint32_t offset)
{
	uint32_t start = table.size;

	put(type, 1);
	put(length, 2);
	put(1, 1); /* revision */
	put(0, 4);
	put(mappings, 4);
	put(offset, 4);
	set_u32(36, table.bytes[36] + 1u);
	return start;
}

static uint32_t put_unit(uint64_t address)
{
	uint32_t start = put_node(4, 68, 0, 0);

	put(address, 8);
	put(0, 68 - 24);
	return start;
}

static void put_group(uint64_t address, uint32_t unit)
{
	put_node(5, 40, 0, 0);
	put(address, 8);
	put(0, 4);
	put(unit, 4);
	put(0, 8);
}

static void put_mapping(uint32_t input, uint32_t count, uint32_t output, uint32_t reference)
{
	put(input, 4);
	put(count - 1, 4);
	put(output, 4);
	put(reference, 4);
	put(0, 4);
}

/* Two units; segment 0 is split between them, segment 1 is all of the second's. */
static void build(void)
{
	uint32_t one, two, group;

	memset(&table, 0, sizeof(table));
	memcpy(table.bytes, "IORT", 4);
	table.size = 48;
	set_u32(40, 48);
	one = put_unit(UNIT_ONE);
	two = put_unit(UNIT_TWO);
	group = put_node(0, 24, 0, 0); /* an ITS */
	put(1, 8);
	put_node(2, 36 + 3 * 20, 3, 36);
	put(0, 12);
	put(0, 4); /* segment */
	put(0, 4);
	put_mapping(0xf000, 0x100, 0, group);
	put_mapping(0x0000, 0x1000, 0x20000, two);
	put_mapping(0x1800, 0x100, 0x35000, one);
	put_node(2, 36 + 20, 1, 36);
	put(0, 12);
	put(1, 4);
	put(0, 4);
	put_mapping(0, 0x10000, 0, two);
	put_group(UNIT_ONE + 0x2000, one);
	put_group(UNIT_ONE + 0x42000, one);
	put_group(0x90000000, one);	    /* nowhere near */
	put_group(UNIT_ONE + 0x52000, two); /* nowhere near either */
	fake_sys_write_bytes(IORT_FILE, table.bytes, table.size);
}

static int set_up(void **state)
{
	(void)state;
	root = fake_sys_create();
	build();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_sys_destroy();
	return 0;
}

static void a_requester_has_the_stream_id_of_its_segment_and_range(void **state)
{
	static const struct {
		uint32_t segment;
		uint16_t requester;
		uint64_t unit;
		uint32_t stream;
	} good[] = {
		{0, 0x1801, UNIT_ONE, 0x35001}, {0, 0x18ff, UNIT_ONE, 0x350ff},
		{0, 0x0000, UNIT_TWO, 0x20000}, {0, 0x0fff, UNIT_TWO, 0x20fff},
		{1, 0x1801, UNIT_TWO, 0x1801},
	};
	struct smmuv3_iort iort;
	uint64_t unit;
	uint32_t stream;

	(void)state;
	assert_int_equal(smmuv3_iort_read(root, &iort), 0);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(smmuv3_iort_stream(&iort, good[i].segment, good[i].requester,
						    &unit, &stream),
				 0);
		assert_int_equal(unit, good[i].unit);
		assert_int_equal(stream, good[i].stream);
	}
	assert_int_equal(smmuv3_iort_stream(&iort, 0, 0x1900, &unit, &stream), -ENOENT);
	assert_int_equal(smmuv3_iort_stream(&iort, 0, 0x17ff, &unit, &stream), -ENOENT);
	/* straight to an ITS, with no unit before */
	assert_int_equal(smmuv3_iort_stream(&iort, 0, 0xf000, &unit, &stream), -ENOENT);
	assert_int_equal(smmuv3_iort_stream(&iort, 2, 0x1801, &unit, &stream), -ENOENT);
	smmuv3_iort_free(&iort);
}

static void a_group_has_the_unit_that_it_refers_to(void **state)
{
	struct smmuv3_iort iort;
	uint64_t unit;

	(void)state;
	assert_int_equal(smmuv3_iort_read(root, &iort), 0);
	assert_int_equal(smmuv3_iort_unit(&iort, 0x90000000, &unit), 0);
	assert_int_equal(unit, UNIT_ONE);
	assert_int_equal(smmuv3_iort_unit(&iort, UNIT_ONE + 0x52000, &unit), 0);
	assert_int_equal(unit, UNIT_TWO);
	assert_int_equal(smmuv3_iort_unit(&iort, UNIT_ONE, &unit), -ENOENT);
	smmuv3_iort_free(&iort);
}

static void a_port_is_counted_by_its_stream_in_the_groups_of_its_unit(void **state)
{
	static const char *const groups[] = {"smmuv3_pmcg_2b402", "smmuv3_pmcg_2b442",
					     "smmuv3_pmcg_90000"};
	struct pmu_list units = TAILQ_HEAD_INITIALIZER(units);
	const struct pmu_unit *unit;
	unsigned int count = 0;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		fake_pmu_smmuv3(groups[i], "9\n");
	fake_pmu_smmuv3("smmuv3_pmcg_2b452", "9\n"); /* the other unit's */
	fake_pmu_device(PORT, "smmu3.0x000000002b400000", "0000:00");
	assert_int_equal(pmu_plan(root, PORT, &units, NULL), 0);
	TAILQ_FOREACH(unit, &units, link) {
		struct perf_event_attr attr = {
			.type = 9,
			.size = sizeof(attr),
			.config = 2,
			.read_format =
				PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
			.config1 = UINT64_C(1) << 33 | 0x35001,
		};

		assert_in_range(count, 0, 2);
		assert_string_equal(unit->pmu, groups[count++]);
		assert_int_equal(unit->scope, PMU_SCOPE_REQUESTER);
		assert_string_equal(unit->device, PORT);
		assert_int_equal(unit->counter_count, 3);
		assert_string_equal(unit->counters[0].name, "tlb_miss");
		assert_memory_equal(&unit->counters[0].attr, &attr, sizeof(attr));
	}
	assert_int_equal(count, 3);
	pmu_plan_free(&units);
}

static void what_is_no_iort_is_refused(void **state)
{
	struct smmuv3_iort iort;

	(void)state;
	fake_sys_write_bytes(IORT_FILE, table.bytes, 47);
	assert_int_equal(smmuv3_iort_read(root, &iort), -EINVAL);
	assert_null(iort.table);
	fake_sys_write_bytes(IORT_FILE, "DMAR", 4);
	assert_int_equal(smmuv3_iort_read(root, &iort), -EINVAL);
	fake_sys_remove(IORT_FILE);
	assert_int_equal(smmuv3_iort_read(root, &iort), -ENOENT);
}

/* Cut short or with bytes changed: nothing is read beyond its end (the sanitizers look). */
static void a_damaged_iort_never_crashes(void **state)
{
	uint64_t random = 3, unit;
	uint32_t stream;

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		size_t size = i % 2 == 0 ? table.size : 48 + unit_random(&random) % 400;
		struct smmuv3_iort iort = {.table = test_malloc(size), .size = size};

		memcpy(iort.table, table.bytes, size);
		for (unsigned int n = i % 5; n != 0; n--)
			iort.table[36 + unit_random(&random) % (size - 36)] =
				(uint8_t)unit_random(&random);
		smmuv3_iort_stream(&iort, 0, 0x1801, &unit, &stream);
		smmuv3_iort_unit(&iort, 0x90000000, &unit);
		test_free(iort.table);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_requester_has_the_stream_id_of_its_segment_and_range),
		TEST(a_group_has_the_unit_that_it_refers_to),
		TEST(a_port_is_counted_by_its_stream_in_the_groups_of_its_unit),
		TEST(what_is_no_iort_is_refused),
		TEST(a_damaged_iort_never_crashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
