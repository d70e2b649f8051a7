/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU events of Intel's uncore IIO boxes, one a PCI root: arch/x86/events/intel/uncore_snbep.c.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_file.h"
#include "iio.h"

/* A die of the machine, and the CPU that reads its boxes. */
struct die {
	uint64_t package, die;
	int cpu;
};

static int compare_dies(const void *a, const void *b)
{
	const struct die *x = a, *y = b;

	if (x->package != y->package)
		return x->package < y->package ? -1 : 1;
	return x->die < y->die ? -1 : x->die > y->die;
}

static uint64_t topology(const char *root, int cpu, const char *file)
{
	uint64_t value = 0;
	char path[128];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/%s", cpu, file);
	/* a kernel without die_id has one die a package */
	return host_read_number(root, path, &value) == 0 ? value : 0;
}

/* The cpumask has a CPU of each die; dies are numbered by package, then by die. -1: none. */
static int cpu_of_die(const struct pmu_source *source, unsigned int number)
{
	struct die dies[PMU_CPUS_MAX];

	if (number >= source->cpu_count)
		return -1;
	for (unsigned int i = 0; i < source->cpu_count; i++) {
		int cpu = source->cpus[i];

		dies[i] = (struct die){
			.package = topology(source->root, cpu, "physical_package_id"),
			.die = topology(source->root, cpu, "die_id"),
			.cpu = cpu,
		};
	}
	qsort(dies, source->cpu_count, sizeof(dies[0]), compare_dies);
	return dies[number].cpu;
}

/* True when "0000:17" and "0:17" are the same bus. */
static bool is_same_bus(const char *a, const char *b)
{
	unsigned int segment_a, bus_a, segment_b, bus_b;

	return sscanf(a, "%x:%x", &segment_a, &bus_a) == 2 &&
	       sscanf(b, "%x:%x", &segment_b, &bus_b) == 2 && segment_a == segment_b &&
	       bus_a == bus_b;
}

/* The die whose box of this name stands at the bus; -1: none. */
static int find_die(const struct pmu_source *source, const char *bus)
{
	char file[16], text[HOST_NAME_SIZE];

	for (unsigned int die = 0; die < PMU_CPUS_MAX; die++) {
		snprintf(file, sizeof(file), "die%u", die);
		if (pmu_source_line(source, file, text, sizeof(text)) == 0 &&
		    is_same_bus(text, bus))
			return (int)die;
	}
	return -1;
}

static int plan_box(struct pmu_source *source, const struct pmu_device *device,
		    const struct pmu_event *events, struct pmu_list *list, struct base_error *err)
{
	const struct pmu_request request = {
		.family = &pmu_iio, .source = source, .events = events, .device = device};
	int die = find_die(source, device->root_bus);
	int cpu = die < 0 ? -1 : cpu_of_die(source, (unsigned int)die);

	if (cpu < 0)
		return -ENOENT;
	source->cpus[0] = cpu;
	return pmu_request_plan(&request, list, err);
}

static int plan(const char *root, const struct pmu_device *device, struct pmu_list *list,
		struct base_error *err)
{
	const struct pmu_event *events = iio_events(root);
	struct pmu_source source;
	unsigned int count;
	char **names;
	int ret = -ENOENT;

	if (events == NULL || device->root_bus[0] == '\0' ||
	    host_list(root, PMU_SYSFS_DEVICES, &names, &count) != 0)
		return -ENOENT;
	for (unsigned int i = 0; ret == -ENOENT && i < count; i++) {
		/* uncore_iio_free_running_0 is another kind */
		if (pmu_name_number(names[i], "uncore_iio_") < 0)
			continue;
		ret = pmu_source_open(root, names[i], &source);
		if (ret == 0)
			ret = plan_box(&source, device, events, list, err);
		else
			base_error_set(err, ret, "PMU %s: its type or cpumask makes no sense: %s",
				       names[i], strerror(-ret));
	}
	host_list_free(names, count);
	return ret;
}

static void iotlb(const struct pmu_unit *unit, struct pmu_iotlb *out)
{
	bool *is_scaled = &out->is_scaled;

	out->misses = pmu_unit_count(unit, IIO_MISSES, is_scaled);
	if (out->misses == PMU_NA)
		out->misses = pmu_unit_count(unit, IIO_SKX_MISSES, is_scaled);
	out->lookups = pmu_unit_count(unit, IIO_LOOKUPS, is_scaled);
	out->hits = pmu_difference(out->lookups, out->misses);
}

const struct pmu_family pmu_iio = {.name = "iio", .plan = plan, .iotlb = iotlb};
