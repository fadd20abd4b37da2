/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of a configuration file, as wg-quick(8) cuts them up, and the other way to look at a piece
 * of one: wg(8) deletes every blank, inside keys and values too. All slices point into the source,
 * so that each byte has a place. Pure.
 */
#ifndef WGQ_CONF_LEX_H
#define WGQ_CONF_LEX_H

#include "wgq/conf/config.h"

enum { BOM_BYTES = 3, UTF16_BOM_BYTES = 2, SQUEEZE_SIZE = 128 };

struct line {
	uint32_t number;
	size_t start;         /* offset of raw in the source */
	struct str raw;       /* up to LF */
	struct str text;      /* raw without NUL bytes, blanks and tabs trimmed; nothing else cut */
	struct str stripped;  /* text up to the first '#' */
	struct str key;       /* stripped up to its first '=', trimmed */
	struct str value;     /* stripped after its first '=', trimmed */
	struct str raw_value; /* text after its first '=', trimmed: what a hook is given */
	bool has_equals;      /* stripped holds a '=' */
	const char *copy; /* of raw, where NUL bytes had to go: the slices point there; else NULL */
};

struct lexer {
	struct arena *arena; /* for lines that hold NUL bytes */
	struct str text;
	size_t at;
	uint32_t number;
	bool has_nul;
};

/* Starts at offset at (after a byte order mark, or 0), where line 1 is. */
void lexer_init(struct lexer *lexer, struct str text, size_t at, struct arena *a);

/* Cuts the next line. False at the end; an unterminated last line of blanks is none. */
bool lexer_next(struct lexer *lexer, struct line *line);

/* Length of the byte order mark that the file begins with: BOM_BYTES, UTF16_BOM_BYTES or 0. */
size_t lex_bom_bytes(struct str text);

/* Space, \t, \n, \v, \f, \r: what wg(8) deletes and wg-quick(8) trims. */
bool lex_is_space(char c);
struct str lex_trim(struct str s);

/* Splits off the next word of a list, as bash splits after every ',' has become a blank. False at
 * the end. */
bool lex_next_word(struct str *rest, struct str *word);

/* Equal but for ASCII case? */
bool lex_equal(struct str a, const char *b);

/* Where a piece of the line stands in the file. */
struct span line_span(const struct line *line, struct str part);

/*
 * Copies s without white space into buf, or into the arena where that is too small, and ends it
 * with a NUL.
 */
struct str lex_squeeze(struct arena *a, char buf[SQUEEZE_SIZE], struct str s);

/* The piece of s that gave the n bytes from offset at of its squeezed form. */
struct str lex_unsqueeze(struct str s, size_t at, size_t n);

#endif
