"""Figures: pure functions of arrays and tables that return a matplotlib Figure; one file per family of figures."""
