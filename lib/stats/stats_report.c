/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a snapshot, and the lock under which one is taken. */
#include <pthread.h>
#include <stdlib.h>

#include "stats.h"

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

void stats_lock(void)
{
	pthread_mutex_lock(&lock);
}

void stats_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

void stats_report_destroy(struct stats_report *report)
{
	if (report == NULL)
		return;
	for (unsigned int i = 0; report->ports != NULL && i < report->port_count; i++) {
		free(report->ports[i].rx_queues);
		free(report->ports[i].tx_queues);
	}
	for (unsigned int i = 0; report->domains != NULL && i < report->domain_count; i++) {
		free(report->domains[i].devices);
		free(report->domains[i].faults);
	}
	free(report->ports);
	free(report->domains);
	free(report->units);
	free(report->pmu.units);
	free(report->pmu.reasons);
	free(report->replays);
	free(report);
}

const struct stats_port *stats_report_port(const struct stats_report *report, uint16_t id)
{
	for (unsigned int i = 0; i < report->port_count; i++) {
		if (report->ports[i].id == id)
			return &report->ports[i];
	}
	return NULL;
}

const char *stats_access_name(uint32_t access)
{
	if (access == 0)
		return NULL;
	return access & IOMMU_WRITE ? "write" : "read";
}

const char *stats_protection_name(bool is_protected)
{
	return is_protected ? "iommu" : "UNPROTECTED";
}

const char *stats_source_name(enum stats_source source)
{
	switch (source) {
	case STATS_SOURCE_EXACT:
		return "exact";
	case STATS_SOURCE_HW:
		return "hw";
	case STATS_SOURCE_MODEL:
		return "model";
	case STATS_SOURCE_NONE:
		break;
	}
	return "n/a";
}
