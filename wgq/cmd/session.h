/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What up and down share: the interface's lock, its record, the host's handles, and finishing what
 * was cut short. */
#ifndef WGQ_CMD_SESSION_H
#define WGQ_CMD_SESSION_H

#include "wgq/cmd/cmd.h"
#include "wgq/conf/config.h"
#include "wgq/plan/apply.h"
#include "wgq/plan/host.h"
#include "wgq/plan/record.h"

struct session {
	const struct invocation *in;
	struct arena arena;
	char ifname[IFNAMSIZ];
	char path[PATH_MAX]; /* of the configuration; empty: there is no such file */
	struct rundir dir;
	struct lock lock;       /* of the interface */
	struct lock netns_lock; /* of the network namespace, while table, mark and rules are chosen
				   and installed */
	struct record record;
	struct host host;
	struct diag d;
};

/*
 * Becomes root if need be, finds the file and the name, takes the lock and opens the host. A dry
 * run does without root and lock. need_file: a missing file is an error. Returns EXIT_DONE or the
 * status to exit with, having said why.
 */
int session_open(struct session *s, const struct invocation *in, bool need_file);
void session_close(struct session *s);

/* Prints the diagnostic recorded in s->d and returns status. */
int session_fail(struct session *s, int status);

/*
 * Reads and parses the file. Findings are printed; with strict, what it says is checked too, and
 * errors among them return exit_usage(). *c is set even then.
 */
int session_load(struct session *s, struct config **c, bool strict);

/* Adds file-permissions: an error where anybody may write the file, a warning where others may read
 * it. */
void session_check_permissions(const struct source *source, struct findings *f);

/* Adds what the file shows by itself: check_file() and shell_check(); endpoint-in-tunnel only where
 * packets to that Endpoint leave by the tunnel now. */
void session_check_file(struct findings *f, const struct config *c, const char *ifname);

/* Adds endpoint-in-tunnel alone, of a tunnel that has just come up. */
void session_warn_endpoints(struct findings *f, const struct config *c);

/* Keeps the undo of done from putting back switches that other tunnels still hold. */
void session_spare_switches(struct session *s, struct plan *done);

/* Prepares for running the hooks of a plan, if it has any. 0, or a negative errno recorded in s->d.
 */
int session_prepare_hooks(struct session *s, const struct plan *p);

/* What the record says of the interface. */
enum standing {
	STANDING_NONE,     /* no record */
	STANDING_UP,       /* up, and the link is there */
	STANDING_VANISHED, /* up, but the link has gone */
	STANDING_REPLACED, /* up, but the link has gone, and another has its name */
	STANDING_CUT,      /* an up or a down was killed */
};

/* Reads the record into p (whose arena is set here). Returns 0 or a negative errno recorded in
 * s->d. */
int session_read_record(struct session *s, struct plan *p, enum standing *standing);

/*
 * Finishes what is left of an interface that stands as VANISHED, REPLACED or CUT and removes the
 * record; a dry run prints it. Hooks of down run where up had completed; of a REPLACED one only
 * rules are removed, since all else is known by a name that is another's now. Returns EXIT_DONE,
 * EXIT_FAILED or EXIT_INCOMPLETE, having said what is left.
 */
int session_finish(struct session *s, struct plan *p, enum standing standing);

#endif
