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

	memcpy(down->done.ifname, s->ifname, sizeof(s->ifname));
	down->plan = (struct plan){
		.arena = &s->arena,
		.config_path = down->done.config_path,
		.ifindex = down->done.ifindex,
	};
	memcpy(down->plan.ifname, s->ifname, sizeof(s->ifname));
	plan_invert(&down->plan, &down->done);
	if (session_prepare_hooks(s, &down->plan))
		return -ENOENT;
	return s->in->dry_run ? 0 : apply_prepare(&s->host, &down->plan, 0, &s->d);
}

/*
 * DNS is a courtesy: a resolver that cannot be told must not keep the tunnel up. Everything before
 * the deletion of the link can be taken back; the deletion itself comes last.
 */
static int remove_all(struct down *down, size_t from, size_t to)
{
	struct session *s = &down->s;
	struct plan *p = &down->plan;
	int err = 0;

	for (size_t i = from, next; !err && i < to; i = next) {
		bool dns = p->v[i].kind == OP_DNS;

		next = i + 1;
		while (!dns && next < to && p->v[next].kind != OP_DNS)
			next++;
		err = apply_run(&s->host, p, i, next, &s->record, &s->d);
		if (err && dns) {
			log_warn("%s", s->d.text);
			err = 0;
		}
	}
	return err;
}

static int take_back(struct down *down, size_t from)
{
	struct session *s = &down->s;
	size_t failures;

	session_fail(s, EXIT_FAILED);
	failures = apply_undo(&s->host, &down->plan, from);
	record_set_progress(&s->record, down->done.n);
	record_set_state(&s->record, RECORD_UP);
	if (failures) {
		log_error("%s stays up, but %zu steps of it are gone", s->ifname, failures);
		return EXIT_INCOMPLETE;
	}
	log_info("%s stays up as it was", s->ifname);
	return EXIT_FAILED;
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
	if (remove_all(down, first, last))
		return take_back(down, first);
	return run_post_down(down, last);
}

static void print_plan(const struct plan *p)
{
	size_t n;

	for (size_t i = 0; i < p->n; i += n) {
		n = op_run_length(&p->v[i], p->n - i, 1);
		op_announce(p, &p->v[i], n, 1, false);
	}
}

static int take_down(struct down *down)
{
	struct session *s = &down->s;
	enum standing standing;
	int status = EXIT_DONE;

	if (session_read_record(s, &down->done, &standing))
		return session_fail(s, EXIT_FAILED);
	if (standing == STANDING_VANISHED || (standing == STANDING_CUT && !s->in->dry_run))
		return session_finish(s, &down->done, standing);
	if (standing == STANDING_NONE)
		status = read_live(down);
	if (status)
		return status;
	if (make_plan(down))
		return session_fail(s, EXIT_FAILED);
	if (s->in->dry_run) {
		print_plan(&down->plan);
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
