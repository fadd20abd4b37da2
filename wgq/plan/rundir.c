/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/plan/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "wgq/base/log.h"
#include "wgq/base/spawn.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* include/uapi/asm-generic/socket.h, since Linux 5.14 */
#endif

static int read_netns(struct rundir *dir, struct diag *d)
{
	int fd CLEANUP_FD = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie;
	socklen_t size = sizeof(cookie);
	struct stat st;

	if (fd >= 0 && !getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size)) {
		snprintf(dir->netns, sizeof(dir->netns), "%llu", (unsigned long long)cookie);
		return 0;
	}
	if (stat("/proc/self/ns/net", &st))
		return diag_sys(d, errno, "/proc/self/ns/net");
	snprintf(dir->netns, sizeof(dir->netns), "%llu-%lld.%09ld", (unsigned long long)st.st_ino,
		 (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	return 0;
}

static int read_boot(struct rundir *dir, struct diag *d)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	int fd CLEANUP_FD = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, dir->boot, sizeof(dir->boot) - 1);

	if (n < 0)
		return diag_sys(d, errno, "%s", path);
	dir->boot[n] = '\0';
	dir->boot[strcspn(dir->boot, "\n")] = '\0';
	return 0;
}

static int check_owner(int fd, const char *path, struct diag *d)
{
	struct stat st;

	if (fstat(fd, &st))
		return diag_sys(d, errno, "%s", path);
	if (st.st_uid != 0 || (st.st_mode & 077))
		return diag_set(d, EPERM,
				"%s must belong to root and to nobody else, because what it holds "
				"runs as root: chown 0:0 %s && chmod 700 %s",
				path, path, path);
	return 0;
}

int rundir_open(struct rundir *dir, bool make, struct diag *d)
{
	const char *path = getenv("WGQ_RUN_DIR");
	int fd CLEANUP_FD = -1;
	int err;

	dir->fd = -1;
	if (!path || !*path)
		path = "/run/wgq";
	if (make && mkdir(path, 0700) && errno != EEXIST)
		return diag_sys(d, errno, "cannot make the folder %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && !make)
		return -ENOENT;
	if (fd < 0)
		return diag_sys(d, errno, "cannot open the folder %s", path);
	if ((err = check_owner(fd, path, d)) || (err = read_netns(dir, d)) ||
	    (err = read_boot(dir, d)))
		return err;
	dir->fd = fd_take(&fd);
	return 0;
}

void rundir_close(struct rundir *dir)
{
	util_close(&dir->fd);
	dir->fd = -1;
}

void rundir_name(char name[RUNDIR_NAME], const struct rundir *dir, const char *kind,
		 const char *ifname)
{
	snprintf(name, RUNDIR_NAME, "%s.%s%s%s", kind, dir->netns, ifname ? "." : "",
		 ifname ? ifname : "");
}

/* The parent of a process, from the fourth field of its stat; the second is its name in
 * parentheses. */
static pid_t parent_of(pid_t pid)
{
	char path[64], text[512], *end;
	int fd CLEANUP_FD = -1;
	ssize_t n;
	int parent;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	end = strrchr(text, ')');
	return end && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

static bool is_ancestor(pid_t pid)
{
	for (pid_t up = getppid(); up > 0; up = parent_of(up))
		if (up == pid)
			return true;
	return false;
}

static int wait_for_holder(const struct lock *lock, bool is_interface, struct diag *d)
{
	char text[16] = "";
	ssize_t n = pread(lock->fd, text, sizeof(text) - 1, 0);
	pid_t holder = n > 0 ? (pid_t)strtol(text, NULL, 10) : 0;

	if (is_interface && holder > 0 && is_ancestor(holder))
		return diag_set(
			d, EDEADLK,
			"a hook cannot use wgq on the interface whose hook it is (process %d "
			"is at work on it)",
			(int)holder);
	if (is_interface && holder > 0)
		log_info("waiting for process %d, which is at work on the same interface",
			 (int)holder);
	while (flock(lock->fd, LOCK_EX))
		if (errno != EINTR || stop_requested)
			return diag_sys(d, errno, "waiting for the lock %s", lock->name);
	return 0;
}

/* The file may have been removed by its holder while we waited: then it locks nobody out. */
static bool is_current(const struct lock *lock)
{
	struct stat held, there;

	return !fstat(lock->fd, &held) &&
	       !fstatat(lock->dir->fd, lock->name, &there, AT_SYMLINK_NOFOLLOW) &&
	       held.st_ino == there.st_ino && held.st_dev == there.st_dev;
}

int lock_take(struct lock *lock, const struct rundir *dir, const char *ifname, struct diag *d)
{
	char pid[16];
	int err = 0;

	lock->dir = dir;
	rundir_name(lock->name, dir, "lock", ifname);
	do {
		lock->fd = openat(dir->fd, lock->name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
				  0600);
		if (lock->fd < 0)
			return diag_sys(d, errno, "cannot open the lock %s", lock->name);
		if (flock(lock->fd, LOCK_EX | LOCK_NB))
			err = errno == EWOULDBLOCK ? wait_for_holder(lock, ifname != NULL, d)
						   : diag_sys(d, errno, "lock %s", lock->name);
		if (err || !is_current(lock)) {
			close(lock->fd);
			lock->fd = -1;
		}
	} while (!err && lock->fd < 0);
	if (err)
		return err;
	snprintf(pid, sizeof(pid), "%-11d\n", (int)getpid());
	if (pwrite(lock->fd, pid, strlen(pid), 0) < 0) {
		err = diag_sys(d, errno, "cannot write the lock %s", lock->name);
		lock_release(lock);
	}
	return err;
}

void lock_release(struct lock *lock)
{
	if (lock->fd < 0)
		return;
	unlinkat(lock->dir->fd, lock->name, 0);
	close(lock->fd);
	lock->fd = -1;
}
