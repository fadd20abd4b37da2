/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/late.h"

#include <dlfcn.h>
#include <errno.h>

enum { SYMBOL_SIZE = 64 };

int late_bind(void *calls, const char *soname, const char *prefix,
	      const struct late_symbol *symbols, size_t n, struct diag *d)
{
	void *library = dlopen(soname, RTLD_NOW | RTLD_GLOBAL);
	char name[SYMBOL_SIZE];

	if (!library)
		return diag_set(d, EOPNOTSUPP, "iptables' rules need a library: %s", dlerror());
	for (size_t i = 0; i < n; i++) {
		void *symbol;

		snprintf(name, sizeof(name), "%s%s", prefix, symbols[i].name);
		symbol = dlsym(library, name);
		if (!symbol)
			return diag_set(d, EOPNOTSUPP, "iptables' rules need a library: %s",
					dlerror());
		memcpy((char *)calls + symbols[i].at, &symbol, sizeof(symbol));
	}
	return 0;
}
