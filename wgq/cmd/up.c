/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netdb.h>

#include "wgq/base/log.h"
#include "wgq/base/spawn.h"
#include "wgq/cmd/session.h"
#include "wgq/kernel/resolve.h"
#include "wgq/kernel/rtnl.h"
#include "wgq/plan/blocked.h"
#include "wgq/plan/facts.h"
#include "wgq/plan/ports.h"
#include "wgq/plan/want.h"

struct up {
	struct session s;
	struct config *config;
	struct facts facts;
	struct plan plan;
};

static void say_retry(const struct resolve *name, unsigned delay_ms)
{
	log_info("%s: '%s:%s'. Trying again in %u.%02u seconds...", gai_strerror(name->error),
		 name->host, name->service, delay_ms / 1000, delay_ms % 1000 / 10);
}

/*
 * Without WG_ENDPOINT_RESOLUTION_RETRIES a name that does not resolve leaves its peer without an
 * endpoint and the others alone; with it, it is an error as in wg(8).
 */
static int take_answers(struct up *up, const struct resolve *names, const size_t *peer, size_t n,
			bool strict)
{
	for (size_t i = 0; i < n; i++) {
		struct wg_peer *p = &up->config->device.peers[peer[i]];
		const struct conf_peer *conf = &up->config->peers[peer[i]];

		if (!names[i].error) {
			p->flags |= PEER_HAS_ENDPOINT;
			continue;
		}
		if (strict)
			return diag_set(&up->s.d, EHOSTUNREACH, "%s:%u: %s: '%s:%s'", up->s.path,
					conf->endpoint.line, gai_strerror(names[i].error),
					conf->host, conf->service);
		log_warn("%s:%u: '%s:%s' does not resolve (%s): the tunnel comes up without this "
			 "peer's endpoint",
			 up->s.path, conf->endpoint.line, conf->host, conf->service,
			 gai_strerror(names[i].error));
	}
	return 0;
}

static int resolve_endpoints(struct up *up)
{
	struct config *c = up->config;
	struct resolve *names = arena_alloc(c->arena, (c->device.npeers + 1) * sizeof(*names));
	size_t *peer = arena_alloc(c->arena, (c->device.npeers + 1) * sizeof(*peer));
	size_t n = 0;
	int retries;
	bool strict;

	if (resolve_retries(&retries, &strict))
		return diag_set(&up->s.d, EINVAL,
				"Unable to parse WG_ENDPOINT_RESOLUTION_RETRIES: '%s'",
				getenv("WG_ENDPOINT_RESOLUTION_RETRIES"));
	for (size_t i = 0; i < c->device.npeers; i++) {
		if (!c->peers[i].host || c->device.peers[i].flags & PEER_HAS_ENDPOINT)
			continue;
		names[n] = (struct resolve){ .host = c->peers[i].host,
					     .service = c->peers[i].service,
					     .result = &c->device.peers[i].endpoint };
		peer[n++] = i;
	}
	if (!n)
		return 0;
	resolve_all(names, n, retries, say_retry);
	return take_answers(up, names, peer, n, strict);
}

/* Says whose the interface is that stands in the way. */
static int refuse_existing(struct session *s, bool ours)
{
	struct link link;
	int err = rtnl_get_link(&s->host.rtnl, &link, s->ifname, &s->d);

	if (err == -ENODEV && wg_is_userspace(s->ifname))
		return diag_set(&s->d, EEXIST,
				"a userspace WireGuard of another network namespace answers on "
				"/run/wireguard/%s.sock: take another name, or give this "
				"namespace a /run of its own",
				s->ifname);
	if (err)
		return err == -ENODEV ? 0 : err;
	if (ours)
		return diag_set(&s->d, EEXIST, "`%s' already exists: wgq brought it up from %s",
				s->ifname, s->path);
	if (!strcmp(link.kind, "wireguard") || wg_is_userspace(s->ifname))
		return diag_set(&s->d, EEXIST,
				"`%s' already exists: a WireGuard interface that wgq did not bring "
				"up; '%s down %s' takes it down",
				s->ifname, log_program(), s->in->argument);
	return diag_set(&s->d, EEXIST, "`%s' already exists: a network interface of kind %s",
			s->ifname, *link.kind ? link.kind : "physical");
}

/*
 * After a power cut /etc/resolv.conf still holds what an earlier up wrote, and the servers in it
 * are behind a tunnel that is not there.
 */
static void forget_dns(struct up *up)
{
	struct session *s = &up->s;
	struct resolver r;

	if (!up->config->dns.nservers || s->in->dry_run)
		return;
	if (!resolver_forget(&r, &s->arena, s->ifname, &s->d) && r.kind == RESOLVER_FILE &&
	    resolver_unset(&r, &s->d))
		log_warn("%s", s->d.text);
}

static int check_standing(struct up *up)
{
	struct session *s = &up->s;
	enum standing standing;
	struct plan old;
	int status = EXIT_DONE;

	if (session_read_record(s, &old, &standing))
		return session_fail(s, EXIT_FAILED);
	if (standing == STANDING_VANISHED || standing == STANDING_CUT)
		status = session_finish(s, &old, standing);
	if (!status && !(standing == STANDING_CUT && s->in->dry_run) &&
	    refuse_existing(s, standing == STANDING_UP))
		status = session_fail(s, EXIT_FAILED);
	if (!status)
		forget_dns(up);
	return status;
}

static int read_facts(struct up *up)
{
	struct findings f = { .arena = &up->s.arena };

	if (resolve_endpoints(up) ||
	    facts_read(&up->facts, &up->s.host, up->config, up->s.ifname, &up->s.dir, &f, &up->s.d))
		return session_fail(&up->s, EXIT_FAILED);
	findings_print(stderr, &f);
	return findings_count(&f, SEV_ERROR) ? exit_usage(up->s.in) : EXIT_DONE;
}

/* A port in use is no fault of the file, so it is no fault of usage. Also with PreUp hooks, which
 * could free the port: they would have to take it from somebody. */
static int check_ports(struct up *up)
{
	struct session *s = &up->s;
	struct findings f = { .arena = &s->arena };

	if (ports_check(&f, &s->host, up->config, s->ifname, &s->d))
		return session_fail(s, EXIT_FAILED);
	findings_print(stderr, &f);
	return findings_count(&f, SEV_ERROR) ? EXIT_FAILED : EXIT_DONE;
}

/* The part of the plan that needs a table and a mark: from here to the last rule the namespace is
 * ours. */
static int plan_network(struct up *up)
{
	struct session *s = &up->s;
	bool chooses = up->facts.default_route[0] || up->facts.default_route[1];
	int err = 0;

	if (chooses && !s->in->dry_run)
		err = lock_take(&s->netns_lock, &s->dir, NULL, &s->d);
	if (!err)
		err = facts_choose_table(&up->facts, &s->host, up->config, &s->d);
	if (err)
		return err;
	want_network(&up->plan, up->config, &up->facts);
	want_hooks(&up->plan, up->config);
	return 0;
}

static bool has_pre_up(const struct up *up)
{
	return up->config->hooks[HOOK_PRE_UP].n > 0;
}

/* Builds the first stage, or everything where there are no PreUp hooks, and all that running it
 * takes. */
static int make_plan(struct up *up)
{
	struct session *s = &up->s;
	struct plan *p = &up->plan;
	int err = 0;

	*p = (struct plan){ .arena = &s->arena, .config_path = s->path };
	memcpy(p->ifname, s->ifname, sizeof(p->ifname));
	want_interface(p, up->config, &up->facts);
	if (has_pre_up(up) && !s->in->dry_run)
		want_hooks(p, up->config);
	else
		err = plan_network(up);
	if (!err)
		err = session_prepare_hooks(s, p);
	if (!err && !s->in->dry_run)
		err = apply_prepare(&s->host, p, 0, &s->d);
	return err;
}

/* After PreUp hooks: looks at what they made of the interface and plans the rest. */
static int make_second_stage(struct up *up, size_t done)
{
	struct session *s = &up->s;
	int err = facts_read_interface(&up->facts, &s->host, up->config, s->ifname,
				       up->plan.ifindex, &s->d);

	up->plan.n = done;
	if (!err)
		err = plan_network(up);
	if (!err)
		err = apply_prepare(&s->host, &up->plan, done, &s->d);
	if (!err)
		err = record_write(&s->record, &up->plan, &s->d);
	return err;
}

static int run(struct up *up)
{
	struct session *s = &up->s;
	struct plan *p = &up->plan;
	size_t from = 0;
	int err = 0;

	if (has_pre_up(up)) {
		from = plan_find(p, OP_PRE_UP + 1);
		err = apply_run(&s->host, p, 0, from, &s->record, &s->d);
		if (!err)
			err = make_second_stage(up, from);
	}
	if (!err)
		err = apply_run(&s->host, p, from, plan_find(p, OP_ZONE), &s->record, &s->d);
	lock_release(&s->netns_lock);
	if (!err)
		err = apply_run(&s->host, p, plan_find(p, OP_ZONE), plan_find(p, OP_PRE_DOWN),
				&s->record, &s->d);
	if (!err && stop_requested)
		err = diag_set(&s->d, EINTR, "interrupted by %s", strsignal(stop_requested));
	return err;
}

/* What is up and yet does not flow is a warning: it may be meant to. */
static void warn_blocked(struct up *up)
{
	struct session *s = &up->s;
	struct findings f = { .arena = &s->arena };

	if (blocked_check(&f, &s->host, up->config, &up->facts, s->ifname, up->plan.ifindex, &s->d))
		log_warn("what of %s this host's firewall drops cannot be told: %s", s->ifname,
			 s->d.text);
	if (!s->in->dry_run)
		session_warn_endpoints(&f, up->config);
	findings_print(stderr, &f);
}

static int run_or_undo(struct up *up)
{
	struct session *s = &up->s;
	size_t failures;

	record_init(&s->record, &s->dir, s->ifname);
	apply_catch_signals();
	if (record_write(&s->record, &up->plan, &s->d))
		return session_fail(s, EXIT_FAILED);
	if (!run(up)) {
		record_set_state(&s->record, RECORD_UP);
		warn_blocked(up);
		return EXIT_DONE;
	}
	session_fail(s, EXIT_FAILED);
	failures = apply_undo(&s->host, &up->plan, 0);
	if (failures) {
		log_error("%zu steps could not be undone; '%s down %s' tries again", failures,
			  log_program(), s->in->argument);
		return EXIT_INCOMPLETE;
	}
	record_remove(&s->record);
	return EXIT_FAILED;
}

static int bring_up(struct up *up)
{
	struct session *s = &up->s;
	int status = session_load(s, &up->config, true);

	if (!status && up->config->save_config)
		log_warn("SaveConfig has no effect in this version: %s stays as it is", s->path);
	if (!status)
		status = check_standing(up);
	if (!status)
		status = read_facts(up);
	if (!status)
		status = check_ports(up);
	if (status)
		return status;
	if (make_plan(up))
		return session_fail(s, EXIT_FAILED);
	if (s->in->dry_run) {
		plan_announce(&up->plan, 0, plan_find(&up->plan, OP_PRE_DOWN));
		if (has_pre_up(up))
			log_info("steps after PreUp may differ: what the hooks make of the "
				 "interface is looked at then");
		warn_blocked(up);
		return EXIT_DONE;
	}
	status = run_or_undo(up);
	apply_release(&up->plan);
	return status;
}

int cmd_up(const struct invocation *in)
{
	struct up up = { 0 };
	int status = session_open(&up.s, in, true);

	if (!status)
		status = bring_up(&up);
	session_close(&up.s);
	apply_die_of_signal();
	return status;
}
