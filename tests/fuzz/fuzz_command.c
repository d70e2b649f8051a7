/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzzes the command line: every line runs one command, or is refused with a reason. */
#include "fuzz_input.h"

#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/cli.h"
#include "spec.h"

/* The program's own list of tables under another name: what is fuzzed has handlers of ours. */
#define cli_tables program_tables
#include "cli/cli_table.c"
#undef cli_tables

#define COMMANDS_MAX 512

static struct cli_command commands[COMMANDS_MAX];
const struct cli_command *const cli_tables[] = {commands, NULL};

static unsigned int calls;

static void run(const struct cli_args *args)
{
	calls++;
	/* One of its words may fill it: what comes after is the next word. */
	for (unsigned int i = 0; i < CLI_WORDS_MAX; i++)
		fuzz_require(memchr(args->word[i].text, 0, CLI_WORD_SIZE) != NULL,
			     "words are strings");
}

static void check_spec(const char *text,
		       int (*parse)(const char *, struct spec *, struct base_error *))
{
	struct base_error err = {0};
	struct spec spec;

	if (parse(text, &spec, &err) != 0)
		fuzz_require(err.text[0] != '\0', "a bad spec has a reason");
	else
		fuzz_require(spec.is_off || spec.file[0] != '\0', "a good spec names a file");
}

static void run_rest(const char *rest)
{
	calls++;
	fuzz_require(rest[0] != '\0', "the rest of a line is not empty");
	check_spec(rest, spec_parse_replay);
	check_spec(rest, spec_parse_capture);
}

static void set_up(void)
{
	unsigned int count = 0;

	if (commands[0].grammar != NULL)
		return;
	for (const struct cli_command *const *table = program_tables; *table != NULL; table++)
		for (const struct cli_command *c = *table; c->grammar != NULL; c++) {
			fuzz_require(count < COMMANDS_MAX - 1, "there is room for the commands");
			commands[count] = *c;
			commands[count].run = c->run == NULL ? NULL : run;
			commands[count].run_rest = c->run_rest == NULL ? NULL : run_rest;
			count++;
		}
	fuzz_require(cli_create() == 0, "the grammar can be made");
	/* A refused script says so on every input. libFuzzer has the real one already. */
	stderr = fopen("/dev/null", "w");
}

static void check_line(const char *line)
{
	bool is_silent = line[strspn(line, " \t")] == '\0' || line[strspn(line, " \t")] == '#';
	int ret;

	calls = 0;
	ret = cli_run_line(line);
	if (ret == 0)
		fuzz_require(calls == 1 || is_silent || line[strspn(line, " \t\v\f\r")] == '\0',
			     "a good line runs one command");
	else
		fuzz_require(calls == 0 && cli_reason()[0] != '\0', "a bad line has a reason");
}

static void check_script(const uint8_t *data, size_t size)
{
	int file = memfd_create("script", MFD_CLOEXEC);
	char path[64];

	fuzz_require(file >= 0 && write(file, data, size) == (ssize_t)size, "a script");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	cli_run_file(path);
	close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);
	char *rest = copy, *line;

	set_up();
	fuzz_require(copy != NULL, "memory");
	memcpy(copy, data, size);
	copy[size] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL)
		check_line(line);
	free(copy);
	check_script(data, size);
	return 0;
}
