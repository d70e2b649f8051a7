/* SPDX-License-Identifier: BSD-3-Clause */
/* Turns the tables of commands into rte_cmdline instructions. */
#pragma once

#include <cmdline_parse.h>

#include "cli.h"

struct cmdline;

/** All commands as a context for rte_cmdline; the caller frees it with cli_grammar_free(). */
int cli_grammar_create(cmdline_parse_ctx_t **out);
void cli_grammar_free(cmdline_parse_ctx_t *context);

/** Where the rest of the line begins, if the command takes the rest and the line matches it. */
const char *cli_grammar_rest(const struct cli_command *command, const char *line);

/** The command whose first words match most of the line's, or NULL: for "usage: ...". */
const struct cli_command *cli_grammar_nearest(const char *line);
