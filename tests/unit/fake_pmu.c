/* SPDX-License-Identifier: BSD-3-Clause */
/* Machines with the IOMMU PMUs of four makers, as their kernels show them in sysfs. */
#include "fake_pmu.h"

#include <limits.h>
#include <stdio.h>

#include "fake_sys.h"

/* A file and its line; file NULL ends them. */
struct line {
	const char *file, *text;
};

void fake_pmu_write(const char *pmu, const char *file, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/%s", pmu, file);
	fake_sys_write(path, text);
}

static void write_lines(const char *pmu, const struct line *lines)
{
	for (; lines->file != NULL; lines++)
		fake_pmu_write(pmu, lines->file, lines->text);
}

static const struct line dmar[] = {
	{"cpumask", "0\n"},
	{"format/event", "config:0-27\n"},
	{"format/event_group", "config:28-31\n"},
	{"events/iommu_clocks", "event_group=0x0,event=0x001\n"},
	{"events/iommu_requests", "event_group=0x0,event=0x002\n"},
	{"events/pw_occupancy", "event_group=0x0,event=0x004\n"},
	{"events/ats_blocked", "event_group=0x0,event=0x008\n"},
	{"events/iommu_mrds", "event_group=0x1,event=0x001\n"},
	{"events/ctxt_cache_lookup", "event_group=0x2,event=0x001\n"},
	{"events/ctxt_cache_hit", "event_group=0x2,event=0x002\n"},
	{"events/ss_nonleaf_lookup", "event_group=0x2,event=0x010\n"},
	{"events/ss_nonleaf_hit", "event_group=0x2,event=0x020\n"},
	{"events/iotlb_lookup", "event_group=0x3,event=0x001\n"},
	{"events/iotlb_hit", "event_group=0x3,event=0x002\n"},
	{NULL, NULL},
};

static const struct line dmar_filters[] = {
	{"format/filter_requester_id_en", "config1:0\n"},
	{"format/filter_domain_en", "config1:1\n"},
	{"format/filter_pasid_en", "config1:2\n"},
	{"format/filter_requester_id", "config1:16-31\n"},
	{"format/filter_domain", "config1:32-47\n"},
	{"format/filter_pasid", "config2:0-21\n"},
	{NULL, NULL},
};

void fake_pmu_dmar(const char *name, const char *type, bool has_filters)
{
	fake_pmu_write(name, "type", type);
	write_lines(name, dmar);
	if (has_filters)
		write_lines(name, dmar_filters);
}

static const struct line iio[] = {
	{"cpumask", "0,28\n"},
	{"format/event", "config:0-7\n"},
	{"format/umask", "config:8-15\n"},
	{"format/edge", "config:18\n"},
	{"format/inv", "config:23\n"},
	{"format/thresh", "config:24-35\n"},
	{NULL, NULL},
};

static const struct line iio_icelake[] = {
	{"format/ch_mask", "config:36-47\n"},
	{"format/fc_mask", "config:48-50\n"},
	{NULL, NULL},
};

static const struct line iio_skylake[] = {
	{"format/ch_mask", "config:36-43\n"},
	{"format/fc_mask", "config:44-46\n"},
	{NULL, NULL},
};

void fake_pmu_iio(const char *model, bool is_skylake)
{
	static const char *const roots[2][2] = {{"0000:00\n", "0000:80\n"},
						{"0000:17\n", "0000:97\n"}};
	char text[256], name[32];

	snprintf(text, sizeof(text),
		 "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: %s\n"
		 "model name\t: Intel(R) Xeon(R)\n\nprocessor\t: 1\nmodel\t\t: 1\n",
		 model);
	fake_sys_write("/proc/cpuinfo", text);
	for (unsigned int box = 0; box < 2; box++) {
		snprintf(name, sizeof(name), "uncore_iio_%u", box);
		fake_pmu_write(name, "type", box == 0 ? "40\n" : "41\n");
		write_lines(name, iio);
		write_lines(name, is_skylake ? iio_skylake : iio_icelake);
		fake_pmu_write(name, "die0", roots[box][0]);
		fake_pmu_write(name, "die1", roots[box][1]);
	}
	/* of another kind, and no boxes of ours */
	fake_pmu_write("uncore_iio_free_running_0", "type", "39\n");
	fake_pmu_write("uncore_iio_free_running_0", "die0", "0000:17\n");
	fake_sys_write("/sys/devices/system/cpu/cpu0/topology/physical_package_id", "0\n");
	fake_sys_write("/sys/devices/system/cpu/cpu28/topology/physical_package_id", "1\n");
}

static const struct line amd[] = {
	{"cpumask", "0\n"},
	{"format/csource", "config:0-7\n"},
	{"format/devid", "config:8-23\n"},
	{"format/domid", "config:24-39\n"},
	{"format/pasid", "config:40-59\n"},
	{"format/devid_mask", "config1:0-15\n"},
	{"format/domid_mask", "config1:16-31\n"},
	{"format/pasid_mask", "config1:32-51\n"},
	{"events/mem_trans_total", "csource=0x05\n"},
	{"events/mem_iommu_tlb_pte_hit", "csource=0x06\n"},
	{"events/mem_iommu_tlb_pte_mis", "csource=0x07\n"},
	{"events/mem_iommu_tlb_pde_hit", "csource=0x08\n"},
	{"events/mem_iommu_tlb_pde_mis", "csource=0x09\n"},
	{"events/page_tbl_read_tot", "csource=0x0c\n"},
	{"events/tlb_inv", "csource=0x13\n"},
	{NULL, NULL},
};

void fake_pmu_amd(const char *name, const char *type)
{
	fake_pmu_write(name, "type", type);
	write_lines(name, amd);
}

static const struct line smmuv3[] = {
	{"cpumask", "5\n"},
	{"format/event", "config:0-15\n"},
	{"format/filter_stream_id", "config1:0-31\n"},
	{"format/filter_span", "config1:32\n"},
	{"format/filter_enable", "config1:33\n"},
	{"events/cycles", "event=0x0\n"},
	{"events/transaction", "event=0x1\n"},
	{"events/tlb_miss", "event=0x2\n"},
	{"events/config_cache_miss", "event=0x3\n"},
	{"events/trans_table_walk_access", "event=0x4\n"},
	{NULL, NULL},
};

void fake_pmu_smmuv3(const char *name, const char *type)
{
	fake_pmu_write(name, "type", type);
	write_lines(name, smmuv3);
}

void fake_pmu_device(const char *address, const char *iommu, const char *root_bus)
{
	char path[PATH_MAX], target[PATH_MAX];

	/* as in the kernel, where the bus's folder has links only */
	snprintf(path, sizeof(path), "/sys/devices/pci%s/%s/revision", root_bus, address);
	fake_sys_write(path, "0x00\n");
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", address);
	snprintf(target, sizeof(target), "../../../devices/pci%s/%s", root_bus, address);
	fake_sys_link(path, target);
	fake_sys_device(&(struct fake_sys_device){.address = address, .iommu = iommu});
}
