/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3 */
#endif

/* How often to look for a stop request where the kernel (before 5.3) has no pidfd. */
enum { LOOK_AGAIN_MS = 50 };

volatile sig_atomic_t stop_requested;

static bool is_program(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

static int find_in(char path[PATH_MAX], const char *dirs, const char *program)
{
	int err = -ENOENT;
	const char *end;

	do {
		int n;

		end = strchrnul(dirs, ':');
		n = snprintf(path, PATH_MAX, "%.*s%s%s", (int)(end - dirs), dirs,
			     end > dirs ? "/" : "./", program);
		if (n >= PATH_MAX)
			err = -ENAMETOOLONG;
		else if (is_program(path))
			return 0;
		dirs = end + 1;
	} while (*end);
	return err;
}

int spawn_find(char path[PATH_MAX], const char *program)
{
	const char *dirs = getenv("PATH");

	if (!*program)
		return -ENOENT;
	if (!strchr(program, '/')) /* without PATH: confstr(_CS_PATH), as execvp(3) */
		return find_in(path, dirs ? dirs : "/bin:/usr/bin", program);
	if (snprintf(path, PATH_MAX, "%s", program) >= PATH_MAX)
		return -ENAMETOOLONG;
	return is_program(path) ? 0 : -ENOENT;
}

int spawn_text_fd(const char *text, struct diag *d)
{
	size_t size = strlen(text), done = 0;
	int fd = memfd_create("wgq", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("wgq", MFD_CLOEXEC);
	if (fd < 0)
		return diag_sys(d, errno, "memfd_create");
	while (done < size) { /* pwrite: the offset that the child inherits stays at the start */
		ssize_t n = pwrite(fd, text + done, size - done, (off_t)done);

		if (n < 0 && errno != EINTR) {
			int err = errno;

			close(fd);
			return diag_sys(d, err, "writing to a memfd");
		}
		done += n > 0 ? (size_t)n : 0;
	}
	return fd;
}

struct start {
	posix_spawnattr_t attr;
	posix_spawn_file_actions_t actions;
};

static void start_fini(struct start *st)
{
	posix_spawnattr_destroy(&st->attr);
	posix_spawn_file_actions_destroy(&st->actions);
}

static int start(pid_t *pid, const struct spawn *s, int input, int output)
{
	struct start st CLEANUP(start_fini);
	short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
	sigset_t none, all;
	int err = 0;

	posix_spawnattr_init(&st.attr);
	posix_spawn_file_actions_init(&st.actions);
	sigemptyset(&none);
	memset(&all, 0xff, sizeof(all)); /* glibc's sigfillset() spares two, which end up ignored */
	posix_spawnattr_setsigmask(&st.attr, &none);
	posix_spawnattr_setsigdefault(&st.attr, &all);
	posix_spawnattr_setflags(&st.attr,
				 (short)(flags | (s->own_session ? POSIX_SPAWN_SETSID : 0)));
	if (input >= 0)
		err = posix_spawn_file_actions_adddup2(&st.actions, input, STDIN_FILENO);
	for (int fd = STDOUT_FILENO; !err && output >= 0 && fd <= STDERR_FILENO; fd++)
		err = posix_spawn_file_actions_adddup2(&st.actions, output, fd);
	if (err)
		return err;
	return posix_spawn(pid, s->path, &st.actions, &st.attr, s->argv,
			   s->envp ? s->envp : environ);
}

/*
 * Waits for the end of the child or for a signal, whichever comes first: signals are blocked but in
 * here, so that one that comes between looking and waiting is not slept through.
 */
static void wait_for_news(int pidfd, const sigset_t *unblocked)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	struct timespec again = { .tv_nsec = LOOK_AGAIN_MS * 1000000L };

	ppoll(&p, 1, pidfd < 0 ? &again : NULL, unblocked);
}

/*
 * Returns the child's wait status. A stop request that was there before the child belongs to what
 * is being undone, not to the child that undoes it.
 */
static int wait_for(pid_t pid, bool stopped_before, const sigset_t *unblocked)
{
	int pidfd CLEANUP_FD = (int)syscall(SYS_pidfd_open, pid, 0);
	bool told = stopped_before;
	int status;
	pid_t ended;

	while (!(ended = waitpid(pid, &status, WNOHANG))) {
		if (stop_requested && !told) {
			kill(pid, SIGTERM);
			told = true;
		}
		wait_for_news(pidfd, unblocked);
	}
	return ended == pid ? status : -errno;
}

/* Where the child's output goes; -1: where ours goes. Returns 0 or a negative errno. */
static int open_output(int *fd, const struct spawn *s, struct diag *d)
{
	*fd = -1;
	if (s->output) {
		*fd = spawn_text_fd("", d);
		return *fd < 0 ? *fd : 0;
	}
	if (s->quiet && (*fd = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0)
		return diag_sys(d, errno, "open /dev/null");
	return 0;
}

static void read_output(const struct spawn *s, int fd)
{
	ssize_t n = pread(fd, s->output, s->output_size - 1, 0);

	s->output[n > 0 ? n : 0] = '\0';
}

int spawn_run(const struct spawn *s, struct diag *d)
{
	int input CLEANUP_FD = -1, output CLEANUP_FD = -1;
	bool stopped_before = stop_requested;
	sigset_t ours, stops;
	int err, status = 0;
	pid_t pid;

	if (s->input && (input = spawn_text_fd(s->input, d)) < 0)
		return input;
	if ((err = open_output(&output, s, d)))
		return err;
	signal(SIGCHLD, SIG_DFL); /* whoever started us ignoring it would take the status away */
	sigemptyset(&stops);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGHUP);
	sigprocmask(SIG_BLOCK, &stops, &ours);
	err = start(&pid, s, input, output);
	if (!err)
		status = wait_for(pid, stopped_before, &ours);
	sigprocmask(SIG_SETMASK, &ours, NULL);
	if (err)
		return diag_sys(d, err, "starting %s", s->path);
	if (status < 0)
		return diag_sys(d, -status, "waiting for %s", s->path);
	if (s->output)
		read_output(s, output);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
