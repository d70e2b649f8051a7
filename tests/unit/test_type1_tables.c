/* SPDX-License-Identifier: BSD-3-Clause */
/* Walks read from the kernel's debugfs, in the format of drivers/iommu/intel/debugfs.c. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "type1_tables.h"

#define HEADING "IOVA_PFN\t\tPML5E\t\t\tPML4E\t\t\tPDPE\t\t\tPDE\t\t\tPTE\n"

/* Two devices of a machine with 4 levels; the second has a leaf of each size. */
static const char dump_text[] =
	"Device 0000:00:02.0 @0x101234000\n" HEADING
	"0x0000000040000 |\t0x0000000000000000\t0x0000000104556003\t0x0000000104557003\t"
	"0x0000000104558003\t0x0000000007654003\n"
	"\n"
	"Device 0000:00:03.0 @0x105678000\n" HEADING
	"0x0000000040000 |\t0x0000000000000000\t0x0000000104666003\t0x0000000104667003\t"
	"0x0000000104668003\t0x0000000012345001\n"
	"0x0000000040200 |\t0x0000000000000000\t0x0000000104666003\t0x0000000104667003\t"
	"0x0000000088000082\t0x0000000000000000\n"
	"0x0000000080000 |\t0x0000000000000000\t0x0000000104666003\t0x0000000180000083\t"
	"0x0000000000000000\t0x0000000000000000\n"
	"\n";

static int read_dump(const char *text, const char *address, uint64_t iova, struct iommu_walk *walk)
{
	FILE *dump = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	int ret;

	assert_non_null(dump);
	memset(walk, 0, sizeof(*walk));
	ret = type1_tables_read(dump, address, iova, walk);
	fclose(dump);
	return ret;
}

static void a_leaf_of_4_kib_is_found_with_each_level_above_it(void **state)
{
	static const uint64_t entries[] = {0x104666003, 0x104667003, 0x104668003, 0x12345001};
	static const uint64_t tables[] = {0x105678000, 0x104666000, 0x104667000, 0x104668000};
	static const uint16_t indexes[] = {0, 1, 0, 0};
	struct iommu_walk walk;

	assert_int_equal(read_dump(dump_text, "0000:00:03.0", 0x40000123, &walk), 0);
	assert_int_equal(walk.reason, 0);
	assert_int_equal(walk.pa, 0x12345123);
	assert_int_equal(walk.page_size, 4096);
	assert_int_equal(walk.prot, IOMMU_READ);
	assert_string_equal(walk.source, "debugfs");
	assert_int_equal(walk.step_count, 4);
	for (unsigned int i = 0; i < 4; i++) {
		char name[16];

		snprintf(name, sizeof(name), "level %u", 4 - i);
		assert_string_equal(walk.step[i].name, name);
		assert_int_equal(walk.step[i].index, indexes[i]);
		assert_int_equal(walk.step[i].entry[0], entries[i]);
		assert_int_equal(walk.step[i].entry_pa, tables[i] + indexes[i] * 8u);
	}
}

static void a_large_leaf_holds_each_address_in_it(void **state)
{
	struct iommu_walk walk;

	assert_int_equal(read_dump(dump_text, "0000:00:03.0", 0x402abcde, &walk), 0);
	assert_int_equal(walk.pa, 0x880abcde);
	assert_int_equal(walk.page_size, 1u << 21);
	assert_int_equal(walk.prot, IOMMU_WRITE);
	assert_int_equal(walk.step_count, 3);
	assert_int_equal(read_dump(dump_text, "0000:00:03.0", 0xbfffffff, &walk), 0);
	assert_int_equal(walk.pa, 0x1bfffffff);
	assert_int_equal(walk.page_size, 1u << 30);
	assert_int_equal(walk.step_count, 2);
}

static void an_address_between_leaves_faults(void **state)
{
	static const uint64_t iovas[] = {0, 0x3fffffff, 0x40001000, 0x40400000, 0xc0000000};
	struct iommu_walk walk;

	for (unsigned int i = 0; i < sizeof(iovas) / sizeof(iovas[0]); i++) {
		assert_int_equal(read_dump(dump_text, "0000:00:03.0", iovas[i], &walk), 0);
		assert_int_equal(walk.reason, 6);
		assert_string_equal(walk.source, "debugfs");
	}
}

static void only_the_device_s_own_tables_are_read(void **state)
{
	struct iommu_walk walk;

	assert_int_equal(read_dump(dump_text, "0000:00:02.0", 0x40000000, &walk), 0);
	assert_int_equal(walk.pa, 0x7654000);
	assert_int_equal(read_dump(dump_text, "0000:00:02.0", 0x40200000, &walk), 0);
	assert_int_equal(walk.reason, 6);
	assert_int_equal(read_dump(dump_text, "0000:00:04.0", 0x40000000, &walk), -ENOENT);
	assert_int_equal(read_dump("", "0000:00:02.0", 0x40000000, &walk), -ENOENT);
}

static void newer_kernels_name_a_pasid_and_five_levels(void **state)
{
	static const char text[] =
		"Device 0000:00:02.0 with pasid 0 @0x101234000\n" HEADING
		"0x0010000040000 |\t0x0000000104555003\t0x0000000104556003\t0x0000000104557003\t"
		"0x0000000104558003\t0x0000000007654003\n";
	struct iommu_walk walk;

	assert_int_equal(read_dump(text, "0000:00:02.0", UINT64_C(0x10000040000) << 12, &walk), 0);
	assert_int_equal(walk.step_count, 5);
	assert_int_equal(walk.step[0].index, 16);
	assert_int_equal(walk.pa, 0x7654000);
}

static void broken_lines_are_no_leaves(void **state)
{
	static const char *const lines[] = {
		"0x0000000040000 |\t0x0000000000000000\t0x0000000104666003\n",
		"0x0000000040000\n",
		"|\n",
		"0x0000000040000 |\t0x0\t0x0\t0x0\t0x0\t0x0\n",
		/* a level 2 entry that is no leaf, with nothing below it */
		"0x0000000040000 |\t0x0\t0x104666003\t0x104667003\t0x104668003\t0x0\n",
	};
	char text[512];
	struct iommu_walk walk;

	for (unsigned int i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(text, sizeof(text), "Device 0000:00:02.0 @0x1000\n%s", lines[i]);
		assert_int_equal(read_dump(text, "0000:00:02.0", 0x40000000, &walk), 0);
		assert_int_equal(walk.reason, 6);
		assert_int_equal(walk.step_count, 0);
	}
}

/* --- where the file is ----------------------------------------------------------------------- */

static void make(const char *root, const char *folder, const char *text)
{
	char path[256], *slash;
	FILE *file;

	snprintf(path, sizeof(path), "%s/sys/kernel/debug/iommu/intel/%s", root, folder);
	for (slash = path + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void a_device_s_own_file_goes_before_the_one_of_all(void **state)
{
	char root[] = "/tmp/ioplane-type1-XXXXXX", command[128];
	struct iommu_walk walk = {0};

	assert_non_null(mkdtemp(root));
	assert_int_equal(type1_tables_walk(root, "0000:00:03.0", 0x40000000, &walk), -ENOTSUP);
	make(root, "domain_translation_struct", dump_text);
	assert_int_equal(type1_tables_walk(root, "0000:00:03.0", 0x40000000, &walk), 0);
	assert_int_equal(walk.pa, 0x12345000);
	assert_int_equal(type1_tables_walk(root, "0000:00:04.0", 0x40000000, &walk), -ENOTSUP);
	make(root, "0000:00:03.0/domain_translation_struct",
	     "Device 0000:00:03.0 with pasid 0 @0x1000\n"
	     "0x0000000040000 |\t0x0\t0x104666003\t0x104667003\t0x104668003\t0x777003\n");
	memset(&walk, 0, sizeof(walk));
	assert_int_equal(type1_tables_walk(root, "0000:00:03.0", 0x40000000, &walk), 0);
	assert_int_equal(walk.pa, 0x777000);
	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leaf_of_4_kib_is_found_with_each_level_above_it),
		cmocka_unit_test(a_large_leaf_holds_each_address_in_it),
		cmocka_unit_test(an_address_between_leaves_faults),
		cmocka_unit_test(only_the_device_s_own_tables_are_read),
		cmocka_unit_test(newer_kernels_name_a_pasid_and_five_levels),
		cmocka_unit_test(broken_lines_are_no_leaves),
		cmocka_unit_test(a_device_s_own_file_goes_before_the_one_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
