/* SPDX-License-Identifier: BSD-3-Clause */
/* Which IOMMU events the IIO boxes of this machine's CPU have. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iio.h"

/* sysfs names no events of these boxes. Misses come first: they are the fewer when read. */
static const struct pmu_event skx[] = {
	{.name = IIO_SKX_MISSES, .terms = "event=0x41,umask=0x20"},
	{.name = "UNC_IIO_VTD_ACCESS.TLB1_MISS", .terms = "event=0x41,umask=0x80"},
	{.name = "UNC_IIO_VTD_ACCESS.L4_PAGE_HIT", .terms = "event=0x41,umask=0x01"},
	{.name = "UNC_IIO_VTD_ACCESS.CTXT_MISS", .terms = "event=0x41,umask=0x02"},
	{0},
};

static const struct pmu_event icx[] = {
	{.name = IIO_MISSES, .terms = "event=0x40,umask=0x20"},
	{.name = IIO_LOOKUPS, .terms = "event=0x40,umask=0x01"},
	{.name = "UNC_IIO_IOMMU0.4K_HITS", .terms = "event=0x40,umask=0x04"},
	{.name = "UNC_IIO_IOMMU1.NUM_MEM_ACCESSES", .terms = "event=0x41,umask=0x40"},
	{0},
};

static const struct pmu_event spr[] = {
	{.name = IIO_MISSES, .terms = "event=0x40,umask=0x20"},
	{.name = IIO_LOOKUPS, .terms = "event=0x40,umask=0x01"},
	{.name = "UNC_IIO_IOMMU0.4K_HITS", .terms = "event=0x40,umask=0x04"},
	{.name = "UNC_IIO_IOMMU1.NUM_MEM_ACCESSES", .terms = "event=0x41,umask=0xc0"},
	{0},
};

/* Models of family 6 (Linux arch/x86/include/asm/intel-family.h). */
static const struct {
	unsigned int model;
	const struct pmu_event *events;
} models[] = {
	{0x55, skx}, /* Skylake, Cascade Lake, Cooper Lake */
	{0x86, icx}, /* Snow Ridge */
	{0x6a, icx}, /* Ice Lake */
	{0x6c, icx}, /* Ice Lake D */
	{0x8f, spr}, /* Sapphire Rapids */
	{0xcf, spr}, /* Emerald Rapids */
	{0xad, spr}, /* Granite Rapids */
	{0xae, spr}, /* Granite Rapids D */
	{0xaf, spr}, /* Sierra Forest */
};

/* What /proc/cpuinfo says of the first CPU. */
struct cpu {
	bool is_intel;
	unsigned int family, model;
};

static void read_line(const char *line, struct cpu *cpu)
{
	char vendor[32];

	if (sscanf(line, "vendor_id : %31s", vendor) == 1)
		cpu->is_intel = strcmp(vendor, "GenuineIntel") == 0;
	else if (sscanf(line, "cpu family : %u", &cpu->family) != 1)
		/* not "model name" */
		(void)sscanf(line, "model : %u", &cpu->model);
}

static void read_cpu(const char *root, struct cpu *cpu)
{
	char path[PATH_MAX], line[512];
	FILE *file;

	*cpu = (struct cpu){0};
	snprintf(path, sizeof(path), "%s/proc/cpuinfo", root);
	file = fopen(path, "re");
	if (file == NULL)
		return;
	/* an empty line ends the first CPU */
	while (fgets(line, sizeof(line), file) != NULL && line[0] != '\n')
		read_line(line, cpu);
	fclose(file);
}

const struct pmu_event *iio_events(const char *root)
{
	struct cpu cpu;

	read_cpu(root, &cpu);
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		if (cpu.is_intel && cpu.family == 6 && cpu.model == models[i].model)
			return models[i].events;
	}
	return NULL;
}
