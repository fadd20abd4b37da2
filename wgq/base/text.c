/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/base/text.h"

enum { ESCAPE_COLUMNS = 4 /* \xNN */ };

struct code_range {
	uint32_t first, last;
};

/* Seen as nothing or as a blank, or able to change how the rest of the line is seen. */
static const struct code_range hidden[] = {
	{ 0x0000, 0x001f }, { 0x007f, 0x00a0 }, { 0x00ad, 0x00ad },   { 0x061c, 0x061c },
	{ 0x200b, 0x200f }, { 0x2028, 0x202f }, { 0x2060, 0x206f },   { 0xfe00, 0xfe0f },
	{ 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xe0000, 0xe0fff },
};

/* Two columns on a terminal: East Asian wide and fullwidth, and the emoji (Unicode TR 11). */
static const struct code_range wide[] = {
	{ 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0x33ff }, { 0x3400, 0x4dbf },
	{ 0x4e00, 0x9fff },   { 0xa000, 0xa4cf },   { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff },
	{ 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f },
	{ 0x1f900, 0x1faff }, { 0x20000, 0x3fffd },
};

static const struct code_range combining[] = {
	{ 0x0300, 0x036f },
	{ 0x0483, 0x0489 },
	{ 0x20d0, 0x20ff },
	{ 0xfe20, 0xfe2f },
};

static bool in_ranges(const struct code_range *r, size_t n, uint32_t code)
{
	for (size_t i = 0; i < n; i++)
		if (code >= r[i].first && code <= r[i].last)
			return true;
	return false;
}

#define IN(ranges, code) in_ranges(ranges, ARRAY_SIZE(ranges), code)

/* Length of the sequence that a first byte announces, and the least code point that needs it. */
static size_t sequence_length(uint8_t first, uint32_t *least)
{
	static const struct {
		uint8_t mask, bits;
		uint32_t least;
	} forms[] = { { 0x80, 0x00, 0 },
		      { 0xe0, 0xc0, 0x80 },
		      { 0xf0, 0xe0, 0x800 },
		      { 0xf8, 0xf0, 0x10000 } };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if ((first & forms[i].mask) == forms[i].bits) {
			*least = forms[i].least;
			return i + 1;
		}
	}
	return 0;
}

/* Decodes one character; returns its bytes, or 0 where there is no valid one (RFC 3629). */
static size_t decode(uint32_t *code, struct str s)
{
	uint8_t first = (uint8_t)s.p[0];
	uint32_t least;
	size_t n = sequence_length(first, &least);

	if (!n || n > s.n)
		return 0;
	*code = n == 1 ? first : first & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		uint8_t byte = (uint8_t)s.p[i];

		if ((byte & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (byte & 0x3f);
	}
	return *code < least || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff) ? 0 : n;
}

struct glyph text_glyph(struct str s)
{
	struct glyph g = { .code = (uint8_t)s.p[0] };
	size_t n = decode(&g.code, s);

	g.valid = n != 0;
	g.bytes = n ? (uint8_t)n : 1;
	g.plain = g.valid && !IN(hidden, g.code);
	if (!g.valid)
		g.code = (uint8_t)s.p[0];
	if (!g.plain)
		g.columns = (uint8_t)(ESCAPE_COLUMNS * g.bytes);
	else
		g.columns = IN(combining, g.code) ? 0 : IN(wide, g.code) ? 2 : 1;
	return g;
}

void text_print_glyph(FILE *out, const struct glyph *g, const char *s)
{
	if (g->plain) {
		fwrite(s, 1, g->bytes, out);
		return;
	}
	for (size_t i = 0; i < g->bytes; i++)
		fprintf(out, "\\x%02x", (uint8_t)s[i]);
}

void text_print(FILE *out, struct str s)
{
	while (s.n) {
		struct glyph g = text_glyph(s);

		text_print_glyph(out, &g, s.p);
		s.p += g.bytes;
		s.n -= g.bytes;
	}
}

const char *text_escape(char *out, size_t size, struct str s)
{
	size_t used = 0;

	while (s.n) {
		struct glyph g = text_glyph(s);
		size_t need = g.plain ? g.bytes : (size_t)ESCAPE_COLUMNS * g.bytes;

		if (used + need >= size)
			break;
		if (g.plain)
			memcpy(out + used, s.p, g.bytes);
		for (size_t i = 0; !g.plain && i < g.bytes; i++)
			snprintf(out + used + ESCAPE_COLUMNS * i, ESCAPE_COLUMNS + 1, "\\x%02x",
				 (uint8_t)s.p[i]);
		used += need;
		s.p += g.bytes;
		s.n -= g.bytes;
	}
	out[used] = '\0';
	return out;
}

size_t text_columns(struct str s)
{
	size_t columns = 0;

	while (s.n) {
		struct glyph g = text_glyph(s);

		columns += g.columns;
		s.p += g.bytes;
		s.n -= g.bytes;
	}
	return columns;
}
