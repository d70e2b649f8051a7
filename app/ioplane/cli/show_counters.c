/* SPDX-License-Identifier: BSD-3-Clause */
/* show iommu counters [P|all]: what the hardware counts of IOTLBs. */
#include <stdio.h>
#include <string.h>
#include <jansson.h>

#include "cli_commands.h"
#include "port.h"
#include "report.h"
#include "show.h"

void show_counters(const struct cli_args *args, bool has_word)
{
	const char *word = has_word ? args->word[3].text : "all";
	const struct port *port = NULL;
	struct stats_report *report;
	int id;

	if (strcmp(word, "all") != 0 && (port = cli_port_next(word, NULL)) == NULL)
		return;
	report = show_report();
	if (report == NULL)
		return;
	id = port == NULL ? -1 : port->id;
	if (show_is_json())
		report_print_json(stats_json_pmu(&report->pmu, id));
	else
		stats_text_pmu(&report->pmu, id, stdout);
	stats_report_destroy(report);
}
