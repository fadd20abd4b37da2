/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/cmd/check_host.h"

#include <dirent.h>
#include <errno.h>

#include "wgq/base/log.h"
#include "wgq/cmd/session.h"
#include "wgq/kernel/rtnl.h"
#include "wgq/plan/blocked.h"
#include "wgq/plan/facts.h"
#include "wgq/plan/ports.h"

#define FOLDER "/etc/wireguard"

struct looker {
	struct findings *f;
	struct host host;
	struct rundir dir;
	struct diag d;
};

/* What cannot be found out is no fault of the file. */
static void pass_over(const struct looker *l, const char *ifname)
{
	if (log_is_verbose())
		log_info("%s: what this host makes of it cannot be told: %s", ifname, l->d.text);
}

static void look_at_host(struct looker *l, const struct config *c, const char *ifname)
{
	struct findings ignored = { .arena = l->f->arena };
	struct facts facts;
	struct link link = { 0 };

	if (rtnl_get_link(&l->host.rtnl, &link, ifname, &l->d))
		link.index = 0;
	if (!link.index && ports_check(l->f, &l->host, c, ifname, &l->d))
		pass_over(l, ifname);
	if (facts_read(&facts, &l->host, c, ifname, &l->dir, link.index ? &ignored : l->f, &l->d) ||
	    blocked_check(l->f, &l->host, c, &facts, ifname, link.index, &l->d))
		pass_over(l, ifname);
}

static int look_at(struct looker *l, const char *word)
{
	char ifname[IFNAMSIZ], path[PATH_MAX];
	size_t first = l->f->n, errors = findings_count(l->f, SEV_ERROR);
	struct source source;
	struct config *c;

	if (config_locate(ifname, path, word, &l->d) ||
	    source_read(&source, l->f->arena, arena_strndup(l->f->arena, path, strlen(path)),
			&l->d)) {
		log_error("%s", l->d.text);
		return EXIT_USAGE;
	}
	c = config_parse(l->f->arena, &source, l->f);
	session_check_permissions(&source, l->f);
	session_check_file(l->f, c, ifname);
	if (findings_count(l->f, SEV_ERROR) == errors)
		look_at_host(l, c, ifname);
	findings_sort(l->f, first);
	return EXIT_DONE;
}

static int is_conf(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return *entry->d_name != '.' && n > strlen(".conf") &&
	       !strcmp(entry->d_name + n - strlen(".conf"), ".conf");
}

/* A file that can be no interface's is somebody's notes. */
static int look_at_entry(struct looker *l, const char *name)
{
	char path[sizeof(FOLDER) + NAME_MAX + 2], ifname[IFNAMSIZ], found[PATH_MAX];

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	if (config_locate(ifname, found, path, &l->d) && !*ifname)
		return EXIT_DONE;
	return look_at(l, path);
}

static int look_at_folder(struct looker *l)
{
	struct dirent **entries;
	int n = scandir(FOLDER, &entries, is_conf, alphasort), status = EXIT_DONE;

	if (n < 0 && errno != ENOENT) {
		log_error(FOLDER ": %s", strerror(errno));
		return EXIT_USAGE;
	}
	if (n <= 0)
		log_info("there is no configuration in " FOLDER);
	for (int i = 0; i < n; i++) {
		if (!status)
			status = look_at_entry(l, entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return status;
}

int check_host(struct findings *f, char *const *words, size_t n)
{
	struct looker l = { .f = f, .dir.fd = -1 };
	int status = EXIT_DONE;

	if (host_open(&l.host, &l.d)) {
		log_error("%s", l.d.text);
		status = EXIT_FAILED;
	} else {
		if (rundir_open(&l.dir, false, &l.d))
			l.dir.fd = -1;
		for (size_t i = 0; i < n && !status; i++)
			status = look_at(&l, words[i]);
		if (!n)
			status = look_at_folder(&l);
	}
	host_close(&l.host);
	rundir_close(&l.dir);
	return status;
}
