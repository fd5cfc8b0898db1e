"""What several stages share: specs on disk, the material of metrics, provenance, names and files of figures."""
