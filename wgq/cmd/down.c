/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "wgq/base/log.h"
#include "wgq/base/spawn.h"
#include "wgq/cmd/session.h"
#include "wgq/kernel/rtnl.h"
#include "wgq/plan/live.h"
#include "wgq/plan/want.h"

struct down {
	struct session s;
	struct plan done; /* what up did */
	struct plan plan; /* its inverse */
};

/* Without a record: as wg-quick, from the file and from what is there. */
static int read_live(struct down *down)
{
	struct session *s = &down->s;
	struct config *c;
	struct link link;
	int status, err = rtnl_get_link(&s->host.rtnl, &link, s->ifname, &s->d);

	down->done = (struct plan){ .arena = &s->arena };
	memcpy(down->done.ifname, s->ifname, sizeof(s->ifname));
	if (err == -ENODEV)
		diag_set(&s->d, ENODEV, "`%s' is not up", s->ifname);
	if (err)
		return session_fail(s, EXIT_FAILED);
	if (!*s->path) {
		diag_set(&s->d, ENOENT,
			 "`%s' was not brought up by wgq, and there is no file that says what "
			 "belongs to it (`%s')",
			 s->ifname, s->in->argument);
		return session_fail(s, exit_usage(s->in));
	}
	status = session_load(s, &c, false);
	if (status)
		return status;
	if (c->save_config)
		log_warn("SaveConfig has no effect in this version: %s stays as it is", s->path);
	down->done.config_path = s->path;
	err = live_read(&down->done, &s->host, c, &link, &s->d);
	if (err == -EOPNOTSUPP)
		diag_set(&s->d, EOPNOTSUPP, "`%s' is not a WireGuard interface", s->ifname);
	return err ? session_fail(s, EXIT_FAILED) : EXIT_DONE;
}

static int make_plan(struct down *down)
{
	struct session *s = &down->s;

	down->plan = (struct plan){
		.arena = &s->arena,
		.config_path = down->done.config_path,
		.ifindex = down->done.ifindex,
	};
	memcpy(down->plan.ifname, s->ifname, sizeof(s->ifname));
	session_spare_switches(s, &down->done);
	plan_invert(&down->plan, &down->done);
	if (session_prepare_hooks(s, &down->plan))
		return -ENOENT;
	return s->in->dry_run ? 0 : apply_prepare(&s->host, &down->plan, 0, &s->d);
}

static int take_back(struct down *down, size_t from)
{
	struct session *s = &down->s;
	size_t failures;

	session_fail(s, EXIT_FAILED);
	failures = apply_undo(&s->host, &down->plan, from);
	record_set_state(&s->record, RECORD_UP);
	record_set_progress(&s->record, down->done.n);
	if (failures) {
		log_error("%s stays up, but %zu steps of it are gone", s->ifname, failures);
		return EXIT_INCOMPLETE;
	}
	log_info("%s stays up as it was", s->ifname);
	return EXIT_FAILED;
}

/* Turning it off would take every other interface's own switch along. */
static void say_what_stays(const struct plan *done)
{
	for (size_t i = 0; i < done->n; i++) {
		const struct op *op = &done->v[i];

		if (op->kind == OP_SYSCTL && op->stays &&
		    !strcmp(op->sysctl.name, "net/ipv6/conf/all/forwarding"))
			log_info("IPv6 forwarding stays on for the whole host; sysctl "
				 "net.ipv6.conf.all.forwarding=0 turns it off, for all "
				 "interfaces");
	}
}

/* The link is gone and cannot come back: a stop request must not keep PostDown from cleaning up. */
static int run_post_down(struct down *down, size_t from)
{
	struct session *s = &down->s;
	int stop = stop_requested, err;

	stop_requested = 0;
	err = apply_run(&s->host, &down->plan, from, down->plan.n, &s->record, &s->d);
	if (!stop_requested)
		stop_requested = stop;
	record_remove(&s->record);
	say_what_stays(&down->done);
	if (!err)
		return EXIT_DONE;
	session_fail(s, EXIT_FAILED);
	log_info("%s is down all the same", s->ifname);
	return EXIT_FAILED;
}

static int run(struct down *down)
{
	struct session *s = &down->s;
	struct plan *p = &down->plan;
	size_t first = 0, last = p->n;

	while (first < p->n && p->v[first].kind == OP_PRE_DOWN)
		first++;
	while (last > first && p->v[last - 1].kind == OP_POST_DOWN)
		last--;
	apply_catch_signals();
	if (apply_run(&s->host, p, 0, first, NULL, &s->d)) {
		session_fail(s, EXIT_FAILED);
		log_info("%s stays up", s->ifname);
		return EXIT_FAILED;
	}
	record_set_progress(&s->record, first);
	record_set_state(&s->record, RECORD_LOWERING);
	if (apply_run(&s->host, p, first, last, &s->record, &s->d))
		return take_back(down, first);
	return run_post_down(down, last);
}

static int take_down(struct down *down)
{
	struct session *s = &down->s;
	enum standing standing;
	int status = EXIT_DONE;

	if (session_read_record(s, &down->done, &standing))
		return session_fail(s, EXIT_FAILED);
	if (standing != STANDING_NONE && standing != STANDING_UP)
		status = session_finish(s, &down->done, standing);
	if (status || standing == STANDING_VANISHED || standing == STANDING_CUT)
		return status;
	if (standing != STANDING_UP)
		status = read_live(down);
	if (status)
		return status;
	if (make_plan(down))
		return session_fail(s, EXIT_FAILED);
	if (s->in->dry_run) {
		plan_announce(&down->plan, 0, down->plan.n);
		return EXIT_DONE;
	}
	status = run(down);
	apply_release(&down->plan);
	return status;
}

int cmd_down(const struct invocation *in)
{
	struct down down = { 0 };
	int status = session_open(&down.s, in, false);

	if (!status)
		status = take_down(&down);
	session_close(&down.s);
	apply_die_of_signal();
	return status;
}
