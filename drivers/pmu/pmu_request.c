/* SPDX-License-Identifier: BSD-3-Clause */
/* Turns the events that a family wants into units with their attrs, and counts into figures. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmu_family.h"

int pmu_name_number(const char *name, const char *prefix)
{
	size_t length = strlen(prefix);
	long number;
	char *end;

	if (strncmp(name, prefix, length) != 0 || !isdigit((unsigned char)name[length]))
		return -1;
	number = strtol(name + length, &end, 10);
	return *end == '\0' && number <= UINT16_MAX ? (int)number : -1;
}

static struct pmu_unit *unit_create(const struct pmu_request *request, enum pmu_scope scope)
{
	struct pmu_unit *unit = calloc(1, sizeof(*unit));

	if (unit == NULL)
		return NULL;
	snprintf(unit->pmu, sizeof(unit->pmu), "%s", request->source->name);
	unit->family = request->family;
	unit->scope = scope;
	unit->cpu = request->source->cpus[0];
	if (scope == PMU_SCOPE_REQUESTER)
		snprintf(unit->device, sizeof(unit->device), "%s", request->device->host.address);
	snprintf(unit->users[unit->user_count++], sizeof(unit->users[0]), "%s",
		 request->device->host.address);
	return unit;
}

/* -ENOENT: the PMU does not have the event. */
static int build_attr(const struct pmu_request *request, const struct pmu_event *event,
		      enum pmu_scope scope, struct perf_event_attr *attr)
{
	int ret;

	pmu_source_attr(request->source, attr);
	ret = pmu_source_event(request->source, event->name, attr);
	if (ret == -ENOENT && event->terms != NULL) {
		ret = pmu_source_apply(request->source, event->terms, attr);
		/* a format is missing that no PMU of this kind lacks */
		ret = ret == -ENOENT ? -EINVAL : ret;
	}
	if (ret == 0 && scope == PMU_SCOPE_REQUESTER)
		ret = request->filter(request->source, request->device, attr);
	return ret;
}

static bool is_wanted(const struct pmu_request *request, const struct pmu_event *event,
		      enum pmu_scope scope)
{
	if (request->filter == NULL)
		return true;
	return scope == PMU_SCOPE_REQUESTER ? event->is_per_requester : event->is_per_unit;
}

static int add_counters(const struct pmu_request *request, struct pmu_unit *unit,
			struct base_error *err)
{
	for (const struct pmu_event *event = request->events; event->name != NULL; event++) {
		struct pmu_counter *counter = &unit->counters[unit->counter_count];
		int ret;

		if (!is_wanted(request, event, unit->scope))
			continue;
		if (unit->counter_count == PMU_COUNTERS_MAX)
			return -E2BIG;
		ret = build_attr(request, event, unit->scope, &counter->attr);
		if (ret == -ENOENT)
			continue;
		if (ret != 0)
			return base_error_set(err, ret,
					      "cannot count %s of PMU %s: what " PMU_SYSFS_DEVICES
					      "/%s says of it is not understood (%s)",
					      event->name, unit->pmu, unit->pmu, strerror(-ret));
		snprintf(counter->name, sizeof(counter->name), "%s", event->name);
		counter->fd = -1;
		counter->count = PMU_NA;
		unit->counter_count++;
	}
	return unit->counter_count != 0 ? 0 : -ENOENT;
}

static int plan_scope(const struct pmu_request *request, enum pmu_scope scope,
		      struct pmu_list *list, struct base_error *err)
{
	struct pmu_unit *unit = unit_create(request, scope);
	int ret = unit == NULL ? -ENOMEM : add_counters(request, unit, err);

	if (ret == 0)
		TAILQ_INSERT_TAIL(list, unit, link);
	else
		free(unit);
	return ret;
}

int pmu_request_plan(const struct pmu_request *request, struct pmu_list *list,
		     struct base_error *err)
{
	int requester = -ENOENT, unit;

	if (request->filter != NULL)
		requester = plan_scope(request, PMU_SCOPE_REQUESTER, list, err);
	if (requester != 0 && requester != -ENOENT)
		return requester;
	unit = plan_scope(request, PMU_SCOPE_UNIT, list, err);
	return unit == -ENOENT ? requester : unit;
}

uint64_t pmu_unit_count(const struct pmu_unit *unit, const char *name, bool *is_scaled)
{
	for (unsigned int i = 0; i < unit->counter_count; i++) {
		const struct pmu_counter *counter = &unit->counters[i];

		if (strcmp(counter->name, name) != 0)
			continue;
		*is_scaled |= counter->is_scaled;
		return counter->count;
	}
	return PMU_NA;
}

uint64_t pmu_sum(uint64_t a, uint64_t b)
{
	return a == PMU_NA || b == PMU_NA ? PMU_NA : a + b;
}

uint64_t pmu_difference(uint64_t a, uint64_t b)
{
	if (a == PMU_NA || b == PMU_NA)
		return PMU_NA;
	return a > b ? a - b : 0;
}
