# Models.


# Train all seeds of a cell. The fingerprint stands for everything that makes the models what they are.
rule train:
    input:
        card=data_file("card.json"),
    output:
        models=f"{CELL}/models.safetensors",
        history=f"{CELL}/history.csv",
        cell=f"{CELL}/cell.json",
    log:
        f"{CELL}/train.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        gpu=STUDY.gpus_per_job,
        runtime=1440,
    params:
        folder=subpath(output.models, parent=True),
        fingerprint=lambda wildcards: cell_of(wildcards).training_fingerprint,
    message:
        "Training {wildcards.variant} on {wildcards.dataset} at β = {wildcards.beta}"
    shell:
        "multibeta train {params.folder}"
        " --fingerprint {params.fingerprint}"
        " --measure"
        f"{TIME_LIMIT}"
        " > {log} 2>&1"
