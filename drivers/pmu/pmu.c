/* SPDX-License-Identifier: BSD-3-Clause */
/* Hardware counters of IOMMUs, found in sysfs and read with perf_event_open. */
#include "pmu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmu_family.h"
#include "pmu_perf.h"

struct pmu {
	char *root;
	struct pmu_list units;
};

const char *pmu_unit_family(const struct pmu_unit *unit)
{
	return unit->family->name;
}

void pmu_unit_iotlb(const struct pmu_unit *unit, struct pmu_iotlb *out)
{
	*out = (struct pmu_iotlb){.lookups = PMU_NA, .hits = PMU_NA, .misses = PMU_NA};
	unit->family->iotlb(unit, out);
}

bool pmu_unit_serves(const struct pmu_unit *unit, const char *address)
{
	for (unsigned int i = 0; i < unit->user_count; i++) {
		if (strcmp(unit->users[i], address) == 0)
			return true;
	}
	return false;
}

/* --- the plan --------------------------------------------------------------------------------- */

static int read_device(const char *root, const char *address, struct pmu_device *device)
{
	unsigned int segment, bus, slot, function;
	int ret = host_pci_read(root, address, &device->host);

	if (ret != 0)
		return ret;
	if (sscanf(device->host.address, "%x:%x:%x.%x", &segment, &bus, &slot, &function) != 4)
		return -EINVAL;
	device->segment = segment;
	device->requester_id = (uint16_t)(bus << 8 | slot << 3 | function);
	if (host_pci_root_bus(root, device->host.address, device->root_bus) != 0)
		device->root_bus[0] = '\0';
	return 0;
}

static int no_pmu(const struct pmu_device *device, struct base_error *err)
{
	if (device->host.iommu[0] == '\0')
		return base_error_set(err, -ENODEV, "%s stands behind no IOMMU",
				      device->host.address);
	return base_error_set(err, -ENODEV,
			      "the kernel has no PMU for %s, the IOMMU of %s: " PMU_SYSFS_DEVICES
			      " names none that is known",
			      device->host.iommu, device->host.address);
}

int pmu_plan(const char *root, const char *address, struct pmu_list *list, struct base_error *err)
{
	struct pmu_device device;
	int ret = read_device(root, address, &device), failed = 0;
	bool has_units = false;

	if (ret != 0)
		return base_error_set(err, -ENODEV, "%s is no PCI device of this machine", address);
	for (const struct pmu_family *const *family = pmu_families; *family != NULL; family++) {
		ret = (*family)->plan(root, &device, list, err);
		has_units |= ret == 0;
		if (ret != 0 && ret != -ENOENT && failed == 0)
			failed = ret;
	}
	if (has_units)
		return 0;
	if (failed != 0)
		return base_error_set(err, failed, "cannot plan what to count for %s: %s", address,
				      strerror(-failed));
	/* a family that should have had one has said why it has not */
	if (err == NULL || err->code == 0)
		return no_pmu(&device, err);
	return -ENODEV;
}

void pmu_plan_free(struct pmu_list *list)
{
	struct pmu_unit *unit;

	while ((unit = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, unit, link);
		free(unit);
	}
}

/* --- open counters ---------------------------------------------------------------------------- */

int pmu_create(const char *root, struct pmu **out)
{
	struct pmu *pmu = calloc(1, sizeof(*pmu));

	if (pmu == NULL)
		return -ENOMEM;
	pmu->root = strdup(root);
	if (pmu->root == NULL) {
		free(pmu);
		return -ENOMEM;
	}
	TAILQ_INIT(&pmu->units);
	*out = pmu;
	return 0;
}

static void close_unit(struct pmu_unit *unit)
{
	for (unsigned int i = 0; i < unit->counter_count; i++)
		pmu_perf_close(&unit->counters[i]);
}

void pmu_destroy(struct pmu *pmu)
{
	struct pmu_unit *unit;

	if (pmu == NULL)
		return;
	TAILQ_FOREACH(unit, &pmu->units, link)
		close_unit(unit);
	pmu_plan_free(&pmu->units);
	free(pmu->root);
	free(pmu);
}

static struct pmu_unit *find_same(struct pmu *pmu, const struct pmu_unit *planned)
{
	struct pmu_unit *unit;

	TAILQ_FOREACH(unit, &pmu->units, link) {
		if (strcmp(unit->pmu, planned->pmu) == 0 && unit->cpu == planned->cpu &&
		    unit->scope == planned->scope && strcmp(unit->device, planned->device) == 0)
			break;
	}
	return unit;
}

static int open_error(const struct pmu_unit *unit, const struct pmu_counter *counter,
		      struct base_error *err)
{
	if (counter->error == -EACCES || counter->error == -EPERM)
		return base_error_set(err, counter->error,
				      "PMU %s may not be read (%s): run as root or with "
				      "CAP_PERFMON, or set kernel.perf_event_paranoid to 0 or less",
				      unit->pmu, strerror(-counter->error));
	return base_error_set(err, counter->error, "event %s of PMU %s cannot be opened: %s",
			      counter->name, unit->pmu, strerror(-counter->error));
}

/* An event that this hardware does not take costs that event only. 0: at least one is open. */
static int open_unit(struct pmu_unit *unit, struct base_error *err)
{
	bool is_open = false;
	int failed = 0;

	for (unsigned int i = 0; i < unit->counter_count; i++) {
		struct pmu_counter *counter = &unit->counters[i];
		int ret = pmu_perf_open(counter, unit->cpu);

		is_open |= ret == 0;
		if (ret != 0 && failed == 0)
			failed = open_error(unit, counter, err);
	}
	return is_open ? 0 : failed;
}

static void add_user(struct pmu_unit *unit, const char *address)
{
	if (unit->user_count < PMU_USERS_MAX && !pmu_unit_serves(unit, address))
		snprintf(unit->users[unit->user_count++], sizeof(unit->users[0]), "%s", address);
}

/* Takes a planned unit over, or counts a user more of one that is open; 0: it is counted. */
static int enter(struct pmu *pmu, struct pmu_unit *planned, struct base_error *err)
{
	struct pmu_unit *same = find_same(pmu, planned);
	int ret = 0;

	if (same != NULL)
		add_user(same, planned->users[0]);
	else
		ret = open_unit(planned, err);
	if (same == NULL && ret == 0)
		TAILQ_INSERT_TAIL(&pmu->units, planned, link);
	else
		free(planned);
	return ret;
}

int pmu_attach(struct pmu *pmu, const char *address, struct base_error *err)
{
	struct pmu_list planned = TAILQ_HEAD_INITIALIZER(planned);
	struct pmu_unit *unit;
	bool is_counted = false;
	int ret = pmu_plan(pmu->root, address, &planned, err);

	while ((unit = TAILQ_FIRST(&planned)) != NULL) {
		int entered;

		TAILQ_REMOVE(&planned, unit, link);
		entered = enter(pmu, unit, err);
		is_counted |= entered == 0;
		if (ret == 0)
			ret = entered;
	}
	return is_counted ? 0 : ret;
}

static void remove_user(struct pmu_unit *unit, const char *address)
{
	for (unsigned int i = 0; i < unit->user_count; i++) {
		if (strcmp(unit->users[i], address) != 0)
			continue;
		unit->user_count--;
		memmove(unit->users[i], unit->users[i + 1],
			(unit->user_count - i) * sizeof(unit->users[0]));
		return;
	}
}

void pmu_detach(struct pmu *pmu, const char *address)
{
	struct pmu_unit *unit = TAILQ_FIRST(&pmu->units), *next;

	for (; unit != NULL; unit = next) {
		next = TAILQ_NEXT(unit, link);
		remove_user(unit, address);
		if (unit->user_count != 0)
			continue;
		close_unit(unit);
		TAILQ_REMOVE(&pmu->units, unit, link);
		free(unit);
	}
}

void pmu_read(struct pmu *pmu)
{
	struct pmu_unit *unit;

	TAILQ_FOREACH(unit, &pmu->units, link) {
		for (unsigned int i = 0; i < unit->counter_count; i++)
			pmu_perf_read(&unit->counters[i], unit->family->stops_to_read);
	}
}

const struct pmu_list *pmu_units(const struct pmu *pmu)
{
	return &pmu->units;
}
