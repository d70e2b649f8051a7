/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of struct base_error. */
#include <errno.h>
#include <string.h>

#include "base_error.h"
#include "unit.h"

static void error_holds_code_and_sentence(void **state)
{
	struct base_error err = {0};

	assert_int_equal(base_error_set(&err, -EBUSY, "group %d is busy", 12), -EBUSY);
	assert_int_equal(err.code, -EBUSY);
	assert_string_equal(err.text, "group 12 is busy");
}

static void first_failure_is_kept_and_each_code_is_returned(void **state)
{
	struct base_error err = {0};

	base_error_set(&err, -EBUSY, "cause");
	assert_int_equal(base_error_set(&err, -EINVAL, "consequence"), -EINVAL);
	assert_int_equal(err.code, -EBUSY);
	assert_string_equal(err.text, "cause");
}

static void no_error_wanted_still_returns_the_code(void **state)
{
	assert_int_equal(base_error_set(NULL, -ENOMEM, "nobody reads this"), -ENOMEM);
}

static void long_sentence_is_cut_and_terminated(void **state)
{
	struct base_error err = {0};
	char path[2 * BASE_ERROR_TEXT_SIZE];

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	base_error_set(&err, -ENOENT, "%s", path);
	assert_int_equal(strlen(err.text), BASE_ERROR_TEXT_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_holds_code_and_sentence),
		cmocka_unit_test(first_failure_is_kept_and_each_code_is_returned),
		cmocka_unit_test(no_error_wanted_still_returns_the_code),
		cmocka_unit_test(long_sentence_is_cut_and_terminated),
	};

	return cmocka_run_group_tests_name("base_error", tests, NULL, NULL);
}
