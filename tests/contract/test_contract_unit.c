/* SPDX-License-Identifier: BSD-3-Clause */
/* Promises about units, memory, domains and attached devices. */
#include "contract.h"

#include <errno.h>
#include <string.h>

#include "contract_edu.h"
#include "contract_hardware.h"

/* Which tests run follows from the table: what it leaves out must really not be there. */
static void a_backend_promises_what_its_line_in_the_table_says(void **state)
{
	struct contract *c = *state;
	bool is_protected = (c->backend->promises & CONTRACT_PROTECTION) != 0;
	bool has_tables = (c->backend->promises & CONTRACT_TABLES) != 0;
	bool has_refusals = (c->backend->promises & CONTRACT_REFUSALS) != 0;

	assert_int_equal(is_protected, iommu_unit_limits(c->unit)->is_protected);
	assert_int_equal(is_protected, !contract_reaches(c, c->iova, K4, RW));
	assert_int_equal(has_tables, c->backend->ops->for_each_leaf != NULL);
	assert_int_equal(has_refusals, c->backend->bad_config != NULL);
}

static void a_unit_that_is_refused_leaves_nothing_behind(void **state)
{
	struct contract *c = *state;
	struct iommu_unit *unit;

	assert_true(iommu_unit_create(c->backend->ops, 7, c->backend->bad_config, &unit, NULL) < 0);
	assert_null(iommu_unit_find(c->backend->ops, 7));
	assert_int_equal(iommu_unit_create(c->backend->ops, 7, c->backend->config[1], &unit, NULL),
			 0);
	assert_ptr_equal(iommu_unit_find(c->backend->ops, 7), unit);
	assert_int_equal(iommu_unit_destroy(unit), 0);
}

static void limits_are_filled(void **state)
{
	struct contract *c = *state;
	const struct iommu_limits *limits = iommu_unit_limits(c->unit);

	assert_true((limits->page_sizes & K4) != 0);
	assert_in_range(limits->addr_bits, 32, 64);
	assert_true(limits->hole_count <= IOMMU_HOLES_MAX);
	for (unsigned int i = 0; i < limits->hole_count; i++)
		assert_true(limits->hole[i].size > 0);
}

static void memory_that_was_not_added_is_never_touched(void **state)
{
	struct contract *c = *state;
	bool is_protected = iommu_unit_limits(c->unit)->is_protected;
	uint64_t iova = is_protected ? c->iova + CONTRACT_MEMORY : (uintptr_t)c->strange;

	memset(c->strange, 0x5a, K4);
	assert_int_equal(iommu_map(c->domain, iova, c->strange, K4, K4, RW), -EFAULT);
	assert_false(contract_reaches(c, iova, 64, IOMMU_READ));
	assert_false(contract_reaches(c, iova, 64, IOMMU_WRITE));
	/* The control: memory that was added is touched. */
	assert_int_equal(contract_map(c, 0, K4, K4, RW), 0);
	assert_true(contract_reaches(c, c->iova, 64, IOMMU_WRITE));
}

static void a_range_that_is_half_strange_is_not_mapped_at_all(void **state)
{
	struct contract *c = *state;
	bool is_protected = iommu_unit_limits(c->unit)->is_protected;
	uint64_t iova = is_protected ? c->iova : (uintptr_t)c->memory + CONTRACT_MEMORY - K4;
	uint8_t *vaddr = c->memory + CONTRACT_MEMORY - K4;
	struct iommu_domain_usage usage;
	uint64_t pa;

	assert_int_equal(iommu_map(c->domain, iova, vaddr, 2 * K4, K4, RW), -EFAULT);
	iommu_domain_usage(c->domain, &usage);
	assert_int_equal(usage.mappings, 0);
	assert_int_equal(usage.leaves_4k + usage.leaves_2m + usage.leaves_1g, 0);
	if (is_protected) {
		assert_int_equal(iommu_iova_to_phys(c->domain, iova, &pa), -ENOENT);
		assert_false(contract_reaches(c, iova, 64, IOMMU_READ));
	}
	/* The control: the half that is known can be mapped. */
	assert_int_equal(iommu_map(c->domain, iova, vaddr, K4, K4, RW), 0);
	assert_true(contract_reaches(c, iova, 64, IOMMU_READ));
}

static void memory_that_was_removed_is_never_touched(void **state)
{
	struct contract *c = *state;

	assert_int_equal(contract_map(c, 0, M2, K4, RW), 0);
	assert_int_equal(contract_read(c, c->iova + 5 * K4), contract_byte(5));
	assert_int_equal(iommu_memory_remove(c->unit, (uintptr_t)c->memory, CONTRACT_MEMORY), 0);
	for (uint64_t page = 0; page < M2 / K4; page += c->stride) {
		assert_false(contract_reaches(c, c->iova + page * K4, 64, IOMMU_READ));
		assert_false(contract_reaches(c, c->iova + page * K4, 64, IOMMU_WRITE));
	}
	contract_unmap(c, 0, M2);
	/* The control: added again, it is reached again. */
	assert_int_equal(
		iommu_memory_add(c->unit, (uintptr_t)c->memory, c->memory, CONTRACT_MEMORY), 0);
	assert_int_equal(contract_map(c, 0, M2, K4, RW), 0);
	assert_int_equal(contract_read(c, c->iova + 5 * K4), contract_byte(5));
}

static void memory_is_added_once_and_removed_once(void **state)
{
	struct contract *c = *state;
	uint64_t strange = (uintptr_t)c->strange, known = (uintptr_t)c->memory;

	assert_int_equal(iommu_memory_add(c->unit, known, c->memory, K4), -EEXIST);
	assert_int_equal(iommu_memory_remove(c->unit, strange, K4), -ENOENT);
	assert_int_equal(iommu_memory_add(c->unit, strange, c->strange, K4), 0);
	assert_int_equal(iommu_memory_add(c->unit, strange, c->strange, 2 * K4), -EEXIST);
	assert_int_equal(iommu_memory_remove(c->unit, strange, K4), 0);
	assert_int_equal(iommu_memory_remove(c->unit, strange, K4), -ENOENT);
	assert_int_equal(iommu_memory_add(c->unit, strange, c->strange, 0), -EINVAL);
	assert_int_equal(iommu_memory_add(c->unit, strange + 1, c->strange, K4), -ENXIO);
}

static void each_access_in_an_empty_domain_is_refused(void **state)
{
	static const uint64_t iovas[] = {0, K4, 0x40000000, 0xfee00000, 0x7fffffffffff, UINT64_MAX};
	struct contract *c = *state;

	for (unsigned int i = 0; i < sizeof(iovas) / sizeof(iovas[0]); i++) {
		assert_false(contract_reaches(c, iovas[i], 1, IOMMU_READ));
		assert_false(contract_reaches(c, iovas[i], 1, IOMMU_WRITE));
	}
	assert_false(contract_reaches(c, (uintptr_t)c->memory, 64, IOMMU_READ));
	assert_int_equal(contract_map(c, 0, K4, K4, RW), 0);
	assert_true(contract_reaches(c, c->iova, 64, IOMMU_READ));
}

static void a_device_sees_the_mappings_of_its_domain_and_no_others(void **state)
{
	struct contract *c = *state;
	struct contract other = *c;

	contract_domain_create(&other, 1);
	contract_attach(&other, 1);
	/* One IOVA, two domains, two pages; and one IOVA that only the first has. */
	assert_int_equal(iommu_map(c->domain, c->iova, c->memory + K4, K4, K4, RW), 0);
	assert_int_equal(iommu_map(other.domain, c->iova, c->memory + 2 * K4, K4, K4, RW), 0);
	assert_int_equal(iommu_map(c->domain, c->iova + M2, c->memory + 3 * K4, K4, K4, RW), 0);
	for (unsigned int round = 0; round < 3; round++) {
		assert_int_equal(contract_read(c, c->iova), contract_byte(1));
		assert_int_equal(contract_read(&other, c->iova), contract_byte(2));
		assert_int_equal(contract_read(c, c->iova + M2), contract_byte(3));
		assert_int_equal(contract_read(&other, c->iova + M2), -1);
	}
	contract_detach(&other);
	contract_domain_destroy(&other);
}

static void devices_of_one_domain_share_its_mappings(void **state)
{
	struct contract *c = *state;
	struct contract other = *c;

	contract_attach(&other, 1);
	assert_int_equal(contract_map(c, 0, 2 * K4, K4, RW), 0);
	assert_int_equal(contract_read(c, c->iova + K4), contract_byte(1));
	assert_int_equal(contract_read(&other, c->iova + K4), contract_byte(1));
	contract_detach(&other);
	/* The control: the first device is not detached with it. */
	assert_int_equal(contract_read(c, c->iova + K4), contract_byte(1));
}

static void a_detached_device_sees_nothing_of_its_old_domain(void **state)
{
	struct contract *c = *state;
	struct contract empty = *c;

	assert_int_equal(contract_map(c, 0, M2, K4, RW), 0);
	for (uint64_t page = 0; page < M2 / K4; page += c->stride)
		assert_int_equal(contract_read(c, c->iova + page * K4), contract_byte(page));
	contract_detach(c);
	contract_domain_create(&empty, 0);
	contract_attach(&empty, 0);
	for (uint64_t page = 0; page < M2 / K4; page += c->stride)
		assert_int_equal(contract_read(&empty, c->iova + page * K4), -1);
	contract_detach(&empty);
	contract_domain_destroy(&empty);
	/* The control: back in its old domain, it sees again what was mapped there. */
	contract_attach(c, 0);
	assert_int_equal(contract_read(c, c->iova + K4), contract_byte(1));
}

/* A translator ends with its device; hardware can try. */
static void a_device_that_is_not_attached_reaches_nothing(void **state)
{
	struct contract *c = *state;
	struct edu *edu = edu_open(c->backend->device[0]);

	assert_int_equal(contract_map(c, 0, M2, K4, RW), 0);
	hardware_fill(c, edu);
	contract_detach(c);
	assert_false(hardware_disturbs(c, edu, c->iova, K4));
	assert_false(hardware_disturbs(c, edu, (uintptr_t)c->memory, K4));
	assert_false(hardware_disturbs(c, edu, contract_pa(c, c->memory), K4));
	contract_attach(c, 0);
	/* The control: attached, it does just that. */
	assert_true(hardware_disturbs(c, edu, c->iova, K4));
	edu_close(edu);
}

static void a_mapping_made_without_devices_is_there_for_the_next(void **state)
{
	struct contract *c = *state;

	contract_detach(c);
	assert_int_equal(contract_map(c, 0, 4 * K4, K4, IOMMU_READ), 0);
	assert_int_equal(contract_map(c, 4 * K4, 4 * K4, K4, RW), 0);
	contract_unmap(c, 4 * K4, 4 * K4);
	contract_attach(c, 0);
	assert_int_equal(contract_read(c, c->iova + K4), contract_byte(1));
	assert_false(contract_reaches(c, c->iova + K4, 64, IOMMU_WRITE));
	assert_int_equal(contract_read(c, c->iova + 4 * K4), -1);
}

static void a_destroyed_domain_leaves_nothing_to_the_next(void **state)
{
	struct contract *c = *state;

	for (unsigned int round = 0; round < 4; round++) {
		assert_int_equal(contract_read(c, c->iova), -1);
		assert_int_equal(contract_map(c, 0, M2, K4, RW), 0);
		assert_int_equal(contract_read(c, c->iova), contract_byte(0));
		contract_detach(c);
		assert_int_equal(iommu_domain_destroy(c->domain), 0);
		assert_int_equal(iommu_domain_create(c->unit, NULL, &c->domain, NULL), 0);
		contract_attach(c, 0);
	}
}

int main(void)
{
	static const struct contract_test tests[] = {
		CONTRACT_TEST(a_backend_promises_what_its_line_in_the_table_says),
		CONTRACT_TEST_OF(REFUSALS, a_unit_that_is_refused_leaves_nothing_behind),
		CONTRACT_TEST(limits_are_filled),
		CONTRACT_TEST_OF(SOFTWARE, memory_that_was_not_added_is_never_touched),
		CONTRACT_TEST_OF(SOFTWARE, a_range_that_is_half_strange_is_not_mapped_at_all),
		CONTRACT_TEST_OF(SOFTWARE, memory_that_was_removed_is_never_touched),
		CONTRACT_TEST_OF(SOFTWARE, memory_is_added_once_and_removed_once),
		CONTRACT_TEST_OF(PROTECTION, each_access_in_an_empty_domain_is_refused),
		CONTRACT_TEST_OF(PROTECTION,
				 a_device_sees_the_mappings_of_its_domain_and_no_others),
		CONTRACT_TEST(devices_of_one_domain_share_its_mappings),
		CONTRACT_TEST_OF(PROTECTION, a_detached_device_sees_nothing_of_its_old_domain),
		CONTRACT_TEST_OF(HARDWARE, a_device_that_is_not_attached_reaches_nothing),
		CONTRACT_TEST_OF(PROTECTION, a_mapping_made_without_devices_is_there_for_the_next),
		CONTRACT_TEST_OF(PROTECTION, a_destroyed_domain_leaves_nothing_to_the_next),
	};

	return contract_run(tests, sizeof(tests) / sizeof(tests[0]));
}
