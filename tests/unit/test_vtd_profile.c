/* SPDX-License-Identifier: BSD-3-Clause */
/* IOTLB profiles: those that come with the program, and those that are wrong. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vtd_env.h"

static char path[] = "/tmp/test_vtd_profile.XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int remove_file(void **state)
{
	return unlink(path);
}

static int load(const char *text, struct vtd_config *config, struct base_error *err)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	memset(config, 0, sizeof(*config));
	memset(err, 0, sizeof(*err));
	return vtd_profile_load(path, config, err);
}

static void the_profiles_of_the_tree_can_be_loaded(void **state)
{
	static const char *const names[] = {"generic-64", "generic-128", "qemu"};
	static const uint32_t entries[] = {64, 128, 1024};
	struct base_error err = {0};

	for (unsigned int i = 0; i < 3; i++) {
		struct vtd_config config = {.levels = 5};
		char file[512];

		snprintf(file, sizeof(file), "%s/%s.cfg", PROFILES, names[i]);
		assert_int_equal(vtd_profile_load(file, &config, &err), 0);
		assert_string_equal(config.geometry.name, names[i]);
		assert_int_equal(config.geometry.entries, entries[i]);
		assert_int_equal(config.levels, 5);
	}
}

static void the_default_is_generic_128(void **state)
{
	struct iotlb_geometry built_in = iotlb_geometry_default();
	struct vtd_config config = {0};

	assert_int_equal(vtd_profile_load(PROFILES "/generic-128.cfg", &config, NULL), 0);
	assert_string_equal(config.geometry.name, built_in.name);
	assert_int_equal(config.geometry.entries, built_in.entries);
	assert_int_equal(config.geometry.ways, built_in.ways);
	assert_int_equal(config.geometry.replacement, built_in.replacement);
	assert_int_equal(config.geometry.walk_entries, built_in.walk_entries);
}

static void a_unit_has_the_geometry_of_its_profile(void **state)
{
	struct vtd_config config = {0};
	struct vtd_env env;

	assert_int_equal(vtd_profile_load(PROFILES "/qemu.cfg", &config, NULL), 0);
	vtd_env_open(&env, &config, 0, ENV_PAGE);
	assert_int_equal(vtd_unit_geometry(env.unit)->ways, 1024);
	assert_int_equal(vtd_unit_geometry(env.unit)->replacement, IOTLB_FLUSH);
	vtd_env_close(&env);
}

/* QEMU has no paging-structure caches: a miss reads every level again. */
static void without_walk_entries_every_miss_reads_all_levels(void **state)
{
	const struct vtd_config config = {.geometry = {"test", 8, 8, IOTLB_LRU, 0}};
	struct vtd_env env;

	vtd_env_open(&env, &config, 0, 4 * ENV_PAGE);
	assert_int_equal(iommu_map(env.domain, 0, env.memory, 4 * ENV_PAGE, ENV_PAGE, IOMMU_READ),
			 0);
	for (unsigned int page = 0; page < 4; page++)
		vtd_env_read(&env, page * ENV_PAGE);
	assert_int_equal(env.translator->counters.walk_reads, 2 + 4 * 4);
	vtd_env_close(&env);
}

static void a_wrong_profile_is_refused_with_file_and_cause(void **state)
{
	static const struct {
		const char *text;
		const char *cause;
	} cases[] = {
		{"", "[iotlb]"},
		{"[other]\nentries = 64\n", "[iotlb]"},
		{"[iotlb]\nentries = many\n", "entries=many is not a number"},
		{"[iotlb]\nentries = -1\n", "entries=-1 is not a number"},
		{"[iotlb]\nentries = 99999999999\n", "is not a number"},
		{"[iotlb]\nreplacement = plru\n", "lru, fifo, random or flush"},
		{"[iotlb]\nentrys = 64\n", "no key \"entrys\""},
		{"[iotlb]\nentries = 100\nways = 8\n", "power of two"},
		{"[iotlb]\nreplacement = flush\n", "flush needs ways"},
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vtd_config config;
		struct base_error err;

		assert_int_equal(load(cases[i].text, &config, &err), -EINVAL);
		assert_int_equal(err.code, -EINVAL);
		assert_non_null(strstr(err.text, path));
		assert_non_null(strstr(err.text, cases[i].cause));
		assert_int_equal(config.geometry.entries, 0);
	}
}

static void a_missing_profile_is_enoent(void **state)
{
	struct vtd_config config = {0};
	struct base_error err = {0};

	assert_int_equal(vtd_profile_load("/nonexistent/profile.cfg", &config, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/profile.cfg"));
}

static void a_wrong_config_makes_no_unit(void **state)
{
	const struct vtd_config levels = {.levels = 6};
	const struct vtd_config bits = {.host_addr_bits = 60};
	const struct vtd_config ways = {.geometry = {"test", 8, 3, IOTLB_LRU, 0}};
	struct base_error err = {0};
	struct iommu_unit *unit;

	assert_int_equal(iommu_unit_create(&vtd_ops, 9, &levels, &unit, &err), -EINVAL);
	assert_non_null(strstr(err.text, "levels=6"));
	assert_int_equal(iommu_unit_create(&vtd_ops, 9, &bits, &unit, NULL), -EINVAL);
	assert_int_equal(iommu_unit_create(&vtd_ops, 9, &ways, &unit, NULL), -EINVAL);
	assert_null(iommu_unit_find(&vtd_ops, 9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_profiles_of_the_tree_can_be_loaded),
		cmocka_unit_test(the_default_is_generic_128),
		cmocka_unit_test(a_unit_has_the_geometry_of_its_profile),
		cmocka_unit_test(without_walk_entries_every_miss_reads_all_levels),
		cmocka_unit_test(a_wrong_profile_is_refused_with_file_and_cause),
		cmocka_unit_test(a_missing_profile_is_enoent),
		cmocka_unit_test(a_wrong_config_makes_no_unit),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
