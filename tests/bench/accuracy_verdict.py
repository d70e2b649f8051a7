# SPDX-License-Identifier: BSD-3-Clause
"""What bench_accuracy found: errors, their means and worst, against the targets; as a table too."""
from statistics import mean

# Absolute errors of the miss ratio of all queues behind a unit, over all workloads and sizes.
FULL_MEAN = 0.005
FULL_WORST = 0.02
SAMPLED_MEAN = 0.015
MODES = ("full", "sampled")
NOTES = {
    "curve": "",
    "hard": "no target: the model takes traffic for even, and here it comes in phases, or the "
            "pages are as many\nas the entries or a few more\n",
    "lanes": "no target: two lcores, whose order is not exact\n",
}


def errors_of(pairs):
    return [abs(model - exact) for exact, model in pairs]


def of(errors):
    """Mean and worst, as text."""
    return f"mean {mean(errors):.4f}, worst {max(errors):.4f}" if errors else "none"


class Found:
    """The records of one run; each is a dict, `what` says of which kind."""

    def __init__(self, records):
        self.by_kind = {}
        for record in records:
            self.by_kind.setdefault(record["what"], []).append(record)
        self.units = {(unit["load"], unit["entries"]): unit for unit in self.all("unit")}

    def all(self, kind):
        return self.by_kind.get(kind, [])

    def errors(self, mode):
        return errors_of((curve["exact"], curve[mode]) for curve in self.all("curve"))

    @property
    def unequal(self):
        """Runs in which the unit missed more or less than an LRU list."""
        return [unit for unit in self.all("unit") if unit["unit"] != unit["lru"]]

    @property
    def targets(self):
        """[(what, value, limit)]: the value must not be above the limit."""
        if not self.all("curve"):
            return []
        return [("full, mean absolute error", mean(self.errors("full")), FULL_MEAN),
                ("full, worst", max(self.errors("full")), FULL_WORST),
                ("sampled, mean absolute error", mean(self.errors("sampled")), SAMPLED_MEAN),
                ("runs in which the unit is not LRU", len(self.unequal), 0)]

    @property
    def is_met(self):
        return bool(self.targets) and all(value <= limit for _, value, limit in self.targets)

    def json(self):
        return {"targets": [{"what": what, "value": value, "limit": limit, "met": value <= limit}
                            for what, value, limit in self.targets], **self.by_kind}

    # --- text ---------------------------------------------------------------------------------

    def unit_text(self, curve):
        unit = self.units.get((curve["load"], curve["entries"]))
        if unit is None:
            return "not compared: two lcores" if curve["what"] == "lanes" else "-"
        apart = unit["unit"] - unit["lru"]
        return f"{apart:+}" if apart else f"= {unit['lru']}"

    def print(self):
        width = max((len(skipped["load"]) for skipped in self.all("skipped")), default=8)
        width = max([width] + [len(curve["load"]) for curve in self.all("curve")])
        print(f"{'workload':{width}}  entries   exact   estimate error    full   error  sampled   error  unit")
        last = kind = None
        for curve in self.all("curve") + self.all("hard") + self.all("lanes"):
            if curve["what"] != kind:
                kind = curve["what"]
                print(NOTES[kind], end="")
            name = curve["load"] if curve["load"] != last else ""
            last = curve["load"]
            print(f"{name:{width}}  {curve['entries']:7}  {curve['exact']:.4f}   "
                  f"{curve['estimate']:.4f} {curve['estimate'] - curve['exact']:+.4f}  "
                  f"{curve['full']:.4f} {curve['full'] - curve['exact']:+.4f}   "
                  f"{curve['sampled']:.4f} {curve['sampled'] - curve['exact']:+.4f}  "
                  f"{self.unit_text(curve)}")
        for skipped in self.all("skipped"):
            print(f"{skipped['load']:{width}}  skipped: {skipped['why']}")
        self.print_profiles(width)
        self.print_queues(width)
        print()
        for what, value, limit in self.targets:
            print(f"{what:34} {value:.4f}  target <= {limit}  "
                  f"{'met' if value <= limit else 'MISSED'}")

    def print_profiles(self, width):
        """Misses with the profile that the unit itself had, which has sets."""
        print(f"\n{'generic-128, 8 ways':{width}}  mode     method  misses/lookup  predicted   "
              "error  accesses/lookup")
        errors = {mode: [] for mode in MODES}
        for profile in self.all("profile"):
            exact = profile["misses"] / profile["lookups"]
            predicted = profile["predicted"] / max(profile["accesses"], 1)
            errors[profile["mode"]].append(abs(predicted - exact))
            print(f"{profile['load']:{width}}  {profile['mode']:7}  {profile['method']:6}  "
                  f"{exact:13.4f}  {predicted:9.4f} {predicted - exact:+.4f}  "
                  f"{profile['accesses'] / profile['lookups']:15.4f}")
        for mode in MODES:
            print(f"{'all':{width}}  {mode:7}  {of(errors[mode])}")

    def print_queues(self, width):
        """Each queue: alone, in company, its share of the misses, the pages that it touched."""
        print(f"\n{'queues':{width}}  mode     miss ratio alone             "
              "in company                   share of misses              pages touched")
        loads = list(dict.fromkeys(queue["load"] for queue in self.all("queue")))
        for load in loads + [None]:
            for mode in MODES:
                queues = [queue for queue in self.all("queue")
                          if queue["mode"] == mode and load in (None, queue["load"])]
                self.print_queue_errors(f"{load or 'all':{width}}  {mode:7}", queues)

    @staticmethod
    def print_queue_errors(title, queues):
        cells = [of(errors_of(pair for queue in queues for pair in queue[what]))
                 for what in ("alone", "shared")]
        cells.append(of(errors_of(queue["share"] for queue in queues)))
        touched = sum(queue["touched"] for queue in queues)
        pages = sum(queue["pages"] for queue in queues)
        cells.append(f"{touched} of {pages}")
        print(f"{title}  " + "  ".join(f"{cell:27}" for cell in cells).rstrip())
