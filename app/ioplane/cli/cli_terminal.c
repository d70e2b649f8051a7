/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line on a terminal: prompt, completion, history. */
/* rdline_*(): exported and used since 2009, stable from DPDK 23.07 on */
#define ALLOW_EXPERIMENTAL_API
#include "cli_terminal.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cmdline.h>
#include <cmdline_rdline.h>

#include "cli.h"

#define PROMPT	"ioplane> "
#define POLL_MS 100

static int write_char(struct rdline *rdline __rte_unused, char c)
{
	return (int)write(STDOUT_FILENO, &c, 1);
}

static void run_line(struct rdline *rdline __rte_unused, const char *buffer,
		     unsigned int size __rte_unused)
{
	char line[1024];

	snprintf(line, sizeof(line), "%.*s", (int)strcspn(buffer, "\r\n"), buffer);
	if (cli_run_line(line) != 0 && cli_reason()[0] != '\0')
		printf("%s\n", cli_reason());
	fflush(stdout);
}

static int complete(struct rdline *rdline, const char *buffer, char *out, unsigned int size,
		    int *state)
{
	return cmdline_complete(rdline_get_opaque(rdline), buffer, state, out, size);
}

/* One character typed; false at the end of input. */
static bool take(struct rdline *rdline, char c)
{
	int ret = rdline_char_in(rdline, c);
	const char *line, *last;

	if (ret == RDLINE_RES_EOF || ret == RDLINE_RES_EXITED)
		return false;
	if (ret != RDLINE_RES_VALIDATED)
		return true;
	line = rdline_get_buffer(rdline);
	last = rdline_get_history_item(rdline, 0);
	if (line[0] != '\n' && line[0] != '\0' &&
	    (last == NULL || strncmp(line, last, strcspn(line, "\n")) != 0 ||
	     strlen(last) != strcspn(line, "\n")))
		rdline_add_history(rdline, line);
	if (!cli_is_quitting())
		rdline_newline(rdline, PROMPT);
	return true;
}

static void read_terminal(struct rdline *rdline)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	char c;

	rdline_newline(rdline, PROMPT);
	while (!cli_is_quitting()) {
		/* a signal may reach another thread: look at least every POLL_MS */
		if (poll(&input, 1, POLL_MS) <= 0)
			continue;
		if (read(STDIN_FILENO, &c, 1) != 1 || !take(rdline, c))
			break;
	}
}

int cli_terminal_run(cmdline_parse_ctx_t *context)
{
	struct termios before, raw;
	struct cmdline *completer = cmdline_new(context, PROMPT, -1, -1);
	struct rdline *rdline = rdline_new(write_char, run_line, complete, completer);

	if (completer == NULL || rdline == NULL || tcgetattr(STDIN_FILENO, &before) != 0) {
		fprintf(stderr, "the terminal cannot be set up\n");
		goto free_rdline;
	}
	raw = before;
	raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fflush(stdout);
	read_terminal(rdline);
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
	printf("\n");

free_rdline:
	rdline_free(rdline);
	cmdline_free(completer);
	return 0;
}
