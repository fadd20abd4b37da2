/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/cmd/session.h"

#include <errno.h>
#include <sys/stat.h>

#include "wgq/base/log.h"
#include "wgq/base/spawn.h"
#include "wgq/conf/shell.h"
#include "wgq/kernel/rtnl.h"
#include "wgq/kernel/socks.h"
#include "wgq/mesh/check.h"
#include "wgq/plan/claims.h"
#include "wgq/plan/facts.h"

/* As wg-quick: sudo(8) runs the same words again. The path is the one we were called by, so that
 * the name stays. */
static int become_root(const struct invocation *in, struct diag *d)
{
	char prompt[256], sudo[PATH_MAX], self[PATH_MAX];
	const char *argv[16] = { "sudo", "-p", prompt, "--", self };
	size_t n = 5;

	if (getuid() == 0)
		return 0;
	snprintf(prompt, sizeof(prompt),
		 "%s must be run as root. Please enter the password for %%u to continue: ",
		 in->program);
	if (spawn_find(self, in->self) || spawn_find(sudo, "sudo"))
		return diag_set(d, EPERM, "must be run as root, and there is no sudo to become it");
	for (char *const *word = in->argv; *word && n < ARRAY_SIZE(argv) - 1; word++)
		argv[n++] = *word;
	execv(sudo, (char *const *)argv);
	return diag_sys(d, errno, "cannot run sudo");
}

static int locate(struct session *s, bool need_file)
{
	int err = config_locate(s->ifname, s->path, s->in->argument, &s->d);

	if (err == -ENOENT && !need_file && *s->ifname) {
		s->path[0] = '\0';
		return 0;
	}
	return err;
}

int session_fail(struct session *s, int status)
{
	log_error("%s", s->d.text);
	return status;
}

int session_open(struct session *s, const struct invocation *in, bool need_file)
{
	*s = (struct session){ .in = in, .dir.fd = -1, .lock.fd = -1, .netns_lock.fd = -1 };
	s->record.fd = -1;
	if (!in->dry_run && become_root(in, &s->d))
		return session_fail(s, EXIT_FAILED);
	if (locate(s, need_file))
		return session_fail(s, exit_usage(in));
	if (!in->dry_run &&
	    (rundir_open(&s->dir, true, &s->d) || lock_take(&s->lock, &s->dir, s->ifname, &s->d)))
		return session_fail(s, EXIT_FAILED);
	if (host_open(&s->host, &s->d))
		return session_fail(s, EXIT_FAILED);
	return EXIT_DONE;
}

void session_close(struct session *s)
{
	host_close(&s->host);
	record_close(&s->record);
	lock_release(&s->netns_lock);
	lock_release(&s->lock);
	rundir_close(&s->dir);
	arena_fini(&s->arena);
}

/* Its hooks run as root: a file that others may change is theirs, not the administrator's. */
void session_check_permissions(const struct source *source, struct findings *f)
{
	struct place whole = { .file = source->path };
	bool replaceable = (source->folder_mode & (S_IWOTH | S_ISVTX)) == S_IWOTH;
	size_t i;

	if (source->mode & S_IWOTH || replaceable) {
		i = finding_add(f, FINDING_FILE_PERMISSIONS, whole,
				"anybody may change %s, and its hooks run as root",
				replaceable ? "the files of this folder" : "this file");
		f->v[i].severity = SEV_ERROR;
		finding_help(f, i, "chmod o-w on it, after a look at what it says");
	} else if (source_is_world_accessible(source)) {
		i = finding_add(f, FINDING_FILE_PERMISSIONS, whole, "world accessible");
		finding_help(f, i, "it holds a private key: chmod 600 %s", source->path);
	}
}

static bool is_trusted(const struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].code == FINDING_FILE_PERMISSIONS && f->v[i].severity == SEV_ERROR)
			return false;
	return true;
}

/* Do packets to the Endpoint that stands there leave by the tunnel now? Then they start with an
 * address of its own. */
static bool goes_into_tunnel(const struct config *c, const struct place *at)
{
	struct prefix source;

	for (size_t i = 0; i < c->device.npeers; i++) {
		if (c->peers[i].endpoint.line != at->line ||
		    socks_find_source(&source, &c->device.peers[i].endpoint))
			continue;
		for (size_t j = 0; j < c->naddrs; j++)
			if (c->addrs[j].prefix.family == source.family &&
			    !memcmp(c->addrs[j].prefix.addr, source.addr, sizeof(source.addr)))
				return true;
	}
	return false;
}

void session_check_file(struct findings *f, const struct config *c, const char *ifname)
{
	size_t first = f->n, kept = first;

	shell_check(f, c, ifname);
	check_file(f, c);
	for (size_t i = first; i < f->n; i++)
		if (f->v[i].code != FINDING_ENDPOINT_IN_TUNNEL || goes_into_tunnel(c, &f->v[i].at))
			f->v[kept++] = f->v[i];
	f->n = kept;
}

void session_warn_endpoints(struct findings *f, const struct config *c)
{
	struct findings all = { .arena = f->arena };

	check_file(&all, c);
	for (size_t i = 0; i < all.n; i++)
		if (all.v[i].code == FINDING_ENDPOINT_IN_TUNNEL &&
		    goes_into_tunnel(c, &all.v[i].at))
			*ARENA_PUSH(f->arena, f->v, f->n, f->capacity) = all.v[i];
}

/* What can be brought up and yet is wrong is a warning, but with --strict. */
static void check_content(const struct session *s, const struct config *c, struct findings *f)
{
	size_t first = f->n;

	session_check_file(f, c, s->ifname);
	for (size_t i = first; i < f->n; i++)
		if (f->v[i].severity == SEV_ERROR && !s->in->strict)
			f->v[i].severity = SEV_WARNING;
}

int session_load(struct session *s, struct config **c, bool strict)
{
	struct findings f = { .arena = &s->arena };
	struct source source;

	if (source_read(&source, &s->arena, s->path, &s->d))
		return session_fail(s, exit_usage(s->in));
	*c = config_parse(&s->arena, &source, &f);
	session_check_permissions(&source, &f);
	if (strict)
		check_content(s, *c, &f);
	findings_print(stderr, &f);
	if (findings_count(&f, SEV_ERROR) && (strict || !is_trusted(&f)))
		return exit_usage(s->in);
	return EXIT_DONE;
}

void session_spare_switches(struct session *s, struct plan *done)
{
	struct claims claims = { .arena = &s->arena };

	claims_read(&claims, &s->dir, s->ifname);
	claims_spare(&claims, done);
}

int session_prepare_hooks(struct session *s, const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (op_is_hook(p->v[i].kind))
			return command_env_init(&s->host.commands, &s->arena, s->ifname,
						p->config_path ? p->config_path : "", &s->d);
	return 0;
}

int session_read_record(struct session *s, struct plan *p, enum standing *standing)
{
	struct link link;
	int err;

	*standing = STANDING_NONE;
	*p = (struct plan){ .arena = &s->arena };
	if (s->dir.fd < 0) { /* a dry run: look, but make nothing */
		err = rundir_open(&s->dir, false, &s->d);
		if (err)
			return err == -ENOENT || geteuid() ? 0 : err;
	}
	if (!s->in->dry_run)
		record_sweep(&s->dir, s->ifname);
	record_init(&s->record, &s->dir, s->ifname);
	err = record_read(&s->record, p, &s->d);
	if (err)
		return err == -ENOENT ? 0 : err;
	if (s->record.state != RECORD_UP) {
		*standing = STANDING_CUT;
		return 0;
	}
	err = rtnl_get_link(&s->host.rtnl, &link, s->ifname, &s->d);
	if (err && err != -ENODEV)
		return err;
	if (err)
		*standing = STANDING_VANISHED;
	else
		*standing = link.index == p->ifindex ? STANDING_UP : STANDING_REPLACED;
	return 0;
}

/*
 * The table that went with its interface may have been given to another tunnel since, with rules
 * that look like ours: where it has a default route, they are not ours any more.
 */
static int spare_reused_rules(struct session *s, struct plan *down)
{
	struct rtnl_routes routes = { .arena = &s->arena };
	bool reused[2] = { false };

	for (size_t i = 0; i < down->n; i++) {
		const struct rule *rule = &down->v[i].rule;
		int err;

		if (down->v[i].kind != OP_RULE || !rule->fwmark)
			continue;
		routes.n = 0;
		err = rtnl_get_routes(&s->host.rtnl, &routes, rule->family, rule->table, 0, &s->d);
		if (err)
			return err;
		for (size_t j = 0; j < routes.n; j++)
			reused[family_index(rule->family)] |= !routes.v[j].dst.len;
	}
	for (size_t i = 0; i < down->n; i++)
		if (down->v[i].kind == OP_RULE && reused[family_index(down->v[i].rule.family)])
			down->v[i].stays = true;
	return 0;
}

/* Even where another interface has the name: wgq's own comment, a priority of its own, a switch of
 * another link. */
static bool is_surely_ours(enum op_kind kind)
{
	return kind == OP_RULE || kind == OP_FIREWALL || kind == OP_SYSCTL;
}

/* What of the inverse is left to do. */
static void choose_left(const struct session *s, struct plan *down, enum standing standing)
{
	for (size_t i = 0; i < down->n; i++) {
		struct op *op = &down->v[i];
		bool ran = s->record.state == RECORD_LOWERING && i < s->record.progress;

		if (op_is_hook(op->kind) && ran)
			op->stays = true;
		if (standing == STANDING_REPLACED && !is_surely_ours(op->kind))
			op->stays = true;
	}
}

/* Goes on after a failure, since nothing is left to go back to. */
static size_t run_left(struct session *s, struct plan *down)
{
	size_t failures = 0;

	if (s->record.state != RECORD_LOWERING)
		record_set_progress(&s->record, 0);
	record_set_state(&s->record, RECORD_LOWERING);
	for (size_t i = 0; i < down->n; i++) {
		if (down->v[i].stays || !apply_run(&s->host, down, i, i + 1, &s->record, &s->d))
			continue;
		if (op_is_hook(down->v[i].kind) && !stop_requested) {
			log_warn("%s", s->d.text);
		} else {
			log_error("%s", s->d.text);
			failures++;
		}
	}
	return failures;
}

static void print_left(const struct plan *p, bool inverse)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct op *op = &p->v[inverse ? p->n - 1 - i : i];

		if (inverse ? op->done && !op_is_hook(op->kind) : !op->stays)
			op_announce(p, op, 1, 1, inverse);
	}
}

static void say_reason(const struct session *s, enum standing standing)
{
	static const char *const reasons[] = {
		[STANDING_VANISHED] = "has vanished: undoing the rest of what up did",
		[STANDING_REPLACED] =
			"is not the interface that wgq brought up: removing the rules of that one",
		[STANDING_CUT] = "was left by a run that was cut short: undoing what it did",
	};

	log_info("%s %s", s->ifname, reasons[standing]);
}

int session_finish(struct session *s, struct plan *p, enum standing standing)
{
	bool raising = s->record.state == RECORD_RAISING;
	struct plan down = { .arena = &s->arena, .ifindex = p->ifindex };
	struct plan *left = raising ? p : &down;
	size_t failures;

	memcpy(down.ifname, p->ifname, sizeof(down.ifname));
	down.config_path = p->config_path;
	say_reason(s, standing);
	session_spare_switches(s, p);
	plan_invert(&down, p);
	choose_left(s, &down, standing);
	if (standing != STANDING_CUT && spare_reused_rules(s, &down))
		return session_fail(s, EXIT_FAILED);
	if (s->in->dry_run) {
		print_left(left, raising);
		return EXIT_DONE;
	}
	if (apply_prepare(&s->host, left, 0, &s->d) ||
	    (!raising && session_prepare_hooks(s, &down)))
		return session_fail(s, EXIT_FAILED);
	apply_catch_signals();
	failures = raising ? apply_undo(&s->host, p, 0) : run_left(s, &down);
	apply_release(left);
	if (failures) {
		log_error("%zu steps could not be undone; the record is kept, so that the next "
			  "'down' tries again",
			  failures);
		return EXIT_INCOMPLETE;
	}
	record_remove(&s->record);
	if (stop_requested)
		return EXIT_FAILED;
	apply_release_signals();
	return EXIT_DONE;
}
