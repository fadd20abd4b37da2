/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/xt.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <xtables.h>

#include "hooks/child.h"
#include "hooks/late.h"
#include "wgq/kernel/nl.h"

enum { DATA_MAX = 4096 }; /* all parts of a rule fit the 16 bits that an entry has for its size */

/* What the child answers with for each match and target; its data follow. */
struct answer {
	int err; /* a positive errno: the end; the reason is on standard error */
	uint32_t size;
	uint8_t revision;
	char name[XT_EXTENSION_MAXNAMELEN + 1];
};

/* --- in the child --- */

struct compiler {
	struct xtables_globals globals;
	typeof(xtables_init_all) *init_all;
	typeof(xtables_find_match) *find_match;
	typeof(xtables_find_target) *find_target;
	typeof(xtables_option_mpcall) *parse_match;
	typeof(xtables_option_tpcall) *parse_target;
	typeof(xtables_option_mfcall) *check_match;
	typeof(xtables_option_tfcall) *check_target;
	int answer;
	uint8_t family;
	unsigned asked; /* how often a revision was looked up */
	struct xt_rule *rules;
	size_t nrules;
};

/* Of the child alone: libxtables calls back without a word of whose call it is. */
static struct compiler *current;

static _Noreturn void give_up(int err)
{
	struct answer a = { .err = err };

	child_write(current->answer, &a, sizeof(a));
	_exit(1);
}

static void exit_err(enum xtables_exittype status, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

static void exit_err(enum xtables_exittype status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vdprintf(STDERR_FILENO, fmt, ap);
	va_end(ap);
	give_up(status == RESOURCE_PROBLEM ? ENOMEM : EINVAL);
}

/* What we have to say comes first, whatever the library has warned of. */
static _Noreturn void refuse(int err, const char *fmt, ...) PRINTF(2, 3);

static _Noreturn void refuse(int err, const char *fmt, ...)
{
	va_list ap;

	if (ftruncate(STDERR_FILENO, 0) || lseek(STDERR_FILENO, 0, SEEK_SET))
		give_up(err);
	va_start(ap, fmt);
	vdprintf(STDERR_FILENO, fmt, ap);
	va_end(ap);
	give_up(err);
}

/* Does ip_tables (ip6_tables) know it? Returns 1, 0 or a negative errno. */
static int ask_xtables(uint8_t family, const char *name, uint8_t revision, int opt)
{
	int fd CLEANUP_FD = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	struct xt_get_revision r = { .revision = revision };
	socklen_t size = sizeof(r);

	if (fd < 0)
		return -errno;
	snprintf(r.name, sizeof(r.name), "%s", name);
	if (getsockopt(fd, family == AF_INET6 ? SOL_IPV6 : SOL_IP, opt, &r, &size) >= 0)
		return 1;
	return errno == ENOENT || errno == EPROTONOSUPPORT ? 0 : -errno;
}

/* Does nft_compat know it? */
static int ask_nft_compat(uint8_t family, const char *name, uint8_t revision, int opt)
{
	bool target = opt == IPT_SO_GET_REVISION_TARGET || opt == IP6T_SO_GET_REVISION_TARGET;
	struct nl nl CLEANUP(nl_close) = { 0 };
	struct nlmsghdr *nlh;
	struct nfgenmsg *nfg;
	struct diag d;
	int err = nl_open(&nl, NETLINK_NETFILTER, &d);

	if (err)
		return err;
	nlh = nl_message(&nl, NFNL_SUBSYS_NFT_COMPAT << 8 | NFNL_MSG_COMPAT_GET, 0);
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	mnl_attr_put_strz(nlh, NFTA_COMPAT_NAME, name);
	mnl_attr_put_u32(nlh, NFTA_COMPAT_REV, htonl(revision));
	mnl_attr_put_u32(nlh, NFTA_COMPAT_TYPE, htonl(target));
	err = nl_request(&nl, nlh, NULL, NULL, &d, name);
	if (!err)
		return 1;
	return err == -ENOENT || err == -EPROTONOSUPPORT ? 0 : err;
}

static bool means_absent(int err)
{
	return err == -ENOPROTOOPT || err == -EAFNOSUPPORT || err == -EINVAL || err == -EOPNOTSUPP;
}

/* ip_tables comes first: where it is, nothing needs to be loaded. Without it ENOPROTOOPT. */
static int has_revision(const char *name, uint8_t revision, int opt)
{
	struct compiler *c = current;
	const char *tables = c->family == AF_INET6 ? "ip6_tables" : "ip_tables";
	int known = ask_xtables(c->family, name, revision, opt);

	c->asked++;
	if (known < 0 && means_absent(known))
		known = ask_nft_compat(c->family, name, revision, opt);
	if (known < 0 && means_absent(known))
		refuse(EOPNOTSUPP, "this kernel has neither %s nor nft_compat", tables);
	if (known < 0)
		refuse(-known, "%s revision %u: %s", name, revision, strerror(-known));
	return known;
}

static _Noreturn void refuse_missing(const struct compiler *c, const char *kind, const char *name)
{
	const char *folder = getenv("XTABLES_LIBDIR");

	if (c->asked)
		refuse(EOPNOTSUPP, "this kernel has no %s %s", kind, name);
	refuse(EOPNOTSUPP, "libxtables has no file for %s %s%s%s: is iptables installed?", kind,
	       name, folder ? " in " : "", folder ? folder : "");
}

static void put(const struct compiler *c, const char *name, uint8_t revision, const void *data,
		size_t size)
{
	struct answer a = { .size = (uint32_t)size, .revision = revision };

	snprintf(a.name, sizeof(a.name), "%s", name);
	if (!child_write(c->answer, &a, sizeof(a)) || !child_write(c->answer, data, size))
		_exit(1);
}

static const struct xt_option_entry *find_option(const char *extension,
						 const struct xt_option_entry *known,
						 const char *option)
{
	for (; known && known->name; known++)
		if (!strncmp(option, "--", 2) && !strcmp(option + 2, known->name))
			return known;
	refuse(EINVAL, "%s: no option %s", extension, option);
}

/* Calls parse for each option of the words, as getopt_long(3) would find it, value in optarg. */
static void each_option(const struct xt_words *w, const struct xt_option_entry *known, void *x,
			void (*parse)(void *x, unsigned id, bool invert))
{
	bool invert = false;

	for (size_t i = 0; i < XT_OPTIONS && *w->options[i]; i++) {
		const struct xt_option_entry *o;

		if (!strcmp(w->options[i], "!")) {
			invert = true;
			continue;
		}
		o = find_option(w->name, known, w->options[i]);
		optarg = NULL;
		if (o->type != XTTYPE_NONE && i + 1 < XT_OPTIONS)
			optarg = (char *)w->options[++i];
		parse(x, o->id, invert);
		invert = false;
	}
}

static void *allocate(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		refuse(ENOMEM, "no memory");
	return p;
}

static void parse_match(void *x, unsigned id, bool invert)
{
	struct xtables_match *m = x;
	struct ip6t_entry entry = { 0 }; /* nothing of ours looks at it */

	current->parse_match(id + m->option_offset, NULL, invert, m, &entry);
}

static struct xtables_match *find_match(struct compiler *c, const char *name)
{
	struct xtables_match *m;

	c->asked = 0;
	m = c->find_match(name, XTF_TRY_LOAD, NULL);
	if (!m)
		refuse_missing(c, "match", name);
	return m;
}

static void compile_match(struct compiler *c, const struct xt_words *w)
{
	struct xtables_match *m = find_match(c, w->name);

	m->m = allocate(1, XT_ALIGN(sizeof(*m->m)) + m->size);
	m->m->u.match_size = (uint16_t)(XT_ALIGN(sizeof(*m->m)) + m->size);
	snprintf(m->m->u.user.name, sizeof(m->m->u.user.name), "%s",
		 m->real_name ? m->real_name : m->name);
	m->m->u.user.revision = m->revision;
	m->udata = m->udata_size ? allocate(1, m->udata_size) : NULL;
	m->mflags = 0;
	if (m->init)
		m->init(m->m);
	each_option(w, m->x6_options, m, parse_match);
	c->check_match(m);
	put(c, m->m->u.user.name, m->revision, m->m->data, m->size);
	free(m->udata);
	free(m->m);
	m->udata = NULL;
	m->m = NULL; /* or the next one would be a clone */
}

static void parse_target(void *x, unsigned id, bool invert)
{
	struct xtables_target *t = x;
	struct ip6t_entry entry = { 0 };

	current->parse_target(id + t->option_offset, NULL, invert, t, &entry);
}

static struct xtables_target *find_target(struct compiler *c, const char *name)
{
	struct xtables_target *t;

	c->asked = 0;
	t = c->find_target(name, XTF_TRY_LOAD);
	if (!t)
		refuse_missing(c, "target", name);
	return t;
}

static void compile_target(struct compiler *c, const struct xt_words *w)
{
	struct xtables_target *t;

	if (!strcmp(w->name, "ACCEPT") || !strcmp(w->name, "DROP")) {
		put(c, w->name, 0, NULL, 0);
		return;
	}
	t = find_target(c, w->name);
	t->t = allocate(1, XT_ALIGN(sizeof(*t->t)) + t->size);
	t->t->u.target_size = (uint16_t)(XT_ALIGN(sizeof(*t->t)) + t->size);
	snprintf(t->t->u.user.name, sizeof(t->t->u.user.name), "%s",
		 t->real_name ? t->real_name : t->name);
	t->t->u.user.revision = t->revision;
	t->udata = t->udata_size ? allocate(1, t->udata_size) : NULL;
	t->tflags = 0;
	if (t->init)
		t->init(t->t);
	each_option(w, t->x6_options, t, parse_target);
	c->check_target(t);
	put(c, t->t->u.user.name, t->revision, t->t->data, t->size);
	free(t->udata);
	free(t->t);
	t->udata = NULL;
	t->t = NULL;
}

static void bind_library(struct compiler *c)
{
	static const struct late_symbol calls[] = {
		{ "init_all", offsetof(struct compiler, init_all) },
		{ "find_match", offsetof(struct compiler, find_match) },
		{ "find_target", offsetof(struct compiler, find_target) },
		{ "option_mpcall", offsetof(struct compiler, parse_match) },
		{ "option_tpcall", offsetof(struct compiler, parse_target) },
		{ "option_mfcall", offsetof(struct compiler, check_match) },
		{ "option_tfcall", offsetof(struct compiler, check_target) },
	};
	struct diag d;

	if (late_bind(c, "libxtables.so.12", "xtables_", calls, ARRAY_SIZE(calls), &d))
		refuse(EOPNOTSUPP, "%s", d.text);
}

/* An extension that was not there is not looked for again, hence at the first one all ends. */
static void compile(int answer, void *arg)
{
	struct compiler *c = arg;

	current = c;
	c->answer = answer;
	bind_library(c);
	c->globals = (struct xtables_globals){
		.program_name = "wgq",
		.program_version = XTABLES_VERSION,
		.exit_err = exit_err,
		.compat_rev = has_revision,
	};
	if (c->init_all(&c->globals, c->family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4))
		_exit(1);
	for (size_t i = 0; i < c->nrules; i++) {
		const struct xt_words *w = c->rules[i].match_words;

		for (size_t k = 0; k < XT_MATCHES && w[k].name; k++)
			compile_match(c, &w[k]);
		compile_target(c, &c->rules[i].target_words);
	}
}

/* --- in the parent --- */

/* Returns 0, the child's positive errno, or -1: no answer. */
static int read_part(struct child *c, struct xt_part *part)
{
	void *data CLEANUP_FREE = NULL;
	struct answer a;

	if (!child_read(c, &a, sizeof(a)))
		return -1;
	if (a.err)
		return a.err;
	if (a.size > DATA_MAX)
		return -1;
	if (a.size && !(data = calloc(1, a.size)))
		return ENOMEM;
	if (a.size && !child_read(c, data, a.size))
		return -1;
	*part = (struct xt_part){ .revision = a.revision, .size = a.size, .data = data };
	snprintf(part->name, sizeof(part->name), "%.*s", (int)sizeof(a.name), a.name);
	data = NULL;
	return 0;
}

static int read_rule(struct child *c, struct xt_rule *rule)
{
	for (size_t k = 0; k < XT_MATCHES && rule->match_words[k].name; k++) {
		int err = read_part(c, &rule->matches[k]);

		rule->nmatches = k + 1;
		if (err)
			return err;
	}
	return read_part(c, &rule->target);
}

int xt_compile(struct xt_rule *rules, size_t n, uint8_t family, struct diag *d)
{
	struct compiler request = { .family = family, .rules = rules, .nrules = n };
	struct child child;
	char text[512];
	int err;

	for (size_t i = 0; i < n; i++) {
		memset(rules[i].matches, 0, sizeof(rules[i].matches));
		rules[i].nmatches = 0;
		rules[i].target = (struct xt_part){ 0 };
	}
	err = child_start(&child, compile, &request, d);
	if (err)
		return diag_wrap(d, err, "libxtables");
	for (size_t i = 0; i < n && !err; i++)
		err = read_rule(&child, &rules[i]);
	child_end(&child, text, sizeof(text));
	if (!err)
		return 0;
	xt_free(rules, n);
	if (!*text)
		return diag_sys(d, err > 0 ? err : EIO, "libxtables");
	return diag_set(d, err > 0 ? err : EIO, "%s", text);
}

void xt_free(struct xt_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < rules[i].nmatches; k++)
			free(rules[i].matches[k].data);
		free(rules[i].target.data);
		memset(rules[i].matches, 0, sizeof(rules[i].matches));
		rules[i].nmatches = 0;
		rules[i].target = (struct xt_part){ 0 };
	}
}
