/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of commands that the files of this folder export. */
#pragma once

#include "cli.h"

extern const struct cli_command cli_control[];
