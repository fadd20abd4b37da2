/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run-time folder, /run/wgq or $WGQ_RUN_DIR: records and locks, named after the network
 * namespace (its cookie, since inode numbers of namespaces are used again at once) and the
 * interface.
 */
#ifndef WGQ_PLAN_RUNDIR_H
#define WGQ_PLAN_RUNDIR_H

#include "wgq/base/diag.h"

enum { RUNDIR_NAME = 96 };

struct rundir {
	int fd;
	char netns[48]; /* identifies the network namespace within this boot */
	char boot[40];  /* /proc/sys/kernel/random/boot_id */
};

/*
 * Opens the folder; with make, makes it if it is missing. It must be a folder of root's that nobody
 * else may enter. Returns 0, -ENOENT without make (nothing recorded), or another negative errno
 * recorded in d.
 */
int rundir_open(struct rundir *dir, bool make, struct diag *d);
void rundir_close(struct rundir *dir);

/* "KIND.NETNS" or "KIND.NETNS.IFNAME" with ifname. */
void rundir_name(char name[RUNDIR_NAME], const struct rundir *dir, const char *kind,
		 const char *ifname);

struct lock {
	const struct rundir *dir;
	char name[RUNDIR_NAME];
	int fd; /* -1: not held */
};

/*
 * Takes the lock of an interface (for the length of a command) or, ifname NULL, of the network
 * namespace (around choosing and installing table, mark and rules), waiting for whoever has it.
 * -EDEADLK recorded in d when its holder is an ancestor of ours: a hook has called wgq on its own
 * interface.
 */
int lock_take(struct lock *lock, const struct rundir *dir, const char *ifname, struct diag *d);

/* Releases a lock that is held, and removes its file. Safe to call twice. */
void lock_release(struct lock *lock);

#endif
