/* SPDX-License-Identifier: BSD-3-Clause */
/* Policies as text: what is read, what is refused and why. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "dma.h"

static struct dma_policy_config parse(const char *text)
{
	struct dma_policy_config config;
	struct base_error err = {0};

	assert_int_equal(dma_policy_parse(text, &config, &err), 0);
	assert_int_equal(err.code, 0);
	return config;
}

static void what_is_left_out_is_the_kernels_way(void **state)
{
	struct dma_policy_config config = parse("deferred");

	assert_int_equal(config.policy, DMA_DEFERRED);
	assert_int_equal(config.batch, 128);
	assert_int_equal(config.timeout_us, 10000);
	assert_true(config.is_fresh);
	assert_int_equal(parse("static").policy, DMA_STATIC);
	assert_int_equal(parse("strict").policy, DMA_STRICT);
	assert_true(parse("strict").is_fresh);
}

static void options_come_in_any_order(void **state)
{
	struct dma_policy_config config = parse("deferred,iova=fixed,timeout-us=0,batch=4096");

	assert_false(config.is_fresh);
	assert_int_equal(config.timeout_us, 0);
	assert_int_equal(config.batch, 4096);
	assert_false(parse("strict,iova=fixed").is_fresh);
	assert_true(parse("strict,iova=fresh").is_fresh);
}

static void what_is_printed_is_read_again(void **state)
{
	static const char *const texts[] = {
		"static",
		"strict,iova=fresh",
		"strict,iova=fixed",
		"deferred,batch=128,timeout-us=10000,iova=fresh",
		"deferred,batch=4096,timeout-us=4294967295,iova=fixed",
	};
	char text[DMA_POLICY_TEXT_SIZE];

	for (unsigned int i = 0; i < RTE_DIM(texts); i++) {
		struct dma_policy_config config = parse(texts[i]);

		assert_string_equal(dma_policy_print(&config, text), texts[i]);
	}
}

static void what_is_wrong_is_refused_with_what_would_be_right(void **state)
{
	static const struct {
		const char *text, *part;
	} cases[] = {
		{"lax", "lax: there is no such policy: give static, strict or deferred"},
		{"", "there is no such policy"},
		{"Strict", "there is no such policy"},
		{"strict ", "there is no such policy"},
		{"static,iova=fixed", "iova=fixed is no option of static"},
		{"strict,batch=4", "batch=4 is no option of strict"},
		{"strict,timeout-us=4", "timeout-us=4 is no option of strict"},
		{"strict,", "nothing is no option of strict"},
		{"deferred,batch", "batch is no option of deferred"},
		{"deferred,batch=", "batch=: give a number from 1 to 4096"},
		{"deferred,batch=0", "batch=0: give a number from 1 to 4096"},
		{"deferred,batch=4097", "batch=4097: give a number from 1 to 4096"},
		{"deferred,batch=-1", "batch=-1: give a number from 1 to 4096"},
		{"deferred,batch=+1", "batch=+1: give"},
		{"deferred,batch= 1", "batch= 1: give"},
		{"deferred,batch=1x", "batch=1x: give"},
		{"deferred,batch=0x10", "batch=0x10: give"},
		{"deferred,batch=99999999999999999999", "give a number from 1 to 4096"},
		{"deferred,timeout-us=4294967296", "give a number from 0 to 4294967295"},
		{"deferred,iova=own", "iova=own: give fixed or fresh"},
		{"deferred,iova=", "iova=: give fixed or fresh"},
		{"deferred,,batch=4", "nothing is no option of deferred"},
	};

	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		struct dma_policy_config config = {.policy = DMA_STRICT, .batch = 77};
		struct base_error err = {0};

		assert_int_equal(dma_policy_parse(cases[i].text, &config, &err), -EINVAL);
		assert_int_equal(err.code, -EINVAL);
		assert_non_null(strstr(err.text, cases[i].part));
		assert_int_equal(config.batch, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_out_is_the_kernels_way),
		cmocka_unit_test(options_come_in_any_order),
		cmocka_unit_test(what_is_printed_is_read_again),
		cmocka_unit_test(what_is_wrong_is_refused_with_what_would_be_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
