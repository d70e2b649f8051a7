/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs command lines and scripts, and keeps the reason of a failure. */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmdline.h>
#include <cmdline_parse.h>

#include "cli_grammar.h"
#include "cli_terminal.h"
#include "options.h"
#include "options_table.h"
#include "port.h"

#define NESTING_MAX 8

static struct {
	cmdline_parse_ctx_t *context;
	struct cmdline *parser;
	bool has_failed;
	char reason[1024];
	unsigned int nesting;
} cli;

static volatile sig_atomic_t is_quitting;

bool cli_is_quitting(void)
{
	return is_quitting != 0;
}

void cli_quit(void)
{
	is_quitting = 1;
}

void cli_fail(const char *format, ...)
{
	va_list arguments;

	if (cli.has_failed)
		return;
	cli.has_failed = true;
	va_start(arguments, format);
	vsnprintf(cli.reason, sizeof(cli.reason), format, arguments);
	va_end(arguments);
}

const char *cli_reason(void)
{
	return cli.reason;
}

int cli_create(void)
{
	int ret = cli_grammar_create(&cli.context);

	if (ret != 0)
		return ret;
	cli.parser = cmdline_new(cli.context, "", -1, -1);
	if (cli.parser == NULL) {
		cli_grammar_free(cli.context);
		cli.context = NULL;
		return -ENOMEM;
	}
	return 0;
}

void cli_destroy(void)
{
	cmdline_free(cli.parser);
	cli_grammar_free(cli.context);
	cli.parser = NULL;
	cli.context = NULL;
}

/* The commands that take the rest of the line, which rte_cmdline would cut at '#' or 128. */
static bool run_rest(const char *line)
{
	for (const struct cli_command *const *table = cli_tables; *table != NULL; table++)
		for (const struct cli_command *c = *table; c->grammar != NULL; c++) {
			const char *rest = cli_grammar_rest(c, line);

			if (rest == NULL)
				continue;
			if (*rest == '\0')
				cli_fail("usage: %s", c->grammar);
			else
				c->run_rest(rest);
			return true;
		}
	return false;
}

static void explain(int result, const char *line)
{
	const struct cli_command *nearest = cli_grammar_nearest(line);

	if (result == CMDLINE_PARSE_AMBIGUOUS)
		cli_fail("\"%s\" is ambiguous; see help all", line);
	else if (nearest == NULL)
		cli_fail("there is no command \"%s\"; see help all", line);
	else
		cli_fail("bad arguments in \"%s\"; usage: %s", line, nearest->grammar);
}

static void run_grammar(const char *line)
{
	char buffer[1024];
	int result;

	if (strlen(line) > sizeof(buffer) - 2) {
		cli_fail("the line is longer than a command can be (%zu bytes)",
			 sizeof(buffer) - 2);
		return;
	}
	/* rte_cmdline would drop the rest of the line without a word */
	if (strchr(line, '#') != NULL) {
		cli_fail("\"%s\": '#' begins a comment at the start of a line only", line);
		return;
	}
	/* nor does it look behind a carriage return */
	for (const char *c = line; *c != '\0'; c++) {
		if (iscntrl((unsigned char)*c) && *c != '\t') {
			cli_fail("the line holds the control character 0x%02x",
				 (unsigned int)(unsigned char)*c);
			return;
		}
	}
	snprintf(buffer, sizeof(buffer), "%s\n", line);
	result = cmdline_parse(cli.parser, buffer);
	if (result < 0)
		explain(result, line);
}

int cli_run_line(const char *line)
{
	char *copy;
	size_t length;

	cli.has_failed = false;
	cli.reason[0] = '\0';
	line += strspn(line, " \t");
	if (*line == '\0' || *line == '#')
		return 0;
	copy = strdup(line);
	if (copy == NULL) {
		cli_fail("out of memory");
		return -1;
	}
	length = strlen(copy);
	while (length > 0 && isspace((unsigned char)copy[length - 1]))
		copy[--length] = '\0';
	if (!run_rest(copy))
		run_grammar(copy);
	free(copy);
	fflush(stdout);
	return cli.has_failed ? -1 : 0;
}

/* Runs lines until the end, quit or a failure. */
static int run_stream(FILE *file, const char *name)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	unsigned int number = 0;
	int error, ret = 0;

	while (!cli_is_quitting() && (length = getline(&line, &size, file)) >= 0) {
		number++;
		if (length > 0 && line[length - 1] == '\n')
			line[--length] = '\0';
		if (strlen(line) != (size_t)length) {
			cli.has_failed = false;
			cli_fail("the line holds a zero byte");
		} else if (cli_run_line(line) == 0) {
			continue;
		}
		ret = -1;
		fflush(stdout);
		/* a nested script has told its own line already */
		if (cli.reason[0] != '\0')
			fprintf(stderr, "%s:%u: %s\n", name, number, cli.reason);
		if (!options_get()->keeps_going)
			break;
	}
	error = errno;
	free(line);
	/* a signal that means quit ends a read as well */
	if (ferror(file) && !cli_is_quitting()) {
		fprintf(stderr, "%s: cannot read the script: %s\n", name, strerror(error));
		ret = -1;
	}
	return ret;
}

int cli_run_file(const char *path)
{
	FILE *file;
	int ret;

	if (cli.nesting == NESTING_MAX) {
		fprintf(stderr, "%s: scripts that load scripts go %d deep at most\n", path,
			NESTING_MAX);
		return -1;
	}
	file = fopen(path, "re");
	if (file == NULL) {
		fprintf(stderr, "%s: cannot read the script: %s\n", path, strerror(errno));
		return -1;
	}
	cli.nesting++;
	ret = run_stream(file, path);
	/* its bad line is told: who loaded it has no reason of its own */
	cli.has_failed = false;
	cli.reason[0] = '\0';
	cli.nesting--;
	fclose(file);
	return ret;
}

int cli_run_stdin(void)
{
	if (isatty(STDIN_FILENO))
		return cli_terminal_run(cli.context);
	return run_stream(stdin, "stdin");
}

struct port *cli_port_next(const char *word, const struct port *prev)
{
	struct port *port;
	uint64_t id;

	if (strcmp(word, "all") == 0)
		return port_next(prev);
	if (prev != NULL)
		return NULL;
	if (option_number(word, 0, UINT16_MAX, &id) != 0) {
		cli_fail("\"%s\" is not a port: give a number or all", word);
		return NULL;
	}
	port = cli_port(id);
	return port;
}

struct port *cli_port(uint64_t id)
{
	struct port *port = id > UINT16_MAX ? NULL : port_find((uint16_t)id);

	if (port == NULL)
		cli_fail("there is no port %" PRIu64 "; see show port summary all", id);
	return port;
}

bool cli_check(const char *what, uint64_t number, uint64_t min, uint64_t max)
{
	if (number >= min && number <= max)
		return true;
	cli_fail("%s %" PRIu64 ": give a number from %" PRIu64 " to %" PRIu64, what, number, min,
		 max);
	return false;
}
