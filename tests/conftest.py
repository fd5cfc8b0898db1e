"""Tests train tiny models, which one thread does faster than several."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
