/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks of what stands before the device: the IOMMU, its group, VFIO and the firmware. */
#include "preflight_checks.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host_file.h"

/* VT-d specification, Extended Capability Register: bit 3, Interrupt Remapping support. */
#define ECAP_IR (UINT64_C(1) << 3)

static bool has_file(const char *root, const char *path, int mode)
{
	char full[PATH_MAX];

	return snprintf(full, sizeof(full), "%s%s", root, path) < PATH_MAX &&
	       access(full, mode) == 0;
}

uint64_t preflight_capabilities(const char *root)
{
	uint64_t capabilities = 0;
	char path[PATH_MAX], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/self/status", root);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		sscanf(line, "CapEff: %" SCNx64, &capabilities);
	if (file != NULL)
		fclose(file);
	return capabilities;
}

/* Nothing translates: because nobody asked for it, or because there is nothing to ask. */
static int tell_no_iommu(const struct preflight_subject *subject, struct base_error *err)
{
	const char *address = subject->out->device.address;

	if (host_iommu_is_on(subject->root))
		return base_error_set(err, -ENODEV,
				      "%s has no IOMMU group: none of this machine's IOMMUs stands "
				      "before it; take another device, or go unprotected: "
				      "config/host/bind --no-iommu %s",
				      address, address);
	if (has_file(subject->root, "/sys/firmware/acpi/tables/DMAR", F_OK))
		return base_error_set(err, -ENODEV,
				      "the IOMMU is off, so %s has no group: boot with "
				      "intel_iommu=on, or go unprotected: config/host/bind "
				      "--no-iommu %s",
				      address, address);
	return base_error_set(err, -ENODEV,
			      "the IOMMU is off, so %s has no group: switch it on in the firmware "
			      "(VT-d, AMD-Vi, SMMU) and, on Intel, boot with intel_iommu=on; or go "
			      "unprotected: config/host/bind --no-iommu %s",
			      address, address);
}

int preflight_find_group(const struct preflight_subject *subject, struct base_error *err)
{
	struct preflight *out = subject->out;
	int ret;

	memset(&out->group, 0, sizeof(out->group));
	out->group.number = -1;
	out->way = PREFLIGHT_TYPE1;
	if (out->device.group < 0)
		return preflight_is_uio(&out->device) ? 0 : tell_no_iommu(subject, err);
	ret = host_group_read(subject->root, out->device.group, &out->group);
	if (ret != 0)
		return base_error_set(err, ret,
				      "IOMMU group %d of %s cannot be read from "
				      "/sys/kernel/iommu_groups: %s",
				      out->device.group, out->device.address, strerror(-ret));
	if (out->group.is_noiommu)
		out->way = PREFLIGHT_DIRECT;
	return 0;
}

/* The kernel's rule: a group is lent whole (linux iommu.c, iommu_group_claim_dma_owner). */
int preflight_check_viable(const struct preflight_subject *subject, struct base_error *err)
{
	const struct preflight *out = subject->out;
	const struct host_pci_device *member = host_group_blocker(&out->group);

	if (member == NULL || preflight_is_uio(&out->device))
		return 0;
	return base_error_set(
		err, -EBUSY,
		"group %d of %s is not viable: %s is bound to %s; bind it to vfio-pci "
		"too (config/host/bind %s) or leave it without a driver "
		"(config/host/unbind --none %s)",
		out->group.number, out->device.address, member->address, member->driver,
		member->address, member->address);
}

static int check_file(const struct preflight_subject *subject, const char *path,
		      struct base_error *err)
{
	const char *address = subject->out->device.address;

	if (has_file(subject->root, path, R_OK | W_OK))
		return 0;
	if (!has_file(subject->root, path, F_OK))
		return base_error_set(err, -ENOENT,
				      "%s is on VFIO, but there is no %s: where this is a "
				      "container, give it the file; else load what is missing with "
				      "config/host/bind %s",
				      address, path, address);
	return base_error_set(err, -EACCES,
			      "%s may not be opened for %s: run as root, or have it given to you "
			      "(chown %u %s)",
			      path, address, (unsigned int)getuid(), path);
}

int preflight_check_files(const struct preflight_subject *subject, struct base_error *err)
{
	const struct preflight *out = subject->out;
	char path[64];
	int ret;

	if (preflight_is_uio(&out->device))
		return 0;
	snprintf(path, sizeof(path), "/dev/vfio/%s%d", out->group.is_noiommu ? "noiommu-" : "",
		 out->group.number);
	ret = check_file(subject, "/dev/vfio/vfio", err);
	if (ret == 0)
		ret = check_file(subject, path, err);
	if (ret != 0)
		return ret;
	if (out->way == PREFLIGHT_DIRECT) {
		if (preflight_capabilities(subject->root) >> CAP_SYS_RAWIO & 1)
			return 0;
		return base_error_set(err, -EPERM,
				      "%s: VFIO without an IOMMU wants the right to raw I/O "
				      "(CAP_SYS_RAWIO): run as root",
				      out->device.address);
	}
	if (has_file(subject->root, "/sys/module/vfio_iommu_type1", F_OK))
		return 0;
	return base_error_set(err, -ENOENT,
			      "%s: VFIO's IOMMU driver is not there: modprobe vfio_iommu_type1",
			      out->device.address);
}

/*
 * Linux lends no device out of whose memory the firmware goes on to serve itself (VT-d
 * specification, Reserved Memory Region Reporting; linux iommu.c, device_rmrr_is_relaxable).
 */
int preflight_check_firmware(const struct preflight_subject *subject, struct base_error *err)
{
	const struct preflight *out = subject->out;

	for (unsigned int i = 0; i < out->group.reserved_count; i++) {
		const struct host_reserved *region = &out->group.reserved[i];

		if (strcmp(region->type, "direct") != 0 || out->way != PREFLIGHT_TYPE1 ||
		    strncmp(out->device.iommu, "dmar", 4) != 0)
			continue;
		return base_error_set(err, -EPERM,
				      "%s: the firmware keeps 0x%" PRIx64 "-0x%" PRIx64
				      " of group %d for itself (an RMRR), and Linux lends no such "
				      "device; switch off in the firmware what uses it, or take "
				      "another device",
				      out->device.address, region->start, region->last,
				      out->group.number);
	}
	return 0;
}

/* What cannot remap interrupts lets a device write any of them: type1 refuses it (EPERM). */
int preflight_check_interrupts(const struct preflight_subject *subject, struct base_error *err)
{
	const struct preflight *out = subject->out;
	char path[PATH_MAX], text[64];

	if (out->way != PREFLIGHT_TYPE1)
		return 0;
	if (host_read_line(subject->root,
			   "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", text,
			   sizeof(text)) == 0 &&
	    text[0] == 'Y')
		return 0;
	snprintf(path, sizeof(path), "/sys/class/iommu/%s/intel-iommu/ecap", out->device.iommu);
	if (host_read_line(subject->root, path, text, sizeof(text)) != 0 ||
	    (strtoull(text, NULL, 16) & ECAP_IR) != 0)
		return 0;
	return base_error_set(
		err, -EPERM,
		"%s: %s cannot remap interrupts, so VFIO does not lend the device; "
		"switch interrupt remapping on in the firmware, or accept that it can "
		"raise any interrupt: echo 1 > "
		"/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
		out->device.address, out->device.iommu);
}
