/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line on a terminal: prompt, completion, history. */
#pragma once

#include <cmdline_parse.h>

/** Reads and runs commands until quit; always 0: whoever types sees the failures. */
int cli_terminal_run(cmdline_parse_ctx_t *context);
