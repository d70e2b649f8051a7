/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of commands that the files of this folder export. */
#pragma once

#include "cli.h"

extern const struct cli_command cli_control[];
extern const struct cli_command cli_config_fwd[];
extern const struct cli_command cli_config_port[];
extern const struct cli_command cli_ports[];
