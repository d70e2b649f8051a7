/* SPDX-License-Identifier: BSD-3-Clause */
/* Fills an error with the sentence for the user. */
#include <stdarg.h>
#include <stdio.h>

#include "base_error.h"

int base_error_set(struct base_error *err, int code, const char *format, ...)
{
	va_list args;

	if (err == NULL || err->code != 0)
		return code;
	err->code = code;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return code;
}
