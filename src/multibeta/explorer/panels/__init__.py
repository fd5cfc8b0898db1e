"""What the page shows, a file each. Streamlit is imported here, in ``app.py`` and nowhere else."""
