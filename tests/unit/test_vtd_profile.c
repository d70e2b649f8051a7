/* SPDX-License-Identifier: BSD-3-Clause */
/* A unit with the geometry of an IOTLB profile, and with a configuration that cannot be. */
#include <errno.h>
#include <string.h>

#include "tracker_profile.h"
#include "vtd_env.h"

static void a_unit_has_the_geometry_of_its_profile(void **state)
{
	struct vtd_config config = {0};
	struct vtd_env env;

	assert_int_equal(tracker_profile_read(PROFILES "/qemu.cfg", &config.geometry, NULL), 0);
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
		cmocka_unit_test(a_unit_has_the_geometry_of_its_profile),
		cmocka_unit_test(without_walk_entries_every_miss_reads_all_levels),
		cmocka_unit_test(a_wrong_config_makes_no_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
