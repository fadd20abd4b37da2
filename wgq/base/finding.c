/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/base/finding.h"

#include "wgq/base/text.h"

/* Of a longer line only what surrounds the place is shown. */
enum { LINE_SHOWN = 200, LINE_BEFORE = 60, KEY_RUN = 43 };

static const struct {
	const char *name;
	enum severity severity;
} codes[FINDING_CODES] = {
	[FINDING_SYNTAX] = { "syntax", SEV_ERROR },
	[FINDING_UNKNOWN_KEY] = { "unknown-key", SEV_ERROR },
	[FINDING_BAD_VALUE] = { "bad-value", SEV_ERROR },
	[FINDING_MISSING_KEY] = { "missing-key", SEV_ERROR },
	[FINDING_HOST_BITS] = { "host-bits", SEV_WARNING },
	[FINDING_FILE_PERMISSIONS] = { "file-permissions", SEV_WARNING },
	[FINDING_HOOK_UNBALANCED] = { "hook-unbalanced", SEV_WARNING },
	[FINDING_FORWARDING_CLOBBER] = { "forwarding-clobber", SEV_WARNING },
	[FINDING_PORT_IN_USE] = { "port-in-use", SEV_ERROR },
	[FINDING_PORT_SHARED] = { "port-shared", SEV_WARNING },
	[FINDING_NAT_PORT_CLASH] = { "nat-port-clash", SEV_WARNING },
	[FINDING_FORWARD_BLOCKED] = { "forward-blocked", SEV_WARNING },
	[FINDING_PORT_BLOCKED] = { "port-blocked", SEV_WARNING },
	[FINDING_FORWARDING_OFF] = { "forwarding-off", SEV_WARNING },
	[FINDING_RP_FILTER] = { "rp-filter", SEV_WARNING },
	[FINDING_DUPLICATE_ALLOWED_IP] = { "duplicate-allowed-ip", SEV_ERROR },
	[FINDING_DUPLICATE_PEER] = { "duplicate-peer", SEV_ERROR },
	[FINDING_SELF_PEER] = { "self-peer", SEV_ERROR },
	[FINDING_DUPLICATE_ENDPOINT] = { "duplicate-endpoint", SEV_ERROR },
	[FINDING_ENDPOINT_IN_TUNNEL] = { "endpoint-in-tunnel", SEV_WARNING },
	[FINDING_ADDRESS_IS_NETWORK] = { "address-is-network", SEV_WARNING },
	[FINDING_ONE_SIDED_PEER] = { "one-sided-peer", SEV_ERROR },
	[FINDING_UNKNOWN_PEER] = { "unknown-peer", SEV_NOTE },
	[FINDING_PSK_MISMATCH] = { "psk-mismatch", SEV_ERROR },
	[FINDING_ENDPOINT_PORT_MISMATCH] = { "endpoint-port-mismatch", SEV_WARNING },
	[FINDING_DUPLICATE_KEY] = { "duplicate-key", SEV_ERROR },
	[FINDING_DUPLICATE_ADDRESS] = { "duplicate-address", SEV_ERROR },
	[FINDING_ADDRESS_NOT_ALLOWED] = { "address-not-allowed", SEV_ERROR },
	[FINDING_NO_ROUTE] = { "no-route", SEV_ERROR },
	[FINDING_SOURCE_FILTERED] = { "source-filtered", SEV_ERROR },
	[FINDING_NO_INITIATOR] = { "no-initiator", SEV_ERROR },
	[FINDING_ROUTING_LOOP] = { "routing-loop", SEV_ERROR },
	[FINDING_RELAY_NOT_FORWARDING] = { "relay-not-forwarding", SEV_ERROR },
	[FINDING_MISSING_KEEPALIVE] = { "missing-keepalive", SEV_WARNING },
	[FINDING_MTU_MISMATCH] = { "mtu-mismatch", SEV_WARNING },
};

static const char *const severities[] = {
	[SEV_NOTE] = "note",
	[SEV_WARNING] = "warning",
	[SEV_ERROR] = "error",
};

const char *finding_code_name(enum finding_code code)
{
	return codes[code].name;
}

static size_t add(struct findings *f, const struct finding *new, const char *fmt, va_list ap)
	PRINTF(3, 0);

static size_t add(struct findings *f, const struct finding *new, const char *fmt, va_list ap)
{
	struct finding *slot = ARENA_PUSH(f->arena, f->v, f->n, f->capacity);

	*slot = *new;
	slot->message = arena_vprintf(f->arena, fmt, ap);
	return f->n - 1;
}

size_t finding_add(struct findings *f, enum finding_code code, struct place at, const char *fmt,
		   ...)
{
	struct finding new = { .code = code, .severity = codes[code].severity, .at = at };
	va_list ap;
	size_t i;

	va_start(ap, fmt);
	i = add(f, &new, fmt, ap);
	va_end(ap);
	return i;
}

size_t finding_add_as(struct findings *f, enum severity severity, enum finding_code code,
		      struct place at, const char *fmt, ...)
{
	struct finding new = { .code = code, .severity = severity, .at = at };
	va_list ap;
	size_t i;

	va_start(ap, fmt);
	i = add(f, &new, fmt, ap);
	va_end(ap);
	return i;
}

void finding_help(struct findings *f, size_t i, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	f->v[i].help = arena_vprintf(f->arena, fmt, ap);
	va_end(ap);
}

void finding_relate(struct findings *f, size_t i, struct place at, const char *fmt, ...)
{
	struct finding *finding = &f->v[i];
	struct related *r = ARENA_PUSH(f->arena, finding->related, finding->nrelated,
				       finding->related_capacity);
	va_list ap;

	r->at = at;
	va_start(ap, fmt);
	r->message = arena_vprintf(f->arena, fmt, ap);
	va_end(ap);
}

/* By place; equal places stay as they are, which qsort(3) alone does not promise. */
static int compare_places(const void *pa, const void *pb)
{
	const struct finding *a = *(const struct finding *const *)pa;
	const struct finding *b = *(const struct finding *const *)pb;

	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	if (a->at.column != b->at.column)
		return a->at.column < b->at.column ? -1 : 1;
	return (a > b) - (a < b);
}

void findings_sort(struct findings *f, size_t first)
{
	size_t n = f->n - first;
	const struct finding **order = arena_alloc(f->arena, n * sizeof(struct finding *));
	struct finding *sorted = arena_alloc(f->arena, n * sizeof(*sorted));

	for (size_t i = 0; i < n; i++)
		order[i] = &f->v[first + i];
	if (n)
		qsort(order, n, sizeof(struct finding *), compare_places);
	for (size_t i = 0; i < n; i++)
		sorted[i] = *order[i];
	if (n)
		memcpy(&f->v[first], sorted, n * sizeof(*sorted));
}

size_t findings_count(const struct findings *f, enum severity severity)
{
	size_t count = 0;

	for (size_t i = 0; i < f->n; i++)
		count += f->v[i].severity == severity;
	return count;
}

static bool is_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '+' || c == '/';
}

/* NUL bytes are dropped by whoever reads the file: they do not make a key another text. */
static bool is_run(char c)
{
	return is_base64(c) || !c;
}

/* Length of the key-like run that begins at offset i, its '=' included; 0: none begins there. */
static size_t key_run(struct str text, size_t i)
{
	size_t end = i, letters = 0;

	if (i && is_run(text.p[i - 1]))
		return 0;
	for (; end < text.n && is_run(text.p[end]); end++)
		letters += text.p[end] != '\0';
	return letters >= KEY_RUN && end < text.n && text.p[end] == '=' ? end + 1 - i : 0;
}

static bool within(size_t i, uint32_t at, uint32_t length)
{
	return i >= at && i - at < length;
}

/* How many bytes at offset i are shown as one (hidden); 0: i is shown. */
static size_t hidden_bytes(const struct place *at, size_t i)
{
	if (within(i, at->hide_at, at->hide_length))
		return at->hide_at + at->hide_length - i;
	return within(i, at->show_at, at->show_length) ? 0 : key_run(at->text, i);
}

/* Where to start showing a long line: before the place, and not inside a character or a secret. */
static size_t window_start(const struct place *at)
{
	size_t start;

	if (at->text.n <= LINE_SHOWN || at->column <= LINE_BEFORE)
		return 0;
	start = at->column - LINE_BEFORE;
	if (start > at->text.n)
		start = at->text.n;
	if (within(start, at->hide_at, at->hide_length))
		return at->hide_at;
	while (start && is_run(at->text.p[start - 1]))
		start--;
	while (start && start < at->text.n && ((uint8_t)at->text.p[start] & 0xc0) == 0x80)
		start--;
	return start;
}

/* The line being shown: the columns where the place begins and ends come out of it. */
struct shown {
	size_t column; /* so far */
	size_t first, last;
};

static void note_place(struct shown *s, const struct place *at, size_t i, size_t bytes,
		       size_t columns)
{
	size_t from = at->column - 1, to = from + (at->length ? at->length : 1);

	if (from >= i && from < i + bytes)
		s->first = s->last = s->column;
	if (to > i && from < i + bytes)
		s->last = s->column + columns;
	s->column += columns;
}

/* Prints what stands at offset i and returns its bytes. */
static size_t print_cell(FILE *out, const struct place *at, size_t i, struct shown *s)
{
	size_t bytes = hidden_bytes(at, i);
	struct glyph g;

	if (bytes) {
		fputs("(hidden)", out);
		note_place(s, at, i, bytes, strlen("(hidden)"));
		return bytes;
	}
	g = text_glyph((struct str){ at->text.p + i, at->text.n - i });
	if (g.code == '\t') {
		fputc(' ', out);
		g.columns = 1;
	} else {
		text_print_glyph(out, &g, at->text.p + i);
	}
	note_place(s, at, i, g.bytes, g.columns);
	return g.bytes;
}

static void print_caret(FILE *out, const struct shown *s)
{
	fprintf(out, "      | %*s^", (int)s->first, "");
	for (size_t i = s->first + 1; i < s->last; i++)
		fputc('~', out);
	fputc('\n', out);
}

static void print_source(FILE *out, const struct place *at)
{
	struct shown s = { .first = SIZE_MAX };
	size_t start = window_start(at), end = at->text.n, i = start;

	if (!at->line || !at->text.p)
		return;
	if (end - start > LINE_SHOWN)
		end = start + LINE_SHOWN;
	fprintf(out, "%5u | ", at->line);
	if (start) {
		fputs("...", out);
		s.column = 3;
	}
	while (i < end)
		i += print_cell(out, at, i, &s);
	if (s.first == SIZE_MAX) /* a place after the last byte */
		s.first = s.last = s.column;
	fputs(i < at->text.n ? "...\n" : "\n", out);
	print_caret(out, &s);
}

/* Names out of files get into messages and helps. */
static void print_escaped(FILE *out, const char *s)
{
	text_print(out, (struct str){ s, strlen(s) });
}

static void print_place(FILE *out, const struct place *at)
{
	if (!at->file)
		return;
	print_escaped(out, at->file);
	if (at->line)
		fprintf(out, ":%u:%u", at->line, at->column);
	fputs(": ", out);
}

static void print_finding(FILE *out, const struct finding *finding)
{
	print_place(out, &finding->at);
	fprintf(out, "%s: ", severities[finding->severity]);
	print_escaped(out, finding->message);
	fprintf(out, " [%s]\n", codes[finding->code].name);
	print_source(out, &finding->at);
	for (size_t i = 0; i < finding->nrelated; i++) {
		const struct related *r = &finding->related[i];

		print_place(out, &r->at);
		fputs("note: ", out);
		print_escaped(out, r->message);
		fputc('\n', out);
		print_source(out, &r->at);
	}
	if (!finding->help)
		return;
	fputs("  help: ", out);
	print_escaped(out, finding->help);
	fputc('\n', out);
}

void findings_print(FILE *out, const struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		print_finding(out, &f->v[i]);
}
