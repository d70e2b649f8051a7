/* SPDX-License-Identifier: BSD-3-Clause */
/* Hardware counters of the IOMMUs that ports on PCI devices are behind: --pmu. */
#include "pmu_watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "options.h"
#include "pmu.h"
#include "port.h"

/* A read interrupts the CPU that the PMU belongs to, often 0, which may forward. */
#define READ_PERIOD_NS 100000000

_Static_assert(PMU_NA == STATS_NA && PMU_COUNTERS_MAX == STATS_PMU_EVENTS_MAX,
	       "what was counted needs no translation");

/* All under stats_lock(). */
static struct {
	struct pmu *pmu; /* NULL: no port was on a PCI device yet */
	uint64_t next_read_ns;
} watch;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void pmu_watch_attach(struct port *port)
{
	struct base_error err = {0};
	int ret = 0;

	if (port->kind != PORT_PCI || !options_get()->uses_pmu)
		return;
	if (watch.pmu == NULL)
		ret = pmu_create("", &watch.pmu);
	if (ret == 0)
		ret = pmu_attach(watch.pmu, port->name, &err);
	else
		base_error_set(&err, ret, "out of memory");
	/* with 0, too: what else went wrong */
	snprintf(port->pmu_reason, sizeof(port->pmu_reason), "%s", err.text);
	/* a machine without a PMU is the usual case; one that is kept from us can be helped */
	if (ret != 0 && ret != -ENODEV)
		fprintf(stderr, "ioplane: hardware counters are not read: %s\n", err.text);
	/* what was opened now is not what was read last */
	watch.next_read_ns = 0;
}

void pmu_watch_detach(const struct port *port)
{
	if (watch.pmu != NULL)
		pmu_detach(watch.pmu, port->name);
}

static void add_ports(const struct pmu_unit *unit, struct stats_pmu_unit *out)
{
	const struct port *port = NULL;

	while ((port = port_next(port)) != NULL) {
		if (out->port_count < STATS_PMU_PORTS_MAX && pmu_unit_serves(unit, port->name))
			out->ports[out->port_count++] = port->id;
	}
}

static void fill_unit(const struct pmu_unit *unit, struct stats_pmu_unit *out)
{
	struct pmu_iotlb iotlb;

	snprintf(out->pmu, sizeof(out->pmu), "%s", unit->pmu);
	snprintf(out->family, sizeof(out->family), "%s", pmu_unit_family(unit));
	snprintf(out->device, sizeof(out->device), "%s", unit->device);
	add_ports(unit, out);
	pmu_unit_iotlb(unit, &iotlb);
	out->lookups = iotlb.lookups;
	out->hits = iotlb.hits;
	out->misses = iotlb.misses;
	for (unsigned int i = 0; i < unit->counter_count; i++) {
		const struct pmu_counter *counter = &unit->counters[i];
		struct stats_pmu_event *event = &out->events[out->event_count++];

		snprintf(event->name, sizeof(event->name), "%s", counter->name);
		event->count = counter->count;
		out->is_scaled |= counter->is_scaled;
	}
}

static void add_reason(const struct port *port, struct stats_pmu *out)
{
	struct stats_pmu_reason *reason = &out->reasons[out->reason_count];

	if (port->kind == PORT_PCI)
		snprintf(reason->text, sizeof(reason->text), "%s", port->pmu_reason);
	else
		snprintf(reason->text, sizeof(reason->text), "%s is no PCI device", port->name);
	if (!options_get()->uses_pmu)
		snprintf(reason->text, sizeof(reason->text), "--pmu off");
	reason->port = port->id;
	if (reason->text[0] != '\0')
		out->reason_count++;
}

/* Of each port, and for all the first one's that should be counted. */
static int fill_reasons(struct stats_pmu *out)
{
	const struct port *port = NULL;
	bool has_pci = false;

	out->reasons = calloc(port_count() + 1u, sizeof(*out->reasons));
	if (out->reasons == NULL)
		return -ENOMEM;
	while ((port = port_next(port)) != NULL) {
		add_reason(port, out);
		has_pci |= port->kind == PORT_PCI;
		if (out->reason[0] == '\0' && port->kind == PORT_PCI)
			snprintf(out->reason, sizeof(out->reason), "%s", port->pmu_reason);
	}
	if (!options_get()->uses_pmu)
		snprintf(out->reason, sizeof(out->reason), "--pmu off");
	else if (!has_pci)
		snprintf(out->reason, sizeof(out->reason), "no port is a PCI device");
	return 0;
}

static int fill_units(struct stats_pmu *out)
{
	const struct pmu_unit *unit;
	unsigned int count = 0;

	TAILQ_FOREACH(unit, pmu_units(watch.pmu), link)
		count++;
	if (count == 0)
		return 0;
	out->units = calloc(count, sizeof(*out->units));
	if (out->units == NULL)
		return -ENOMEM;
	TAILQ_FOREACH(unit, pmu_units(watch.pmu), link)
		fill_unit(unit, &out->units[out->unit_count++]);
	return 0;
}

int pmu_watch_collect(struct stats_pmu *out)
{
	uint64_t now = now_ns();
	int ret = fill_reasons(out);

	if (ret != 0 || watch.pmu == NULL)
		return ret;
	if (now >= watch.next_read_ns) {
		pmu_read(watch.pmu);
		watch.next_read_ns = now + READ_PERIOD_NS;
	}
	return fill_units(out);
}

void pmu_watch_stop(void)
{
	pmu_destroy(watch.pmu);
	watch.pmu = NULL;
}
