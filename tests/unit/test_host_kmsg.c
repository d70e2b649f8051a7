/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the parser of fault lines: lines as the kernels' format strings make them. */
#include <stdio.h>
#include <string.h>

#include "host_kmsg.h"
#include "unit.h"

/* What one reader handed out. */
struct seen {
	struct host_kmsg kmsg;
	struct host_kmsg_fault last;
	unsigned int count;
};

static void take(const struct host_kmsg_fault *fault, void *arg)
{
	struct seen *seen = arg;

	seen->last = *fault;
	seen->count++;
}

static void read_line(struct seen *seen, const char *line)
{
	host_kmsg_read(&seen->kmsg, line, strlen(line), take, seen);
}

/* One line that is one fault. */
static struct host_kmsg_fault one(const char *line)
{
	struct seen seen = {0};

	read_line(&seen, line);
	assert_int_equal(seen.count, 1);
	return seen.last;
}

static void assert_none(const char *line)
{
	struct seen seen = {0};

	read_line(&seen, line);
	host_kmsg_flush(&seen.kmsg, take, &seen);
	assert_int_equal(seen.count, 0);
}

#define assert_fault(fault, device_, iova_, access_, reason_, text_) \
	do {                                                         \
		assert_string_equal((fault).device, device_);        \
		assert_int_equal((fault).iova, iova_);               \
		assert_int_equal((fault).access, access_);           \
		assert_int_equal((fault).reason, reason_);           \
		assert_string_equal((fault).text, text_);            \
	} while (0)

/* Linux 5.14 and later, drivers/iommu/intel/dmar.c; the lab machine's own lines */
static void intel_read_and_write_are_told_with_device_address_and_reason(void **state)
{
	struct host_kmsg_fault fault;

	fault = one("3,1198,33424613,-;DMAR: [DMA Read NO_PASID] Request device [00:02.0] fault "
		    "addr 0x80001000 [fault reason 0x06] PTE Read access is not set\n");
	assert_fault(fault, "0000:00:02.0", 0x80001000, HOST_KMSG_READ, 6,
		     "PTE Read access is not set");
	assert_int_equal(fault.stream_id, HOST_KMSG_NO_STREAM);
	fault = one(
		"3,412,9121,-,caller=T0;DMAR: [DMA Write NO_PASID] Request device [3b:1f.7] "
		"fault addr 0xfffffffffffff000 [fault reason 0x05] PTE Write access is not set");
	assert_fault(fault, "0000:3b:1f.7", 0xfffffffffffff000, HOST_KMSG_WRITE, 5,
		     "PTE Write access is not set");
	fault = one(
		"[   33.424613] DMAR: [DMA Write PASID 0x1f] Request device [00:02.0] fault addr "
		"0x1000 [fault reason 0x71] SM: Present bit in first-level paging entry is clear");
	assert_fault(fault, "0000:00:02.0", 0x1000, HOST_KMSG_WRITE, 0x71,
		     "SM: Present bit in first-level paging entry is clear");
}

/* 4.14, and 5.0 to 5.13: addresses without 0x, reasons in decimal */
static void older_intel_lines_are_read_with_decimal_reasons(void **state)
{
	struct host_kmsg_fault fault;

	fault = one(
		"[  102.5] DMAR: [DMA Read] Request device [02:00.0] fault addr ffff0000 [fault "
		"reason 06] PTE Read access is not set");
	assert_fault(fault, "0000:02:00.0", 0xffff0000, HOST_KMSG_READ, 6,
		     "PTE Read access is not set");
	fault = one("<3>[  102.5][  T12] DMAR: [DMA Write] Request device [02:00.0] PASID ffffffff "
		    "fault addr 8000a000 [fault reason 12] non-zero reserved fields in PTE");
	assert_fault(fault, "0000:02:00.0", 0x8000a000, HOST_KMSG_WRITE, 12,
		     "non-zero reserved fields in PTE");
	fault = one(
		"DMAR: [DMA Write] Request device [02:00.0] fault addr 0 [fault reason 08] Root "
		"table address invalid");
	assert_int_equal(fault.reason, 8);
}

static void refused_interrupts_have_no_address_and_say_their_index(void **state)
{
	struct host_kmsg_fault fault;

	fault = one("3,1,2,-;DMAR: [INTR-REMAP] Request device [f0:1f.7] fault index 0xfffe [fault "
		    "reason 0x22] Present field in the IRTE entry is clear");
	assert_fault(fault, "0000:f0:1f.7", 0, 0, 0x22,
		     "interrupt 0xfffe: Present field in the IRTE entry is clear");
	fault = one("DMAR: [INTR-REMAP] Request device [f0:1f.7] fault index 1a [fault reason 38] "
		    "Blocked an interrupt request due to source-id verification failure");
	assert_int_equal(fault.reason, 38);
	assert_string_equal(fault.text,
			    "interrupt 0x1a: Blocked an interrupt request due to source-id v");
}

/* Linux drivers/iommu/amd/iommu.c: 6.0 and later, before, and 3.x; flags of the event log */
static void amd_page_faults_tell_direction_and_whether_there_was_an_entry(void **state)
{
	struct host_kmsg_fault fault;

	fault = one("3,9,9,-;vfio-pci 0000:04:10.0: AMD-Vi: Event logged [IO_PAGE_FAULT "
		    "domain=0x0037 address=0x7b657064 flags=0x0000]\n SUBSYSTEM=pci\n"
		    " DEVICE=+pci:0000:04:10.0\n");
	assert_fault(fault, "0000:04:10.0", 0x7b657064, HOST_KMSG_READ, 6,
		     "IO_PAGE_FAULT: not present, flags 0x0000");
	fault = one("AMD-Vi: Event logged [IO_PAGE_FAULT device=0001:02:00.0 domain=0x0012 "
		    "address=0x80001000 flags=0x0030]");
	assert_fault(fault, "0001:02:00.0", 0x80001000, HOST_KMSG_WRITE, 5,
		     "IO_PAGE_FAULT: no permission, flags 0x0030");
	fault = one("AMD-Vi: Event logged [IO_PAGE_FAULT device=0a:00.0 domain=0x001d "
		    "address=0x000000000637c000 flags=0x0090]");
	assert_fault(fault, "0000:0a:00.0", 0x637c000, HOST_KMSG_READ, 12,
		     "IO_PAGE_FAULT: reserved bits set, flags 0x0090");
	fault = one("AMD-Vi: Event logged [IO_PAGE_FAULT device=0a:00.0 domain=0x0000 "
		    "address=0xfee00000 flags=0x0008]");
	assert_int_equal(fault.access, 0);
	assert_int_equal(fault.reason, HOST_KMSG_REASON_OTHER);
}

static void other_amd_events_keep_their_own_name(void **state)
{
	struct host_kmsg_fault fault;

	fault = one(
		"iommu ivhd0: AMD-Vi: Event logged [ILLEGAL_DEV_TABLE_ENTRY device=0000:02:00.0 "
		"pasid=0x00000 address=0x1000 flags=0x0080]");
	assert_fault(fault, "0000:02:00.0", 0x1000, 0, HOST_KMSG_REASON_OTHER,
		     "ILLEGAL_DEV_TABLE_ENTRY, flags 0x0080");
	assert_none("iommu ivhd0: AMD-Vi: Event logged [COMMAND_HARDWARE_ERROR address=0x1000 "
		    "flags=0x0000]");
	assert_none("AMD-Vi: Event logged [Device not attached to domain properly]");
}

/* arm-smmu-v3.c: the tab before a word is \x09 in /dev/kmsg */
static void read_event(struct seen *seen, const char *unit, const char *id, const char *const *word)
{
	char line[128];

	snprintf(line, sizeof(line), "6,%u,1,-;%s: event %s received:\n",
		 (unsigned int)seen->kmsg.next_number, unit, id);
	read_line(seen, line);
	for (int i = 0; i < 4; i++) {
		snprintf(line, sizeof(line), "6,%u,1,-;%s: \\x09%s\n",
			 (unsigned int)seen->kmsg.next_number, unit, word[i]);
		read_line(seen, line);
	}
}

#define SMMU "arm-smmu-v3 arm-smmu-v3.0.auto"

static const char *const read_words[] = {"0x0000010000000010", "0x0000020800000000",
					 "0x0000000080001000", "0x0000000000000000"};
static const char *const write_words[] = {"0x0000000800000013", "0x0000020000000000",
					  "0x00000000ffff0000", "0x0000000000000000"};

static void smmuv3_event_of_an_older_kernel_has_a_stream_but_no_device(void **state)
{
	struct seen seen = {0};

	read_event(&seen, SMMU, "0x10", read_words);
	assert_int_equal(seen.count, 0); /* a newer kernel would go on */
	host_kmsg_flush(&seen.kmsg, take, &seen);
	assert_int_equal(seen.count, 1);
	assert_fault(seen.last, "", 0x80001000, HOST_KMSG_READ, 6, "F_TRANSLATION (0x10)");
	assert_int_equal(seen.last.stream_id, 0x100);
	host_kmsg_flush(&seen.kmsg, take, &seen);
	assert_int_equal(seen.count, 1);
	read_event(&seen, SMMU, "0x13", write_words);
	read_event(&seen, SMMU, "0x10", read_words); /* the next event completes the last */
	assert_int_equal(seen.count, 2);
	assert_fault(seen.last, "", 0xffff0000, HOST_KMSG_WRITE, 5, "F_PERMISSION (0x13)");
	assert_int_equal(seen.last.stream_id, 8);
}

/* 6.14 and later: arm_smmu_dump_event() prints the words first, then what they mean */
static void smmuv3_event_of_a_newer_kernel_names_its_device_once(void **state)
{
	struct seen seen = {0};

	read_event(&seen, SMMU, "0x10", read_words);
	read_line(&seen, "e1000e 0000:03:00.0 eth1: NIC Link is Down");
	read_line(&seen, SMMU ": event: F_TRANSLATION client: 0000:01:00.0 sid: 0x100 ssid: 0x0 "
			      "iova: 0x80001000 ipa: 0x0");
	read_line(&seen, SMMU ": unpriv data read s1 \"Input address caused fault\" stag: 0x0");
	host_kmsg_flush(&seen.kmsg, take, &seen);
	assert_int_equal(seen.count, 1);
	assert_fault(seen.last, "0000:01:00.0", 0x80001000, HOST_KMSG_READ, 6,
		     "F_TRANSLATION (0x10)");
	read_event(&seen, SMMU, "0x02", write_words);
	read_line(&seen,
		  SMMU ": event: C_BAD_STREAMID client: (unassigned sid) sid: 0x8 ssid: 0x0");
	assert_int_equal(seen.count, 2);
	assert_fault(seen.last, "", 0, 0, HOST_KMSG_REASON_OTHER, "C_BAD_STREAMID (0x02)");
}

static void smmuv3_event_with_lines_missing_is_no_fault(void **state)
{
	struct seen seen = {0};

	read_line(&seen, SMMU ": event 0x10 received:");
	read_line(&seen, SMMU ": \t0x0000010000000010");
	read_line(&seen, SMMU ": EVTQ overflow detected -- events lost");
	host_kmsg_flush(&seen.kmsg, take, &seen);
	assert_int_equal(seen.count, 0);
	assert_int_equal(seen.kmsg.overflows, 1);
}

/* arm-smmu.c */
static void smmuv2_context_fault_has_direction_and_stream(void **state)
{
	struct host_kmsg_fault fault;

	fault = one("arm-smmu 2b400000.iommu: Unhandled context fault: fsr=0x402, iova=0x80001000, "
		    "fsynr=0x10, cbfrsynra=0x100, cb=1");
	assert_fault(fault, "", 0x80001000, HOST_KMSG_WRITE, 5,
		     "context fault: not present, fsr 0x402");
	assert_int_equal(fault.stream_id, 0x100);
	fault = one("arm-smmu 2b400000.iommu: Unhandled context fault: fsr=0x8, iova=0x1000, "
		    "fsynr=0x1, cbfrsynra=0x4, cb=0");
	assert_fault(fault, "", 0x1000, HOST_KMSG_READ, 6, "context fault: no permission, fsr 0x8");
	fault = one("arm-smmu 2b400000.iommu: Unhandled context fault: fsr=0x10, iova=0x1000, "
		    "fsynr=0x1, cbfrsynra=0x4, cb=0");
	assert_int_equal(fault.reason, HOST_KMSG_REASON_OTHER);
}

/* lib/ratelimit.c names the function whose lines it held back */
static void lines_that_the_kernel_left_out_are_counted(void **state)
{
	struct seen seen = {0};

	read_line(&seen, "4,1,1,-;dmar_fault: 51 callbacks suppressed");
	read_line(&seen, "4,2,1,-;amd_iommu_report_page_fault: 7 callbacks suppressed");
	read_line(&seen, "4,3,1,-;arm_smmu_evtq_thread: 2 callbacks suppressed");
	read_line(&seen, "4,4,1,-;net_ratelimit: 100 callbacks suppressed");
	assert_int_equal(seen.kmsg.lines_dropped, 60);
	assert_int_equal(seen.count, 0);
}

static void overflow_of_a_unit_is_counted(void **state)
{
	struct seen seen = {0};

	read_line(&seen, "DMAR: DRHD: handling fault status reg 2");
	assert_int_equal(seen.kmsg.overflows, 0);
	read_line(&seen, "DMAR: DRHD: handling fault status reg 3");
	read_line(&seen, "AMD-Vi: IOMMU event log overflow");
	read_line(&seen, "AMD-Vi: IOMMU Event log restarting");
	assert_int_equal(seen.kmsg.overflows, 3);
}

static void records_that_were_overwritten_are_counted(void **state)
{
	struct seen seen = {0};

	read_line(&seen, "6,100,1,-;x"); /* the first one read: nothing is missing */
	read_line(&seen, "6,101,1,-;x");
	assert_int_equal(seen.kmsg.lost, 0);
	read_line(&seen, "6,105,1,-;x");
	assert_int_equal(seen.kmsg.lost, 3);
}

#define FAULT                                                                                     \
	"DMAR: [DMA Read NO_PASID] Request device [00:02.0] fault addr 0x80001000 [fault reason " \
	"0x06] PTE Read access is not set"

/* printk.c, devkmsg_write(): what a program writes never has the kernel's facility, 0 */
static void a_program_cannot_forge_a_fault(void **state)
{
	assert_none("12,7,7,-;" FAULT);
	assert_int_equal(one("3,7,7,-;" FAULT).reason, 6);
}

static void lines_that_only_look_like_faults_are_none(void **state)
{
	assert_none("");
	assert_none("\n");
	assert_none("3,7,7,-;");
	assert_none("3,7,7,-;myapp: " FAULT);
	assert_none("DMAR: DRHD: handling fault status reg 2");
	assert_none("DMAR: [DMA Read NO_PASID] Request device [00:02.0] fault addr");
	assert_none("DMAR: [DMA Read NO_PASID] Request device [00:02.0] fault addr 0x1000");
	assert_none("DMAR: [DMA Read NO_PASID] Request device [00:22.0] fault addr 0x1000 [fault "
		    "reason 0x06] PTE");
	assert_none("DMAR: [DMA Read NO_PASID] Request device [00:02.0] fault addr 0x1000 [fault "
		    "reason 0x106] PTE");
	assert_none("AMD-Vi: Event logged [IO_PAGE_FAULT address=0x1000 flags=0x0000]");
	assert_none("AMD-Vi: Event logged [IO_PAGE_FAULT device=02:00.0 domain=0x0012]");
	assert_none("DMAR: Host address width 39");
}

/* A fault line cut anywhere, or with any byte changed, is a fault or is none; nothing breaks. */
static void damaged_lines_are_read_without_harm(void **state)
{
	static const char line[] = "3,7,7,-;" FAULT;
	struct seen seen = {0};
	uint64_t random = 1;
	char copy[sizeof(line)];

	for (size_t size = 0; size < sizeof(line); size++)
		host_kmsg_read(&seen.kmsg, line, size, take, &seen);
	for (unsigned int i = 0; i < 20000; i++) {
		memcpy(copy, line, sizeof(line));
		copy[unit_random(&random) % sizeof(line)] = (char)unit_random(&random);
		host_kmsg_read(&seen.kmsg, copy, sizeof(line), take, &seen);
		assert_true(memchr(seen.last.text, '\0', sizeof(seen.last.text)) != NULL);
	}
	assert_true(seen.count > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intel_read_and_write_are_told_with_device_address_and_reason),
		cmocka_unit_test(older_intel_lines_are_read_with_decimal_reasons),
		cmocka_unit_test(refused_interrupts_have_no_address_and_say_their_index),
		cmocka_unit_test(amd_page_faults_tell_direction_and_whether_there_was_an_entry),
		cmocka_unit_test(other_amd_events_keep_their_own_name),
		cmocka_unit_test(smmuv3_event_of_an_older_kernel_has_a_stream_but_no_device),
		cmocka_unit_test(smmuv3_event_of_a_newer_kernel_names_its_device_once),
		cmocka_unit_test(smmuv3_event_with_lines_missing_is_no_fault),
		cmocka_unit_test(smmuv2_context_fault_has_direction_and_stream),
		cmocka_unit_test(lines_that_the_kernel_left_out_are_counted),
		cmocka_unit_test(overflow_of_a_unit_is_counted),
		cmocka_unit_test(records_that_were_overwritten_are_counted),
		cmocka_unit_test(a_program_cannot_forge_a_fault),
		cmocka_unit_test(lines_that_only_look_like_faults_are_none),
		cmocka_unit_test(damaged_lines_are_read_without_harm),
	};

	return cmocka_run_group_tests_name("host_kmsg", tests, NULL, NULL);
}
