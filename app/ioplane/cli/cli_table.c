/* SPDX-License-Identifier: BSD-3-Clause */
/* All tables of commands: a new file of commands is a line here. */
#include <stddef.h>

#include "cli_commands.h"

/* A line each, so that two new ones do not meet. clang-format would fill the lines. */
/* clang-format off */
const struct cli_command *const cli_tables[] = {
	cli_clear,
	cli_config_fwd,
	cli_config_port,
	cli_control,
	cli_dump,
	cli_ports,
	cli_replay,
	cli_show_config,
	cli_show_dma,
	cli_show_fwd,
	cli_show_iommu,
	cli_show_iotlb_pages,
	cli_show_port,
	cli_show_port_info,
	cli_show_queue,
	cli_show_rss,
	cli_show_walk,
	cli_tracker,
	NULL,
};
