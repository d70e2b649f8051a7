/* SPDX-License-Identifier: BSD-3-Clause */
/* All tables of commands: a new file of commands is a line here. */
#include <stddef.h>

#include "cli_commands.h"

const struct cli_command *const cli_tables[] = {
	cli_control, cli_config_fwd, cli_config_port, cli_ports, NULL,
};
