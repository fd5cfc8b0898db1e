"""What Streamlit runs at every visit and change: ``streamlit run app.py -- results/<study> [plug-in files]``."""

import sys
from pathlib import Path

from multibeta.explorer.panels.page import show

show(Path(sys.argv[1]), frozenset(Path(plugin) for plugin in sys.argv[2:]))
