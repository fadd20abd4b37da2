/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/plan/apply.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "wgq/base/log.h"
#include "wgq/base/spawn.h"
#include "wgq/kernel/rtnl.h"
#include "wgq/kernel/sysctl.h"

enum {
	USERSPACE_EXIT_MS = 2000,
	USERSPACE_START_MS = 2000,
	LOOK_AGAIN_MS = 20,
	NOT_DONE = 1, /* an action was left out, with a warning: there is nothing to take back */
};

/* Like operations that go out together: n of them from first on, step apart, as they are or
 * inverted. */
struct run {
	struct host *host;
	struct plan *plan;
	struct op *first;
	size_t n;
	int step;
	bool inverse;
	struct record *record; /* NULL while undoing */
};

static struct op *run_op(const struct run *r, size_t i)
{
	return &r->first[(ptrdiff_t)i * r->step];
}

static bool run_adds(const struct run *r)
{
	return (r->first->verb == OP_ADD) != r->inverse;
}

/* An object that is gone already needs no deleting. Adding one that exists is an error: it is
 * somebody else's. */
static int forgive(const struct run *r, int err)
{
	if (run_adds(r))
		return err;
	switch (-err) {
	case ENOENT:
	case ESRCH:
	case ENODEV:
	case EADDRNOTAVAIL:
		return 0;
	default:
		return err;
	}
}

static int settle(size_t i, int err, void *data)
{
	struct run *r = data;

	err = forgive(r, err);
	if (!err)
		run_op(r, i)->done = !r->inverse;
	return err;
}

/* Puts the refused operation's own command in front of the kernel's words. */
static int name_failed(const struct run *r, size_t failed, int err, struct diag *d)
{
	char text[512];

	return diag_wrap(d, err, "%s",
			 op_describe(text, sizeof(text), r->plan, run_op(r, failed), r->inverse));
}

static const struct prefix *get_addr(size_t i, void *data)
{
	return &run_op(data, i)->addr;
}

static const struct route *get_route(size_t i, void *data)
{
	struct run *r = data;
	struct route *route = &run_op(r, i)->route;

	route->oif = r->plan->ifindex;
	return route;
}

static const struct rule *get_rule(size_t i, void *data)
{
	return &run_op(data, i)->rule;
}

static int run_addrs(struct run *r, struct diag *d)
{
	size_t failed = 0;
	int err = rtnl_addrs(&r->host->rtnl, run_adds(r), r->plan->ifindex, r->n, get_addr, settle,
			     r, &failed, d);

	return err ? name_failed(r, failed, err, d) : 0;
}

static int run_routes(struct run *r, struct diag *d)
{
	size_t failed = 0;
	int err = rtnl_routes(&r->host->rtnl, run_adds(r), r->n, get_route, settle, r, &failed, d);

	return err ? name_failed(r, failed, err, d) : 0;
}

static int run_rules(struct run *r, struct diag *d)
{
	size_t failed = 0;
	int err = rtnl_rules(&r->host->rtnl, run_adds(r), r->n, get_rule, settle, r, &failed, d);

	return err ? name_failed(r, failed, err, d) : 0;
}

static int start_userspace(const struct plan *p, const char *program, struct diag *d)
{
	const char *argv[] = { program, p->ifname, NULL };
	struct spawn s = {
		.path = program,
		.argv = (char *const *)argv,
		.quiet = true,
		.own_session = true,
	};
	int status = spawn_run(&s, d);

	if (status < 0)
		return status;
	if (status)
		return diag_set(d, EIO, "%s %s exited with status %d; run by hand it says why",
				program, p->ifname, status);
	return 0;
}

static int add_link(struct run *r, struct diag *d)
{
	struct plan *p = r->plan;
	const char *program = r->first->link.program;
	struct link link;
	int err = program ? start_userspace(p, program, d)
			  : rtnl_add_link(&r->host->rtnl, p->ifname, d);

	if (err)
		return err;
	r->first->done = true; /* from here on there is a link to take back */
	err = rtnl_get_link(&r->host->rtnl, &link, p->ifname, d);
	if (err == -ENODEV && program)
		return diag_set(d, EIO, "%s %s succeeded but made no interface", program,
				p->ifname);
	if (err)
		return err;
	p->ifindex = link.index;
	if (r->record)
		record_set_ifindex(r->record, link.index);
	return 0;
}

/*
 * The record of an up that was killed while the link came to be knows the name alone, and a
 * userspace program that it had started then may make the link only now.
 */
static int await_link(struct run *r, struct link *link, struct diag *d)
{
	const struct timespec again = { .tv_nsec = LOOK_AGAIN_MS * 1000000L };
	int left = r->first->link.program ? USERSPACE_START_MS : 0;
	int err = rtnl_get_link(&r->host->rtnl, link, r->plan->ifname, d);

	for (; err == -ENODEV && left > 0; left -= LOOK_AGAIN_MS) {
		nanosleep(&again, NULL);
		err = rtnl_get_link(&r->host->rtnl, link, r->plan->ifname, d);
	}
	return err;
}

static int del_link(struct run *r, struct diag *d)
{
	struct plan *p = r->plan;
	struct link link = { .index = p->ifindex };
	int watch, err = link.index ? 0 : await_link(r, &link, d);

	if (err)
		return err == -ENODEV ? 0 : err;
	watch = wg_watch_userspace(p->ifname);
	err = forgive(r, rtnl_del_link(&r->host->rtnl, link.index, d));
	/* the request may have arrived and its answer been lost */
	if (err == -ENOBUFS && rtnl_get_link(&r->host->rtnl, &link, p->ifname, d) == -ENODEV)
		err = 0;
	if (watch >= 0)
		wg_await_userspace_exit(p->ifname, watch, err ? 0 : USERSPACE_EXIT_MS);
	return err;
}

static int run_link(struct run *r, struct diag *d)
{
	return run_adds(r) ? add_link(r, d) : del_link(r, d);
}

static int run_device(struct run *r, struct diag *d)
{
	return wg_set(&r->host->wg, r->plan->ifname, r->first->device.device, d);
}

static int run_link_up(struct run *r, struct diag *d)
{
	char text[256];
	int err = rtnl_set_link(&r->host->rtnl, r->plan->ifindex, run_adds(r) ? r->first->mtu : 0,
				run_adds(r), d);

	if (!err)
		return 0;
	return diag_wrap(d, err, "%s",
			 op_describe(text, sizeof(text), r->plan, r->first, r->inverse));
}

/* DNS is a courtesy: a resolver that cannot be told must not keep a tunnel up that shall go down.
 */
static int run_dns(struct run *r, struct diag *d)
{
	const struct resolver *resolver = r->first->dns.resolver;
	int err = run_adds(r) ? resolver_set(resolver, d) : resolver_unset(resolver, d);

	/* interrupted at its work, the program may have done some of it */
	if (err && run_adds(r) && stop_requested)
		r->first->done = true;
	if (!err || run_adds(r) || r->inverse)
		return err;
	log_warn("%s", d->text);
	return NOT_DONE;
}

static int run_zone(struct run *r, struct diag *d)
{
	const struct firewalld *f = r->first->zone.firewalld;

	return run_adds(r) ? firewalld_add(f, d) : firewalld_remove(f, d);
}

/* A container's read-only /proc/sys must not keep a tunnel down that may well work without. */
static int run_sysctl(struct run *r, struct diag *d)
{
	const struct op_sysctl *s = &r->first->sysctl;
	int value = run_adds(r) ? s->value : s->old, err;

	if (s->shared && run_adds(r))
		return NOT_DONE;
	err = sysctl_write(s->name, value, d);
	if (s->needed || (err != -EROFS && err != -EACCES && err != -EPERM))
		return forgive(r, err); /* the interface that it was of may have gone */
	log_warn("cannot set %s=%d, replies may be dropped by rp_filter; for a container pass "
		 "--sysctl %s=%d (%s)",
		 s->name, value, s->name, value, strerror(-err));
	return NOT_DONE;
}

static int run_firewall(struct run *r, struct diag *d)
{
	const struct op_firewall *f = &r->first->firewall;
	int err = forgive(r, firewall_commit(r->host->firewalls[f->medium],
					     run_adds(r) ? f->add : f->del, d));

	/* the answer was lost: perhaps it is done, and the inverse of what is not does no harm */
	if (err == -ENOBUFS && !r->inverse)
		r->first->done = true;
	return err;
}

static int run_hook(struct run *r, struct diag *d)
{
	static const char *const keys[OP_KINDS] = { [OP_PRE_UP] = "PreUp",
						    [OP_POST_UP] = "PostUp",
						    [OP_PRE_DOWN] = "PreDown",
						    [OP_POST_DOWN] = "PostDown" };
	int status;

	r->first->done = true; /* whatever comes of it, it ran */
	status = command_run(&r->host->commands, r->first->hook, d);
	if (status < 0)
		return diag_wrap(d, status, "%s", keys[r->first->kind]);
	if (status > 128)
		return diag_set(d, ECANCELED, "%s was ended by signal %d: %s", keys[r->first->kind],
				status - 128, r->first->hook);
	if (status)
		return diag_set(d, ECANCELED, "%s exited with status %d: %s", keys[r->first->kind],
				status, r->first->hook);
	return 0;
}

static const struct action {
	int (*run)(struct run *r, struct diag *d); /* 0, NOT_DONE or a negative errno */
	bool batch;                                /* takes many at once and settles each itself */
} actions[OP_KINDS] = {
	[OP_LINK] = { .run = run_link },
	[OP_PRE_UP] = { .run = run_hook },
	[OP_DEVICE] = { .run = run_device },
	[OP_ADDR] = { .run = run_addrs, .batch = true },
	[OP_LINK_UP] = { .run = run_link_up },
	[OP_ZONE] = { .run = run_zone },
	[OP_DNS] = { .run = run_dns },
	[OP_SYSCTL] = { .run = run_sysctl },
	[OP_FIREWALL] = { .run = run_firewall },
	[OP_ANTISPOOF] = { .run = run_firewall },
	[OP_RULE] = { .run = run_rules, .batch = true },
	[OP_ROUTE] = { .run = run_routes, .batch = true },
	[OP_POST_UP] = { .run = run_hook },
	[OP_PRE_DOWN] = { .run = run_hook },
	[OP_POST_DOWN] = { .run = run_hook },
};

static bool is_firewall(const struct op *op)
{
	return op->kind == OP_FIREWALL || op->kind == OP_ANTISPOOF;
}

static int build_rules(struct firewall *fw, struct op_firewall *f, const char *ifname,
		       struct diag *d)
{
	int err = firewall_build_rules(fw, &f->add, ifname, f->rules, d);

	return err ? err : firewall_build_rules_removal(fw, &f->del, ifname, f->rules->family, d);
}

static int build_antispoof(struct firewall *fw, struct op_firewall *f, const char *ifname,
			   struct diag *d)
{
	int err = firewall_build_antispoof(fw, &f->add, ifname, f->antispoof, d);

	return err ? err
		   : firewall_build_antispoof_removal(fw, &f->del, ifname, f->antispoof->family, d);
}

int apply_prepare(struct host *h, struct plan *p, size_t from, struct diag *d)
{
	for (size_t i = from; i < p->n; i++) {
		struct op_firewall *f = &p->v[i].firewall;
		struct firewall *fw;
		int err;

		if (!is_firewall(&p->v[i]))
			continue;
		err = host_firewall(h, &fw, f->medium, d);
		if (!err && f->rules)
			err = build_rules(fw, f, p->ifname, d);
		else if (!err)
			err = build_antispoof(fw, f, p->ifname, d);
		if (err)
			return err;
	}
	return 0;
}

void apply_release(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (!is_firewall(&p->v[i]))
			continue;
		firewall_batch_free(p->v[i].firewall.add);
		firewall_batch_free(p->v[i].firewall.del);
		p->v[i].firewall.add = p->v[i].firewall.del = NULL;
	}
}

static void request_stop(int signal)
{
	stop_requested = signal;
}

static void swap_handlers(void (*from)(int), void (*to)(int))
{
	static const int caught[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction new = { .sa_handler = to }, old;

	for (size_t i = 0; i < ARRAY_SIZE(caught); i++)
		if (!sigaction(caught[i], NULL, &old) && old.sa_handler == from)
			sigaction(caught[i], &new, NULL);
}

void apply_catch_signals(void)
{
	swap_handlers(SIG_DFL, request_stop);
	signal(SIGPIPE, SIG_IGN);
}

void apply_release_signals(void)
{
	swap_handlers(request_stop, SIG_DFL);
}

void apply_die_of_signal(void)
{
	if (!stop_requested)
		return;
	signal(stop_requested, SIG_DFL);
	raise(stop_requested);
}

int apply_run(struct host *h, struct plan *p, size_t from, size_t to, struct record *record,
	      struct diag *d)
{
	size_t n;

	for (size_t i = from; i < to; i += n) {
		struct op *op = &p->v[i];
		const struct action *action = &actions[op->kind];
		struct run run = { h, p, op, 1, 1, false, record };
		int err;

		if (stop_requested)
			return diag_set(d, EINTR, "interrupted by %s", strsignal(stop_requested));
		n = run.n = action->batch ? op_run_length(op, to - i, 1) : 1;
		if (record)
			record_set_progress(record, i + n);
		op_announce(p, op, n, 1, false);
		err = action->run(&run, d);
		if (err < 0)
			return err;
		if (!action->batch)
			op->done = err != NOT_DONE;
	}
	return 0;
}

static size_t count_done(const struct op *op, size_t max)
{
	size_t n = 1;

	while (n < max && op[-(ptrdiff_t)n].kind == op->kind && op[-(ptrdiff_t)n].done)
		n++;
	return n;
}

static bool takes_link_along(const struct plan *p, size_t from)
{
	for (size_t i = from; i < p->n; i++)
		if (p->v[i].kind == OP_LINK && p->v[i].verb == OP_ADD && p->v[i].done)
			return true;
	return false;
}

static size_t undo_run(struct host *h, struct plan *p, struct op *op, size_t n)
{
	struct run run = { h, p, op, n, -1, true, NULL };
	struct diag d = { "" };
	int err;

	op_announce(p, op, n, -1, true);
	err = actions[op->kind].run(&run, &d);
	if (err == -ESTALE) { /* somebody changed it since: theirs now */
		log_warn("%s", d.text);
		return 0;
	}
	if (err < 0)
		log_error("undo: %s", d.text);
	return err < 0 ? 1 : 0;
}

size_t apply_undo(struct host *h, struct plan *p, size_t from)
{
	bool link_goes = takes_link_along(p, from);
	bool hooks_ran = false;
	size_t failures = 0, n;

	for (size_t i = p->n; i > from; i -= n) {
		struct op *op = &p->v[i - 1];

		n = 1;
		if (!op->done)
			continue;
		if (op_is_hook(op->kind)) {
			hooks_ran = true;
			continue;
		}
		if (link_goes && op_dies_with_link(p, op))
			continue;
		if (actions[op->kind].batch)
			n = count_done(op, i - from);
		failures += undo_run(h, p, op, n);
	}
	if (hooks_ran)
		log_info("hooks that ran are not undone");
	return failures;
}
