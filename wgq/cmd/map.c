/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/base/log.h"
#include "wgq/cmd/meshes.h"
#include "wgq/mesh/json.h"

static const struct format {
	const char *name;
	void (*print)(FILE *out, const struct picture *p);
} formats[] = {
	{ "text", map_text },
	{ "dot", map_dot },
	{ "mermaid", map_mermaid },
};

static const struct format *find_format(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (!name || !strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

static int print(struct meshes *ms, const struct invocation *in, const struct format *format)
{
	const struct picture *picture;
	struct reach reach;

	meshes_complain(ms);
	routes_reach(ms->routes, &reach, pairs_limit(&ms->mesh));
	picture = picture_new(&ms->arena, &ms->mesh, ms->routes, &reach);
	if (!in->json)
		format->print(stdout, picture);
	else if (json_map(stdout, picture, ms->routes))
		return EXIT_FAILED;
	return EXIT_DONE;
}

int cmd_map(const struct invocation *in)
{
	const struct format *format = find_format(in->format);
	struct meshes ms;
	int status;

	if (!format) {
		log_error("there is no format '%s'; there are text, dot and mermaid", in->format);
		return EXIT_USAGE;
	}
	status = meshes_open(&ms, in->words, in->nwords);
	if (!status)
		status = meshes_flush(print(&ms, in, format));
	meshes_close(&ms);
	return status;
}
