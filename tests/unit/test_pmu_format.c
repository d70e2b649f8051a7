/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the texts that say where a PMU keeps a field. */
#include <errno.h>
#include <string.h>

#include "pmu_format.h"
#include "unit.h"

static void a_range_a_bit_and_a_split_field_are_read(void **state)
{
	static const struct {
		const char *text;
		unsigned int word;
		uint64_t mask;
	} good[] = {
		{"config:0-27", 0, 0x0fffffff},	  {"config:28-31", 0, 0xf0000000},
		{"config1:16-31", 1, 0xffff0000}, {"config2:32-36", 2, UINT64_C(0x1f00000000)},
		{"config:18", 0, 1 << 18},	  {"config:0-7,32-35", 0, UINT64_C(0xf000000ff)},
		{"config:0-63", 0, UINT64_MAX},	  {"config1:63", 1, UINT64_C(1) << 63},
	};
	struct pmu_format format;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(pmu_format_parse(good[i].text, &format), 0);
		assert_int_equal(format.word, good[i].word);
		assert_int_equal(format.mask, good[i].mask);
	}
}

static void what_is_no_format_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"config",
		"config:",
		"config:a",
		"config:0-",
		"config:-7",
		"config:0-64",
		"config:64",
		"config:7-0",
		"config:0-7,",
		"config:0-7 ",
		"config: 0-7",
		"config:0-7,4-8",
		"config:0-7-9",
		"config4:0",
		"configs:0-7",
		"xconfig:0-7",
		"config:0x0-0x7",
		"config1:+1",
		"config:,1",
		"config:0-7;8",
		"config1:0--1",
		"config:0-99999999999999999999",
	};
	struct pmu_format format;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (pmu_format_parse(bad[i], &format) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(pmu_format_parse("config3:0-63", &format), -ENOTSUP);
}

static void a_value_goes_into_its_bits_and_no_others(void **state)
{
	struct perf_event_attr attr = {.config = UINT64_MAX, .config1 = 5, .config2 = 6};
	struct pmu_format format;

	(void)state;
	assert_int_equal(pmu_format_parse("config:0-7,32-35", &format), 0);
	assert_int_equal(pmu_format_put(&format, 0xa5c, &attr), 0);
	assert_int_equal(attr.config, UINT64_C(0xfffffffaffffff5c));
	assert_int_equal(attr.config1, 5);
	assert_int_equal(attr.config2, 6);
	assert_int_equal(pmu_format_parse("config2:4-5", &format), 0);
	assert_int_equal(pmu_format_put(&format, 3, &attr), 0);
	assert_int_equal(attr.config2, 0x36);
}

static void a_value_too_large_for_its_bits_is_refused(void **state)
{
	struct perf_event_attr attr = {.config1 = 7};
	struct pmu_format format;

	(void)state;
	assert_int_equal(pmu_format_parse("config1:16-31", &format), 0);
	assert_int_equal(pmu_format_put(&format, 0x10000, &attr), -ERANGE);
	assert_int_equal(attr.config1, 7);
	assert_int_equal(pmu_format_put(&format, 0xffff, &attr), 0);
	assert_int_equal(attr.config1, 0xffff0007);
}

/* Texts of any of the letters that formats are made of: what is taken can be put back. */
static void random_texts_are_refused_or_hold_bits(void **state)
{
	static const char letters[] = "config0123:-,9 ";
	uint64_t random = 1;
	unsigned int taken = 0;

	(void)state;
	for (unsigned int i = 0; i < 200000; i++) {
		char text[24] = "config";
		size_t length = i % 2 == 0 ? 0 : 6, end = length + unit_random(&random) % 12;
		struct perf_event_attr attr = {0};
		struct pmu_format format;

		for (; length < end; length++)
			text[length] = letters[unit_random(&random) % (sizeof(letters) - 1)];
		text[length] = '\0';
		if (pmu_format_parse(text, &format) != 0)
			continue;
		taken++;
		assert_int_not_equal(format.mask, 0);
		assert_in_range(format.word, 0, 2);
		assert_int_equal(pmu_format_put(&format, 1, &attr), 0);
	}
	assert_int_not_equal(taken, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_a_bit_and_a_split_field_are_read),
		cmocka_unit_test(what_is_no_format_is_refused),
		cmocka_unit_test(a_value_goes_into_its_bits_and_no_others),
		cmocka_unit_test(a_value_too_large_for_its_bits_is_refused),
		cmocka_unit_test(random_texts_are_refused_or_hold_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
