/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The backend for the legacy tables. Rules are finished before the first operation; a commit forks
 * a child, which needs no memory of ours and starts from what is there then. One that was forked
 * earlier would have to survive hooks and signals, and could serve one commit only.
 */
#include "hooks/ipt.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "hooks/child.h"
#include "hooks/ipt_read.h"
#include "wgq/base/spawn.h"

static_assert(IP6T_SO_GET_INFO == IPT_SO_GET_INFO, "one for both families");

struct ipt {
	struct firewall base;
	struct {
		bool known, served;
	} families[2]; /* IPv4, IPv6 */
};

/* Those against spoofing are looked for everywhere, as wg-quick does. */
static const char *const antispoof_tables[] = {
	"raw", "mangle", "nat", "filter", "security", NULL
};
static const char *const rules_tables[] = { "filter", "nat", NULL };

static const uint8_t both[] = { AF_INET, AF_INET6 };

/* --- the kernel's module --- */

static bool is_loaded(uint8_t family)
{
	return !access(family == AF_INET6 ? "/proc/net/ip6_tables_names"
					  : "/proc/net/ip_tables_names",
		       F_OK);
}

/* Is there a file of the module for this kernel? */
static bool is_installed(uint8_t family)
{
	char line[PATH_MAX], name[32];
	FILE *f CLEANUP_FILE = NULL;
	struct utsname kernel;

	if (uname(&kernel) < 0)
		return false;
	snprintf(line, sizeof(line), "/lib/modules/%s/modules.dep", kernel.release);
	snprintf(name, sizeof(name), "/%s.ko", ipt_module(family));
	f = fopen(line, "re");
	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, name))
			return true;
	return false;
}

/* No request to the kernel loads it, as iptables does not rely on one either. */
static void load(uint8_t family)
{
	FILE *f CLEANUP_FILE = fopen("/proc/sys/kernel/modprobe", "re");
	char path[PATH_MAX] = "";
	char *argv[] = { path, (char *)"-q", (char *)ipt_module(family), NULL };
	struct spawn modprobe = { .path = path, .argv = argv, .quiet = true };
	struct diag ignored;

	if (is_loaded(family) || !is_installed(family) || !f || !fgets(path, sizeof(path), f))
		return;
	path[strcspn(path, "\n")] = '\0';
	if (*path)
		spawn_run(&modprobe, &ignored);
}

/* --- can the tables be had? --- */

/*
 * The kernel makes a table of a namespace when it is first asked for, so a namespace is asked that
 * ends with the child.
 */
static void probe(int answer, void *arg)
{
	static const char *const tables[] = { "raw", "mangle", "filter", "nat" };
	uint8_t family = *(const uint8_t *)arg;
	int fd, level = family == AF_INET6 ? SOL_IPV6 : SOL_IP;
	bool served = true;

	if (unshare(CLONE_NEWNET) < 0)
		return;
	fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	for (size_t i = 0; i < ARRAY_SIZE(tables) && served; i++) {
		struct ipt_getinfo info = { 0 };
		socklen_t size = sizeof(info);

		snprintf(info.name, sizeof(info.name), "%s", tables[i]);
		served = !getsockopt(fd, level, IPT_SO_GET_INFO, &info, &size);
	}
	child_write(answer, &served, sizeof(served));
}

static bool can_have(uint8_t family)
{
	bool served = true; /* other obstacles are for the commit to report */
	struct child child;
	struct diag ignored;
	char text[2];

	load(family);
	if (!is_loaded(family))
		return false;
	if (child_start(&child, probe, &family, &ignored))
		return true;
	if (!child_read(&child, &served, sizeof(served)))
		served = true;
	child_end(&child, text, sizeof(text));
	return served;
}

static bool has_family(struct firewall *base, uint8_t family)
{
	struct ipt *fw = (struct ipt *)base;
	bool *known = &fw->families[family == AF_INET6].known;
	bool *served = &fw->families[family == AF_INET6].served;

	if (!*known)
		*served = can_have(family);
	*known = true;
	return *served;
}

/* --- reading --- */

static bool is_listed(const char *const *tables, const char *table)
{
	for (; *tables; tables++)
		if (!strcmp(*tables, table))
			return true;
	return false;
}

static bool carries(const struct ipt_chain *c, uint8_t family, const char *comment)
{
	for (size_t i = 0; i < c->nrules; i++) {
		const char *its = ipt_comment_of(family, c->rules[i].entry);

		if (its && !strcmp(its, comment))
			return true;
	}
	return false;
}

static int has_comment(uint8_t family, const char *const *tables, const char *comment,
		       struct diag *d)
{
	struct arena a CLEANUP(arena_fini) = { 0 };
	struct ipt_chains chains;
	int err = ipt_read(&chains, &a, family, d);

	for (size_t i = 0; !err && i < chains.n; i++)
		err = is_listed(tables, chains.v[i].table) &&
		      carries(&chains.v[i], family, comment);
	return err;
}

static int read_antispoof(struct firewall *fw, const char *ifname, uint8_t family, struct diag *d)
{
	char comment[XT_COMMENT_SIZE];

	(void)fw;
	return has_comment(family, antispoof_tables, xt_antispoof_comment(comment, ifname), d);
}

static int read_rules(struct firewall *fw, const char *ifname, uint8_t family, struct diag *d)
{
	char comment[XT_COMMENT_SIZE];

	(void)fw;
	return has_comment(family, rules_tables, xt_rules_comment(comment, ifname), d);
}

/* --- building --- */

static int deliver(struct ipt_batch *b, struct firewall_batch **out, struct diag *d)
{
	int err = b ? ipt_edit_check(d) : diag_sys(d, ENOMEM, "iptables");

	if (!err)
		*out = &b->base;
	else if (b)
		ipt_batch_free(&b->base);
	return err;
}

/* Takes n rules in words. */
static int build(struct firewall_batch **out, uint8_t family, const char *const *tables,
		 const char *comment, struct xt_rule *rules, size_t n, struct diag *d)
{
	int err;

	load(family);
	err = xt_compile(rules, n, family, d);
	if (err)
		return diag_wrap(d, err, "%s", ipt_module(family));
	err = deliver(ipt_batch_new(family, tables, comment, rules, n), out, d);
	xt_free(rules, n);
	return err;
}

static int build_antispoof(struct firewall *fw, struct firewall_batch **out, const char *ifname,
			   const struct antispoof *a, struct diag *d)
{
	struct xt_rule *rules CLEANUP_FREE = calloc(a->naddrs + 2, sizeof(*rules));
	char comment[XT_COMMENT_SIZE];

	(void)fw;
	if (!rules)
		return diag_sys(d, ENOMEM, "iptables");
	return build(out, a->family, antispoof_tables, xt_antispoof_comment(comment, ifname), rules,
		     xt_from_antispoof(rules, ifname, a), d);
}

static int build_rules(struct firewall *fw, struct firewall_batch **out, const char *ifname,
		       const struct fw_rules *r, struct diag *d)
{
	struct xt_rule *rules CLEANUP_FREE = calloc(r->n ? r->n : 1, sizeof(*rules));
	char comment[XT_COMMENT_SIZE];

	(void)fw;
	if (!rules)
		return diag_sys(d, ENOMEM, "iptables");
	return build(out, r->family, rules_tables, xt_rules_comment(comment, ifname), rules,
		     xt_from_rules(rules, ifname, r), d);
}

static int build_removal(struct firewall_batch **out, uint8_t family, const char *const *tables,
			 const char *comment, struct diag *d)
{
	struct ipt_batch *b = ipt_batch_new(family, tables, comment, NULL, 0);

	if (b)
		b->removal = true;
	return deliver(b, out, d);
}

static int build_antispoof_removal(struct firewall *fw, struct firewall_batch **out,
				   const char *ifname, uint8_t family, struct diag *d)
{
	char comment[XT_COMMENT_SIZE];

	(void)fw;
	return build_removal(out, family, antispoof_tables, xt_antispoof_comment(comment, ifname),
			     d);
}

static int build_rules_removal(struct firewall *fw, struct firewall_batch **out, const char *ifname,
			       uint8_t family, struct diag *d)
{
	char comment[XT_COMMENT_SIZE];

	(void)fw;
	return build_removal(out, family, rules_tables, xt_rules_comment(comment, ifname), d);
}

/* --- committing --- */

/* -EIO with nothing recorded: the child ended without an answer; text is what it said last. */
static int run(const struct ipt_batch *b, char *text, size_t size, struct diag *d)
{
	struct ipt_answer a;
	struct child child;
	bool answered;
	int err = child_start(&child, ipt_edit, (void *)b, d);

	*text = '\0';
	if (err)
		return err;
	answered = child_read(&child, &a, sizeof(a));
	child_end(&child, text, size);
	if (!answered) {
		d->text[0] = '\0';
		return -EIO;
	}
	*d = a.why;
	return a.err;
}

static int commit(struct firewall *fw, const struct firewall_batch *base, struct diag *d)
{
	const struct ipt_batch *b = (const struct ipt_batch *)base;
	struct ipt_batch removal = *b;
	char text[256], ignored[2];
	struct diag unused;
	int err = run(b, text, sizeof(text), d);

	(void)fw;
	if (err != -EIO || *d->text)
		return err;
	/* it may have been between two tables: none of it is better than half */
	removal.nlines = 0;
	run(&removal, ignored, sizeof(ignored), &unused);
	return diag_set(d, EIO, "%s: libiptc gave up: %s", ipt_module(b->family),
			*text ? text : "no reason given");
}

/* --- the backend --- */

static void close_ipt(struct firewall *fw)
{
	free(fw);
}

static int open_ipt(struct firewall **out, struct diag *d)
{
	bool possible = false;

	for (size_t i = 0; i < ARRAY_SIZE(both) && !possible; i++)
		possible = is_loaded(both[i]) || is_installed(both[i]);
	if (!possible)
		return diag_set(d, EOPNOTSUPP, "this kernel has no ip_tables");
	*out = calloc(1, sizeof(struct ipt));
	if (!*out)
		return diag_sys(d, ENOMEM, "iptables");
	(*out)->backend = &fw_iptables_legacy;
	return 0;
}

const struct fw_backend fw_iptables_legacy = {
	.name = "iptables-legacy",
	.open = open_ipt,
	.close = close_ipt,
	.has_family = has_family,
	.read = read_antispoof,
	.replace = build_antispoof,
	.remove = build_antispoof_removal,
	.read_rules = read_rules,
	.replace_rules = build_rules,
	.remove_rules = build_rules_removal,
	.commit = commit,
	.free = ipt_batch_free,
};
