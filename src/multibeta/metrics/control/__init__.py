"""Metrics of what the latents do to the decoded images."""
