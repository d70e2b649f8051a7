/* SPDX-License-Identifier: BSD-3-Clause */
/* Fault lines of Intel's and AMD's drivers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_kmsg_private.h"

/* VT-d: "PTE Write access is not set", "PTE Read access is not set", "non-zero reserved fields" */
#define REASON_WRITE	0x05
#define REASON_READ	0x06
#define REASON_RESERVED 0x0c

/* Event log entries, flags (AMD I/O Virtualization Technology Specification, IO_PAGE_FAULT) */
#define AMD_INTERRUPT 0x008
#define AMD_PRESENT   0x010
#define AMD_WRITE     0x020
#define AMD_RESERVED  0x080

static const struct host_kmsg_fault no_fault = {.stream_id = HOST_KMSG_NO_STREAM};

/*
 * dmar_fault_do_one(). Since 5.14 "[DMA Read NO_PASID] Request device [00:02.0] fault addr
 * 0x80001000 [fault reason 0x06] PTE Read access is not set"; before, "[DMA Read] Request device
 * [00:02.0] PASID ffffffff fault addr 80001000 [fault reason 06] ...", first without the PASID.
 */
bool host_kmsg_intel(const char *message, struct host_kmsg_fault *fault)
{
	const char *device = host_kmsg_after(message, "] Request device [");
	const char *reason = host_kmsg_after(message, "[fault reason ");
	bool is_interrupt = strncmp(message, "DMAR: [INTR-REMAP]", 18) == 0;
	uint64_t number;
	char *end;

	*fault = no_fault;
	if (strncmp(message, "DMAR: [", 7) != 0 || device == NULL || reason == NULL)
		return false;
	/* The older ones print the reason in decimal. */
	number = strtoull(reason, &end, strncmp(reason, "0x", 2) == 0 ? 16 : 10);
	if (end == reason || strncmp(end, "] ", 2) != 0 || number > UINT8_MAX)
		return false;
	if (!host_kmsg_device(device, fault->device, sizeof(fault->device)))
		return false;
	fault->reason = (uint8_t)number;
	if (is_interrupt) {
		if (!host_kmsg_hex(message, "fault index ", &number))
			return false;
		snprintf(fault->text, sizeof(fault->text), "interrupt 0x%" PRIx64 ": %s", number,
			 end + 2);
		return true;
	}
	if (!host_kmsg_hex(message, "fault addr ", &fault->iova))
		return false;
	if (strncmp(message, "DMAR: [DMA Read", 15) == 0)
		fault->access = HOST_KMSG_READ;
	else if (strncmp(message, "DMAR: [DMA Write", 16) == 0)
		fault->access = HOST_KMSG_WRITE;
	snprintf(fault->text, sizeof(fault->text), "%s", end + 2);
	return true;
}

/* IO_PAGE_FAULT tells direction, and whether there was an entry. */
static void read_page_fault(uint64_t flags, struct host_kmsg_fault *fault)
{
	const char *why = "not present";

	if (flags & AMD_INTERRUPT) {
		snprintf(fault->text, sizeof(fault->text),
			 "IO_PAGE_FAULT: interrupt, flags 0x%04" PRIx64, flags);
		return;
	}
	fault->access = flags & AMD_WRITE ? HOST_KMSG_WRITE : HOST_KMSG_READ;
	fault->reason = flags & AMD_WRITE ? REASON_WRITE : REASON_READ;
	if (flags & AMD_PRESENT) {
		why = "no permission";
		if (flags & AMD_RESERVED) {
			fault->reason = REASON_RESERVED;
			why = "reserved bits set";
		}
	}
	snprintf(fault->text, sizeof(fault->text), "IO_PAGE_FAULT: %s, flags 0x%04" PRIx64, why,
		 flags);
}

/* Other events about a device; those without one are about the driver's own commands. */
static bool is_device_event(const char *name)
{
	static const char *const names[] = {"ILLEGAL_DEV_TABLE_ENTRY", "DEV_TAB_HARDWARE_ERROR",
					    "PAGE_TAB_HARDWARE_ERROR", "INVALID_DEVICE_REQUEST"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(name, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

/* The word before "AMD-Vi:" in "vfio-pci 0000:02:00.0: AMD-Vi: Event logged [...". */
static bool device_before(const char *message, const char *mark, char *device, size_t size)
{
	const char *word = message;

	for (const char *c = message; c + 1 < mark; c++) {
		if (*c == ' ')
			word = c + 1;
	}
	return word != mark && host_kmsg_device(word, device, size);
}

/*
 * amd_iommu_report_page_fault() and iommu_print_event(): "AMD-Vi: Event logged [IO_PAGE_FAULT
 * device=02:00.0 domain=0x0012 address=0x80001000 flags=0x0020]" where the driver has no struct
 * for the device (with a segment since 6.0), else "vfio-pci 0000:02:00.0: AMD-Vi: Event logged
 * [IO_PAGE_FAULT domain=...".
 */
bool host_kmsg_amd(const char *message, struct host_kmsg_fault *fault)
{
	const char *mark = strstr(message, "AMD-Vi: Event logged [");
	const char *event, *device;
	uint64_t flags = 0;

	*fault = no_fault;
	if (mark == NULL)
		return false;
	event = host_kmsg_after(mark, "[");
	device = host_kmsg_after(event, " device=");
	if (device != NULL ? !host_kmsg_device(device, fault->device, sizeof(fault->device))
			   : !device_before(message, mark, fault->device, sizeof(fault->device)))
		return false;
	if (!host_kmsg_hex(event, " address=", &fault->iova) ||
	    !host_kmsg_hex(event, " flags=", &flags))
		return false;
	fault->reason = HOST_KMSG_REASON_OTHER;
	if (strncmp(event, "IO_PAGE_FAULT ", 14) == 0) {
		read_page_fault(flags, fault);
		return true;
	}
	snprintf(fault->text, sizeof(fault->text), "%.*s, flags 0x%04" PRIx64,
		 (int)strcspn(event, " ]"), event, flags);
	return is_device_event(event);
}
