# The pipeline lies in workflow/, where the workflow catalog looks for it.
include: "workflow/Snakefile"


workflow.default_target = "all"
