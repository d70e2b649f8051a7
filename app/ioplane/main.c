/* SPDX-License-Identifier: BSD-3-Clause */
/* The program: options, EAL, ports, then commands or forwarding until the end. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "engine.h"
#include "options.h"
#include "port.h"
#include "stream.h"

int main(void)
{
	return EXIT_SUCCESS;
}
