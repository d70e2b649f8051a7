/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of what is read of PCI devices and groups, over a /sys of our own making. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_sys.h"
#include "host_pci.h"
#include "unit.h"

static const char *root;

static int set_up(void **state)
{
	(void)state;
	root = fake_sys_create();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_sys_destroy();
	return 0;
}

static void an_address_is_taken_in_short_and_in_upper_case(void **state)
{
	char address[HOST_NAME_SIZE];

	(void)state;
	assert_int_equal(host_pci_address("0000:3B:1f.7", address), 0);
	assert_string_equal(address, "0000:3b:1f.7");
	assert_int_equal(host_pci_address("3b:00.1", address), 0);
	assert_string_equal(address, "0000:3b:00.1");
	assert_int_equal(host_pci_address("10000:01:00.0", address), 0);
	assert_string_equal(address, "10000:01:00.0");
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {"",
					  "0000",
					  "eth0",
					  "0000:00:02",
					  "0:0:20.0",
					  "00:02.8",
					  "00:02.0 ",
					  "00:02.00",
					  "00: 2.0",
					  "+0:02.0",
					  "0000:00:02.0,a=b",
					  "../00:02.0",
					  "000000000:00:02.0"};
	char address[HOST_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (host_pci_address(bad[i], address) != -EINVAL)
			fail_msg("\"%s\" was taken as %s", bad[i], address);
}

static void a_device_is_read_whole(void **state)
{
	struct host_pci_device device;

	(void)state;
	fake_sys_device(&(struct fake_sys_device){.address = "0000:03:00.1", .node = "1"});
	assert_int_equal(host_pci_read(root, "03:00.1", &device), 0);
	assert_string_equal(device.address, "0000:03:00.1");
	assert_int_equal(device.vendor, 0x8086);
	assert_int_equal(device.device, 0x10d3);
	assert_int_equal(device.class_code, 0x020000);
	assert_string_equal(device.driver, "vfio-pci");
	assert_int_equal(device.node, 1);
	assert_int_equal(device.group, 12);
	assert_string_equal(device.iommu, "");
}

static void what_a_device_lacks_is_none(void **state)
{
	struct host_pci_device device;

	(void)state;
	fake_sys_device(&(struct fake_sys_device){
		.address = "0000:00:02.0", .driver = "", .group = "", .node = "-1"});
	assert_int_equal(host_pci_read(root, "0000:00:02.0", &device), 0);
	assert_string_equal(device.driver, "");
	assert_int_equal(device.node, -1);
	assert_int_equal(device.group, -1);
	assert_int_equal(host_pci_read(root, "0000:00:03.0", &device), -ENODEV);
}

static void a_group_has_its_members_type_and_reserved_regions(void **state)
{
	static struct host_group group;

	(void)state;
	fake_sys_device(&(struct fake_sys_device){.address = "0000:03:00.0"});
	fake_sys_device(&(struct fake_sys_device){.address = "0000:03:00.1", .driver = "ixgbe"});
	fake_sys_write("/sys/kernel/iommu_groups/12/type", "DMA-FQ\n");
	fake_sys_write("/sys/kernel/iommu_groups/12/reserved_regions",
		       "0x00000000fee00000 0x00000000feefffff msi\n"
		       "0x000000fd00000000 0xffffffffffffffff reserved\n");
	assert_int_equal(host_group_read(root, 12, &group), 0);
	assert_string_equal(group.type, "DMA-FQ");
	assert_false(group.is_noiommu);
	assert_int_equal(group.device_count, 2);
	assert_string_equal(group.device[0].driver, "vfio-pci");
	assert_string_equal(group.device[1].address, "0000:03:00.1");
	assert_string_equal(group.device[1].driver, "ixgbe");
	assert_int_equal(group.reserved_count, 2);
	assert_int_equal(group.reserved[0].start, 0xfee00000);
	assert_int_equal(group.reserved[0].last, 0xfeefffff);
	assert_string_equal(group.reserved[0].type, "msi");
	assert_true(group.reserved[1].last == UINT64_MAX);
	assert_int_equal(host_group_read(root, 13, &group), -ENODEV);
}

static void a_group_that_vfio_made_up_is_told_apart(void **state)
{
	static struct host_group group;

	(void)state;
	fake_sys_device(&(struct fake_sys_device){.address = "0000:03:00.0"});
	fake_sys_write("/sys/kernel/iommu_groups/12/name", "vfio-noiommu\n");
	assert_int_equal(host_group_read(root, 12, &group), 0);
	assert_true(group.is_noiommu);
}

static void groups_and_devices_are_listed_in_order(void **state)
{
	static const struct fake_sys_device devices[] = {
		{.address = "0000:00:1a.0", .group = "10"},
		{.address = "0000:00:10.0", .group = "9"},
		{.address = "0000:00:02.0", .group = "100"},
	};
	struct host_pci_device *list;
	unsigned int count;
	int *numbers;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		fake_sys_device(&devices[i]);
	assert_int_equal(host_group_list(root, &numbers, &count), 0);
	assert_int_equal(count, 3);
	assert_int_equal(numbers[0], 9);
	assert_int_equal(numbers[1], 10);
	assert_int_equal(numbers[2], 100);
	free(numbers);
	assert_int_equal(host_pci_list(root, &list, &count), 0);
	assert_int_equal(count, 3);
	assert_string_equal(list[0].address, "0000:00:02.0");
	assert_string_equal(list[1].address, "0000:00:10.0");
	assert_string_equal(list[2].address, "0000:00:1a.0");
	free(list);
}

static void a_machine_without_an_iommu_has_no_groups(void **state)
{
	unsigned int count = 7;
	int *numbers;

	(void)state;
	assert_int_equal(host_group_list(root, &numbers, &count), 0);
	assert_int_equal(count, 0);
	free(numbers);
	assert_false(host_iommu_is_on(root));
	fake_sys_write("/sys/class/iommu/dmar0/intel-iommu/version", "1:0\n");
	assert_true(host_iommu_is_on(root));
}

static void only_drivers_that_do_no_dma_are_viable(void **state)
{
	static const char *const good[] = {"", "vfio-pci", "mlx5_vfio_pci", "pci-stub", "pcieport"};
	static const char *const bad[] = {"ixgbe", "uio_pci_generic", "igb_uio", "pci-pf-stub"};
	struct host_pci_device device = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		strcpy(device.driver, good[i]);
		assert_true(host_pci_is_viable(&device));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		strcpy(device.driver, bad[i]);
		assert_false(host_pci_is_viable(&device));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_taken_in_short_and_in_upper_case),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test_setup_teardown(a_device_is_read_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_a_device_lacks_is_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_group_has_its_members_type_and_reserved_regions,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_group_that_vfio_made_up_is_told_apart, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(groups_and_devices_are_listed_in_order, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_machine_without_an_iommu_has_no_groups, set_up,
						tear_down),
		cmocka_unit_test(only_drivers_that_do_no_dma_are_viable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
