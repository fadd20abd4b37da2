/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "wgq/base/spawn.h"

/* MAX_ARG_STRLEN of linux/binfmts.h for the smallest page: the longest argument, with its NUL. */
enum { ARGUMENT_MAX = 32 * 4096 };

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* Variables that would change how bash reads a hook, and those that we set ourselves. */
static bool is_dropped(const char *variable)
{
	static const char *const names[] = { "BASH_ENV=",  "ENV=",         "SHELLOPTS=",
					     "BASHOPTS=",  "LC_ALL=",      "PATH=",
					     "INTERFACE=", "CONFIG_FILE=", "BASH_FUNC_" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strncmp(variable, names[i], strlen(names[i])))
			return true;
	return false;
}

/* So that hooks find wgq, and what lies beside it, as they find wg beside wg-quick. */
static const char *path_variable(struct arena *a)
{
	const char *path = getenv("PATH");
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self));
	const char *slash = n > 0 ? memrchr(self, '/', (size_t)n) : NULL;

	if (!path)
		path = default_path;
	if (!slash)
		return arena_printf(a, "PATH=%s", path);
	return arena_printf(a, "PATH=%.*s:%s", slash > self ? (int)(slash - self) : 1, self, path);
}

static char **build_environment(struct arena *a, const char *ifname, const char *config_file)
{
	size_t n = 0;
	char **envp;

	while (environ && environ[n])
		n++;
	envp = arena_alloc(a, (n + 5) * sizeof(*envp));
	n = 0;
	for (char **v = environ; v && *v; v++)
		if (!is_dropped(*v))
			envp[n++] = *v;
	envp[n++] = (char *)path_variable(a);
	envp[n++] = arena_printf(a, "LC_ALL=C");
	envp[n++] = arena_printf(a, "INTERFACE=%s", ifname);
	envp[n++] = arena_printf(a, "CONFIG_FILE=%s", config_file);
	return envp;
}

int command_env_init(struct command_env *env, struct arena *a, const char *ifname,
		     const char *config_file, struct diag *d)
{
	char path[PATH_MAX];

	/* wg-quick's own interpreter first, so that a stray bash in PATH changes no hook */
	if (spawn_find(path, "/bin/bash") && spawn_find(path, "bash"))
		return diag_set(d, ENOENT,
				"PreUp, PostUp, PreDown and PostDown need bash, and there is none "
				"in /bin or PATH");
	env->bash = arena_printf(a, "%s", path);
	env->envp = build_environment(a, ifname, config_file);
	return 0;
}

const char *command_expand(struct arena *a, const char *text, const char *ifname)
{
	size_t room = strlen(text) + 1, name = strlen(ifname);
	char *expanded, *to;

	for (const char *p = text; (p = strstr(p, "%i")); p += 2)
		room += name;
	to = expanded = arena_alloc(a, room);
	for (const char *p; (p = strstr(text, "%i")); text = p + 2) {
		to = mempcpy(to, text, (size_t)(p - text));
		to = mempcpy(to, ifname, name);
	}
	stpcpy(to, text);
	return expanded;
}

static int run(const struct command_env *env, const char *text, struct diag *d)
{
	const char *argv[] = { "bash", "-e", "-o", "pipefail", "-O", "extglob",
			       "-c",   "--", text, "wgq",      NULL };
	struct spawn s = { .path = env->bash, .argv = (char *const *)argv, .envp = env->envp };

	return spawn_run(&s, d);
}

/* A text too long for an argument: bash reads it from a file in memory, and closes that first. */
static int run_long(const struct command_env *env, const char *text, struct diag *d)
{
	int fd CLEANUP_FD = spawn_text_fd(text, d);
	char loader[80];

	if (fd < 0)
		return fd;
	if (fcntl(fd, F_SETFD, 0))
		return diag_sys(d, errno, "fcntl");
	snprintf(loader, sizeof(loader), "read -rd '' -u %d || :; exec %d<&-; eval \"$REPLY\"", fd,
		 fd);
	return run(env, loader, d);
}

int command_run(const struct command_env *env, const char *text, struct diag *d)
{
	size_t size = strlen(text);

	if (!size)
		return 0;
	return size < ARGUMENT_MAX ? run(env, text, d) : run_long(env, text, d);
}
