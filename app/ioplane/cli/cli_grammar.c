/* SPDX-License-Identifier: BSD-3-Clause */
/* Turns the tables of commands into rte_cmdline instructions. */
#include "cli_grammar.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmdline_parse_num.h>
#include <cmdline_parse_string.h>
#include <rte_common.h>

/* One instruction with the storage of its words; freed as a whole. */
struct grammar {
	union {
		cmdline_parse_token_string_t string;
		cmdline_parse_token_num_t number;
	} token[CLI_WORDS_MAX];
	char text[256]; /* the grammar, cut into words, '|' turned into rte_cmdline's '#' */
	cmdline_parse_inst_t instruction; /* last: its tokens[] follow, with a NULL at the end */
};

static_assert(sizeof(struct cli_args) <= CMDLINE_PARSE_RESULT_BUFSIZE, "rte_cmdline's limit");

static void run_command(void *result, struct cmdline *cl __rte_unused, void *data)
{
	const struct cli_command *command = data;

	if (command->run != NULL)
		command->run(result);
	else
		cli_fail("%s: say more", command->grammar);
}

static void make_token(struct grammar *grammar, unsigned int i, char *word)
{
	unsigned int offset = i * sizeof(((struct cli_args *)0)->word[0]);
	bool is_number = isupper((unsigned char)word[0]);

	if (is_number) {
		grammar->token[i].number = (cmdline_parse_token_num_t){
			.hdr = {.ops = &cmdline_token_num_ops, .offset = offset},
			.num_data = {.type = RTE_UINT64},
		};
	} else {
		for (char *c = word; *c != '\0'; c++)
			*c = *c == '|' ? '#' : *c;
		grammar->token[i].string = (cmdline_parse_token_string_t){
			.hdr = {.ops = &cmdline_token_string_ops, .offset = offset},
			.string_data = {.str = word[0] == '<' ? NULL : word},
		};
	}
	grammar->instruction.tokens[i] = (void *)&grammar->token[i];
}

static int make_instruction(const struct cli_command *command, struct grammar **out)
{
	struct grammar *grammar =
		calloc(1, sizeof(*grammar) + (CLI_WORDS_MAX + 1) * sizeof(void *));
	unsigned int count = 0;
	char *rest, *word;

	if (grammar == NULL)
		return -ENOMEM;
	if (strlen(command->grammar) >= sizeof(grammar->text))
		goto free_grammar;
	strcpy(grammar->text, command->grammar);
	rest = grammar->text;
	while ((word = strsep(&rest, " ")) != NULL) {
		if (count == CLI_WORDS_MAX)
			goto free_grammar;
		make_token(grammar, count++, word);
	}
	grammar->instruction.f = run_command;
	grammar->instruction.data = (void *)(uintptr_t)command;
	grammar->instruction.help_str = command->help;
	*out = grammar;
	return 0;

free_grammar:
	free(grammar);
	return -EINVAL;
}

void cli_grammar_free(cmdline_parse_ctx_t *context)
{
	for (cmdline_parse_ctx_t *i = context; i != NULL && *i != NULL; i++)
		free(RTE_PTR_SUB(*i, offsetof(struct grammar, instruction)));
	free(context);
}

int cli_grammar_create(cmdline_parse_ctx_t **out)
{
	cmdline_parse_ctx_t *context;
	struct grammar *grammar;
	size_t count = 0;
	int ret;

	for (const struct cli_command *const *table = cli_tables; *table != NULL; table++)
		for (const struct cli_command *c = *table; c->grammar != NULL; c++)
			count++;
	context = calloc(count + 1, sizeof(*context));
	if (context == NULL)
		return -ENOMEM;
	count = 0;
	for (const struct cli_command *const *table = cli_tables; *table != NULL; table++)
		for (const struct cli_command *c = *table; c->grammar != NULL; c++) {
			ret = make_instruction(c, &grammar);
			if (ret != 0)
				goto free_context;
			context[count++] = &grammar->instruction;
		}
	*out = context;
	return 0;

free_context:
	cli_grammar_free(context);
	return ret;
}

/* The next word of *text and its length, 0 at the end; moves *text behind it. */
static size_t next_word(const char **text, const char **word)
{
	size_t length;

	*text += strspn(*text, " \t");
	*word = *text;
	length = strcspn(*text, " \t");
	*text += length;
	return length;
}

/* Whether a word of a line fits a word of a grammar. */
static bool is_fitting(const char *pattern, size_t pattern_length, const char *word, size_t length)
{
	const char *end = pattern + pattern_length;

	if (pattern[0] == '<')
		return true;
	if (isupper((unsigned char)pattern[0]))
		return isdigit((unsigned char)word[0]);
	while (pattern < end) {
		const char *bar = memchr(pattern, '|', (size_t)(end - pattern));
		size_t choice = (size_t)((bar != NULL ? bar : end) - pattern);

		if (choice == length && memcmp(pattern, word, length) == 0)
			return true;
		pattern += choice + 1;
	}
	return false;
}

const char *cli_grammar_rest(const struct cli_command *command, const char *line)
{
	const char *pattern = command->grammar, *expected, *word;
	size_t expected_length, length;

	if (command->run_rest == NULL)
		return NULL;
	while ((expected_length = next_word(&pattern, &expected)) != 0) {
		if (strncmp(expected, "<rest>", expected_length) == 0)
			return line + strspn(line, " \t");
		length = next_word(&line, &word);
		if (length == 0 || !is_fitting(expected, expected_length, word, length))
			return NULL;
	}
	return NULL;
}

static unsigned int common_words(const char *pattern, const char *line)
{
	const char *expected, *word;
	size_t expected_length, length;
	unsigned int count = 0;

	while ((expected_length = next_word(&pattern, &expected)) != 0 &&
	       (length = next_word(&line, &word)) != 0 &&
	       is_fitting(expected, expected_length, word, length))
		count++;
	return count;
}

const struct cli_command *cli_grammar_nearest(const char *line)
{
	const struct cli_command *nearest = NULL;
	unsigned int most = 0;

	for (const struct cli_command *const *table = cli_tables; *table != NULL; table++)
		for (const struct cli_command *c = *table; c->grammar != NULL; c++) {
			unsigned int count = common_words(c->grammar, line);

			if (count > most) {
				most = count;
				nearest = c;
			}
		}
	return nearest;
}
