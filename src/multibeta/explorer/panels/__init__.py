"""What the page shows, a file each. Streamlit is imported here, to serve the page, and nowhere else."""
