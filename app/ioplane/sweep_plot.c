/* SPDX-License-Identifier: BSD-3-Clause */
/* The plot of a sweep: one SVG file that needs nothing beside it. */
#include "sweep.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <rte_common.h>

#define WIDTH	     960
#define PANEL_WIDTH  370
#define PANEL_HEIGHT 220
#define LEFT	     80 /* of the first panel, and between panels */
#define TOP	     80
#define GAP	     70 /* below a panel, for its axis */
#define TICKS	     5
#define LEGEND_LINE  18
#define SERIES_MAX   48

/* What a plot is made of: an axis along x, and a line for each choice of the others. */
struct plot {
	const struct sweep_plan *plan;
	const struct sweep_row *rows;
	unsigned int count;
	FILE *file;
	enum sweep_axis x;
	unsigned int series[SERIES_MAX]; /* first row of each */
	unsigned int series_count;
};

static const struct panel {
	const char *title;
	enum sweep_column column, other; /* the same twice: one line a series */
} panels[] = {
	{"IOTLB misses per packet", SWEEP_MISSES_PER_PACKET, SWEEP_MISSES_PER_PACKET},
	{"IOTLB misses per MiB", SWEEP_MISSES_PER_MIB, SWEEP_MISSES_PER_MIB},
	{"Million packets per second", SWEEP_MPPS, SWEEP_MPPS},
	{"Median ns of a map (line) and an unmap (dashes)", SWEEP_MAP_NS, SWEEP_UNMAP_NS},
};

/* Told apart by those who see colours differently, too (Okabe and Ito). */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
				      "#e69f00", "#56b4e9", "#000000", "#8c6d1f"};

double sweep_plot_round_up(double value)
{
	static const double steps[] = {1, 2, 2.5, 5, 10};
	double power;

	if (!(value > 0))
		return 1;
	power = pow(10, floor(log10(value)));
	for (unsigned int i = 0; i < RTE_DIM(steps); i++)
		if (value <= steps[i] * power * (1 + 1e-9))
			return steps[i] * power;
	return 10 * power;
}

static void put_text(const char *text, FILE *file)
{
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '&')
			fputs("&amp;", file);
		else if (*c == '<')
			fputs("&lt;", file);
		else if ((unsigned char)*c >= ' ' && (unsigned char)*c < 0x7f)
			fputc(*c, file);
		else
			fputc('?', file);
	}
}

/* --- what goes where ------------------------------------------------------------------------ */

/* The first of those that varies: what the published walls are drawn over. */
static enum sweep_axis choose_x(const struct sweep_plan *plan)
{
	static const enum sweep_axis wanted[] = {SWEEP_QUEUES,	    SWEEP_RING,	  SWEEP_LOSS,
						 SWEEP_PACKET_SIZE, SWEEP_POLICY, SWEEP_PAGE_SIZE};

	for (unsigned int i = 0; i < RTE_DIM(wanted); i++)
		if (plan->counts[wanted[i]] > 1)
			return wanted[i];
	return SWEEP_QUEUES;
}

static bool is_same_series(const struct plot *plot, unsigned int a, unsigned int b)
{
	for (unsigned int axis = 0; axis < SWEEP_AXES; axis++)
		if (axis != plot->x &&
		    plot->rows[a].point.value[axis] != plot->rows[b].point.value[axis])
			return false;
	return true;
}

static void find_series(struct plot *plot)
{
	for (unsigned int row = 0; row < plot->count; row++) {
		bool is_known = false;

		for (unsigned int i = 0; i < plot->series_count; i++)
			is_known |= is_same_series(plot, plot->series[i], row);
		if (!is_known && plot->series_count < SERIES_MAX)
			plot->series[plot->series_count++] = row;
	}
}

static double highest(const struct plot *plot, const struct panel *panel)
{
	double most = NAN;

	for (unsigned int i = 0; i < plot->count; i++) {
		most = fmax(most, plot->rows[i].value[panel->column]);
		most = fmax(most, plot->rows[i].value[panel->other]);
	}
	return most;
}

static double panel_left(unsigned int panel)
{
	return LEFT + panel % 2 * (double)(PANEL_WIDTH + LEFT);
}

static double panel_top(unsigned int panel)
{
	return TOP + panel / 2 * (double)(PANEL_HEIGHT + GAP);
}

static double x_of(const struct plot *plot, unsigned int panel, unsigned int value)
{
	return panel_left(panel) + PANEL_WIDTH * (value + 0.5) / plot->plan->counts[plot->x];
}

static double y_of(unsigned int panel, double value, double top)
{
	return panel_top(panel) + PANEL_HEIGHT * (1 - value / top);
}

/* --- parts ---------------------------------------------------------------------------------- */

static void put_frame(const struct plot *plot, unsigned int panel, double top)
{
	double left = panel_left(panel), upper = panel_top(panel);

	fprintf(plot->file,
		"<text x=\"%.1f\" y=\"%.1f\" font-size=\"14\">%s</text>\n"
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" fill=\"none\" "
		"stroke=\"#888\"/>\n",
		left, upper - 10, panels[panel].title, left, upper, PANEL_WIDTH, PANEL_HEIGHT);
	for (unsigned int i = 0; i <= TICKS; i++) {
		double value = top * i / TICKS, y = y_of(panel, value, top);

		fprintf(plot->file,
			"<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>\n"
			"<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n",
			left, y, left + PANEL_WIDTH, y, left - 6, y + 4, value);
	}
	for (unsigned int i = 0; i < plot->plan->counts[plot->x]; i++) {
		fprintf(plot->file, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">",
			x_of(plot, panel, i), upper + PANEL_HEIGHT + 16);
		put_text(plot->plan->values[plot->x][i], plot->file);
		fprintf(plot->file, "</text>\n");
	}
	fprintf(plot->file, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n",
		left + PANEL_WIDTH / 2.0, upper + PANEL_HEIGHT + 34, sweep_axis_key(plot->x));
}

/* A line from each point to the next that has a figure, and a dot on each with its text. */
static void put_line(const struct plot *plot, unsigned int panel, enum sweep_column column,
		     unsigned int series, double top, bool is_dashed)
{
	const char *colour = colours[series % RTE_DIM(colours)];
	bool has_last = false;
	double last_x = 0, last_y = 0;

	for (unsigned int i = 0; i < plot->count; i++) {
		const struct sweep_row *row = &plot->rows[i];
		char text[160];
		double x, y;

		if (!is_same_series(plot, plot->series[series], i) || isnan(row->value[column]))
			continue;
		x = x_of(plot, panel, row->point.value[plot->x]);
		y = y_of(panel, row->value[column], top);
		if (has_last)
			fprintf(plot->file,
				"<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
				"stroke=\"%s\" stroke-width=\"2\"%s/>\n",
				last_x, last_y, x, y, colour,
				is_dashed ? " stroke-dasharray=\"5 4\"" : "");
		sweep_point_text(plot->plan, &row->point, text, sizeof(text));
		fprintf(plot->file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"><title>",
			x, y, colour);
		put_text(text, plot->file);
		fprintf(plot->file, ": %s %.*f</title></circle>\n", sweep_column_name(column),
			sweep_column_digits(column), row->value[column]);
		has_last = true;
		last_x = x;
		last_y = y;
	}
}

static void put_panel(const struct plot *plot, unsigned int number)
{
	const struct panel *panel = &panels[number];
	double most = highest(plot, panel), top = sweep_plot_round_up(most);

	put_frame(plot, number, top);
	if (isnan(most)) {
		fprintf(plot->file,
			"<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" fill=\"#666\">n/a: "
			"nothing of it was measured</text>\n",
			panel_left(number) + PANEL_WIDTH / 2.0,
			panel_top(number) + PANEL_HEIGHT / 2.0);
		return;
	}
	for (unsigned int i = 0; i < plot->series_count; i++) {
		put_line(plot, number, panel->column, i, top, false);
		if (panel->other != panel->column)
			put_line(plot, number, panel->other, i, top, true);
	}
}

/* The values of the other axes, where there are several or the file names one. */
static void put_series_name(const struct plot *plot, unsigned int series)
{
	const struct sweep_point *point = &plot->rows[plot->series[series]].point;
	bool is_first = true;

	for (unsigned int axis = 0; axis < SWEEP_AXES; axis++) {
		if (axis == plot->x ||
		    (plot->plan->counts[axis] < 2 && !plot->plan->is_given[axis]))
			continue;
		fprintf(plot->file, "%s%s ", is_first ? "" : ", ", sweep_axis_key(axis));
		put_text(sweep_plan_value(plot->plan, point, axis), plot->file);
		is_first = false;
	}
}

static void put_legend(const struct plot *plot, double y)
{
	for (unsigned int i = 0; i < plot->series_count; i++, y += LEGEND_LINE) {
		fprintf(plot->file,
			"<rect x=\"%d\" y=\"%.1f\" width=\"12\" height=\"12\" fill=\"%s\"/>\n"
			"<text x=\"%d\" y=\"%.1f\">",
			LEFT, y - 11, colours[i % RTE_DIM(colours)], LEFT + 20, y);
		put_series_name(plot, i);
		fprintf(plot->file, "</text>\n");
	}
}

static void put_head(const struct plot *plot, int height)
{
	const struct sweep_plan *plan = plot->plan;
	const char *slash = strrchr(plan->iotlb, '/');

	fprintf(plot->file,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		"viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
		"<text x=\"%d\" y=\"28\" font-size=\"18\">",
		WIDTH, height, WIDTH, height, LEFT);
	put_text(plan->title[0] != '\0' ? plan->title : plan->name, plot->file);
	fprintf(plot->file, "</text>\n<text x=\"%d\" y=\"48\" fill=\"#555\">", LEFT);
	fprintf(plot->file, "%s queues, counted by the software unit (source: exact), IOTLB ",
		plan->side == SWEEP_RX ? "receive" : "transmit");
	put_text(plan->iotlb[0] == '\0' ? "built in"
		 : slash != NULL	? slash + 1
					: plan->iotlb,
		 plot->file);
	fprintf(plot->file, "</text>\n");
}

int sweep_plot_svg(const struct sweep_plan *plan, const struct sweep_row *rows, unsigned int count,
		   FILE *file)
{
	struct plot plot = {.plan = plan, .rows = rows, .count = count, .file = file};
	int legend = TOP + 2 * (PANEL_HEIGHT + GAP);

	plot.x = choose_x(plan);
	find_series(&plot);
	put_head(&plot, legend + (int)plot.series_count * LEGEND_LINE + 10);
	for (unsigned int i = 0; i < RTE_DIM(panels); i++)
		put_panel(&plot, i);
	put_legend(&plot, legend);
	fprintf(file, "</svg>\n");
	return fflush(file) != 0 || ferror(file) ? -EIO : 0;
}
