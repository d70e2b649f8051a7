/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line: rte_cmdline grammar on a terminal, the same grammar line by line in scripts. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <cmdline_parse.h>

struct port;

/*
 * One file a noun: it exports a NULL-terminated array of instructions, and cli_table.c has a
 * line for it. Handlers print to stdout with printf and report failure with cli_fail().
 * help_str is "command words: what it does", shown by `help SECTION`.
 */
struct cli_noun {
	const char *section; /* "control", "display", "config" or "ports" */
	cmdline_parse_inst_t *const *instructions;
};

/*
 * Commands whose last token is a file name or devargs: the rest of the line as it stands, of any
 * length, with '#' and spaces (rte_cmdline would cut it). Tried before the grammar.
 */
struct cli_path_command {
	const char *section;
	const char *prefix; /* "load ": ends with a space */
	void (*run)(const char *rest);
	const char *help;
};

/** NULL-terminated tables (cli_table.c). */
extern const struct cli_noun cli_nouns[];
extern const struct cli_path_command cli_path_commands[];

/**
 * The command failed, and this is the one line that says why and what to do. The first call of a
 * command counts. Scripts stop there, and the program will exit with status 1.
 */
void cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Runs one line without its newline; 0, or -1 when it failed: cli_reason() says why. */
int cli_run_line(const char *line);
const char *cli_reason(void);

/**
 * Runs a script; reports each failure as "F:LINE: reason" on stderr and stops at the first
 * (--keep-going: goes on). `load` nests up to 8 deep. -1 when a line failed.
 */
int cli_run_file(const char *path);

/** Reads commands from standard input until quit or its end; -1 when a line of a pipe failed. */
int cli_run_stdin(void);

/** True from `quit`, SIGINT or SIGTERM on: loops end. cli_quit() is safe in a signal handler. */
bool cli_is_quitting(void);
void cli_quit(void);

/**
 * Next port that a token ("all" or an id) names after prev (NULL: the first), NULL at the end.
 * A token that names no port fails the command.
 */
struct port *cli_port_next(const char *token, const struct port *prev);
