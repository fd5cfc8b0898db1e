"""A page to look through the results of a study: what it computes lies here, what it shows in panels/ and web/.

Only the panels import Streamlit, which nothing else needs.
"""
