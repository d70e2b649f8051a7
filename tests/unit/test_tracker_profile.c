/* SPDX-License-Identifier: BSD-3-Clause */
/* IOTLB profiles: those that come with the program, and those that are wrong. */
#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracker_profile.h"
#include "unit.h"

static char path[] = "/tmp/test_tracker_profile.XXXXXX";

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

static int load(const char *text, struct iotlb_geometry *geometry, struct base_error *err)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	memset(geometry, 0, sizeof(*geometry));
	memset(err, 0, sizeof(*err));
	return tracker_profile_read(path, geometry, err);
}

static void the_profiles_of_the_tree_can_be_loaded(void **state)
{
	static const char *const names[] = {"fit-117",	  "fit-119",	 "fit-126",
					    "generic-64", "generic-128", "qemu"};
	static const uint32_t entries[] = {117, 119, 126, 64, 128, 1024};
	struct base_error err = {0};

	for (unsigned int i = 0; i < 6; i++) {
		struct iotlb_geometry geometry;
		char file[512];

		snprintf(file, sizeof(file), "%s/%s.cfg", PROFILES, names[i]);
		assert_int_equal(tracker_profile_read(file, &geometry, &err), 0);
		assert_string_equal(geometry.name, names[i]);
		assert_int_equal(geometry.entries, entries[i]);
	}
}

static void the_default_is_generic_128(void **state)
{
	struct iotlb_geometry built_in = iotlb_geometry_default();
	struct iotlb_geometry geometry = {0};

	assert_int_equal(tracker_profile_read(PROFILES "/generic-128.cfg", &geometry, NULL), 0);
	assert_string_equal(geometry.name, built_in.name);
	assert_int_equal(geometry.entries, built_in.entries);
	assert_int_equal(geometry.ways, built_in.ways);
	assert_int_equal(geometry.replacement, built_in.replacement);
	assert_int_equal(geometry.walk_entries, built_in.walk_entries);
}

/* Any line of a profile but its name: below a comment of its own that says where it is from. */
static void check_sources(const char *file)
{
	bool has_source = false;
	char line[256];
	FILE *profile = fopen(file, "r");

	assert_non_null(profile);
	while (fgets(line, sizeof(line), profile) != NULL) {
		bool is_value = strchr(line, '=') != NULL && line[0] != '#';

		if (is_value && strncmp(line, "name", 4) != 0 && !has_source)
			fail_msg("%s: no source above %s", file, line);
		has_source = line[0] == '#';
	}
	fclose(profile);
}

static void every_value_of_every_profile_names_its_source(void **state)
{
	struct iotlb_geometry geometry;
	glob_t files;

	assert_int_equal(glob(PROFILES "/*.cfg", 0, NULL, &files), 0);
	assert_true(files.gl_pathc >= 6);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		assert_int_equal(tracker_profile_read(files.gl_pathv[i], &geometry, NULL), 0);
		check_sources(files.gl_pathv[i]);
	}
	globfree(&files);
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
		struct iotlb_geometry geometry;
		struct base_error err;

		assert_int_equal(load(cases[i].text, &geometry, &err), -EINVAL);
		assert_int_equal(err.code, -EINVAL);
		assert_non_null(strstr(err.text, path));
		assert_non_null(strstr(err.text, cases[i].cause));
		assert_int_equal(geometry.entries, 0);
	}
}

static void a_missing_profile_is_enoent(void **state)
{
	struct iotlb_geometry geometry = {0};
	struct base_error err = {0};

	assert_int_equal(tracker_profile_read("/nonexistent/profile.cfg", &geometry, &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/profile.cfg"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_profiles_of_the_tree_can_be_loaded),
		cmocka_unit_test(the_default_is_generic_128),
		cmocka_unit_test(every_value_of_every_profile_names_its_source),
		cmocka_unit_test(a_wrong_profile_is_refused_with_file_and_cause),
		cmocka_unit_test(a_missing_profile_is_enoent),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
