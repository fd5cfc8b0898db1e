# Codes, measures and figures of a trained cell; and what codes without a model score.


# Measure perfect, rotated and random codes of a dataset as its cells are measured: what scores are read against.
rule measure_references:
    input:
        features=features_of_dataset,
    output:
        scores="results/{study}/references/{dataset}.json",
    log:
        "results/{study}/references/{dataset}.log",
    conda:
        "../../environment.yml"
    threads: 1
    params:
        folder=subpath(output.scores, ancestor=2),
        fingerprint=references_fingerprint,
    message:
        "Measuring ceilings and floors of {wildcards.dataset}"
    shell:
        "multibeta references {params.folder} {wildcards.dataset} > {log} 2>&1"


# Encode, evaluate and draw in one process, which saves starting it three times.
rule measure:
    input:
        cell=rules.train.output.cell,
        models=rules.train.output.models,
        features=data_file("features.safetensors"),
    output:
        codes=f"{CELL}/codes.npz",
        metrics=f"{CELL}/metrics.csv",
        repeats=f"{CELL}/repeats.csv",
        arrays=f"{CELL}/arrays.npz",
        costs=f"{CELL}/costs.json",
        figures=report(
            directory(f"{CELL}/figures"),
            patterns=["{figure}.png"],
            caption="../report/cell.rst",
            category="{dataset}",
            subcategory="{variant}",
            labels={"β": "{beta}", "figure": "{figure}"},
        ),
    log:
        f"{CELL}/measure.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        gpu=STUDY.gpus_per_job,
    params:
        folder=subpath(output.codes, parent=True),
        fingerprint=lambda wildcards: cell_of(wildcards).evaluation_fingerprint,
    message:
        "Measuring {wildcards.variant} on {wildcards.dataset} at β = {wildcards.beta}"
    shell:
        "multibeta measure {params.folder} --fingerprint {params.fingerprint}"
        " > {log} 2>&1"
