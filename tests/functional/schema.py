# SPDX-License-Identifier: BSD-3-Clause
"""The keys of the report, as the design lays them down: no more, no less."""

NUMBER = (int, type(None))
HIST = {"count": NUMBER, "mean": NUMBER, "p50": NUMBER, "p99": NUMBER, "max": NUMBER}
MODEL = {"unit": str, "mode": str, "source": str, "profile": str, "accesses": int,
         "ring_accesses": int, "rings_known": bool, "working_set": NUMBER, "entries_needed": int,
         "predicted_misses": int, "share_ppm": int, "shared_curve": list, "beyond": int}
IOTLB = {"source": str, "lookups": NUMBER, "hits": NUMBER, "misses": NUMBER, "walk_reads": NUMBER,
         "faults": NUMBER, "pages_touched": NUMBER, "miss_ratio_curve": (list, type(None)),
         "model": (MODEL, None)}
DMA = {"policy": str, "batch": NUMBER, "timeout_us": NUMBER, "iova": (str, type(None)),
       "maps": NUMBER, "unmaps": NUMBER, "mapped_bytes": NUMBER, "unmapped_bytes": NUMBER,
       "invalidations": NUMBER, "waiting": NUMBER, "lost": NUMBER, "map_ns": HIST,
       "unmap_ns": HIST, "sync_ns": HIST, "window_ns": HIST}
QUEUE = {"queue": int, "packets": NUMBER, "bytes": NUMBER, "drops": NUMBER, "iotlb": IOTLB,
         "dma": (DMA, None)}
STATS = {key: int for key in ("rx_packets", "rx_bytes", "rx_missed", "rx_errors", "rx_nombuf",
                              "tx_packets", "tx_bytes", "tx_errors")}
PORT = {"id": int, "name": str, "driver": str, "domain": NUMBER, "numa": NUMBER, "stats": STATS,
        "rx_queues": [QUEUE], "tx_queues": [QUEUE]}
FAULT = {"device": str, "queue": NUMBER, "iova": str, "access": (str, type(None)), "reason": int,
         "text": str}
DOMAIN = {"id": int, "backend": str, "protection": str, "devices": [str], "mappings": int,
          "mapped_bytes": int,
          "page_sizes": {"4096": int, "2097152": int, "1073741824": int}, "entries_used": int,
          "entries_limit": NUMBER, "maps": int, "unmaps": int, "invalidations": int,
          "faults_source": str, "faults_total": NUMBER,
          "faults_by_reason": dict, "faults": [FAULT]}
IOVA = {key: int for key in ("free_bytes", "largest_free_bytes", "free_ranges",
                             "fragmentation_ppm")}
UNIT = {"name": str, "backend": str, "source": str, "mode": str, "profile": str, "entries": int,
        "method": str, "lanes": int, "accesses": int, "pages_touched": int, "working_set": NUMBER,
        "entries_needed": int, "predicted_misses": int, "curve": list}
REPLAY = {"port": int, "file": str, "packets": int, "bytes": int, "loops": int,
          "elapsed_ns": int, "requested_pps": NUMBER, "achieved_pps": NUMBER,
          "lateness_ns": (HIST, None)}
EVENT = {"count": int, "bytes": NUMBER, "per_second": NUMBER}
FAULT_LOG = {key: int for key in ("lines_left_out", "records_lost", "overflows", "unattributed")}
KERNEL = {"fault_log": (FAULT_LOG, None),
          "trace": ({"map": (EVENT, None), "unmap": (EVENT, None), "qi_submit": (EVENT, None)},
                    None)}
PMU_UNIT = {"pmu": str, "family": str, "source": str, "scope": str, "device": (str, type(None)),
            "ports": [int], "lookups": NUMBER, "hits": NUMBER, "misses": NUMBER, "events": dict,
            "is_scaled": bool}
PMU = {"available": bool, "reason": (str, type(None)), "units": [PMU_UNIT]}
REPORT = {"version": int, "duration_ns": int, "ports": [PORT], "domains": [DOMAIN],
          "iova": (IOVA, None), "units": [UNIT], "replay": [REPLAY],
          "kernel": (KERNEL, None), "pmu": PMU}


def check(value, shape=None, where="report"):
    """Fails unless value has exactly the keys and types of shape (None: the whole report)."""
    shape = REPORT if shape is None else shape
    if isinstance(shape, tuple) and isinstance(shape[0], dict):
        if value is None:
            return
        shape = shape[0]
    if isinstance(shape, dict):
        assert isinstance(value, dict), f"{where} is {value!r}"
        assert list(value) == list(shape), f"{where} has the keys {list(value)}"
        for key, inner in shape.items():
            check(value[key], inner, f"{where}.{key}")
    elif isinstance(shape, list):
        for number, inner in enumerate(value):
            check(inner, shape[0], f"{where}[{number}]")
    else:
        assert isinstance(value, shape), f"{where} is {value!r}"
        assert shape is bool or not isinstance(value, bool), f"{where} is {value!r}"
