/* SPDX-License-Identifier: BSD-3-Clause */
/* Which IOTLB geometries can be, and where a page stands in them. */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "iotlb_geometry.h"

static int check(uint32_t entries, uint32_t ways, enum iotlb_replacement replacement,
		 uint32_t walk_entries)
{
	const struct iotlb_geometry geometry = {.name = "test",
						.entries = entries,
						.ways = ways,
						.replacement = replacement,
						.walk_entries = walk_entries};
	struct base_error err = {0};
	int ret = iotlb_geometry_check(&geometry, &err);

	assert_int_equal(ret, err.code);
	assert_int_equal(ret == 0, err.text[0] == '\0');
	return ret;
}

static void geometries_of_a_power_of_two_of_sets_are_accepted(void **state)
{
	assert_int_equal(check(128, 8, IOTLB_LRU, 64), 0);
	assert_int_equal(check(1, 1, IOTLB_LRU, 0), 0);
	assert_int_equal(check(48, 3, IOTLB_FIFO, 1), 0);
	assert_int_equal(check(1000, 1000, IOTLB_RANDOM, 4096), 0);
	assert_int_equal(check(1024, 1024, IOTLB_FLUSH, 0), 0);
	assert_int_equal(check(65536, 1, IOTLB_LRU, 0), 0);
}

static void others_are_refused_with_a_reason(void **state)
{
	assert_int_equal(check(0, 8, IOTLB_LRU, 64), -EINVAL);
	assert_int_equal(check(128, 0, IOTLB_LRU, 64), -EINVAL);
	assert_int_equal(check(128, 256, IOTLB_LRU, 64), -EINVAL);
	assert_int_equal(check(96, 8, IOTLB_LRU, 64), -EINVAL);
	assert_int_equal(check(100, 8, IOTLB_LRU, 64), -EINVAL);
	assert_int_equal(check(131072, 8, IOTLB_LRU, 64), -EINVAL);
	assert_int_equal(check(128, 8, (enum iotlb_replacement)4, 64), -EINVAL);
	assert_int_equal(check(128, 8, IOTLB_FLUSH, 64), -EINVAL);
	assert_int_equal(check(128, 8, IOTLB_LRU, 48), -EINVAL);
	assert_int_equal(check(128, 8, IOTLB_LRU, 8192), -EINVAL);
}

static void a_page_stands_in_the_set_of_its_low_bits(void **state)
{
	const struct iotlb_geometry geometry = {.entries = 128, .ways = 8};

	assert_int_equal(iotlb_geometry_sets(&geometry), 16);
	assert_int_equal(iotlb_geometry_set(&geometry, 0), 0);
	assert_int_equal(iotlb_geometry_set(&geometry, 17), 1);
	assert_int_equal(iotlb_geometry_set(&geometry, UINT64_C(0x123456789f)), 15);
}

static void the_default_geometry_can_be(void **state)
{
	const struct iotlb_geometry geometry = iotlb_geometry_default();

	assert_int_equal(iotlb_geometry_check(&geometry, NULL), 0);
	assert_string_equal(geometry.name, "generic-128");
}

static void replacements_have_names_that_can_be_read_back(void **state)
{
	enum iotlb_replacement read;

	for (int i = 0; i < 4; i++) {
		const char *name = iotlb_replacement_name((enum iotlb_replacement)i);

		assert_int_equal(iotlb_replacement_parse(name, &read), 0);
		assert_int_equal(read, i);
	}
	assert_null(iotlb_replacement_name((enum iotlb_replacement)4));
	assert_int_equal(iotlb_replacement_parse("LRU", &read), -EINVAL);
	assert_int_equal(iotlb_replacement_parse("", &read), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(geometries_of_a_power_of_two_of_sets_are_accepted),
		cmocka_unit_test(others_are_refused_with_a_reason),
		cmocka_unit_test(a_page_stands_in_the_set_of_its_low_bits),
		cmocka_unit_test(the_default_geometry_can_be),
		cmocka_unit_test(replacements_have_names_that_can_be_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
