/* SPDX-License-Identifier: BSD-3-Clause */
/* Machines with the IOMMU PMUs of four makers, as their kernels show them in sysfs. */
#pragma once

#include <stdbool.h>

/** Writes below /sys/bus/event_source/devices/<pmu>/ of fake_sys' root. */
void fake_pmu_write(const char *pmu, const char *file, const char *text);

/** A VT-d unit: Linux drivers/iommu/intel/perfmon.c. */
void fake_pmu_dmar(const char *name, const char *type, bool has_filters);

/** Two sockets with two IIO boxes each, at roots 00 and 17, 80 and 97: uncore_snbep.c. */
void fake_pmu_iio(const char *model, bool is_skylake);

/** An AMD IOMMU: arch/x86/events/amd/iommu.c. */
void fake_pmu_amd(const char *name, const char *type);

/** A counter group of an SMMUv3: drivers/perf/arm_smmuv3_pmu.c. */
void fake_pmu_smmuv3(const char *name, const char *type);

/** A device behind an IOMMU and below a root bus ("0000:17"). */
void fake_pmu_device(const char *address, const char *iommu, const char *root_bus);
