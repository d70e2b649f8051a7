/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line: one table of commands a noun, parsed and completed by rte_cmdline. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CLI_WORDS_MAX 16
#define CLI_WORD_SIZE 128 /* rte_cmdline's limit */

struct port;

/* The words of a command, counted from 0: "set burst N" has its number in word[2]. */
struct cli_args {
	union {
		char text[CLI_WORD_SIZE];
		uint64_t number;
	} word[CLI_WORDS_MAX];
};

/*
 * One command. The words of its grammar are: "word", "this|that", "<text>" (any word), "NUMBER"
 * (capitals). run() prints to stdout with printf and reports failure with cli_fail().
 */
struct cli_command {
	const char *section; /* "control", "display", "config", "ports" */
	const char *grammar; /* "set promisc <port|all> on|off": also what help shows */
	const char *help;
	void (*run)(const struct cli_args *args);
	/*
	 * Instead of run: the grammar ends with "<rest>", which gets the rest of the line as it
	 * stands: file names and devargs of any length, with '#'. Tried before all others.
	 */
	void (*run_rest)(const char *rest);
};

/* cli_table.c: each file's commands (ended by an entry without grammar), NULL at the end. */
extern const struct cli_command *const cli_tables[];

/**
 * The command failed, and this is the one line that says why and what to do. The first call of a
 * command counts. Scripts stop there, and the program will exit with status 1.
 */
void cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * Next port that a word ("all" or an id) names after prev (NULL: the first), NULL at the end.
 * A word that names no port fails the command.
 */
struct port *cli_port_next(const char *word, const struct port *prev);

/** The port of a number; NULL, and the command has failed, when there is none. */
struct port *cli_port(uint64_t id);

/** A number of the grammar that must lie within min..max; false, and the command has failed. */
bool cli_check(const char *what, uint64_t number, uint64_t min, uint64_t max);

/* --- for main() ----------------------------------------------------------------------------- */

/** Makes the grammar from the tables; 0 or -ENOMEM, -EINVAL. */
int cli_create(void);
void cli_destroy(void);

/** Runs one line without its newline; 0, or -1 when it failed: cli_reason() says why. */
int cli_run_line(const char *line);
const char *cli_reason(void);

/**
 * Runs a script; reports each failure as "F:LINE: reason" on stderr and stops at the first
 * (--keep-going: goes on). `load` nests up to 8 deep. -1 when a line failed.
 */
int cli_run_file(const char *path);

/**
 * Reads commands from standard input until quit or its end: a terminal has a prompt, TAB and
 * history; anything else is read as a script. -1 when a line failed.
 */
int cli_run_stdin(void);

/** True from `quit`, SIGINT or SIGTERM on. cli_quit() is safe in a signal handler. */
bool cli_is_quitting(void);
void cli_quit(void);
