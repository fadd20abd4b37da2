/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of a configuration file: one table says who reads a key, where it belongs, how its value
 * is read and printed, and whether it is a secret.
 */
#ifndef WGQ_CONF_KEYS_H
#define WGQ_CONF_KEYS_H

#include "wgq/conf/lex.h"

struct parser;
struct printer;

enum section { SECTION_NONE, SECTION_INTERFACE, SECTION_PEER, SECTION_UNKNOWN };

/* READ_BY_WGQ: our own keys, which are lexed like wg-quick's. */
enum reader { READ_BY_WG_QUICK, READ_BY_WGQ, READ_BY_WG };

enum secrecy { SECRECY_NONE, SECRECY_SECRET, SECRECY_PUBLIC_KEY };

struct conf_key {
	const char *name;
	enum section section;
	enum reader reader;
	enum secrecy secrecy;
	unsigned number; /* which of several alike: enum hook */
	/* Reads the value of parser's line into the config, or adds findings. */
	void (*parse)(struct parser *p, const struct conf_key *key);
	/* Prints it as lines "Name = value". */
	void (*print)(const struct printer *p, const struct conf_key *key);
};

/* All keys, in the order in which they are printed; ends with a row without name. */
extern const struct conf_key conf_keys[];

/* "[Interface]", "[Peer]". */
const char *section_header(enum section section);

/* The row with this name, letter case aside; or NULL. */
const struct conf_key *keys_find(struct str name);

/* The row whose name is fewest typing errors away, of section first; or NULL if none is near. */
const struct conf_key *keys_nearest(struct str name, enum section section);

/* The first run of letters, digits, '_' and '-'. */
struct str keys_first_word(struct str s);

/* Is this a section's name and no other word, whatever is around it: "[Peer", "Interface:"? */
bool keys_is_bare_header(const struct line *line);

/* How many typing errors (a letter too many, too few, another, two swapped) part a from b. */
size_t keys_distance(struct str a, const char *b);

/* What another program's key or section is: whose, and what to write instead. */
struct foreign_word {
	const char *name;
	const char *owner; /* "a key of AmneziaWG" */
	const char *help;
};

const struct foreign_word *keys_find_foreign(struct str name);

/* Says in at what of the line must not be shown, and which value is a public key. */
void keys_hide(const struct line *line, struct place *at);

/*
 * The name of a key that nobody knows, if it can be shown: short, of letters, digits, '_' and '-',
 * and followed by a value. A piece of a broken private key must not pass for a name.
 */
bool keys_may_show_name(const struct line *line);

/* source_place() for a piece of a line at hand. */
struct place source_line_place(const struct source *s, const struct line *line, struct str part);

/* "true" or "false", letter case aside. */
bool conf_parse_bool(bool *value, struct str text);

#endif
