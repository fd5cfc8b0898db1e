"""The report: tables in, text out. It reads no file and knows no model; `multibeta.stages.report` feeds it."""
