/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/resolver.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "hooks/resolv_file.h"
#include "wgq/base/spawn.h"

#define INTERFACE_ORDER "/etc/resolvconf/interface-order"
#define RESOLVED_FOLDER "/run/systemd/resolve"
#define RESOLVED_SOCKET RESOLVED_FOLDER "/io.systemd.Resolve"

/* --- which one --- */

/* resolved's resolvconf is resolvectl under another name, and refuses names with a prefix. */
static bool find_resolvconf(char path[PATH_MAX])
{
	char target[PATH_MAX];
	const char *name;

	if (spawn_find(path, "resolvconf") || !realpath(path, target))
		return false;
	name = strrchr(target, '/');
	return !name || strcmp(name, "/resolvectl") != 0;
}

static bool resolved_answers(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = RESOLVED_SOCKET };
	int fd CLEANUP_FD = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	return !connect(fd, (struct sockaddr *)&addr, sizeof(addr)) || errno == EAGAIN;
}

/* The folder outlives the service; the socket is only missing where resolved is older than 246. */
static bool find_resolvectl(char path[PATH_MAX])
{
	if (spawn_find(path, "resolvectl") || access(RESOLVED_FOLDER, F_OK))
		return false;
	return access(RESOLVED_SOCKET, F_OK) || resolved_answers();
}

/* "tun*" → "tun.": Debian's resolvconf ranks interfaces by name, and wg-quick borrows a good one.
 */
static char *prefix_of(char *line)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-";
	char *start = line + strspn(line, " \t"), *end = start + strspn(start, allowed);

	if (end == start || *end != '*' || end[1 + strspn(end + 1, " \t")] != '\n')
		return NULL;
	end[0] = '.';
	end[1] = '\0';
	return start;
}

static const char *resolvconf_name(struct arena *a, const char *program, const char *ifname)
{
	FILE *order CLEANUP_FILE = NULL;
	char *line CLEANUP_FREE = NULL, *prefix = NULL;
	struct stat st;
	size_t room = 0;

	if (!stat(INTERFACE_ORDER, &st) && S_ISREG(st.st_mode) && !lstat(program, &st) &&
	    !S_ISLNK(st.st_mode))
		order = fopen(INTERFACE_ORDER, "re");
	while (order && !prefix && getline(&line, &room, order) > 0)
		prefix = prefix_of(line);
	return arena_printf(a, "%s%s", prefix ? prefix : "", ifname);
}

/* Sets kind, program and name; RESOLVER_FILE is left to the caller. */
static bool find_program(struct resolver *r, struct arena *a, const char *ifname)
{
	char path[PATH_MAX];

	if (find_resolvconf(path)) {
		r->kind = RESOLVER_RESOLVCONF;
		r->name = resolvconf_name(a, path, ifname);
	} else if (find_resolvectl(path)) {
		r->kind = RESOLVER_RESOLVED;
	} else {
		return false;
	}
	r->program = arena_printf(a, "%s", path);
	return true;
}

/* --- what setting and unsetting take --- */

static char *const *vector(struct arena *a, const char *const *head, const char *const *words,
			   size_t n, const char *last)
{
	size_t used = 0;
	const char **argv;

	while (head[used])
		used++;
	argv = arena_alloc(a, (used + n + 2) * sizeof(*argv));
	memcpy(argv, head, used * sizeof(*argv));
	if (n)
		memcpy(argv + used, words, n * sizeof(*argv));
	argv[used + n] = last;
	return (char *const *)argv;
}

#define VECTOR(a, ...) vector((a), (const char *const[]){ __VA_ARGS__, NULL }, NULL, 0, NULL)

static void prepare_resolvconf(struct resolver *r, struct arena *a)
{
	r->input = resolv_file_lines(a, r->dns);
	r->set[0] = VECTOR(a, "resolvconf", "-a", r->name, "-m", "0", "-x");
	r->unset[0] = VECTOR(a, "resolvconf", "-d", r->name, "-f");
}

/* "~.": every name is asked here, which is what resolvconf's -x means to resolved. */
static void prepare_resolved(struct resolver *r, struct arena *a)
{
	const char *const dns[] = { "resolvectl", "dns", r->name, NULL };
	const char *const domain[] = { "resolvectl", "domain", r->name, NULL };

	r->set[0] = vector(a, dns, r->dns->servers, r->dns->nservers, NULL);
	r->set[1] = vector(a, domain, r->dns->searches, r->dns->nsearches, "~.");
	r->unset[0] = VECTOR(a, "resolvectl", "revert", r->name);
}

/*
 * If our lines are not the last that came (another tunnel's are in front of them), what is to be
 * put back is the file of now without them. If they are not there at all, unsetting will say so.
 */
static void prepare_file(struct resolver *r, struct arena *a)
{
	const char *lines = resolv_file_lines(a, r->dns), *now = resolv_file_read(a), *without;

	r->previous = r->previous ? r->previous : "";
	r->input = resolv_file_add(a, r->previous, r->name, lines);
	if (!now || !strcmp(now, r->input))
		return;
	without = resolv_file_remove(a, now, r->name, r->dns->nservers ? lines : NULL);
	if (without) {
		r->input = now;
		r->previous = without;
	}
}

void resolver_restore(struct resolver *r, struct arena *a)
{
	static void (*const prepare[])(struct resolver * r, struct arena * a) = {
		[RESOLVER_NONE] = NULL,
		[RESOLVER_RESOLVCONF] = prepare_resolvconf,
		[RESOLVER_RESOLVED] = prepare_resolved,
		[RESOLVER_FILE] = prepare_file,
	};

	if (prepare[r->kind])
		prepare[r->kind](r, a);
}

/* The lines of a tunnel of this name that went down with the host are not worth coming back to. */
static void choose_file(struct resolver *r, struct arena *a)
{
	const char *now = resolv_file_read(a), *without;

	if (!now)
		return;
	without = resolv_file_remove(a, now, r->name, NULL);
	r->kind = RESOLVER_FILE;
	r->previous = without ? without : now;
	r->input = resolv_file_add(a, r->previous, r->name, resolv_file_lines(a, r->dns));
}

int resolver_choose(struct resolver *r, struct arena *a, const char *ifname, const struct dns *dns,
		    bool default_route, struct diag *d)
{
	(void)d;
	*r = (struct resolver){ .default_route = default_route, .name = ifname, .dns = dns };
	if (find_program(r, a, ifname))
		resolver_restore(r, a);
	else
		choose_file(r, a);
	return 0;
}

int resolver_forget(struct resolver *r, struct arena *a, const char *ifname, struct diag *d)
{
	static const struct dns no_dns;
	const char *now;

	(void)d;
	*r = (struct resolver){ .name = ifname, .dns = &no_dns };
	if (find_program(r, a, ifname)) {
		resolver_restore(r, a);
		return 0;
	}
	now = resolv_file_read(a);
	r->previous = now ? resolv_file_remove(a, now, ifname, NULL) : NULL;
	if (r->previous) {
		r->kind = RESOLVER_FILE;
		r->input = now;
	}
	return 0;
}

/* --- setting and unsetting --- */

/* A command as text; words that a shell would read otherwise are quoted. */
static void join(char *text, size_t size, char *const *argv)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_=+:%.-/";
	size_t n = strlen(text);

	for (size_t i = 0; argv[i] && n < size; i++) {
		const char *quote = argv[i][strspn(argv[i], plain)] ? "'" : "";

		n += (size_t)snprintf(text + n, size - n, "%s%s%s%s", i ? " " : "", quote, argv[i],
				      quote);
	}
}

static int run(const struct resolver *r, char *const *argv, const char *input, struct diag *d)
{
	struct spawn s = { .path = r->program, .argv = argv, .input = input };
	char text[256] = "";
	int status = spawn_run(&s, d);

	if (status <= 0)
		return status;
	join(text, sizeof(text), argv);
	return diag_set(d, EIO, "%s exited with status %d", text, status);
}

static int set_by_program(const struct resolver *r, struct diag *d)
{
	struct diag ignored;
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(r->set) && r->set[i]; i++) {
		err = run(r, r->set[i], r->input, d);
		if (err && i) /* half done; a failing resolvconf is left as wg-quick leaves it */
			resolver_unset(r, &ignored);
	}
	return err;
}

static int unset_by_program(const struct resolver *r, struct diag *d)
{
	int err = 0;

	if (r->kind == RESOLVER_RESOLVED && !if_nametoindex(r->name))
		return 0; /* resolved forgets a link that is gone */
	for (size_t i = 0; !err && i < ARRAY_SIZE(r->unset) && r->unset[i]; i++)
		err = run(r, r->unset[i], NULL, d);
	return err;
}

int resolver_set(const struct resolver *r, struct diag *d)
{
	if (r->kind == RESOLVER_FILE)
		return resolv_file_write(r->input, r->previous, d);
	return set_by_program(r, d);
}

int resolver_unset(const struct resolver *r, struct diag *d)
{
	if (r->kind == RESOLVER_FILE)
		return resolv_file_replace(r->input, r->previous, d);
	return unset_by_program(r, d);
}

static void describe_file(char *text, size_t size, const struct resolver *r, bool set)
{
	size_t n;

	if (!set) {
		snprintf(text, size, "text=$(sed -n 's/^#wgq# //p' %1$s) && echo \"$text\" > %1$s",
			 RESOLV_FILE);
		return;
	}
	n = (size_t)snprintf(text, size, "printf '%%s\\n'");
	for (size_t i = 0; i < r->dns->nservers && n < size; i++)
		n += (size_t)snprintf(text + n, size - n, " 'nameserver %s'", r->dns->servers[i]);
	for (size_t i = 0; i < r->dns->nsearches && n < size; i++)
		n += (size_t)snprintf(text + n, size - n, "%s%s", i ? " " : " 'search ",
				      r->dns->searches[i]);
	if (n < size)
		snprintf(text + n, size - n, "%s > %s", r->dns->nsearches ? "'" : "", RESOLV_FILE);
}

void resolver_describe(char *text, size_t size, const struct resolver *r, bool set)
{
	char *const *const *commands = set ? r->set : r->unset;
	size_t most = set ? ARRAY_SIZE(r->set) : ARRAY_SIZE(r->unset);

	*text = '\0';
	if (r->kind == RESOLVER_FILE) {
		describe_file(text, size, r, set);
		return;
	}
	for (size_t i = 0; i < most && commands[i]; i++) {
		size_t n = strlen(text);

		snprintf(text + n, size - n, "%s", i ? "\n" : "");
		join(text, size, commands[i]);
	}
}
