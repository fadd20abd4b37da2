/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/cmd/session.h"

#include <errno.h>
#include <sys/stat.h>

#include "wgq/base/log.h"
#include "wgq/base/spawn.h"
#include "wgq/kernel/rtnl.h"

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
static void check_permissions(const struct source *source, struct findings *f)
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

int session_load(struct session *s, struct config **c, bool strict)
{
	struct findings f = { .arena = &s->arena };
	struct source source;

	if (source_read(&source, &s->arena, s->path, &s->d))
		return session_fail(s, exit_usage(s->in));
	*c = config_parse(&s->arena, &source, &f);
	check_permissions(&source, &f);
	findings_print(stderr, &f);
	if (strict && findings_count(&f, SEV_ERROR))
		return exit_usage(s->in);
	return EXIT_DONE;
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
			return 0;
	}
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
	*standing = !err && link.index == p->ifindex ? STANDING_UP : STANDING_VANISHED;
	return 0;
}

/*
 * The numbers of a table that went with its interface may have been given to another tunnel since,
 * and its rules look like ours: where the table is in use, they are not ours any more.
 */
static int drop_reused_rules(struct session *s, struct plan *down)
{
	struct rtnl_routes routes = { .arena = &s->arena };
	size_t kept = 0;
	int err = 0;

	for (size_t i = 0; !err && i < down->n; i++) {
		const struct rule *rule = &down->v[i].rule;

		if (down->v[i].kind == OP_RULE && rule->fwmark)
			err = rtnl_get_routes(&s->host.rtnl, &routes, rule->family, rule->table, 0,
					      &s->d);
	}
	for (size_t i = 0; i < down->n; i++)
		if (!routes.n || down->v[i].kind != OP_RULE)
			down->v[kept++] = down->v[i];
	down->n = kept;
	return err;
}

/* Goes on after a failure, since nothing is left to go back to. */
static size_t run_all(struct session *s, struct plan *down)
{
	size_t failures = 0;

	for (size_t i = 0; i < down->n; i++) {
		bool begun = s->record.state == RECORD_LOWERING && i < s->record.progress;

		if (op_is_hook(down->v[i].kind) && begun)
			continue;
		if (!apply_run(&s->host, down, i, i + 1, NULL, &s->d))
			continue;
		if (op_is_hook(down->v[i].kind)) {
			log_warn("%s", s->d.text);
		} else {
			log_error("%s", s->d.text);
			failures++;
		}
	}
	return failures;
}

int session_finish(struct session *s, struct plan *p, enum standing standing)
{
	bool was_up = s->record.state != RECORD_RAISING;
	struct plan down = { .arena = &s->arena };
	size_t failures;

	memcpy(down.ifname, p->ifname, sizeof(down.ifname));
	down.config_path = p->config_path;
	down.ifindex = p->ifindex;
	log_info(standing == STANDING_CUT
			 ? "an earlier run on %s was cut short: undoing what it did"
			 : "%s has vanished: undoing the rest of what up did",
		 s->ifname);
	plan_invert(&down, p);
	if ((standing == STANDING_VANISHED && drop_reused_rules(s, &down)) ||
	    apply_prepare(&s->host, was_up ? &down : p, 0, &s->d) ||
	    (was_up && session_prepare_hooks(s, &down)))
		return session_fail(s, EXIT_FAILED);
	failures = was_up ? run_all(s, &down) : apply_undo(&s->host, p, 0);
	apply_release(was_up ? &down : p);
	if (failures) {
		log_error("%zu steps could not be undone; the record is kept, so that the next "
			  "'down' tries again",
			  failures);
		return EXIT_INCOMPLETE;
	}
	record_remove(&s->record);
	return EXIT_DONE;
}
