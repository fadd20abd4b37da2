/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "wgq/base/spawn.h"

/* Before exit(3) could flush what the parent has in its buffers. */
static void leave(void)
{
	_exit(1);
}

static _Noreturn void run(void (*work)(int answer, void *arg), void *arg, int answer, int errors)
{
	/* whoever started us without the first three got one of them here */
	answer = fcntl(answer, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (dup2(errors, STDOUT_FILENO) < 0 || dup2(errors, STDERR_FILENO) < 0 || atexit(leave))
		_exit(1);
	work(answer, arg);
	_exit(0);
}

int child_start(struct child *c, void (*work)(int answer, void *arg), void *arg, struct diag *d)
{
	int errors CLEANUP_FD = spawn_text_fd("", d);
	sigset_t all, before;
	int ends[2], err;
	pid_t pid;

	if (errors < 0)
		return errors;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return diag_sys(d, errno, "pipe");
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid = fork();
	if (!pid) {
		close(ends[0]);
		run(work, arg, ends[1], errors);
	}
	err = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return diag_sys(d, err, "fork");
	}
	*c = (struct child){ .pid = pid, .answer = ends[0], .errors = fd_take(&errors) };
	return 0;
}

bool child_read(struct child *c, void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = read(c->answer, (char *)data + done, size - done);

		if (!n || (n < 0 && errno != EINTR))
			return false;
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}

bool child_write(int answer, const void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = write(answer, (const char *)data + done, size - done);

		if (n < 0 && errno != EINTR)
			return false;
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}

const char *child_end(struct child *c, char *text, size_t size)
{
	ssize_t n;

	close(c->answer);
	/* ECHILD: whoever started us had SIGCHLD ignored; it has ended all the same */
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	n = pread(c->errors, text, size - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	close(c->errors);
	return text;
}
