/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of every check before a device is attached, over a machine of our own making. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fake_sys.h"
#include "preflight_checks.h"
#include "unit.h"

#define DEVICE	  "0000:03:00.0"
#define GOOD_CAP  "d2008c222f0686\n" /* 39 and 48 bits of four levels, MGAW 48 */
#define GOOD_ECAP "f00f4a\n"

static const char *root;
static uint64_t huge_pages_free, small_pages_free;
static int asked_node;
static struct preflight out;
static struct base_error err;

static int pages(size_t page_size, int node, uint64_t *free_pages, uint64_t *total_pages)
{
	asked_node = node;
	*free_pages = page_size == 4096 ? small_pages_free : huge_pages_free;
	*total_pages = *free_pages;
	return page_size == (size_t)1 << 30 ? -ENOENT : 0;
}

static struct preflight_need need;

/* A good machine: VT-d on, group 12 with one e1000e on vfio-pci. */
static int set_up(void **state)
{
	(void)state;
	root = fake_sys_create();
	fake_sys_device(&(struct fake_sys_device){.address = DEVICE, .iommu = "dmar0"});
	fake_sys_write("/sys/class/iommu/dmar0/intel-iommu/cap", GOOD_CAP);
	fake_sys_write("/sys/class/iommu/dmar0/intel-iommu/ecap", GOOD_ECAP);
	fake_sys_write("/sys/kernel/iommu_groups/12/type", "DMA\n");
	fake_sys_write("/sys/kernel/iommu_groups/12/reserved_regions",
		       "0x00000000fee00000 0x00000000feefffff msi\n");
	fake_sys_write("/sys/module/vfio_iommu_type1/parameters/dma_entry_limit", "65535\n");
	fake_sys_write("/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n");
	fake_sys_write("/dev/vfio/vfio", "");
	fake_sys_write("/dev/vfio/12", "");
	fake_sys_write("/proc/self/status", "Name:\tioplane\nVmLck:\t       0 kB\n"
					    "CapEff:\t000001ffffffffff\n");
	fake_sys_write(
		"/proc/self/limits",
		"Max locked memory         8388608              8388608              bytes\n");
	huge_pages_free = 64;
	small_pages_free = 0;
	need = (struct preflight_need){
		.ring_bytes = 2 << 20,
		.buffer_bytes = 8 << 20,
		.entries = 4,
		.window_count = 2,
		.window = {{0x10000000, 0x100000000}, {UINT64_C(1) << 40, UINT64_C(1) << 48}},
		.pages = pages,
	};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_sys_destroy();
	return 0;
}

static int run_for(const char *address)
{
	const struct preflight_subject subject = {root, address, &need, &out};

	memset(&err, 0, sizeof(err));
	return preflight_run(&subject, &err);
}

/* The check must fail with this errno and one line that has all these parts. */
#define refused_with(address, code, ...) refused(address, code, (const char *[]){__VA_ARGS__, NULL})

static void refused(const char *address, int code, const char *const *parts)
{
	int ret = run_for(address);

	if (ret != code)
		fail_msg("%s: %d and not %d: \"%s\"", address, ret, code, err.text);
	assert_int_equal(err.code, code);
	for (; *parts != NULL; parts++)
		if (strstr(err.text, *parts) == NULL)
			fail_msg("\"%s\" does not tell \"%s\"", err.text, *parts);
	assert_null(strchr(err.text, '\n'));
	assert_true(strlen(err.text) < BASE_ERROR_TEXT_SIZE - 1);
}

static void passes(enum preflight_way way)
{
	if (run_for(DEVICE) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(out.way, way);
}

/* --- the good machine ------------------------------------------------------------------------- */

static void a_good_device_passes(void **state)
{
	(void)state;
	passes(PREFLIGHT_TYPE1);
	assert_string_equal(out.device.address, DEVICE);
	assert_int_equal(out.group.number, 12);
	assert_int_equal(run_for("03:00.0"), 0);
	assert_string_equal(out.device.address, DEVICE);
}

static void a_passthrough_group_still_gets_a_domain_of_type1(void **state)
{
	(void)state;
	fake_sys_write("/sys/kernel/iommu_groups/12/type", "identity\n");
	passes(PREFLIGHT_TYPE1);
}

/* --- the device ------------------------------------------------------------------------------- */

static void what_is_no_address_is_told_with_the_devices_there_are(void **state)
{
	(void)state;
	refused_with("eth0", -EINVAL, "eth0 is no PCI address", "0000:03:00.0 (vfio-pci)");
}

static void a_missing_device_is_told_with_the_devices_there_are(void **state)
{
	(void)state;
	fake_sys_device(&(struct fake_sys_device){.address = "0000:04:00.0", .driver = ""});
	fake_sys_device(
		&(struct fake_sys_device){.address = "0000:05:00.0", .class_code = "0x010601"});
	refused_with("0000:09:00.0", -ENODEV, "no PCI device 0000:09:00.0",
		     "0000:03:00.0 (vfio-pci), 0000:04:00.0 (no driver)");
	assert_null(strstr(err.text, "0000:05:00.0"));
}

static void many_devices_are_told_in_one_line(void **state)
{
	char address[16];

	(void)state;
	for (unsigned int i = 0; i < 20; i++) {
		snprintf(address, sizeof(address), "0000:40:%02x.0", i);
		fake_sys_device(&(struct fake_sys_device){
			.address = address, .driver = "a_driver_with_a_very_long_name"});
	}
	refused_with("0000:09:00.0", -ENODEV, "and 17 more");
}

static void a_device_of_another_class_is_refused(void **state)
{
	(void)state;
	fake_sys_device(
		&(struct fake_sys_device){.address = "0000:05:00.0", .class_code = "0x010601"});
	refused_with("0000:05:00.0", -ENOTSUP, "0000:05:00.0 is no network device",
		     "class 0x010601", "0000:03:00.0");
}

static void a_device_on_the_kernels_driver_is_refused_with_its_interface(void **state)
{
	(void)state;
	fake_sys_device(&(struct fake_sys_device){.address = DEVICE, .driver = "e1000e"});
	fake_sys_write("/sys/bus/pci/devices/" DEVICE "/net/eth7/mtu", "1500");
	refused_with(DEVICE, -EBUSY, "kernel's e1000e (eth7)", "config/host/bind 0000:03:00.0");
	fake_sys_remove("/sys/bus/pci/devices/" DEVICE "/net");
	refused_with(DEVICE, -EBUSY, "kernel's e1000e; ");
	fake_sys_device(&(struct fake_sys_device){.address = DEVICE, .driver = "virtio-pci"});
	fake_sys_write("/sys/bus/pci/devices/" DEVICE "/virtio3/net/eth9/mtu", "1500");
	refused_with(DEVICE, -EBUSY, "kernel's virtio-pci (eth9)");
}

static void a_device_on_no_driver_is_refused(void **state)
{
	(void)state;
	fake_sys_remove("/sys/bus/pci/devices/" DEVICE "/driver");
	refused_with(DEVICE, -ENODEV, "bound to no driver", "config/host/bind 0000:03:00.0");
}

static void a_device_that_knows_no_vfio_is_refused(void **state)
{
	(void)state;
	fake_sys_device(&(struct fake_sys_device){.address = DEVICE, .driver = "mlx5_core"});
	refused_with(DEVICE, -ENOTSUP, "mlx5_core", "no domain");
}

/* --- the IOMMU and the group ------------------------------------------------------------------ */

static void remove_iommu(void)
{
	fake_sys_remove("/sys/bus/pci/devices/" DEVICE "/iommu_group");
	fake_sys_remove("/sys/kernel/iommu_groups/12");
	fake_sys_remove("/sys/class/iommu/dmar0");
}

static void an_iommu_that_is_off_is_told_with_how_to_switch_it_on(void **state)
{
	(void)state;
	remove_iommu();
	refused_with(DEVICE, -ENODEV, "the IOMMU is off", "in the firmware", "intel_iommu=on",
		     "--no-iommu");
	fake_sys_write("/sys/firmware/acpi/tables/DMAR", "");
	refused_with(DEVICE, -ENODEV, "the IOMMU is off", "boot with intel_iommu=on");
	assert_null(strstr(err.text, "in the firmware"));
}

static void a_device_that_no_iommu_stands_before_is_told_apart(void **state)
{
	(void)state;
	remove_iommu();
	fake_sys_write("/sys/class/iommu/dmar1/intel-iommu/cap", GOOD_CAP);
	refused_with(DEVICE, -ENODEV, "has no IOMMU group", "none of this machine's IOMMUs");
}

static void a_group_with_a_member_on_a_kernel_driver_is_not_viable(void **state)
{
	(void)state;
	fake_sys_device(&(struct fake_sys_device){.address = "0000:03:00.1", .driver = "ixgbe"});
	refused_with(DEVICE, -EBUSY, "group 12 of 0000:03:00.0 is not viable",
		     "0000:03:00.1 is bound to ixgbe", "config/host/bind 0000:03:00.1");
}

static void members_without_dma_do_not_make_a_group_unviable(void **state)
{
	(void)state;
	fake_sys_device(&(struct fake_sys_device){
		.address = "0000:02:00.0", .class_code = "0x060400", .driver = "pcieport"});
	fake_sys_device(&(struct fake_sys_device){.address = "0000:03:00.1", .driver = ""});
	fake_sys_device(&(struct fake_sys_device){.address = "0000:03:00.2", .driver = "pci-stub"});
	fake_sys_device(&(struct fake_sys_device){.address = "0000:03:00.3"});
	passes(PREFLIGHT_TYPE1);
	assert_int_equal(out.group.device_count, 5);
}

static void a_missing_group_file_is_told(void **state)
{
	(void)state;
	fake_sys_remove("/dev/vfio/12");
	refused_with(DEVICE, -ENOENT, "no /dev/vfio/12");
	fake_sys_write("/dev/vfio/12", "");
	fake_sys_remove("/dev/vfio/vfio");
	refused_with(DEVICE, -ENOENT, "no /dev/vfio/vfio");
}

static void a_missing_type1_module_is_told(void **state)
{
	(void)state;
	fake_sys_remove("/sys/module/vfio_iommu_type1");
	refused_with(DEVICE, -ENOENT, "modprobe vfio_iommu_type1");
}

static void memory_that_the_firmware_keeps_is_told(void **state)
{
	static const char file[] = "/sys/kernel/iommu_groups/12/reserved_regions";

	(void)state;
	fake_sys_write(file, "0x000000007b800000 0x000000007bffffff direct\n");
	refused_with(DEVICE, -EPERM, "0x7b800000-0x7bffffff", "RMRR");
	fake_sys_write(file, "0x000000007b800000 0x000000007bffffff direct-relaxable\n");
	passes(PREFLIGHT_TYPE1);
}

static void interrupts_that_nobody_remaps_are_told(void **state)
{
	(void)state;
	fake_sys_write("/sys/class/iommu/dmar0/intel-iommu/ecap", "f00f42\n");
	refused_with(DEVICE, -EPERM, "dmar0 cannot remap interrupts", "allow_unsafe_interrupts");
	fake_sys_write("/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
	passes(PREFLIGHT_TYPE1);
}

/* --- without translation ---------------------------------------------------------------------- */

static void a_group_that_vfio_made_up_goes_unprotected(void **state)
{
	(void)state;
	fake_sys_write("/sys/kernel/iommu_groups/12/name", "vfio-noiommu\n");
	fake_sys_remove("/dev/vfio/12");
	refused_with(DEVICE, -ENOENT, "no /dev/vfio/noiommu-12");
	fake_sys_write("/dev/vfio/noiommu-12", "");
	passes(PREFLIGHT_DIRECT);
	fake_sys_write("/proc/self/status", "CapEff:\t0000000000000000\n");
	refused_with(DEVICE, -EPERM, "CAP_SYS_RAWIO", "run as root");
}

static void uio_goes_only_where_nothing_translates(void **state)
{
	(void)state;
	fake_sys_device(&(struct fake_sys_device){.address = DEVICE, .driver = "uio_pci_generic"});
	refused_with(DEVICE, -ENOTSUP, "uio_pci_generic", "group 12 is translated (DMA)",
		     "config/host/bind 0000:03:00.0");
	fake_sys_write("/sys/kernel/iommu_groups/12/type", "identity\n");
	passes(PREFLIGHT_DIRECT);
	remove_iommu();
	passes(PREFLIGHT_DIRECT);
	assert_int_equal(out.group.number, -1);
}

static void without_an_iommu_hugepages_are_a_must(void **state)
{
	(void)state;
	small_pages_free = 1 << 20;
	fake_sys_device(
		&(struct fake_sys_device){.address = DEVICE, .driver = "igb_uio", .node = "1"});
	remove_iommu();
	passes(PREFLIGHT_DIRECT);
	huge_pages_free = 4;
	refused_with(DEVICE, -ENOMEM, "10 MiB must be hugepages on node 1", "8 MiB are free",
		     "config/host/reserve --node 1 --mib 10");
}

/* --- what the port asks for ------------------------------------------------------------------- */

static void a_plan_that_the_iommu_cannot_address_is_told(void **state)
{
	(void)state;
	need.buffer_bytes = UINT64_C(8) << 30;
	small_pages_free = UINT64_C(1) << 30;
	passes(PREFLIGHT_TYPE1);
	/* MGAW 39, three levels: of the plan there is what lies below 4 GiB, less the interrupts */
	fake_sys_write("/sys/class/iommu/dmar0/intel-iommu/cap", "1c0000c40660262\n");
	refused_with(DEVICE, -ENOSPC, "39 bits", "3839 MiB", "8194 MiB");
}

static void addresses_that_the_group_reserves_count(void **state)
{
	(void)state;
	need.buffer_bytes = UINT64_C(2) << 30;
	small_pages_free = UINT64_C(1) << 30;
	fake_sys_write("/sys/class/iommu/dmar0/intel-iommu/cap", "1c0000c40660262\n");
	passes(PREFLIGHT_TYPE1);
	fake_sys_write("/sys/kernel/iommu_groups/12/reserved_regions",
		       "0x0000000010000000 0x000000009fffffff reserved\n"
		       "0x00000000fee00000 0x00000000feefffff msi\n");
	refused_with(DEVICE, -ENOSPC, "1535 MiB", "2050 MiB");
}

static void more_entries_than_the_container_has_are_told(void **state)
{
	(void)state;
	fake_sys_write("/sys/module/vfio_iommu_type1/parameters/dma_entry_limit", "3\n");
	refused_with(DEVICE, -ENOSPC, "needs 4 mappings", "allows 3", "echo 65535");
}

static void memory_that_may_not_be_locked_is_told(void **state)
{
	(void)state;
	fake_sys_write("/proc/self/status", "VmLck:\t       0 kB\nCapEff:\t0000000000000000\n");
	refused_with(DEVICE, -ENOMEM, "will lock 10 MiB", "0 of the 8 MiB", "ulimit -l");
	fake_sys_write(
		"/proc/self/limits",
		"Max locked memory         16777216             16777216             bytes\n");
	passes(PREFLIGHT_TYPE1);
	fake_sys_write("/proc/self/status", "VmLck:\t    8192 kB\nCapEff:\t0000000000000000\n");
	refused_with(DEVICE, -ENOMEM, "8 of the 16 MiB");
	fake_sys_write(
		"/proc/self/limits",
		"Max locked memory         unlimited            unlimited            bytes\n");
	passes(PREFLIGHT_TYPE1);
}

static void memory_that_the_node_does_not_have_is_told(void **state)
{
	(void)state;
	huge_pages_free = 4;
	refused_with(DEVICE, -ENOMEM, "needs 10 MiB of memory on node 0", "8 MiB are free");
	assert_int_equal(asked_node, 0);
	small_pages_free = 512;
	passes(PREFLIGHT_TYPE1);
}

#define over_a_machine(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		over_a_machine(a_good_device_passes),
		over_a_machine(a_passthrough_group_still_gets_a_domain_of_type1),
		over_a_machine(what_is_no_address_is_told_with_the_devices_there_are),
		over_a_machine(a_missing_device_is_told_with_the_devices_there_are),
		over_a_machine(many_devices_are_told_in_one_line),
		over_a_machine(a_device_of_another_class_is_refused),
		over_a_machine(a_device_on_the_kernels_driver_is_refused_with_its_interface),
		over_a_machine(a_device_on_no_driver_is_refused),
		over_a_machine(a_device_that_knows_no_vfio_is_refused),
		over_a_machine(an_iommu_that_is_off_is_told_with_how_to_switch_it_on),
		over_a_machine(a_device_that_no_iommu_stands_before_is_told_apart),
		over_a_machine(a_group_with_a_member_on_a_kernel_driver_is_not_viable),
		over_a_machine(members_without_dma_do_not_make_a_group_unviable),
		over_a_machine(a_missing_group_file_is_told),
		over_a_machine(a_missing_type1_module_is_told),
		over_a_machine(memory_that_the_firmware_keeps_is_told),
		over_a_machine(interrupts_that_nobody_remaps_are_told),
		over_a_machine(a_group_that_vfio_made_up_goes_unprotected),
		over_a_machine(uio_goes_only_where_nothing_translates),
		over_a_machine(without_an_iommu_hugepages_are_a_must),
		over_a_machine(a_plan_that_the_iommu_cannot_address_is_told),
		over_a_machine(addresses_that_the_group_reserves_count),
		over_a_machine(more_entries_than_the_container_has_are_told),
		over_a_machine(memory_that_may_not_be_locked_is_told),
		over_a_machine(memory_that_the_node_does_not_have_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
