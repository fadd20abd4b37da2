/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/kernel/socks.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "wgq/kernel/nl.h"

enum {
	INITIAL_PID_NS = 0xEFFFFFFC, /* PROC_PID_INIT_INO in the kernel's linux/proc_ns.h */
	COMM_SIZE = 64,
};

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* --- sock_diag --- */

struct dump {
	struct socks *out;
	size_t had;
	uint8_t family;
	uint16_t port;
};

static void forget(void *data)
{
	const struct dump *dump = data;

	dump->out->n = dump->had;
}

static int add_sock(const struct nlmsghdr *nlh, void *data)
{
	static const uint8_t least[INET_DIAG_SKV6ONLY + 1] = { [INET_DIAG_SKV6ONLY] = 1 };
	const struct nlattr *tb[INET_DIAG_SKV6ONLY + 1];
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);
	const struct dump *dump = data;
	struct socks *out = dump->out;
	struct sock *sock;

	if (nlh->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return MNL_CB_OK;
	if (nl_parse(nlh, sizeof(*m), tb, least, INET_DIAG_SKV6ONLY)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	if (m->idiag_family != dump->family || ntohs(m->id.idiag_sport) != dump->port)
		return MNL_CB_OK;
	sock = ARENA_PUSH(out->arena, out->v, out->n, out->capacity);
	*sock = (struct sock){
		.addr = { .family = dump->family, .len = family_bits(dump->family) },
		.is_v6only = tb[INET_DIAG_SKV6ONLY] && mnl_attr_get_u8(tb[INET_DIAG_SKV6ONLY]),
		.ifindex = (int)m->id.idiag_if,
		.inode = m->idiag_inode,
		.uid = m->idiag_uid,
	};
	memcpy(sock->addr.addr, m->id.idiag_src, family_bytes(dump->family));
	return MNL_CB_OK;
}

static int dump_family(struct nl *nl, struct socks *out, uint8_t family, uint16_t port,
		       struct diag *d)
{
	struct dump dump = { .out = out, .had = out->n, .family = family, .port = port };
	struct nlmsghdr *nlh = nl_message(nl, SOCK_DIAG_BY_FAMILY, 0);
	struct inet_diag_req_v2 *req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));

	req->sdiag_family = family;
	req->sdiag_protocol = IPPROTO_UDP;
	req->idiag_states = UINT32_MAX;
	req->id.idiag_sport = htons(port);
	return nl_dump(nl, nlh, add_sock, forget, &dump, d, "read UDP sockets");
}

int socks_get_udp(struct socks *out, uint16_t port, struct diag *d)
{
	struct nl nl CLEANUP(nl_close) = { 0 };
	int err = nl_open(&nl, NETLINK_SOCK_DIAG, d);

	if (!err)
		err = dump_family(&nl, out, AF_INET, port, d);
	if (!err)
		err = dump_family(&nl, out, AF_INET6, port, d);
	return err;
}

/* --- who holds them --- */

/* The inode of "socket:[N]", which an entry of a process's fd folder links to; 0: another file. */
static uint32_t socket_inode(int folder, const char *entry, bool *is_refused)
{
	char target[64];
	ssize_t n = readlinkat(folder, entry, target, sizeof(target) - 1);
	unsigned inode;

	if (n < 0 && errno == EACCES)
		*is_refused = true;
	if (n <= 0)
		return 0;
	target[n] = '\0';
	return sscanf(target, "socket:[%u]", &inode) == 1 ? inode : 0;
}

/* Calls each for the inode of every socket of a process until it returns true, and returns that. */
static bool any_socket(int folder, bool *is_refused, bool (*each)(uint32_t inode, void *data),
		       void *data)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir CLEANUP(close_dir) = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	if (!dir && copy >= 0)
		close(copy);
	while (dir && (entry = readdir(dir))) {
		uint32_t inode = socket_inode(folder, entry->d_name, is_refused);

		if (inode && each(inode, data))
			return true;
	}
	return false;
}

static bool is_inode(uint32_t inode, void *data)
{
	return inode == *(const uint32_t *)data;
}

/* Reads "ADDRESS: REFERENCES PROTOCOL FLAGS TYPE STATE INODE PATH" of /proc/net/unix, where PATH is
 * the socket of a userspace WireGuard; false for others. */
static bool read_wg_socket(char name[IFNAMSIZ], uint32_t *inode, const char *line)
{
	static const char folder[] = "/run/wireguard/", suffix[] = ".sock";
	const char *path;
	size_t n;
	int at = 0;

	if (sscanf(line, "%*s %*s %*s %*s %*s %*s %u %n", inode, &at) != 1 || !at)
		return false;
	path = line + at;
	if (!strncmp(path, "/var/", 5))
		path += 4;
	if (strncmp(path, folder, strlen(folder)) != 0)
		return false;
	path += strlen(folder);
	n = strcspn(path, "\n");
	if (n <= strlen(suffix) || n - strlen(suffix) >= IFNAMSIZ ||
	    strncmp(path + n - strlen(suffix), suffix, strlen(suffix)) != 0)
		return false;
	snprintf(name, IFNAMSIZ, "%.*s", (int)(n - strlen(suffix)), path);
	return true;
}

/*
 * The interface that the process serves. Its socket's file may be gone already, and who began to
 * listen there is not always who serves it, but the socket is among the process's files.
 */
static const char *find_wg(struct arena *a, pid_t pid, int folder)
{
	char path[64], name[IFNAMSIZ];
	FILE *in CLEANUP_FILE = NULL;
	char *line CLEANUP_FREE = NULL;
	bool is_refused = false;
	size_t size = 0;
	uint32_t inode;

	snprintf(path, sizeof(path), "/proc/%d/net/unix", (int)pid);
	in = fopen(path, "re");
	while (in && getline(&line, &size, in) > 0) {
		if (read_wg_socket(name, &inode, line) &&
		    any_socket(folder, &is_refused, is_inode, &inode))
			return arena_strndup(a, name, strlen(name));
	}
	return NULL;
}

static const char *read_name(struct arena *a, pid_t pid)
{
	char path[64], name[COMM_SIZE];
	int fd CLEANUP_FD = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, name, sizeof(name));
	while (n > 0 && name[n - 1] == '\n')
		n--;
	return n > 0 ? arena_strndup(a, name, (size_t)n) : "?";
}

struct search {
	struct socks *socks;
	pid_t pid;
	int folder; /* its /proc/PID/fd */
	struct sock_holder holder;
};

static bool note_socket(uint32_t inode, void *data)
{
	struct search *s = data;

	for (size_t i = 0; i < s->socks->n; i++) {
		struct sock *sock = &s->socks->v[i];
		bool has = sock->nholders && sock->holders[sock->nholders - 1].pid == s->pid;

		if (sock->inode != inode || has)
			continue;
		if (!s->holder.pid)
			s->holder = (struct sock_holder){
				.pid = s->pid,
				.name = read_name(s->socks->arena, s->pid),
				.wg = find_wg(s->socks->arena, s->pid, s->folder),
			};
		*ARENA_PUSH(s->socks->arena, sock->holders, sock->nholders,
			    sock->holders_capacity) = s->holder;
	}
	return false;
}

/* False if the process may not be looked at. */
static bool search_process(struct socks *socks, pid_t pid)
{
	char path[64];
	int folder CLEANUP_FD = -1;
	struct search s = { .socks = socks, .pid = pid };
	bool is_refused = false;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return errno == ENOENT || errno == ESRCH; /* it has ended */
	s.folder = folder;
	any_socket(folder, &is_refused, note_socket, &s);
	return !is_refused;
}

/* From a container one does not see the processes outside, though they may share its network. */
static bool sees_all_processes(void)
{
	struct stat st;

	return !geteuid() && !stat("/proc/self/ns/pid", &st) && st.st_ino == INITIAL_PID_NS;
}

void socks_find_holders(struct socks *s)
{
	DIR *proc CLEANUP(close_dir) = opendir("/proc");
	const struct dirent *entry;

	s->saw_everybody = proc && sees_all_processes();
	while (proc && (entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && !search_process(s, pid))
			s->saw_everybody = false;
	}
}

/* --- trying --- */

int socks_try_udp(uint8_t family, uint16_t port)
{
	int fd CLEANUP_FD = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP);
	union endpoint any = { .sa = { .sa_family = family } };
	int on = 1;

	if (fd < 0)
		return -errno;
	if (family == AF_INET6) {
		any.in6.sin6_port = htons(port);
		if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
			return -errno;
	} else {
		any.in.sin_port = htons(port);
	}
	return bind(fd, &any.sa, endpoint_size(&any)) ? -errno : 0;
}

int socks_find_source(struct prefix *source, const union endpoint *to)
{
	int fd CLEANUP_FD = socket(to->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP);
	union endpoint own = { 0 };
	socklen_t size = sizeof(own);

	if (fd < 0 || connect(fd, &to->sa, endpoint_size(to)) || getsockname(fd, &own.sa, &size))
		return -errno;
	*source = endpoint_addr(&own);
	return 0;
}
