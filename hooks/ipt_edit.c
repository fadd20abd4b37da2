/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of the legacy tables by libiptc, which may abort(3), in a child that holds the lock of
 * xtables. A table at a time is read, edited and replaced as a whole; what is there afterwards
 * decides, not what the library says.
 */
#include "hooks/ipt.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libiptc/libip6tc.h>
#include <libiptc/libiptc.h>
#include <sys/file.h>
#include <time.h>

#include "hooks/child.h"
#include "hooks/ipt_read.h"
#include "hooks/late.h"

enum {
	LOCK_WAIT_MS = 5000,
	LOCK_LOOK_MS = 20,
	ATTEMPTS = 16,
	TABLES = 8,
};

/* --- libiptc, of either family --- */

/* The families' calls differ in the type of an entry alone, to which all have pointers. */
struct library {
	struct xtc_handle *(*init)(const char *table);
	void (*free)(struct xtc_handle *h);
	int (*commit)(struct xtc_handle *h);
	int (*is_chain)(const char *chain, struct xtc_handle *const h);
	const char *(*first_chain)(struct xtc_handle *h);
	const char *(*next_chain)(struct xtc_handle *h);
	const void *(*first_rule)(const char *chain, struct xtc_handle *h);
	const void *(*next_rule)(const void *entry, struct xtc_handle *h);
	const char *(*target)(const void *entry, struct xtc_handle *h);
	int (*insert)(const char *chain, const void *entry, unsigned at, struct xtc_handle *h);
	int (*delete)(const char *chain, unsigned at, struct xtc_handle *h);
	const char *(*policy)(const char *chain, struct xt_counters *counters,
			      struct xtc_handle *h);
	int (*set_policy)(const xt_chainlabel chain, const xt_chainlabel policy,
			  struct xt_counters *counters, struct xtc_handle *h);
};

static int bind_library(struct library *l, uint8_t family, struct diag *d)
{
	static const struct late_symbol calls[] = {
		{ "init", offsetof(struct library, init) },
		{ "free", offsetof(struct library, free) },
		{ "commit", offsetof(struct library, commit) },
		{ "is_chain", offsetof(struct library, is_chain) },
		{ "first_chain", offsetof(struct library, first_chain) },
		{ "next_chain", offsetof(struct library, next_chain) },
		{ "first_rule", offsetof(struct library, first_rule) },
		{ "next_rule", offsetof(struct library, next_rule) },
		{ "get_target", offsetof(struct library, target) },
		{ "insert_entry", offsetof(struct library, insert) },
		{ "delete_num_entry", offsetof(struct library, delete) },
		{ "get_policy", offsetof(struct library, policy) },
		{ "set_policy", offsetof(struct library, set_policy) },
	};

	if (family == AF_INET6)
		return late_bind(l, "libip6tc.so.2", "ip6tc_", calls, ARRAY_SIZE(calls), d);
	return late_bind(l, "libip4tc.so.2", "iptc_", calls, ARRAY_SIZE(calls), d);
}

int ipt_edit_check(struct diag *d)
{
	struct library ignored;
	int err = bind_library(&ignored, AF_INET, d);

	return err ? err : bind_library(&ignored, AF_INET6, d);
}

/* --- one table --- */

/* A rule that was there, to put it back where it was. */
struct kept {
	char chain[IPT_CHAIN_NAME];
	unsigned at;
	void *entry;
};

struct table {
	const char *name;
	struct kept *kept; /* what carried our comment, chain by chain, from the head */
	size_t nkept, kept_capacity;
	bool changed;
};

struct edit {
	struct library library;
	const struct ipt_batch *batch;
	struct arena arena; /* ends with the process */
	struct diag *d;
	bool registered[TABLES];
	struct table tables[TABLES];
};

static size_t entry_size(const struct edit *e, const void *entry)
{
	return e->batch->family == AF_INET6 ? ((const struct ip6t_entry *)entry)->next_offset
					    : ((const struct ipt_entry *)entry)->next_offset;
}

static bool is_ours(const struct edit *e, const void *entry)
{
	const char *comment = ipt_comment_of(e->batch->family, entry);

	return comment && !strcmp(comment, e->batch->comment);
}

/* The library wants a verdict and a jump by name, and gives numbers. */
static void *copy_entry(struct edit *e, const void *entry, struct xtc_handle *h)
{
	size_t size = entry_size(e, entry);
	void *copy = arena_alloc(&e->arena, size);
	struct xt_entry_target *target;

	memcpy(copy, entry, size);
	target = (struct xt_entry_target *)ipt_target_of(e->batch->family, copy);
	snprintf(target->u.user.name, sizeof(target->u.user.name), "%s",
		 e->library.target(entry, h));
	return copy;
}

/* Notes every rule of ours. */
static void find_ours(struct edit *e, struct table *t, struct xtc_handle *h)
{
	const struct library *l = &e->library;

	t->nkept = 0;
	for (const char *c = l->first_chain(h); c; c = l->next_chain(h)) {
		unsigned at = 0;

		for (const void *r = l->first_rule(c, h); r; r = l->next_rule(r, h), at++) {
			struct kept *k;

			if (!is_ours(e, r))
				continue;
			k = ARENA_PUSH(&e->arena, t->kept, t->nkept, t->kept_capacity);
			k->at = at;
			k->entry = copy_entry(e, r, h);
			snprintf(k->chain, sizeof(k->chain), "%s", c);
		}
	}
}

/* From the last: the library must not delete where it is iterating, and places stay what they are.
 */
static int delete_found(const struct edit *e, const struct table *t, struct xtc_handle *h)
{
	for (size_t i = t->nkept; i-- > 0;)
		if (!e->library.delete(t->kept[i].chain, t->kept[i].at, h))
			return diag_sys(e->d, errno, "table %s of %s: delete", t->name,
					ipt_module(e->batch->family));
	return 0;
}

/* How many lines before line go to the same chain. */
static unsigned place_of(const struct ipt_batch *b, const struct ipt_line *line)
{
	unsigned n = 0;

	for (const struct ipt_line *l = b->lines; l < line; l++)
		n += !strcmp(l->table, line->table) && !strcmp(l->chain, line->chain);
	return n;
}

static int insert_lines(const struct edit *e, const struct table *t, struct xtc_handle *h)
{
	const struct ipt_batch *b = e->batch;

	for (const struct ipt_line *l = b->lines; l < b->lines + b->nlines; l++) {
		if (strcmp(l->table, t->name) != 0)
			continue;
		if (!e->library.is_chain(l->chain, h))
			return diag_set(e->d, ESRCH, "table %s of %s has no chain %s", t->name,
					ipt_module(b->family), l->chain);
		if (!e->library.insert(l->chain, l->entry, place_of(b, l), h))
			return diag_sys(e->d, errno, "table %s of %s, chain %s", t->name,
					ipt_module(b->family), l->chain);
	}
	return 0;
}

static size_t count_lines(const struct ipt_batch *b, const char *table)
{
	size_t n = 0;

	for (size_t i = 0; i < b->nlines; i++)
		n += !strcmp(b->lines[i].table, table);
	return n;
}

/* Opens the table as it is now. ENOENT and ENOPROTOOPT are the kernel's for what it does not have.
 */
static int open_table(const struct edit *e, const char *name, struct xtc_handle **h)
{
	const char *module = ipt_module(e->batch->family);

	*h = e->library.init(name);
	if (*h)
		return 0;
	if (errno == ENOPROTOOPT || errno == EAFNOSUPPORT)
		return diag_set(e->d, EOPNOTSUPP, "this kernel has no %s", module);
	if (errno == ENOENT)
		return diag_set(e->d, EOPNOTSUPP, "this kernel has no table %s of %s", name,
				module);
	return diag_sys(e->d, errno, "table %s of %s", name, module);
}

/* Matches and targets begin alike. Behind the end of a name the kernel leaves what was there. */
static bool is_same_part(const struct xt_entry_match *a, const struct xt_entry_match *b)
{
	return a->u.match_size == b->u.match_size && a->u.user.revision == b->u.user.revision &&
	       !strncmp(a->u.user.name, b->u.user.name, sizeof(a->u.user.name)) &&
	       !memcmp(a->data, b->data, a->u.match_size - sizeof(*a));
}

static_assert(sizeof(struct xt_entry_match) == sizeof(struct xt_entry_target), "begin alike");

/* Do they say the same? Counters and fields of the kernel's own do not count. */
static bool is_same(const struct edit *e, const void *a, const void *b)
{
	uint8_t family = e->batch->family;
	size_t header = family == AF_INET6 ? sizeof(struct ip6t_ip6) : sizeof(struct ipt_ip);
	const struct xt_entry_target *t = ipt_target_of(family, a), *u = ipt_target_of(family, b);
	const struct xt_entry_match *m = NULL, *n = NULL;

	if (entry_size(e, a) != entry_size(e, b) || memcmp(a, b, header) != 0)
		return false;
	do {
		m = ipt_match_after(family, a, m);
		n = ipt_match_after(family, b, n);
		if (!m != !n || (m && !is_same_part(m, n)))
			return false;
	} while (m);
	if (!strcmp(t->u.user.name, "ACCEPT") || !strcmp(t->u.user.name, "DROP"))
		return !strcmp(t->u.user.name, u->u.user.name);
	return is_same_part((const void *)t, (const void *)u);
}

static bool is_line(const struct edit *e, const struct ipt_line *line, const struct kept *k)
{
	return !strcmp(line->chain, k->chain) && is_same(e, line->entry, k->entry) &&
	       place_of(e->batch, line) == k->at;
}

/* Does the table hold the lines at the heads of their chains, and nothing else of ours? */
static bool is_as_wanted(struct edit *e, const struct table *t)
{
	struct table now = { .name = t->name };
	struct xtc_handle *h;
	struct diag ignored;
	struct diag *d = e->d;
	size_t found = 0;

	e->d = &ignored;
	if (!open_table(e, t->name, &h)) {
		find_ours(e, &now, h);
		e->library.free(h);
	}
	e->d = d;
	if (!h || now.nkept != count_lines(e->batch, t->name))
		return false;
	for (size_t i = 0; i < e->batch->nlines; i++)
		for (size_t k = 0; k < now.nkept; k++)
			found += !strcmp(e->batch->lines[i].table, t->name) &&
				 is_line(e, &e->batch->lines[i], &now.kept[k]);
	return found == now.nkept;
}

/* Or the library would set the counters of the policies to zero. */
static void keep_counters(const struct library *l, struct xtc_handle *h)
{
	for (const char *c = l->first_chain(h); c; c = l->next_chain(h)) {
		struct xt_counters counters;
		const char *policy = l->policy(c, &counters, h);

		if (policy)
			l->set_policy(c, policy, &counters, h);
	}
}

/* EAGAIN: somebody else has replaced the table since we read it. */
static int commit_table(struct edit *e, const struct table *t, struct xtc_handle *h)
{
	keep_counters(&e->library, h);
	if (e->library.commit(h))
		return 0;
	return errno == EAGAIN ? -EAGAIN
			       : diag_sys(e->d, errno, "table %s of %s", t->name,
					  ipt_module(e->batch->family));
}

static int try_table(struct edit *e, struct table *t)
{
	struct xtc_handle *h;
	int err = open_table(e, t->name, &h);

	if (err)
		return err;
	find_ours(e, t, h);
	t->changed = t->nkept || count_lines(e->batch, t->name);
	if (t->changed)
		err = delete_found(e, t, h);
	if (t->changed && !err)
		err = insert_lines(e, t, h);
	if (t->changed && !err) {
		err = commit_table(e, t, h);
		if (err && err != -EAGAIN && is_as_wanted(e, t))
			err = 0;
	}
	e->library.free(h);
	return err;
}

/* Puts back what was there, by the same way: others may have changed the table meanwhile. */
static int try_restore(struct edit *e, const struct table *t)
{
	struct table now = { .name = t->name };
	struct xtc_handle *h;
	int err = open_table(e, t->name, &h);

	if (err)
		return err;
	find_ours(e, &now, h);
	err = delete_found(e, &now, h);
	for (size_t i = 0; i < t->nkept && !err; i++)
		if (!e->library.insert(t->kept[i].chain, t->kept[i].entry, t->kept[i].at, h))
			err = diag_sys(e->d, errno, "table %s of %s, chain %s", t->name,
				       ipt_module(e->batch->family), t->kept[i].chain);
	if (!err)
		err = commit_table(e, t, h);
	e->library.free(h);
	return err;
}

/* --- all tables --- */

static int restore_table(struct edit *e, const struct table *t)
{
	int err = -EAGAIN;

	for (int n = 0; err == -EAGAIN && n < ATTEMPTS; n++)
		err = try_restore(e, t);
	if (err == -EAGAIN)
		diag_sys(e->d, EAGAIN, "table %s", t->name);
	return err;
}

/* The first n tables; why gets what could not be done. */
static void restore(struct edit *e, size_t n, struct diag *why)
{
	struct diag inner;

	e->d = &inner;
	while (n-- > 0)
		if (e->tables[n].changed && restore_table(e, &e->tables[n]))
			diag_wrap(why, 0, "not put back as it was (%.300s)", inner.text);
	e->d = why;
}

static int note_registered(const char *name, void *arg)
{
	struct edit *e = arg;

	for (size_t i = 0; e->batch->tables[i]; i++)
		if (!strcmp(e->batch->tables[i], name))
			e->registered[i] = true;
	return 0;
}

static int edit_tables(struct edit *e)
{
	const struct ipt_batch *b = e->batch;
	bool changed = false;
	int err = ipt_each_table(b->family, note_registered, e, e->d);

	for (size_t i = 0; !err && b->tables[i]; i++) {
		struct table *t = &e->tables[i];

		t->name = b->tables[i];
		if (!e->registered[i] && !count_lines(b, t->name))
			continue;
		err = -EAGAIN;
		for (int n = 0; err == -EAGAIN && n < ATTEMPTS; n++)
			err = try_table(e, t);
		if (err == -EAGAIN)
			diag_sys(e->d, EAGAIN, "table %s of %s", t->name, ipt_module(b->family));
		if (err)
			restore(e, i, e->d);
		changed = changed || t->changed;
	}
	if (err || changed || !b->removal)
		return err;
	return diag_set(e->d, ENOENT, "no rule of %s has the comment \"%s\"", ipt_module(b->family),
			b->comment);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* As iptables -w does. The lock is held until the process ends. */
static int take_lock(struct diag *d)
{
	const char *path = getenv("XTABLES_LOCKFILE");
	int64_t end = now_ms() + LOCK_WAIT_MS;
	int fd;

	path = path ? path : "/run/xtables.lock";
	fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return diag_sys(d, errno, "open %s", path);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return diag_sys(d, errno, "flock %s", path);
		if (now_ms() >= end)
			return diag_set(d, EBUSY,
					"%s is held by another program, such as iptables, for "
					"more than %d seconds",
					path, LOCK_WAIT_MS / 1000);
		usleep(LOCK_LOOK_MS * 1000);
	}
	return 0;
}

void ipt_edit(int answer, void *arg)
{
	const struct ipt_batch *b = arg;
	struct ipt_answer a = { 0 };
	struct edit e = {
		.batch = b,
		.d = &a.why,
	};

	a.err = bind_library(&e.library, b->family, &a.why);
	if (!a.err)
		a.err = take_lock(&a.why);
	if (!a.err)
		a.err = edit_tables(&e);
	child_write(answer, &a, sizeof(a));
}
