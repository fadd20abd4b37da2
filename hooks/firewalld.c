/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/firewalld.h"

#include <errno.h>
#include <limits.h>

#include "wgq/base/spawn.h"

/* firewall-cmd's exit statuses, from firewalld's errors.py. */
enum {
	STATUS_UNKNOWN_INTERFACE = 17, /* is in no zone */
	STATUS_ZONE_CONFLICT = 18,     /* is in another zone */
	STATUS_DBUS_ERROR = 36,
	STATUS_NOT_RUNNING = 252,
};

enum { ANSWER_SIZE = 1 << 16, OPTION_SIZE = 128 };

#define TRUSTED "trusted"

/* A call that takes a zone and the interface. */
struct command {
	char zone[OPTION_SIZE], interface[OPTION_SIZE];
	char *argv[4];
};

static int run(const char *program, char *const *argv, char *output, size_t size, struct diag *d)
{
	struct spawn s = { .path = program, .argv = argv, .output = output, .output_size = size };

	return spawn_run(&s, d);
}

static bool is_absent(int status)
{
	return status == STATUS_DBUS_ERROR || status == STATUS_NOT_RUNNING;
}

/* --- what there is --- */

/* A zone as `firewall-cmd --info-zone` shows it. */
struct zone {
	const char *name, *interfaces;
	bool forwards; /* within itself */
	bool accepts;  /* whatever comes, to the host and through it */
};

/* Returns firewall-cmd's exit status with its answer in text, or a negative errno. */
static int ask(const char *program, struct arena *a, const char *option, char **text,
	       struct diag *d)
{
	char *argv[] = { (char *)"firewall-cmd", (char *)option, NULL };
	int status;

	*text = arena_alloc(a, ANSWER_SIZE);
	status = run(program, argv, *text, ANSWER_SIZE, d);
	if (status <= 0 || is_absent(status))
		return status;
	return diag_set(d, EIO, "firewall-cmd %s: %.*s", option, (int)strcspn(*text, "\n"), *text);
}

/* Cuts the next line off. */
static char *next_line(char **rest)
{
	char *line = *rest;

	if (!*line)
		return NULL;
	*rest += strcspn(line, "\n");
	if (**rest)
		*(*rest)++ = '\0';
	return line;
}

/* What follows "  KEY: " in the line, else NULL. */
static const char *value_of(const char *line, const char *key)
{
	size_t n = strlen(key);

	line += strspn(line, " ");
	return !strncmp(line, key, n) && line[n] == ':' ? line + n + 1 + (line[n + 1] == ' ')
							: NULL;
}

/* "public (default, active)" → "public"; NULL: not the name of a zone. */
static char *zone_name(char *line)
{
	if (!*line || *line == ' ' || *line == '\t')
		return NULL;
	line[strcspn(line, " ")] = '\0';
	return line;
}

/* Returns 0 or an exit status, or a negative errno. */
static int ask_zone(struct zone *z, const char *program, struct arena *a, const char *option,
		    struct diag *d)
{
	char *text, *line;
	int status = ask(program, a, option, &text, d);
	bool in_zone = false;
	const char *value;

	*z = (struct zone){ .interfaces = "" };
	if (status)
		return status;
	while ((line = next_line(&text))) {
		/* advice may come before it, where connections are in another zone */
		if (*line && *line != ' ' && !in_zone)
			z->name = zone_name(line);
		in_zone |= *line == ' ';
		if ((value = value_of(line, "interfaces")))
			z->interfaces = value;
		else if ((value = value_of(line, "forward")))
			z->forwards = !strcmp(value, "yes");
		else if ((value = value_of(line, "target")))
			z->accepts = !strcmp(value, "ACCEPT");
	}
	if (!z->name || strlen(z->name) >= OPTION_SIZE / 2)
		return diag_set(d, EPROTO, "firewall-cmd %s: no zone in its answer", option);
	return 0;
}

/* Does the list, as "eth0 wg+", hold the interface? */
static bool list_holds(const char *list, const char *ifname)
{
	while (*(list += strspn(list, " "))) {
		size_t n = strcspn(list, " ");
		bool wild = list[n - 1] == '+';

		if (wild ? !strncmp(list, ifname, n - 1)
			 : n == strlen(ifname) && !strncmp(list, ifname, n))
			return true;
		list += n;
	}
	return false;
}

/* The zone that the interface is in by its name, or by a wildcard; NULL in *name: none. */
static int ask_zone_of(const char **name, const char *program, struct arena *a, const char *ifname,
		       struct diag *d)
{
	const char *value, *zone = NULL;
	char *text, *line, *head;
	int status = ask(program, a, "--get-active-zones", &text, d);

	*name = NULL;
	if (status)
		return status;
	while ((line = next_line(&text))) {
		if ((head = zone_name(line)))
			zone = head;
		else if ((value = value_of(line, "interfaces")) && list_holds(value, ifname))
			*name = zone;
	}
	return 0;
}

/* --- which zone it shall be --- */

struct wish {
	enum forward_mode forward;
	enum firewalld_input input;
};

/* The default zone treats an interface that is in none as its own, but for forwarding within
 * itself: that it does for those that it knows by name. */
static bool gives(const struct zone *z, bool by_name, const struct wish *w)
{
	if (z->accepts)
		return true;
	if (w->input != FIREWALLD_INPUT_NONE || w->forward == FORWARD_YES)
		return false;
	return w->forward == FORWARD_NO || (by_name && z->forwards);
}

/* Of mesh with AllowFrom for some prefixes the default zone gives the mesh at least; it takes
 * nothing away, as the interface's input is treated as this zone's already. */
static const char *zone_for(const struct zone *normal, const struct wish *w)
{
	if (w->forward != FORWARD_NO && w->input == FIREWALLD_INPUT_ALL)
		return TRUSTED;
	return w->forward == FORWARD_MESH && normal->forwards ? normal->name : NULL;
}

static void decide(struct firewalld *f, const struct zone *normal, const struct zone *present,
		   const struct wish *w)
{
	bool by_name = present->name;
	const char *zone = zone_for(normal, w);

	f->previous = by_name ? present->name : "";
	if (gives(by_name ? present : normal, by_name, w))
		f->answer = FIREWALLD_GIVEN;
	else if (!zone || (by_name && strcmp(present->name, normal->name) != 0) ||
		 !strcmp(zone, f->previous))
		f->answer = FIREWALLD_NO_ZONE;
	else
		f->answer = FIREWALLD_ZONE;
	f->zone = f->answer == FIREWALLD_ZONE ? zone : "";
}

/* The default zone, and the zone that the interface is in by its name (its name NULL: none). */
static int look(struct firewalld *f, struct arena *a, struct zone *normal, struct zone *present,
		struct diag *d)
{
	int status = ask_zone(normal, f->program, a, "--list-all", d);
	const char *name;

	*present = *normal;
	if (status || list_holds(normal->interfaces, f->ifname))
		return status;
	status = ask_zone_of(&name, f->program, a, f->ifname, d);
	*present = (struct zone){ .name = NULL };
	if (status || !name)
		return status;
	return ask_zone(present, f->program, a, arena_printf(a, "--info-zone=%s", name), d);
}

int firewalld_choose(struct firewalld *out, struct arena *a, const char *ifname,
		     enum forward_mode forward, enum firewalld_input input, struct diag *d)
{
	struct wish w = { .forward = forward, .input = input };
	struct zone normal, present;
	char path[PATH_MAX];
	int status;

	*out = (struct firewalld){ .ifname = ifname, .zone = "", .previous = "" };
	if (spawn_find(path, "firewall-cmd"))
		return 0;
	out->program = arena_printf(a, "%s", path);
	status = look(out, a, &normal, &present, d);
	if (status < 0)
		return status;
	if (!status)
		decide(out, &normal, &present, &w);
	return 0;
}

/* --- putting it there --- */

/* change-interface is add-interface where the interface is in no zone, and does not mind that
 * somebody (NetworkManager does) has put it somewhere meanwhile. */
#define CHANGE "change-interface"
#define REMOVE "remove-interface"

static void command_init(struct command *c, const char *zone, const char *verb, const char *ifname)
{
	snprintf(c->zone, sizeof(c->zone), "--zone=%s", zone);
	snprintf(c->interface, sizeof(c->interface), "--%s=%s", verb, ifname);
	c->argv[0] = (char *)"firewall-cmd";
	c->argv[1] = c->zone;
	c->argv[2] = c->interface;
	c->argv[3] = NULL;
}

/* Returns firewall-cmd's exit status, which says why and is recorded in d, or a negative errno. */
static int change(const struct firewalld *f, const char *zone, const char *verb, struct diag *d)
{
	struct command c = { 0 };
	char output[512];
	int status;

	command_init(&c, zone, verb, f->ifname);
	status = run(f->program, c.argv, output, sizeof(output), d);
	if (status > 0)
		diag_set(d, EIO, "firewall-cmd %s %s: %.*s", c.zone, c.interface,
			 (int)strcspn(output, "\n"), output);
	return status;
}

int firewalld_add(const struct firewalld *f, struct diag *d)
{
	int status = change(f, f->zone, CHANGE, d);

	return status > 0 ? -EIO : status;
}

int firewalld_remove(const struct firewalld *f, struct diag *d)
{
	int status = change(f, f->zone, REMOVE, d);

	if (is_absent(status) || status == STATUS_UNKNOWN_INTERFACE || status == -ENOENT)
		return 0; /* a reload, a stop or an end of the package has done it */
	if (status == STATUS_ZONE_CONFLICT)
		return diag_set(d, ESTALE,
				"somebody else has put %s into another zone of firewalld since: it "
				"stays there",
				f->ifname);
	if (!status && *f->previous)
		status = change(f, f->previous, CHANGE, d);
	return status > 0 ? -EIO : status;
}

void firewalld_describe(char *text, size_t size, const struct firewalld *f, bool add)
{
	const char *then = add ? "" : f->previous;
	struct command c = { 0 };
	size_t n;

	command_init(&c, f->zone, add ? CHANGE : REMOVE, f->ifname);
	n = (size_t)snprintf(text, size, "firewall-cmd %s %s", c.zone, c.interface);
	if (!*then || n >= size)
		return;
	command_init(&c, then, CHANGE, f->ifname);
	snprintf(text + n, size - n, "\nfirewall-cmd %s %s", c.zone, c.interface);
}
