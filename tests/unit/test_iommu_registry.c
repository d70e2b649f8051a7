/* SPDX-License-Identifier: BSD-3-Clause */
/* Units, domains, devices and translators: who is found, who is busy, what a failure leaves. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_iommu.h"

#define K4    UINT64_C(0x1000)
#define VADDR ((void *)0x700000000000)

#define TRANSLATORS_MAX 1024

static struct iommu_unit *unit;
static struct iommu_domain *domain;
static struct iommu_device *device;

static int setup(void **state)
{
	fake_reset();
	fake_attach(&unit, &domain, &device);
	return 0;
}

static int teardown(void **state)
{
	fake_detach(unit, domain, device);
	return 0;
}

static void a_unit_is_found_by_backend_and_id(void **state)
{
	struct iommu_unit *other;
	struct base_error err = {0};

	assert_ptr_equal(iommu_unit_find(&fake_ops, 0), unit);
	assert_null(iommu_unit_find(&fake_ops, 1));
	assert_int_equal(iommu_unit_create(&fake_ops, 0, NULL, &other, &err), -EEXIST);
	assert_string_equal(err.text, "cannot create IOMMU unit 0 of fake: it exists");
	assert_int_equal(iommu_unit_create(&fake_ops, 1, NULL, &other, NULL), 0);
	assert_ptr_equal(iommu_unit_find(&fake_ops, 1), other);
	assert_string_equal(iommu_unit_backend(other), "fake");
	assert_int_equal(iommu_unit_destroy(other), 0);
	assert_null(iommu_unit_find(&fake_ops, 1));
}

static void a_unit_with_domains_is_busy(void **state)
{
	assert_int_equal(iommu_unit_destroy(unit), -EBUSY);
	assert_ptr_equal(iommu_unit_find(&fake_ops, 0), unit);
}

static void a_domain_with_devices_is_busy(void **state)
{
	assert_int_equal(iommu_domain_destroy(domain), -EBUSY);
	assert_int_equal(fake.calls[FAKE_DOMAIN_DESTROY], 0);
	assert_ptr_equal(iommu_domain_next(NULL), domain);
}

static void a_device_with_translators_is_busy(void **state)
{
	struct iommu_translator *translator;

	assert_int_equal(iommu_translator_create(device, false, 0, &translator), 0);
	assert_int_equal(iommu_detach(device), -EBUSY);
	assert_int_equal(fake.calls[FAKE_DETACH], 0);
	iommu_translator_destroy(translator);
	iommu_translator_destroy(NULL);
}

static void domains_come_in_the_order_of_their_ids(void **state)
{
	struct iommu_domain *more[3];

	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(iommu_domain_create(unit, NULL, &more[i], NULL), 0);
	assert_int_equal(iommu_domain_destroy(more[1]), 0);
	assert_ptr_equal(iommu_domain_next(NULL), domain);
	assert_ptr_equal(iommu_domain_next(domain), more[0]);
	assert_ptr_equal(iommu_domain_next(more[0]), more[2]);
	assert_null(iommu_domain_next(more[2]));
	assert_true(iommu_domain_id(more[0]) < iommu_domain_id(more[2]));
	/* An id that was used never comes again. */
	assert_int_equal(iommu_domain_create(unit, NULL, &more[1], NULL), 0);
	assert_true(iommu_domain_id(more[1]) > iommu_domain_id(more[2]));
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(iommu_domain_destroy(more[i]), 0);
}

static void a_domain_has_three_to_five_levels(void **state)
{
	static const uint8_t bad[] = {1, 2, 6, 255};
	struct iommu_domain_config config = {0};
	struct iommu_domain *other;

	for (unsigned int i = 0; i < sizeof(bad); i++) {
		config.levels = bad[i];
		assert_int_equal(iommu_domain_create(unit, &config, &other, NULL), -EINVAL);
	}
	for (config.levels = 3; config.levels <= 5; config.levels++) {
		assert_int_equal(iommu_domain_create(unit, &config, &other, NULL), 0);
		assert_int_equal(iommu_domain_destroy(other), 0);
	}
	assert_ptr_equal(iommu_domain_unit(domain), unit);
}

static void a_device_is_found_by_its_name(void **state)
{
	struct iommu_device *other;

	assert_ptr_equal(iommu_device_find("dev0"), device);
	assert_null(iommu_device_find("dev1"));
	assert_string_equal(iommu_device_name(device), "dev0");
	assert_int_equal(iommu_device_source_id(device), 0x100);
	assert_ptr_equal(iommu_device_domain(device), domain);
	assert_int_equal(iommu_attach(domain, "dev1", 0x101, &other, NULL), 0);
	assert_ptr_equal(iommu_device_next(domain, NULL), device);
	assert_ptr_equal(iommu_device_next(domain, device), other);
	assert_null(iommu_device_next(domain, other));
	assert_int_equal(iommu_detach(other), 0);
	assert_null(iommu_device_find("dev1"));
}

static void a_name_or_a_source_id_is_attached_once(void **state)
{
	char name[IOMMU_NAME_SIZE + 1];
	struct iommu_domain *other_domain;
	struct iommu_device *other;
	struct iommu_unit *other_unit;

	assert_int_equal(iommu_domain_create(unit, NULL, &other_domain, NULL), 0);
	assert_int_equal(iommu_attach(other_domain, "dev0", 0x200, &other, NULL), -EEXIST);
	assert_int_equal(iommu_attach(other_domain, "dev1", 0x100, &other, NULL), -EBUSY);
	assert_int_equal(iommu_domain_destroy(other_domain), 0);
	/* Another unit has source ids of its own. */
	assert_int_equal(iommu_unit_create(&fake_ops, 1, NULL, &other_unit, NULL), 0);
	assert_int_equal(iommu_domain_create(other_unit, NULL, &other_domain, NULL), 0);
	assert_int_equal(iommu_attach(other_domain, "dev1", 0x100, &other, NULL), 0);
	assert_int_equal(iommu_detach(other), 0);
	memset(name, 'x', IOMMU_NAME_SIZE);
	name[IOMMU_NAME_SIZE] = '\0';
	assert_int_equal(iommu_attach(other_domain, name, 1, &other, NULL), -EINVAL);
	assert_int_equal(iommu_attach(other_domain, "", 1, &other, NULL), -EINVAL);
	name[IOMMU_NAME_SIZE - 1] = '\0';
	assert_int_equal(iommu_attach(other_domain, name, 1, &other, NULL), 0);
	assert_ptr_equal(iommu_device_find(name), other);
	assert_int_equal(iommu_detach(other), 0);
	assert_int_equal(iommu_domain_destroy(other_domain), 0);
	assert_int_equal(iommu_unit_destroy(other_unit), 0);
}

static void a_failure_at_any_step_leaves_nothing_registered(void **state)
{
	struct iommu_translator *translator;
	struct iommu_domain *other_domain;
	struct iommu_device *other;
	struct iommu_unit *other_unit;
	struct base_error err = {0};

	fake_fail(FAKE_UNIT_CREATE, ENODEV, 0);
	assert_int_equal(iommu_unit_create(&fake_ops, 1, NULL, &other_unit, &err), -ENODEV);
	assert_true(strstr(err.text, "No such device") != NULL);
	assert_null(iommu_unit_find(&fake_ops, 1));
	fake_fail(FAKE_DOMAIN_CREATE, ENOMEM, 0);
	assert_int_equal(iommu_domain_create(unit, NULL, &other_domain, NULL), -ENOMEM);
	assert_null(iommu_domain_next(domain));
	fake_fail(FAKE_ATTACH, EIO, 0);
	assert_int_equal(iommu_attach(domain, "dev1", 0x101, &other, NULL), -EIO);
	assert_null(iommu_device_find("dev1"));
	fake_fail(FAKE_TRANSLATOR_CREATE, ENOMEM, 0);
	assert_int_equal(iommu_translator_create(device, false, 0, &translator), -ENOMEM);
	assert_null(iommu_translator_next(device, NULL));
	memset(fake.fail, 0, sizeof(fake.fail));
	/* Nor is its source id in use, or the id of its bursts. */
	assert_int_equal(iommu_attach(domain, "dev1", 0x101, &other, NULL), 0);
	assert_int_equal(iommu_detach(other), 0);
	assert_int_equal(iommu_translator_create(device, false, 0, &translator), 0);
	assert_int_equal(translator->qsbr_id, 0);
	iommu_translator_destroy(translator);
}

static void a_destroyed_domain_unmaps_what_is_left(void **state)
{
	struct iommu_domain *other;

	assert_int_equal(iommu_domain_create(unit, NULL, &other, NULL), 0);
	for (uint64_t i = 0; i < 10; i++)
		assert_int_equal(iommu_map(other, i * K4, VADDR, K4, K4, IOMMU_READ), 0);
	fake.trace_count = 0;
	assert_int_equal(iommu_domain_destroy(other), 0);
	assert_int_equal(fake.calls[FAKE_UNMAP], 10);
	assert_int_equal(fake.trace[10], FAKE_SYNC);
	assert_int_equal(fake.trace[11], FAKE_DOMAIN_DESTROY);
}

static void a_unit_has_1024_translators(void **state)
{
	struct iommu_translator **translator = calloc(TRANSLATORS_MAX + 1, sizeof(*translator));

	for (unsigned int i = 0; i < TRANSLATORS_MAX; i++)
		assert_int_equal(iommu_translator_create(device, true, (uint16_t)i, &translator[i]),
				 0);
	assert_int_equal(iommu_translator_create(device, true, 0, &translator[TRANSLATORS_MAX]),
			 -ENOSPC);
	iommu_translator_destroy(translator[700]);
	assert_int_equal(iommu_translator_create(device, true, 0, &translator[700]), 0);
	assert_int_equal(translator[700]->qsbr_id, 700);
	for (unsigned int i = 0; i < TRANSLATORS_MAX; i++)
		iommu_translator_destroy(translator[i]);
	assert_int_equal(fake.calls[FAKE_TRANSLATOR_DESTROY], TRANSLATORS_MAX + 1);
	free(translator);
}

static void translators_are_listed_in_the_order_of_their_creation(void **state)
{
	struct iommu_translator *translator[3];

	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(
			iommu_translator_create(device, i == 1, (uint16_t)(10 + i), &translator[i]),
			0);
	assert_ptr_equal(iommu_translator_next(device, NULL), translator[0]);
	assert_ptr_equal(iommu_translator_next(device, translator[0]), translator[1]);
	assert_ptr_equal(iommu_translator_next(device, translator[1]), translator[2]);
	assert_null(iommu_translator_next(device, translator[2]));
	assert_true(translator[1]->is_rx);
	assert_int_equal(translator[2]->queue, 12);
	assert_ptr_equal(translator[2]->device, device);
	assert_int_equal((uintptr_t)translator[2] % 64, 0);
	for (unsigned int i = 0; i < 3; i++)
		iommu_translator_destroy(translator[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_unit_is_found_by_backend_and_id),
		TEST(a_unit_with_domains_is_busy),
		TEST(a_domain_with_devices_is_busy),
		TEST(a_device_with_translators_is_busy),
		TEST(domains_come_in_the_order_of_their_ids),
		TEST(a_domain_has_three_to_five_levels),
		TEST(a_device_is_found_by_its_name),
		TEST(a_name_or_a_source_id_is_attached_once),
		TEST(a_failure_at_any_step_leaves_nothing_registered),
		TEST(a_destroyed_domain_unmaps_what_is_left),
		TEST(a_unit_has_1024_translators),
		TEST(translators_are_listed_in_the_order_of_their_creation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
