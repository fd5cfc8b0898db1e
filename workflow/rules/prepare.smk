# Datasets: images, factors and card, and the features they are compared in.


# Get or render a dataset, verify it and write it as arrays.
rule prepare:
    output:
        card="results/.data/{data}/card.json",
    log:
        "results/.data/{data}/prepare.log",
    conda:
        "../../environment.yml"
    params:
        folder=subpath(output.card, parent=True),
    message:
        "Preparing dataset {wildcards.data}"
    shell:
        "multibeta prepare {params.folder} > {log} 2>&1"


# Learn the network in whose features fd_domain is measured.
rule learn_features:
    input:
        card=rules.prepare.output.card,
    output:
        features="results/.data/{data}/features.safetensors",
    log:
        "results/.data/{data}/features.log",
    priority: 1
    conda:
        "../../environment.yml"
    params:
        folder=subpath(output.features, parent=True),
    message:
        "Learning the features of dataset {wildcards.data}"
    shell:
        "multibeta features {params.folder} > {log} 2>&1"
