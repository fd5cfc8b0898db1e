# The report of the whole study.


# Gather all cells into tables, trade-off figures and the two pages.
rule report_study:
    input:
        cells=files_of_cells("cell.json"),
        metrics=files_of_cells("metrics.csv"),
        references=[
            f"results/{STUDY.name}/references/{dataset}.json"
            for dataset in STUDY.options.datasets
            if any(cell.dataset.name == dataset for cell in STUDY.cells)
        ],
    output:
        page=report(
            f"results/{STUDY.name}/report.html",
            caption="../report/page.rst",
            category="Report",
        ),
        markdown=f"results/{STUDY.name}/report.md",
        metrics=f"results/{STUDY.name}/metrics.csv",
        runs=f"results/{STUDY.name}/runs.csv",
        summary=report(
            f"results/{STUDY.name}/summary.csv",
            caption="../report/summary.rst",
            category="Report",
        ),
        comparisons=f"results/{STUDY.name}/comparisons.csv",
        rate=f"results/{STUDY.name}/rate.csv",
        references=f"results/{STUDY.name}/references.bib",
        recommended=f"results/{STUDY.name}/recommended.csv",
        pareto=f"results/{STUDY.name}/pareto.csv",
        provenance=f"results/{STUDY.name}/provenance.json",
        numbers=f"results/{STUDY.name}/numbers.tex",
        tables=directory(f"results/{STUDY.name}/tables"),
        figures=report(
            directory(f"results/{STUDY.name}/figures"),
            patterns=["{figure}.svg"],
            caption="../report/figure.rst",
            category="Trade-offs",
            labels={"figure": "{figure}"},
        ),
    log:
        f"results/{STUDY.name}/report.log",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        folder=subpath(output.page, parent=True),
        fingerprint=STUDY.report_fingerprint,
    message:
        f"Writing the report of study {STUDY.name}"
    shell:
        "multibeta report {params.folder} --fingerprint {params.fingerprint}"
        " > {log} 2>&1"
