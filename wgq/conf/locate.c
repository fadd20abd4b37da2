/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/conf/config.h"

#include <errno.h>

#include "wgq/base/text.h"

enum { NAME_MAX_LENGTH = IFNAMSIZ - 1, SHOWN = 320 };

#define SUFFIX ".conf"

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("_=+.-", c));
}

/* The first byte that no interface name has, or NULL. */
static const char *bad_char(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!is_name_char(name.p[i]))
			return name.p + i;
	return NULL;
}

static bool is_name(struct str name)
{
	return name.n && name.n <= NAME_MAX_LENGTH && !bad_char(name);
}

/* The last part of the path without ".conf"; p NULL if it does not end so. */
static struct str stem_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t n = strlen(base);

	if (n < strlen(SUFFIX) || strcmp(base + n - strlen(SUFFIX), SUFFIX) != 0)
		return (struct str){ NULL, 0 };
	return (struct str){ base, n - strlen(SUFFIX) };
}

static int report_missing(const char *arg, const char *path, int err, struct diag *d)
{
	char shown[SHOWN];
	struct str name = { arg, strlen(arg) };

	text_escape(shown, sizeof(shown), (struct str){ path, strlen(path) });
	if (err != ENOENT && err != ENOTDIR)
		return diag_sys(d, err, "%s", shown);
	if (!name.n)
		return diag_set(d, ENOENT, "the name of the interface or file is empty");
	if (path != arg && !access(arg, F_OK))
		return diag_set(d, ENOENT,
				"%s does not exist; for the file in this folder write ./%s", shown,
				arg);
	if (name.n > NAME_MAX_LENGTH && !bad_char(name) && !stem_of(arg).p)
		return diag_set(d, ENOENT,
				"%s has %zu characters: too long for an interface, whose limit is "
				"%d, and there is no file of that name",
				shown, name.n, NAME_MAX_LENGTH);
	return diag_set(d, ENOENT, "%s does not exist", shown);
}

static int report_name(const char *path, struct str stem, struct diag *d)
{
	char shown[SHOWN], name[SHOWN], character[24];
	const char *bad = stem.p ? bad_char(stem) : NULL;
	struct glyph g;

	text_escape(shown, sizeof(shown), (struct str){ path, strlen(path) });
	if (!stem.p || !stem.n)
		return diag_set(d, EINVAL,
				"%s: the file must be named after its interface, as wg0.conf",
				shown);
	text_escape(name, sizeof(name), stem);
	if (bad) {
		g = text_glyph((struct str){ bad, (size_t)(stem.p + stem.n - bad) });
		return diag_set(
			d, EINVAL,
			"%s: no interface can be named '%s': '%s' is not allowed, only "
			"letters, digits and _=+.-",
			shown, name,
			text_escape(character, sizeof(character), (struct str){ bad, g.bytes }));
	}
	return diag_set(d, EINVAL,
			"%s: the interface's name '%s' has %zu characters, the limit is %d", shown,
			name, stem.n, NAME_MAX_LENGTH);
}

int config_locate(char ifname[IFNAMSIZ], char path[PATH_MAX], const char *arg, struct diag *d)
{
	char standard[sizeof("/etc/wireguard/") + NAME_MAX_LENGTH + sizeof(SUFFIX)];
	const char *given = arg;
	struct str stem;
	bool named;

	if (is_name((struct str){ arg, strlen(arg) })) {
		snprintf(standard, sizeof(standard), "/etc/wireguard/%s" SUFFIX, arg);
		given = standard;
	}
	stem = stem_of(given);
	named = stem.p && is_name(stem);
	if (named)
		memcpy(ifname, stem.p, stem.n);
	ifname[named ? stem.n : 0] = '\0';
	if (access(given, F_OK))
		return report_missing(arg, given, errno, d);
	if (!named)
		return report_name(given, stem, d);
	if (!realpath(given, path))
		return diag_sys(d, errno, "%s", given);
	return 0;
}
