/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/conf/config.h"

#include <errno.h>

#include "wgq/conf/keys.h"

/* What wg-quick(8) has seen so far: is this line inside [Interface]? */
static void follow_section(bool *in_interface, const struct line *line)
{
	if (line->key.n && *line->key.p == '[')
		*in_interface = lex_equal(line->key, "[Interface]");
}

/* The row of a key that wg(8) must not see, or NULL. */
static const struct conf_key *consumed(bool in_interface, const struct line *line)
{
	const struct conf_key *key = in_interface ? keys_find(line->key) : NULL;

	return key && key->reader != READ_BY_WG ? key : NULL;
}

/* wg-quick(8) stops at a SaveConfig it cannot read, whatever the command; a key alone counts as its
 * own value. */
static int check_save_config(const struct source *source, struct findings *f)
{
	struct lexer lexer;
	struct line line;
	bool in_interface = false, value;
	int err = 0;

	lexer_init(&lexer, source->text, 0, f->arena);
	while (lexer_next(&lexer, &line)) {
		const struct conf_key *key;
		size_t i;

		follow_section(&in_interface, &line);
		key = consumed(in_interface, &line);
		if (!key || !lex_equal(line.key, "SaveConfig") ||
		    conf_parse_bool(&value, line.value))
			continue;
		i = finding_add(f, FINDING_BAD_VALUE, source_line_place(source, &line, line.value),
				"SaveConfig is neither true nor false");
		finding_help(f, i, "write SaveConfig = true, or SaveConfig = false");
		err = -EINVAL;
	}
	return err;
}

int config_strip(FILE *out, const struct source *source, struct findings *f)
{
	struct lexer lexer;
	struct line line;
	bool in_interface = false;
	int err = check_save_config(source, f);

	if (err)
		return err;
	lexer_init(&lexer, source->text, 0, f->arena);
	while (lexer_next(&lexer, &line)) {
		follow_section(&in_interface, &line);
		if (consumed(in_interface, &line))
			continue;
		fwrite_unlocked(line.text.p, 1, line.text.n, out);
		putc_unlocked('\n', out);
	}
	putc_unlocked('\n', out);
	return fflush(out) || ferror(out) ? -EIO : 0;
}
