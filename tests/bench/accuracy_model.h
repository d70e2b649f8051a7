/* SPDX-License-Identifier: BSD-3-Clause */
/* A tracker on the queues of a rig, as ioplane puts one on its ports. */
#pragma once

#include "accuracy_rig.h"
#include "tracker.h"

/* What a control takes from the model, which must then be wrong. */
enum accuracy_blindness {
	ACCURACY_SEES_ALL,
	ACCURACY_SEES_HALF,	   /* of the queues */
	ACCURACY_SEES_SMALL_PAGES, /* takes all pages for 4 KiB */
};

struct accuracy_model_config {
	unsigned int number; /* below ACCURACY_MODELS: which of the streams' probes */
	enum tracker_mode mode;
	enum accuracy_blindness blindness;
	const struct iotlb_geometry *profile;
};

/** Watches all queues behind the rig's unit; ends the program where that fails. */
struct tracker *accuracy_model_create(struct accuracy_rig *rig,
				      const struct accuracy_model_config *config);
