/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/plan/record.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/*
 * The file's head. The three values that change while operations run have a fixed width and thus a
 * fixed place.
 *
 *     wgq-record 1
 *     state raising
 *     progress 0000000000
 *     ifindex 0000000000
 *     boot 7f3c…
 *     netns 4026
 *     interface wg0
 *     config /etc/wireguard/wg0.conf
 *     link add - kernel
 *     …
 *     end
 */
static const char head_format[] = "wgq-record 1\n"
				  "state %-8s\n"
				  "progress %010zu\n"
				  "ifindex %010d\n";

enum {
	STATE_AT = sizeof("wgq-record 1\nstate ") - 1,
	PROGRESS_AT = STATE_AT + sizeof("raising \nprogress ") - 1,
	IFINDEX_AT = PROGRESS_AT + sizeof("0000000000\nifindex ") - 1,
	SIZE_MAX_BYTES = 256 * 1024 * 1024,
};

static const char *const state_names[] = {
	[RECORD_RAISING] = "raising",
	[RECORD_UP] = "up",
	[RECORD_LOWERING] = "lowering",
};

/* --- words
 * --------------------------------------------------------------------------------------------------------
 */

/* Writes " WORD", escaped so that it holds neither blanks nor line ends and is never empty. */
static void put_word(FILE *out, const char *word)
{
	putc(' ', out);
	if (!*word)
		fputs("\\-", out);
	for (const unsigned char *c = (const unsigned char *)word; *c; c++) {
		if (*c <= ' ' || *c == '\\' || *c == 0x7f)
			fprintf(out, "\\x%02x", *c);
		else
			putc(*c, out);
	}
}

static void put_words(FILE *out, const char **words, size_t n)
{
	fprintf(out, " %zu", n);
	for (size_t i = 0; i < n; i++)
		put_word(out, words[i]);
}

static void put_prefix(FILE *out, const struct prefix *p)
{
	char text[PREFIX_TEXT];

	put_word(out, prefix_format(text, p));
}

/* Reads words of a line; the first that does not fit makes the whole line bad. */
struct reader {
	struct arena *arena;
	char *next; /* rest of the line, NUL-terminated */
	bool bad;
};

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static void unescape(struct reader *r, char *word)
{
	char *to = word;

	if (!strcmp(word, "\\-")) {
		*word = '\0';
		return;
	}
	for (const char *c = word; *c; c++) {
		int high, low;

		if (*c != '\\') {
			*to++ = *c;
			continue;
		}
		high = c[1] == 'x' ? hex_digit(c[2]) : -1;
		low = high < 0 ? -1 : hex_digit(c[3]);
		if (low < 0) {
			r->bad = true;
			return;
		}
		*to++ = (char)(high << 4 | low);
		c += 3;
	}
	*to = '\0';
}

static char *get_word(struct reader *r)
{
	char *word = r->next, *end = strchr(word, ' ');

	if (!*word)
		r->bad = true;
	if (end) {
		*end = '\0';
		r->next = end + 1;
	} else {
		r->next = word + strlen(word);
	}
	unescape(r, word);
	return word;
}

static long long get_number(struct reader *r, long long min, long long max)
{
	const char *word = get_word(r);
	long long value;
	char *end;

	errno = 0;
	value = strtoll(word, &end, 10);
	if (errno || end == word || *end || value < min || value > max) {
		r->bad = true;
		return min;
	}
	return value;
}

static const char **get_words(struct reader *r, size_t *n)
{
	long long count = get_number(r, 0, (long long)strlen(r->next));
	const char **words = arena_alloc(r->arena, ((size_t)count + 1) * sizeof(*words));

	for (*n = 0; *n < (size_t)count; ++*n)
		words[*n] = get_word(r);
	return words;
}

static struct prefix get_prefix(struct reader *r)
{
	struct prefix p = { 0 };
	const char *word = get_word(r);

	if (prefix_parse(&p, (struct str){ word, strlen(word) }))
		r->bad = true;
	return p;
}

static uint8_t get_family(struct reader *r)
{
	return get_number(r, 4, 6) == 6 ? AF_INET6 : AF_INET;
}

static int family_digit(uint8_t family)
{
	return family == AF_INET6 ? 6 : 4;
}

/* --- one row a kind
 * -----------------------------------------------------------------------------------------------
 */

static void put_link(FILE *out, const struct op *op)
{
	put_word(out, op->link.program ? op->link.program : "kernel");
}

static void get_link(struct reader *r, struct op *op)
{
	const char *program = get_word(r);

	op->link.program = strcmp(program, "kernel") ? program : NULL;
}

static void put_hook(FILE *out, const struct op *op)
{
	put_word(out, op->hook);
}

static void get_hook(struct reader *r, struct op *op)
{
	op->hook = get_word(r);
}

/* The device goes with its link; no key is written. */
static void put_device(FILE *out, const struct op *op)
{
	fprintf(out, " %u", op->device.chose_fwmark ? op->device.device->fwmark : 0);
}

static void get_device(struct reader *r, struct op *op)
{
	struct wg_device *device = arena_alloc(r->arena, sizeof(*device));

	device->fwmark = (uint32_t)get_number(r, 0, UINT32_MAX);
	op->device.chose_fwmark = device->fwmark != 0;
	op->device.device = device;
}

static void put_addr(FILE *out, const struct op *op)
{
	put_prefix(out, &op->addr);
}

static void get_addr(struct reader *r, struct op *op)
{
	op->addr = get_prefix(r);
}

static void put_link_up(FILE *out, const struct op *op)
{
	fprintf(out, " %u", op->mtu);
}

static void get_link_up(struct reader *r, struct op *op)
{
	op->mtu = (uint32_t)get_number(r, 0, UINT32_MAX);
}

static void put_dns(FILE *out, const struct op *op)
{
	const struct resolver *resolver = op->dns.resolver;
	const struct dns *dns = resolver->dns;

	fprintf(out, " %d %d", resolver->kind, resolver->default_route);
	put_word(out, resolver->name);
	put_word(out, resolver->program ? resolver->program : "");
	put_words(out, dns->servers, dns->nservers);
	put_words(out, dns->searches, dns->nsearches);
	put_word(out, resolver->previous ? resolver->previous : "");
}

static void get_dns(struct reader *r, struct op *op)
{
	struct resolver *resolver = arena_alloc(r->arena, sizeof(*resolver));
	struct dns *dns = arena_alloc(r->arena, sizeof(*dns));

	resolver->kind = (enum resolver_kind)get_number(r, RESOLVER_NONE, RESOLVER_FILE);
	resolver->default_route = get_number(r, 0, 1);
	resolver->name = get_word(r);
	resolver->program = get_word(r);
	dns->servers = get_words(r, &dns->nservers);
	dns->searches = get_words(r, &dns->nsearches);
	resolver->previous = get_word(r);
	resolver->dns = dns;
	op->dns.resolver = resolver;
	if (!r->bad)
		resolver_restore(resolver, r->arena);
}

static void put_sysctl(FILE *out, const struct op *op)
{
	put_word(out, op->sysctl.name);
	fprintf(out, " %d %d", op->sysctl.value, op->sysctl.old);
}

static void get_sysctl(struct reader *r, struct op *op)
{
	op->sysctl.name = get_word(r);
	op->sysctl.value = (int)get_number(r, INT32_MIN, INT32_MAX);
	op->sysctl.old = (int)get_number(r, INT32_MIN, INT32_MAX);
	if (strncmp(op->sysctl.name, "net/", 4) || strstr(op->sysctl.name, ".."))
		r->bad = true;
}

static void put_firewall(FILE *out, const struct op *op)
{
	const struct antispoof *a = op->firewall.antispoof;

	fprintf(out, " %d %u %zu", family_digit(a->family), a->fwmark, a->naddrs);
	for (size_t i = 0; i < a->naddrs; i++)
		put_prefix(out, &a->addrs[i]);
}

static void get_firewall(struct reader *r, struct op *op)
{
	struct antispoof *a = arena_alloc(r->arena, sizeof(*a));
	struct prefix *addrs;

	a->family = get_family(r);
	a->fwmark = (uint32_t)get_number(r, 0, UINT32_MAX);
	a->naddrs = (size_t)get_number(r, 0, (long long)strlen(r->next));
	addrs = arena_alloc(r->arena, (a->naddrs + 1) * sizeof(*addrs));
	for (size_t i = 0; i < a->naddrs; i++)
		addrs[i] = get_prefix(r);
	a->addrs = addrs;
	op->firewall.antispoof = a;
}

static void put_rule(FILE *out, const struct op *op)
{
	const struct rule *rule = &op->rule;

	fprintf(out, " %d %u %u %u %d %d", family_digit(rule->family), rule->priority, rule->table,
		rule->fwmark, rule->invert, rule->suppress_prefixlen);
}

static void get_rule(struct reader *r, struct op *op)
{
	op->rule.family = get_family(r);
	op->rule.priority = (uint32_t)get_number(r, 0, UINT32_MAX);
	op->rule.table = (uint32_t)get_number(r, 0, UINT32_MAX);
	op->rule.fwmark = (uint32_t)get_number(r, 0, UINT32_MAX);
	op->rule.invert = get_number(r, 0, 1);
	op->rule.suppress_prefixlen = (int)get_number(r, -1, 128);
}

static void put_route(FILE *out, const struct op *op)
{
	put_prefix(out, &op->route.dst);
	fprintf(out, " %u %u", op->route.table, op->route.protocol);
}

static void get_route(struct reader *r, struct op *op)
{
	op->route.dst = get_prefix(r);
	op->route.table = (uint32_t)get_number(r, 0, UINT32_MAX);
	op->route.protocol = (uint8_t)get_number(r, 0, UINT8_MAX);
}

static const struct form {
	void (*put)(FILE *out, const struct op *op);
	void (*get)(struct reader *r, struct op *op);
} forms[OP_KINDS] = {
	[OP_LINK] = { put_link, get_link },          [OP_PRE_UP] = { put_hook, get_hook },
	[OP_DEVICE] = { put_device, get_device },    [OP_ADDR] = { put_addr, get_addr },
	[OP_LINK_UP] = { put_link_up, get_link_up }, [OP_DNS] = { put_dns, get_dns },
	[OP_SYSCTL] = { put_sysctl, get_sysctl },    [OP_FIREWALL] = { put_firewall, get_firewall },
	[OP_RULE] = { put_rule, get_rule },          [OP_ROUTE] = { put_route, get_route },
	[OP_POST_UP] = { put_hook, get_hook },       [OP_PRE_DOWN] = { put_hook, get_hook },
	[OP_POST_DOWN] = { put_hook, get_hook },
};

/* --- the file
 * -----------------------------------------------------------------------------------------------------
 */

void record_init(struct record *r, const struct rundir *dir, const char *ifname)
{
	*r = (struct record){ .dir = dir, .fd = -1 };
	rundir_name(r->name, dir, "record", ifname);
}

void record_close(struct record *r)
{
	util_close(&r->fd);
	r->fd = -1;
}

static void put_plan(FILE *out, const struct record *r, const struct plan *p)
{
	fprintf(out, head_format, state_names[r->state], r->progress, p->ifindex);
	fprintf(out, "boot %s\nnetns %s\ninterface", r->dir->boot, r->dir->netns);
	put_word(out, p->ifname);
	fputs("\nconfig", out);
	put_word(out, p->config_path ? p->config_path : "");
	putc('\n', out);
	for (size_t i = 0; i < p->n; i++) {
		const struct op *op = &p->v[i];

		fprintf(out, "%s %s", op_kind_name(op->kind), op->stays ? "stays" : "-");
		forms[op->kind].put(out, op);
		putc('\n', out);
	}
	fputs("end\n", out);
}

void record_sweep(const struct rundir *dir, const char *ifname)
{
	char name[RUNDIR_NAME];

	rundir_name(name, dir, "new", ifname);
	unlinkat(dir->fd, name, 0);
}

int record_write(struct record *r, const struct plan *p, struct diag *d)
{
	char new_name[RUNDIR_NAME];
	int fd CLEANUP_FD = -1;
	FILE *out CLEANUP_FILE = NULL;

	record_sweep(r->dir, p->ifname);
	rundir_name(new_name, r->dir, "new", p->ifname);
	fd = openat(r->dir->fd, new_name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return diag_sys(d, errno, "cannot make the record %s", new_name);
	r->state = RECORD_RAISING;
	out = fdopen(fcntl(fd, F_DUPFD_CLOEXEC, 0), "w");
	if (!out)
		return diag_sys(d, errno, "cannot write the record %s", new_name);
	put_plan(out, r, p);
	if (fflush(out) || ferror(out) || renameat(r->dir->fd, new_name, r->dir->fd, r->name)) {
		int err = diag_sys(d, errno, "cannot write the record %s", r->name);

		unlinkat(r->dir->fd, new_name, 0);
		return err;
	}
	record_close(r);
	r->fd = fd_take(&fd);
	return 0;
}

static int check_file(const struct record *r, struct stat *st, struct diag *d)
{
	if (fstat(r->fd, st))
		return diag_sys(d, errno, "record %s", r->name);
	if (!S_ISREG(st->st_mode) || st->st_uid != 0 || (st->st_mode & 077))
		return diag_set(d, EPERM,
				"the record %s does not belong to root alone, and what it holds "
				"runs as root: look at it and remove it",
				r->name);
	if (st->st_size > SIZE_MAX_BYTES)
		return diag_set(d, EFBIG, "the record %s is too large", r->name);
	return 0;
}

/* The whole file, NUL-terminated, in the arena. NULL: *err says why, -ENOENT that there is none. */
static char *read_file(struct record *r, struct arena *a, int *err, struct diag *d)
{
	struct stat st;
	size_t n = 0;
	ssize_t got;
	char *text;

	r->fd = openat(r->dir->fd, r->name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (r->fd < 0) {
		*err = errno == ENOENT ? -ENOENT : diag_sys(d, errno, "record %s", r->name);
		return NULL;
	}
	*err = check_file(r, &st, d);
	if (*err)
		return NULL;
	text = arena_alloc(a, (size_t)st.st_size + 1);
	do {
		got = read(r->fd, text + n, (size_t)st.st_size - n);
		n += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	if (!got)
		return text;
	*err = diag_sys(d, errno, "record %s", r->name);
	return NULL;
}

/* Takes the next line off *text: "KEY rest"; its words remain to be read. NULL at the end. */
static char *next_line(char **text, struct reader *r)
{
	char *line = *text, *end = strchr(line, '\n');

	if (!*line || !end)
		return NULL;
	*end = '\0';
	*text = end + 1;
	r->next = line;
	return get_word(r);
}

static char *get_field(char **text, struct reader *r, const char *key)
{
	char *got = next_line(text, r);

	if (!got || strcmp(got, key)) {
		r->bad = true;
		return r->next + strlen(r->next);
	}
	return get_word(r);
}

static enum record_state get_state(struct reader *r, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(state_names); i++)
		if (!strcmp(state_names[i], name))
			return (enum record_state)i;
	r->bad = true;
	return RECORD_UP;
}

static enum op_kind get_kind(struct reader *r, const char *name)
{
	for (int kind = 0; kind < OP_KINDS; kind++)
		if (!strcmp(op_kind_name((enum op_kind)kind), name))
			return (enum op_kind)kind;
	r->bad = true;
	return OP_LINK;
}

static void get_ops(char **text, struct reader *r, struct plan *p)
{
	const char *name = NULL;

	while (!r->bad && (name = next_line(text, r)) && strcmp(name, "end")) {
		enum op_kind kind = get_kind(r, name);
		struct op *op = plan_push(p, kind, op_is_hook(kind) ? OP_RUN : OP_ADD);

		op->stays = !strcmp(get_word(r), "stays");
		if (!r->bad)
			forms[kind].get(r, op);
		if (*r->next)
			r->bad = true;
	}
	if (!name)
		r->bad = true;
}

/* Fills r, p and tells whether the record is of this boot and namespace. */
static bool parse(struct record *r, struct plan *p, char *text, struct reader *in)
{
	const char *boot, *netns;

	in->next = text;
	if (strcmp(get_field(&text, in, "wgq-record"), "1"))
		in->bad = true;
	r->state = get_state(in, get_field(&text, in, "state"));
	r->progress = (size_t)strtoul(get_field(&text, in, "progress"), NULL, 10);
	p->ifindex = (int)strtol(get_field(&text, in, "ifindex"), NULL, 10);
	boot = get_field(&text, in, "boot");
	netns = get_field(&text, in, "netns");
	if (!in->bad && (strcmp(boot, r->dir->boot) || strcmp(netns, r->dir->netns)))
		return false;
	snprintf(p->ifname, sizeof(p->ifname), "%s", get_field(&text, in, "interface"));
	p->config_path = get_field(&text, in, "config");
	get_ops(&text, in, p);
	return true;
}

int record_read(struct record *r, struct plan *p, struct diag *d)
{
	struct reader in = { .arena = p->arena };
	int err = 0;
	char *text = read_file(r, p->arena, &err, d);

	if (!text) {
		record_close(r);
		return err;
	}
	if (!parse(r, p, text, &in)) {
		record_remove(r);
		return -ENOENT;
	}
	if (in.bad) {
		record_close(r);
		return diag_set(
			d, EBADMSG,
			"the record %s is damaged; take the interface down by hand (ip link "
			"delete dev %s) and remove the record",
			r->name, p->ifname);
	}
	for (size_t i = 0; i < p->n; i++)
		p->v[i].done = r->state != RECORD_RAISING || i < r->progress;
	return 0;
}

const char *record_find_config(const struct rundir *dir, const char *ifname, struct arena *a)
{
	struct plan p = { .arena = a };
	struct reader in = { .arena = a };
	struct diag ignored;
	struct record r;
	int err = 0;
	char *text;
	bool is_good;

	record_init(&r, dir, ifname);
	text = read_file(&r, a, &err, &ignored);
	is_good = text && parse(&r, &p, text, &in) && !in.bad && *p.config_path;
	record_close(&r);
	return is_good ? p.config_path : NULL;
}

static void set_field(struct record *r, off_t at, const char *value)
{
	ssize_t n;

	if (r->fd < 0)
		return;
	n = pwrite(r->fd, value, strlen(value), at);
	(void)n; /* the place is there already, in memory: nothing to run out of */
}

void record_set_progress(struct record *r, size_t begun)
{
	char text[16];

	r->progress = begun;
	snprintf(text, sizeof(text), "%010zu", begun);
	set_field(r, PROGRESS_AT, text);
}

void record_set_ifindex(struct record *r, int ifindex)
{
	char text[16];

	snprintf(text, sizeof(text), "%010d", ifindex);
	set_field(r, IFINDEX_AT, text);
}

void record_set_state(struct record *r, enum record_state state)
{
	char text[16];

	r->state = state;
	snprintf(text, sizeof(text), "%-8s", state_names[state]);
	set_field(r, STATE_AT, text);
}

void record_remove(struct record *r)
{
	unlinkat(r->dir->fd, r->name, 0);
	record_close(r);
}
