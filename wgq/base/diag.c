/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/base/diag.h"

#include <stdarg.h>

static void record(struct diag *d, const char *fmt, va_list ap) PRINTF(2, 0);

static void record(struct diag *d, const char *fmt, va_list ap)
{
	if (vsnprintf(d->text, sizeof(d->text), fmt, ap) < 0)
		d->text[0] = '\0';
}

static void append(struct diag *d, const char *separator, const char *text)
{
	size_t n = strlen(d->text);

	snprintf(d->text + n, sizeof(d->text) - n, "%s%s", separator, text);
}

int diag_sys(struct diag *d, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	record(d, fmt, ap);
	va_end(ap);
	append(d, ": ", strerror(err));
	return -err;
}

int diag_set(struct diag *d, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	record(d, fmt, ap);
	va_end(ap);
	return -err;
}

int diag_wrap(struct diag *d, int err, const char *fmt, ...)
{
	struct diag inner = *d;
	va_list ap;

	va_start(ap, fmt);
	record(d, fmt, ap);
	va_end(ap);
	append(d, ": ", inner.text);
	return err;
}
