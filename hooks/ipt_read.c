/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/ipt_read.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <sys/socket.h>

enum { RETRIES = 16 };

/* What differs between the families; struct ipt_getinfo and ipt_get_entries do not. */
struct layout {
	int level, get_info, get_entries;
	size_t header; /* of an entry, before its matches */
	size_t flags, target_offset, next_offset;
	uint8_t goto_flag;
	const char *names;
};

static const struct layout layouts[] = {
	{
		.level = SOL_IP,
		.get_info = IPT_SO_GET_INFO,
		.get_entries = IPT_SO_GET_ENTRIES,
		.header = sizeof(struct ipt_entry),
		.flags = offsetof(struct ipt_entry, ip.flags),
		.target_offset = offsetof(struct ipt_entry, target_offset),
		.next_offset = offsetof(struct ipt_entry, next_offset),
		.goto_flag = IPT_F_GOTO,
		.names = "/proc/net/ip_tables_names",
	},
	{
		.level = SOL_IPV6,
		.get_info = IP6T_SO_GET_INFO,
		.get_entries = IP6T_SO_GET_ENTRIES,
		.header = sizeof(struct ip6t_entry),
		.flags = offsetof(struct ip6t_entry, ipv6.flags),
		.target_offset = offsetof(struct ip6t_entry, target_offset),
		.next_offset = offsetof(struct ip6t_entry, next_offset),
		.goto_flag = IP6T_F_GOTO,
		.names = "/proc/net/ip6_tables_names",
	},
};

static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo), "one for both");
static_assert(offsetof(struct ipt_get_entries, entrytable) ==
		      offsetof(struct ip6t_get_entries, entrytable),
	      "one for both");

static const struct layout *layout_of(uint8_t family)
{
	return &layouts[family == AF_INET6];
}

/* --- entries --- */

static uint16_t read_u16(const void *entry, size_t at)
{
	uint16_t v;

	memcpy(&v, (const char *)entry + at, sizeof(v));
	return v;
}

const struct xt_entry_target *ipt_target_of(uint8_t family, const void *entry)
{
	size_t at = read_u16(entry, layout_of(family)->target_offset);

	return (const void *)((const char *)entry + at);
}

const struct xt_entry_match *ipt_match_after(uint8_t family, const void *entry,
					     const struct xt_entry_match *m)
{
	const char *end = (const char *)ipt_target_of(family, entry), *next;

	next = m ? (const char *)m + m->u.match_size
		 : (const char *)entry + layout_of(family)->header;
	return next < end ? (const void *)next : NULL;
}

const char *ipt_comment_of(uint8_t family, const void *entry)
{
	const struct xt_entry_match *m = NULL;

	while ((m = ipt_match_after(family, entry, m)))
		if (!strcmp(m->u.user.name, "comment"))
			return ((const struct xt_comment_info *)m->data)->comment;
	return NULL;
}

/* The kernel checks them too, but it may be younger than these headers. */
static bool is_sound(const struct layout *l, const char *entry, size_t left)
{
	size_t target, next, size;

	if (left < l->header)
		return false;
	target = read_u16(entry, l->target_offset);
	next = read_u16(entry, l->next_offset);
	if (next > left || target < l->header || target + sizeof(struct xt_entry_target) > next)
		return false;
	for (size_t at = l->header; at < target; at += size) {
		size = target - at < sizeof(struct xt_entry_match) ? 0 : read_u16(entry, at);
		if (size < sizeof(struct xt_entry_match) || size > target - at)
			return false;
	}
	size = read_u16(entry, target);
	return size >= sizeof(struct xt_entry_target) && size <= next - target;
}

/* --- one table --- */

struct table {
	const struct layout *layout;
	struct arena *arena;
	struct ipt_chains *chains;
	size_t first; /* of its chains */
	struct ipt_getinfo info;
	const char *entries;
};

static const struct {
	int value;
	const char *name;
} verdicts[] = {
	{ -NF_DROP - 1, "DROP" },
	{ -NF_ACCEPT - 1, "ACCEPT" },
	{ -NF_QUEUE - 1, "QUEUE" },
	{ XT_RETURN, "RETURN" },
};

static const char *const hook_names[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					  "POSTROUTING" };

static const struct xt_entry_target *target_at(const struct table *t, size_t at)
{
	return (const void *)(t->entries + at +
			      read_u16(t->entries + at, t->layout->target_offset));
}

/* Of a standard target: negative, or where it jumps to. */
static int verdict_of(const struct xt_entry_target *target)
{
	return ((const struct xt_standard_target *)target)->verdict;
}

static struct ipt_chain *start_chain(struct table *t, const char *name, int hook, size_t at)
{
	struct ipt_chains *c = t->chains;
	struct ipt_chain *chain = ARENA_PUSH(t->arena, c->v, c->n, c->capacity);

	*chain = (struct ipt_chain){
		.table = arena_strndup(t->arena, t->info.name, strnlen(t->info.name, 31)),
		.name = name,
		.hook = hook,
		.policy = -1,
		.start = at,
	};
	return chain;
}

/* The built-in chain that begins (or, of the underflows, ends) at an offset; -1: none. */
static int hook_at(const struct table *t, const unsigned *offsets, size_t at)
{
	for (int h = 0; h < NF_INET_NUMHOOKS; h++)
		if (t->info.valid_hooks & 1U << h && offsets[h] == at)
			return h;
	return -1;
}

static void add_rule(struct table *t, struct ipt_chain *chain, size_t at, size_t size)
{
	struct ipt_rule *r = ARENA_PUSH(t->arena, chain->rules, chain->nrules,
					chain->rules_capacity);

	*r = (struct ipt_rule){ .entry = t->entries + at, .size = size };
}

/*
 * Chains as they lie one after the other: a built-in one from where its hook enters to its
 * underflow, which is its policy; a user's from an ERROR target with its name to a RETURN.
 */
static int split(struct table *t)
{
	struct ipt_chain *chain = NULL;
	size_t size;

	for (size_t at = 0; at < t->info.size; at += size) {
		const struct xt_entry_target *target;
		int hook = hook_at(t, t->info.hook_entry, at);

		if (!is_sound(t->layout, t->entries + at, t->info.size - at))
			return -EBADMSG;
		size = read_u16(t->entries + at, t->layout->next_offset);
		target = target_at(t, at);
		if (!strcmp(target->u.user.name, XT_ERROR_TARGET)) {
			const char *name = ((const struct xt_error_target *)target)->errorname;

			if (chain && chain->hook < 0 && chain->nrules)
				chain->nrules--;
			chain = at + size < t->info.size ? start_chain(t, name, -1, at + size)
							 : NULL;
			continue;
		}
		if (hook >= 0)
			chain = start_chain(t, hook_names[hook], hook, at);
		if (!chain)
			return -EBADMSG;
		if (chain->hook >= 0 && hook_at(t, t->info.underflow, at) == chain->hook)
			chain->policy = -verdict_of(target) - 1;
		else
			add_rule(t, chain, at, size);
	}
	return 0;
}

static const char *jump_target(const struct table *t, size_t start)
{
	for (size_t i = t->first; i < t->chains->n; i++)
		if (t->chains->v[i].hook < 0 && t->chains->v[i].start == start)
			return t->chains->v[i].name;
	return NULL;
}

static int name_target(const struct table *t, struct ipt_rule *r)
{
	size_t at = (size_t)((const char *)r->entry - t->entries);
	const struct xt_entry_target *target = target_at(t, at);
	int verdict;

	r->target = target->u.user.name;
	if (*r->target)
		return 0;
	if (target->u.target_size < sizeof(struct xt_standard_target))
		return -EBADMSG;
	verdict = verdict_of(target);
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
		if (verdict == verdicts[i].value)
			r->target = verdicts[i].name;
	if (verdict < 0 || (size_t)verdict == at + r->size)
		return 0;
	r->target = jump_target(t, (size_t)verdict);
	r->is_jump = true;
	r->is_goto = ((const uint8_t *)r->entry)[t->layout->flags] & t->layout->goto_flag;
	return r->target ? 0 : -EBADMSG;
}

static int name_targets(const struct table *t)
{
	int err = 0;

	for (size_t i = t->first; i < t->chains->n && !err; i++)
		for (size_t k = 0; k < t->chains->v[i].nrules && !err; k++)
			err = name_target(t, &t->chains->v[i].rules[k]);
	return err;
}

/* EAGAIN: its size has changed between the two calls. */
static int fetch(struct table *t, int fd, const char *name)
{
	struct ipt_get_entries *get;
	socklen_t size = sizeof(t->info);

	memset(&t->info, 0, sizeof(t->info));
	snprintf(t->info.name, sizeof(t->info.name), "%s", name);
	if (getsockopt(fd, t->layout->level, t->layout->get_info, &t->info, &size) < 0)
		return -errno;
	get = arena_alloc(t->arena, sizeof(*get) + t->info.size);
	snprintf(get->name, sizeof(get->name), "%s", name);
	get->size = t->info.size;
	size = (socklen_t)(sizeof(*get) + t->info.size);
	if (getsockopt(fd, t->layout->level, t->layout->get_entries, get, &size) < 0)
		return -errno;
	t->entries = (const char *)get->entrytable;
	return 0;
}

/* --- all tables --- */

int ipt_each_table(uint8_t family, int (*each)(const char *table, void *arg), void *arg,
		   struct diag *d)
{
	const char *path = layout_of(family)->names;
	FILE *f CLEANUP_FILE = fopen(path, "re");
	char line[XT_TABLE_MAXNAMELEN + 1];
	int err = 0;

	if (!f && errno == ENOENT)
		return 0;
	if (!f)
		return diag_sys(d, errno, "open %s", path);
	while (!err && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		err = each(line, arg);
	}
	return err;
}

struct reading {
	struct ipt_chains *out;
	struct arena *arena;
	uint8_t family;
	int fd;
	struct diag *d;
};

static int read_table(const char *name, void *arg)
{
	struct reading *r = arg;
	struct table t = {
		.layout = layout_of(r->family),
		.arena = r->arena,
		.chains = r->out,
		.first = r->out->n,
	};
	int err;

	for (int i = 0; (err = fetch(&t, r->fd, name)) == -EAGAIN && i < RETRIES; i++)
		;
	if (!err)
		err = split(&t);
	if (!err)
		err = name_targets(&t);
	if (err == -ENOENT) /* gone meanwhile */
		return 0;
	return err ? diag_sys(r->d, -err, "reading table %s of %s", name,
			      r->family == AF_INET6 ? "ip6_tables" : "ip_tables")
		   : 0;
}

int ipt_read(struct ipt_chains *out, struct arena *a, uint8_t family, struct diag *d)
{
	int fd CLEANUP_FD = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	struct reading r = { .out = out, .arena = a, .family = family, .fd = fd, .d = d };

	*out = (struct ipt_chains){ 0 };
	if (fd < 0 && errno == EAFNOSUPPORT)
		return 0;
	if (fd < 0)
		return diag_sys(d, errno, "raw socket");
	return ipt_each_table(family, read_table, &r, d);
}
